"""Turns a recording's own presentation times into instants that can be relied on."""

from __future__ import annotations

from edge_fer.clock.system import Clock
from edge_fer.types import Instant

__all__ = ["PresentationClock"]

#: Containers without times come out of FFmpeg as ones far out here, where floating point is too coarse to tell frames
#: apart; times since 1970 stay within, to the microsecond.
FARTHEST = 1e10
#: Seconds between two frames that are believed of any container.
LONGEST_GAP = 3600.0
#: A frame out of order by less than this, in seconds, does not move the times of those that follow.
SLACK = 1.0
#: Times lie on a grid of a microsecond's size that floating point adds and subtracts exactly, so that the difference
#: of two instants, and with it every reading and alert, is the same to the last bit whenever the recording is played.
GRID = 2.0**20


def on_grid(seconds: float) -> float:
    """The nearest multiple of 2**-20 s."""
    return round(seconds * GRID) / GRID


def believable(own: float) -> bool:
    """Whether it can be a presentation time at all; not a number is none."""
    return -FARTHEST < own < FARTHEST


class PresentationClock:
    """The instants of one run: the clock at the first frame, plus presentation times made strictly increasing.

    Where a container's times stand still, run backwards, jump or are not numbers, the frame rate takes their place.

    Args:
        clock: read once, at the first frame.
        period: seconds between two frames where their own times do not say.
        longest_gap: seconds; a longer gap between two frames is taken for a jump of the container's clock. An hour is
            always believed.
    """

    def __init__(self, clock: Clock, *, period: float, longest_gap: float | None = None) -> None:
        self._clock = clock
        self._longest_gap = max(LONGEST_GAP, longest_gap or 0.0)
        self._period = period
        self._start: Instant | None = None
        self._last = 0.0
        self._shift: float | None = None

    def at(self, own: float) -> Instant:
        """The instant of the next frame, whose own presentation time is `own` seconds."""
        if self._start is None:
            now = self._clock()
            self._start = Instant(on_grid(now.mono), now.utc, now.synced)
            passed = 0.0
        else:
            passed = self._passed(own)
        if self._shift is None and believable(own):
            self._shift = passed - own
        self._last = on_grid(passed)
        return self._start.later(self._last)

    def again(self) -> None:
        """The recording starts over; its times go on from where they are."""
        self._shift = None

    def _passed(self, own: float) -> float:
        if self._shift is None or not believable(own):
            return self._last + self._period
        passed = own + self._shift
        if self._last < on_grid(passed) <= self._last + self._longest_gap:
            return passed
        if abs(passed - self._last) > SLACK:
            self._shift = None  # the container's clock was set anew; follow it from here
        return self._last + self._period
