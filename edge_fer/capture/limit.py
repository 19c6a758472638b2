"""Takes fewer frames a second than a camera sends."""

from __future__ import annotations

__all__ = ["FrameLimit"]

#: How early a frame may come, in shares of the time between two.
SLACK = 0.25


class FrameLimit:
    """Says which frames to take so that they are at most `fps` a second on average, evenly spread.

    Args:
        fps: frames a second; None takes all.
    """

    def __init__(self, fps: float | None) -> None:
        self._period = 1 / fps if fps else 0.0
        self._due = -float("inf")

    def take(self, mono: float) -> bool:
        """Whether to take the frame captured at `mono` seconds."""
        # a little early is in time, or the jitter of a camera that sends just as many as wanted would cost frames
        if mono < self._due - SLACK * self._period:
            return False
        # counted from when it was due, not from when it came: else 25 frames a second would yield 8.3 for 10
        self._due += self._period
        if self._due <= mono:
            self._due = mono + self._period
        return True
