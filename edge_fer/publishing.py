"""Hands what a camera's pipeline tells to the link with the broker, each on its topic."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from edge_fer.contract.composer import Composer
from edge_fer.contract.messages import OFFLINE, ONLINE, Message, MessageKind
from edge_fer.contract.topics import Topics
from edge_fer.mqtt.status import LinkStatus
from edge_fer.pipeline.step import Told
from edge_fer.types import Instant, Standing

__all__ = ["Link", "Publisher", "Unlinked"]


class Link(Protocol):
    """What takes messages and never keeps its caller waiting."""

    def post(self, topic: str, kind: MessageKind, payload: Message, at: Instant, /) -> None:
        """Takes a message that must arrive, by the outbox."""

    def retain(self, topic: str, payload: Message | str, at: Instant, /) -> None:
        """Takes the newest value of a retained topic."""

    def reply(self, topic: str, payload: Message, /) -> None:
        """Takes an answer to somebody who asked just now."""

    def clear(self, topic: str, /) -> None:
        """Takes it that a retained topic has no value any more."""


class Unlinked:
    """In place of a link, where nothing is to be published."""

    def post(self, topic: str, kind: MessageKind, payload: Message, at: Instant, /) -> None:
        """Drops it."""

    def retain(self, topic: str, payload: Message | str, at: Instant, /) -> None:
        """Drops it."""

    def reply(self, topic: str, payload: Message, /) -> None:
        """Drops it."""

    def clear(self, topic: str, /) -> None:
        """Nothing is there."""

    def status(self) -> LinkStatus:
        """Not connected."""
        return LinkStatus()

    def start(self) -> None:
        """Nothing to begin."""

    def moving(self, within: float, /) -> bool:  # noqa: ARG002 - as a link is asked
        """Nothing can hang."""
        return True

    def close(self, timeout: float, /, *, last: bool) -> None:
        """Nothing to end."""


class Publisher:
    """One node's voice. May be used by all cameras' threads at once.

    Args:
        link: takes the messages.
        topics: of the node.
        composer: of the node's messages.
        events: whether anything but summaries is published about people.
    """

    def __init__(self, link: Link, topics: Topics, composer: Composer, *, events: bool = True) -> None:
        self._link = link
        self._topics = topics
        self._composer = composer
        self._events = events
        self._standings: dict[tuple[str, str], Standing] = {}

    @property
    def standings(self) -> dict[tuple[str, str], Standing]:
        """How the alert rules stand that are published, by camera and rule."""
        return dict(self._standings)

    def begin(self, camera: str, rules: Iterable[str], at: Instant) -> None:
        """Publishes how a camera stands before its first frame: not there yet, and without alerts."""
        self.online(camera, False, at)
        for rule in rules if self._events else ():
            self._stand(camera, rule, Standing(), at)

    def tell(self, camera: str, told: Told) -> None:
        """Publishes what one step of a camera's pipeline tells; alerts first."""
        topics, compose = self._topics, self._composer
        for summary in told.summaries:
            self._link.post(topics.summary(camera), MessageKind.SUMMARY, compose.summary(summary), summary.at)
        if not self._events:
            return
        for change in told.changes:
            self._link.post(topics.alert_event(camera), MessageKind.ALERT_EVENT, compose.alert_event(change), change.at)
        for rule, standing in told.alerts.items():
            self._stand(camera, rule, standing, told.at)
        for event in told.events:
            self._link.post(topics.event(camera), MessageKind.EVENT, compose.event(event), event.at)
        if told.scene:
            self._link.retain(topics.state(camera), compose.state(told.scene), told.at)

    def _stand(self, camera: str, rule: str, standing: Standing | None, at: Instant) -> None:
        """How a rule stands; None where it is gone."""
        topic = self._topics.alert(camera, rule)
        if standing is None:
            self._standings.pop((camera, rule), None)
            self._link.clear(topic)
        else:
            self._standings[camera, rule] = standing
            self._link.retain(topic, self._composer.alert_status(camera, rule, standing, at), at)

    def online(self, camera: str, online: bool, at: Instant) -> None:  # noqa: FBT001 - handed on as it comes
        """Publishes whether a camera delivers frames."""
        self._link.retain(self._topics.camera_availability(camera), ONLINE if online else OFFLINE, at)

    def info(self, message: Message, at: Instant) -> None:
        """Publishes what the node is."""
        self._link.retain(self._topics.info, message, at)

    def health(self, message: Message, at: Instant) -> None:
        """Publishes how the node is doing."""
        self._link.retain(self._topics.health, message, at)
