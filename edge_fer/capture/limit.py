"""Takes fewer frames a second than a camera sends."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["FrameLimit", "whole"]

#: How early a frame may come, in shares of the time between two.
SLACK = 0.25


def whole() -> float:
    """All of it."""
    return 1.0


class FrameLimit:
    """Says which frames to take so that they are at most `fps` a second on average, evenly spread.

    Args:
        fps: frames a second; None takes all.
        share: gives the share of them, above 0 to 1, that is wanted at present.
    """

    def __init__(self, fps: float | None, share: Callable[[], float] = whole) -> None:
        self._least_period = 1 / fps if fps else 0.0
        self._share = share
        self._due = -float("inf")

    def take(self, mono: float) -> bool:
        """Whether to take the frame captured at `mono` seconds."""
        period = self._least_period / self._share()
        # a little early is in time, or the jitter of a camera that sends just as many as wanted would cost frames
        if mono < self._due - SLACK * period:
            return False
        # counted from when it was due, not from when it came: else 25 frames a second would yield 8.3 for 10
        self._due += period
        if self._due <= mono:
            self._due = mono + period
        return True
