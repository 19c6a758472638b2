"""When Home Assistant is told of this node, and what it was ever told. Pure: time and chance are passed in."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from typing import Any

from edge_fer.homeassistant.discovery import discovery_payload
from edge_fer.homeassistant.entities import Announced, components_of
from edge_fer.mqtt.inbound import Subscription

__all__ = ["Announcer"]

#: Seconds within which a node answers Home Assistant's birth message, so that a fleet does not do so as one.
_SPREAD = 10.0
#: Components that are remembered at most, so that the message cannot grow without end.
_MOST = 1000


class Announcer:
    """Announces a node: at the start, whenever Home Assistant starts, and with what is no longer there.

    Args:
        node: what there is.
        status_topic: where Home Assistant says `online` when it starts.
        publish: keeps the retained message at this text; called from the threads that call `announce` and `look`.
        now: monotonic seconds; called from the link's thread.
        chance: a random number of 0 to 1.
    """

    def __init__(
        self,
        node: Announced,
        *,
        status_topic: str,
        publish: Callable[[str], None],
        now: Callable[[], float],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._node = node
        self._status_topic = status_topic
        self._publish = publish
        self._now = now
        self._chance = chance
        self._announced: dict[str, str] = {}
        self._due: float | None = None

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """What to subscribe to."""
        return (Subscription(self._status_topic),)

    def take(self, topic: str, payload: bytes, *, retained: bool) -> None:
        """Takes Home Assistant's birth message; one that was kept says nothing of when."""
        if topic == self._status_topic and payload == b"online" and not retained:
            self._due = self._now() + _SPREAD * self._chance()

    def look(self, mono: float) -> None:
        """To be called regularly: announces the node once it is time to answer a birth message."""
        if self._due is not None and mono >= self._due:
            self._due = None
            self.announce()

    def change(self, node: Announced) -> None:
        """Announces the node as it is from now on."""
        self._node = node
        self.announce()

    def announce(self) -> None:
        """Announces the node now."""
        payload = discovery_payload(self._node, announced=self._announced)
        there = {key: component["platform"] for key, component in components_of(self._node).items()}
        # what is there comes last, and so is the last to be forgotten
        gone = {key: platform for key, platform in self._announced.items() if key not in there}
        self._announced = dict([*gone.items(), *there.items()][-_MOST:])
        self._publish(json.dumps(payload, ensure_ascii=False, separators=(",", ":")))

    def snapshot(self) -> dict[str, str]:
        """What was ever announced, as JSON can hold it."""
        return dict(self._announced)

    def restore(self, kept: Any) -> None:
        """Takes over what an earlier run had announced.

        Raises:
            ValueError: it is not of that form.
        """
        if not isinstance(kept, Mapping) or not all(isinstance(platform, str) for platform in kept.values()):
            msg = "no platforms by component"
            raise ValueError(msg)
        self._announced = dict(kept)
