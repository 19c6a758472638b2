"""Which part of a recording is looked at, and how many of its frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from edge_fer.types import Frame

__all__ = ["Cut"]


@dataclass(frozen=True, slots=True)
class Cut:
    """A part of a recording. All times in seconds of the recording, from its first frame.

    Attributes:
        begin: earlier frames are left out.
        end: at this time and after, they are too.
        every: one frame is looked at in so much time, the first of it; 0 for all of them.
    """

    begin: float = 0.0
    end: float = float("inf")
    every: float = 0.0

    def frames(self, source: Iterable[Frame]) -> Iterator[tuple[float, Frame | None]]:
        """Each frame with its time in the recording, or None in the place of one that is left out."""
        first: float | None = None
        due = self.begin
        for frame in source:
            first = frame.at.mono if first is None else first
            seconds = frame.at.mono - first
            if seconds >= self.end:
                return
            if seconds < due:
                yield seconds, None
                continue
            # the next one on the grid of `every`, so that a frame that comes late does not move those after it
            steps = int((seconds - self.begin) / self.every) + 1 if self.every else 0
            due = self.begin + steps * self.every
            yield seconds, frame
            del frame
