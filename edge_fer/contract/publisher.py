"""What takes messages for the broker, and what stands in its place where nothing is published."""

from __future__ import annotations

from typing import Protocol

from edge_fer.contract.link_status import LinkStatus
from edge_fer.contract.messages import Message, MessageKind
from edge_fer.types import Instant

__all__ = ["PublisherPort", "Unlinked"]


class PublisherPort(Protocol):
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

    def redial(self) -> None:
        """Nothing is connected."""

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
