"""Answers on their way to the broker: for whoever asked just now, so neither kept on disk nor retained."""

from __future__ import annotations

from collections import deque
from threading import Lock

from edge_fer.contract.messages import Message

__all__ = ["Replies"]


class Replies:
    """A bounded queue in memory. Any thread may put in, one takes out; when full, the oldest is given up.

    Args:
        size: answers that it holds.

    Attributes:
        dropped: how many were given up.
    """

    def __init__(self, *, size: int = 64) -> None:
        self.dropped = 0
        self._waiting: deque[tuple[str, str]] = deque(maxlen=size)
        self._lock = Lock()

    def put(self, topic: str, message: Message) -> None:
        """Adds an answer."""
        with self._lock:
            self.dropped += len(self._waiting) == self._waiting.maxlen
            self._waiting.append((topic, message.model_dump_json()))

    def take(self) -> tuple[str, str] | None:
        """The next one, its topic and payload; None where there is none."""
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    def clear(self) -> None:
        """The session in which they were asked for is over."""
        with self._lock:
            self.dropped += len(self._waiting)
            self._waiting.clear()

    def __len__(self) -> int:
        return len(self._waiting)
