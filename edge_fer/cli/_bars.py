"""Bars and sparklines of block characters."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["bar", "spark"]

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEVELS = "▁▂▃▄▅▆▇█"


def bar(value: float, most: float, width: int) -> str:
    """A bar that is `width` signs long at the most."""
    if most <= 0 or value <= 0:
        return ""
    eighths = max(1, round(min(1.0, value / most) * width * 8))
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def spark(values: Sequence[float | None]) -> str:
    """A sign for each value, as high as it is; a dot where there is none."""
    most = max((value for value in values if value is not None), default=0.0)
    return "".join(
        "·" if value is None else _LEVELS[round(value / most * (len(_LEVELS) - 1))] if most > 0 else _LEVELS[0]
        for value in values
    )
