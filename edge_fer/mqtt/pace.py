"""How fast a backlog is sent. Pure: time is passed in."""

from __future__ import annotations

from math import inf

__all__ = ["Pace"]


class Pace:
    """A token bucket: so many messages a second, and after a rest a second's worth at once.

    Args:
        rate: messages a second; None: as fast as the broker takes them.
    """

    def __init__(self, rate: float | None = None) -> None:
        self._rate = inf if rate is None else rate
        self._most = max(1.0, self._rate)
        self._saved = self._most
        self._at: float | None = None

    def allowed(self, now: float, most: int) -> int:
        """How many messages may be sent now, but at most `most`; `now` is in seconds on a clock that never jumps."""
        if self._at is not None and self._rate < inf:
            self._saved = min(self._most, self._saved + (now - self._at) * self._rate)
        self._at = now
        return int(min(self._saved, most))

    def spend(self, count: int) -> None:
        """So many were sent."""
        self._saved -= count

    @property
    def wait(self) -> float:
        """Seconds from the last question until one more may be sent."""
        return max(0.0, 1.0 - self._saved) / self._rate
