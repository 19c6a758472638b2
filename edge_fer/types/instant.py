"""When something was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

__all__ = ["Instant"]


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment, made once where a frame is captured and passed along.

    Attributes:
        mono: seconds on a clock that never jumps; for durations.
        utc: the wall clock, timezone-aware UTC; for messages and schedules.
        synced: whether the wall clock was known to be right.
    """

    mono: float
    utc: datetime
    synced: bool = True

    def __post_init__(self) -> None:
        if self.utc.tzinfo is not UTC:
            msg = f"utc must be in datetime.UTC, not {self.utc!r}"
            raise ValueError(msg)

    def later(self, seconds: float) -> Instant:
        """The instant `seconds` (may be negative) from this one."""
        return Instant(self.mono + seconds, self.utc + timedelta(seconds=seconds), self.synced)
