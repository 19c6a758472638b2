"""A progress bar with the time left, for somebody who waits at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from shutil import get_terminal_size
from time import perf_counter
from typing import TextIO

from edge_fer.report.words import clock_time

__all__ = ["Progress"]

#: Seconds between two drawings.
EVERY = 0.2
#: The bar's width at most, in letters.
WIDEST = 30
#: The time left is not told before so much of the work is done that it can be judged.
JUDGED = 0.02


class Progress:
    """Draws how far something is, over and over in one line; silent where nobody looks.

    Args:
        whole: how much there is to do; None where that is not known.
        out: where to; a terminal, or nothing is drawn.
        clock: seconds that never jump.
    """

    def __init__(
        self, whole: float | None, *, out: TextIO = sys.stderr, clock: Callable[[], float] = perf_counter
    ) -> None:
        self._whole = whole
        self._out = out
        self._clock = clock
        self._shown = out.isatty()
        self._began = clock()
        self._drawn = float("-inf")

    def __call__(self, done: float) -> None:
        """So much is done."""
        if self._shown and (now := self._clock()) - self._drawn >= EVERY:
            self._drawn = now
            room = get_terminal_size().columns - 1
            self._out.write("\r" + self._line(done, now - self._began)[:room].ljust(room))
            self._out.flush()

    def close(self) -> None:
        """Clears the line."""
        if self._shown:
            self._out.write("\r" + " " * (get_terminal_size().columns - 1) + "\r")
            self._out.flush()

    def _line(self, done: float, spent: float) -> str:
        if not self._whole:
            return f"{clock_time(done)} looked at, in {clock_time(spent)}"
        share = min(1.0, max(0.0, done / self._whole))
        bar = ("#" * round(share * WIDEST)).ljust(WIDEST, ".")
        left = f", {clock_time(spent / share * (1 - share))} left" if share >= JUDGED else ""
        return f"[{bar}] {share:4.0%}  {clock_time(done)} of {clock_time(self._whole)}{left}"
