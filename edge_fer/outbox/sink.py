"""What the outbox knows of the sink whose messages it keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["OutboxSink"]


@dataclass(frozen=True, slots=True)
class OutboxSink:
    """The sink whose messages wait in an outbox.

    Attributes:
        name: as in the registry of sinks; each topic in the file carries it, and so does each message by its topic.
        is_topic: whether the sink can send to something of this name; one that it cannot send to is damaged.
    """

    name: str
    is_topic: Callable[[str], bool]

    def has(self, value: object) -> bool:
        """Whether a value out of the file is the name of a topic of this sink."""
        return isinstance(value, str) and self.is_topic(value)
