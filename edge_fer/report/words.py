"""How the report writes times, shares and lists."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["clock_time", "listed", "percent", "seconds_long"]


def clock_time(seconds: float) -> str:
    """A time in a recording, such as 0:09 or 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def seconds_long(seconds: float) -> str:
    """A duration: seconds while they say something, then as a time."""
    return f"{seconds:.1f} s" if seconds < 60 else clock_time(seconds)


def percent(share: float) -> str:
    """A share, 0 to 1, such as 12 %."""
    return f"{share * 100:.0f} %"


def listed(words: Sequence[str]) -> str:
    """Such as `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
