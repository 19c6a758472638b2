"""What is subscribed to, and who takes what comes."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Inbound", "Listener"]


class Listener(Protocol):
    """Somebody who wants messages of other devices. What it is handed may be anything, and nothing of it may raise."""

    @property
    def topics(self) -> tuple[str, ...]:
        """What to subscribe to; the same for as long as the link lives."""

    def take(self, topic: str, payload: bytes, *, retained: bool) -> None:
        """Takes a message, from the link's thread; leaves alone what it has not asked for."""


class Inbound:
    """Several listeners as one: each message is handed to all of them.

    Args:
        listeners: in the order in which they are handed messages.
    """

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = listeners

    @property
    def topics(self) -> tuple[str, ...]:
        """What any of them wants, each topic once."""
        return tuple(dict.fromkeys(topic for listener in self._listeners for topic in listener.topics))

    def take(self, topic: str, payload: bytes, *, retained: bool) -> None:
        """Hands a message to each."""
        for listener in self._listeners:
            listener.take(topic, payload, retained=retained)
