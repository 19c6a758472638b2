"""How long to wait before trying again."""

from __future__ import annotations

import random
from collections.abc import Callable

__all__ = ["Backoff"]


class Backoff:
    """Waits that double from `first` to `limit` seconds, with jitter, so that what fails together recovers apart.

    Args:
        first: the shortest wait.
        limit: the longest.
        spread: picks a number between two; tests pass one of their own.
    """

    def __init__(
        self, *, first: float = 1.0, limit: float = 30.0, spread: Callable[[float, float], float] = random.uniform
    ) -> None:
        self.first = first
        self.limit = limit
        self._spread = spread
        self._next = first

    def wait(self) -> float:
        """Seconds to wait now: between half and all of what doubling has come to, and never less than `first`."""
        longest = self._next
        self._next = min(2 * longest, self.limit)
        return self._spread(max(self.first, longest / 2), longest)

    def reset(self) -> None:
        """It works again; the next wait is the shortest."""
        self._next = self.first
