"""A pause: somebody said that a camera is not to be looked at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from edge_fer.types.instant import Instant

__all__ = ["Pause"]


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause of one camera.

    Attributes:
        until: when it ends by itself, in UTC; None: only when somebody ends it.
        reason: why, in the words of whoever asked for it; empty: they did not say.
        until_mono: the same on the clock that never jumps; None: it was asked for before this service started.
    """

    until: datetime | None = None
    reason: str = ""
    until_mono: float | None = None

    def is_over(self, now: Instant) -> bool:
        """Whether it has ended. A wall clock that is put right does not shorten a pause that was asked for before."""
        if self.until_mono is not None:
            return now.mono >= self.until_mono
        return self.until is not None and now.utc >= self.until
