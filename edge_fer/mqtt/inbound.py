"""What is subscribed to, and who takes what comes."""

from __future__ import annotations

from typing import NamedTuple, Protocol

__all__ = ["Inbound", "ListenerPort", "Subscription"]


class Subscription(NamedTuple):
    """Something to subscribe to.

    Attributes:
        topic: what about; may have wildcards.
        qos: at most so much.
        tell_retained: whether what comes while we listen is marked as well where it was published as retained; a
            broker of MQTT 3.1.1 cannot do that.
    """

    topic: str
    qos: int = 0
    tell_retained: bool = False


class ListenerPort(Protocol):
    """Somebody who wants messages of other devices. What it is handed may be anything, and nothing of it may raise."""

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """What to subscribe to; the same for as long as the link lives."""

    def take(self, topic: str, payload: bytes, *, retained: bool) -> None:
        """Takes a message, from the link's thread; leaves alone what it has not asked for."""


class Inbound:
    """Several listeners as one: each message is handed to all of them.

    Args:
        listeners: in the order in which they are handed messages; those that are there.
    """

    def __init__(self, *listeners: ListenerPort | None) -> None:
        self._listeners = [listener for listener in listeners if listener is not None]

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """What any of them wants, each topic once."""
        wanted = [one for listener in self._listeners for one in listener.subscriptions]
        return tuple({one.topic: one for one in wanted}.values())

    def take(self, topic: str, payload: bytes, *, retained: bool) -> None:
        """Hands a message to each."""
        for listener in self._listeners:
            listener.take(topic, payload, retained=retained)
