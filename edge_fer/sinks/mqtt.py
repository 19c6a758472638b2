"""The sink that publishes over MQTT: hands each thing to the link with the broker, on its topic."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from edge_fer.contract.composer import Composer
from edge_fer.contract.messages import OFFLINE, ONLINE, MessageKind
from edge_fer.contract.publisher import PublisherPort
from edge_fer.contract.topics import Topics
from edge_fer.pipeline.step import Told
from edge_fer.sinks.base import BaseSink
from edge_fer.types import Instant, Standing

__all__ = ["MqttSink"]


class MqttSink(BaseSink):
    """One node's voice. The link is opened and closed by the service: answers and `health` go over it, too.

    Args:
        link: takes the messages.
        topics: of the node.
        composer: of the node's messages.
        windows: lengths of the windows that are published, in seconds; None for all.
    """

    def __init__(
        self, link: PublisherPort, topics: Topics, composer: Composer, *, windows: Collection[int] | None = None
    ) -> None:
        self._link = link
        self._topics = topics
        self._composer = composer
        self._windows = windows

    def begin(self, camera: str, rules: Iterable[str], at: Instant) -> None:
        """Publishes that the camera is not there yet, and has no alerts."""
        self.online(camera, False, at)
        for rule in rules:
            self._stand(camera, rule, Standing(), at)

    def tell(self, camera: str, told: Told) -> None:
        """Publishes it; by way of the outbox where it must arrive."""
        topics, compose = self._topics, self._composer
        for summary in told.summaries:
            # others are for the history alone
            if self._windows is not None and summary.length not in self._windows:
                continue
            self._link.post(topics.summary(camera), MessageKind.SUMMARY, compose.summary(summary), summary.at)
        for change in told.changes:
            self._link.post(topics.alert_event(camera), MessageKind.ALERT_EVENT, compose.alert_event(change), change.at)
        for rule, standing in told.alerts.items():
            self._stand(camera, rule, standing, told.at)
        for event in told.events:
            self._link.post(topics.event(camera), MessageKind.EVENT, compose.event(event), event.at)
        if told.scene:
            self._link.retain(topics.state(camera), compose.state(told.scene), told.at)

    def online(self, camera: str, online: bool, at: Instant) -> None:  # noqa: FBT001 - as a sink is told
        """Publishes whether a camera delivers frames."""
        self._link.retain(self._topics.camera_availability(camera), ONLINE if online else OFFLINE, at)

    def _stand(self, camera: str, rule: str, standing: Standing | None, at: Instant) -> None:
        """How a rule stands; None where it is gone."""
        topic = self._topics.alert(camera, rule)
        if standing is None:
            self._link.clear(topic)
        else:
            self._link.retain(topic, self._composer.alert_status(camera, rule, standing, at), at)
