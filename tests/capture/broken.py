"""A source that breaks in every way that real ones do, in the order it is told to."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from edge_fer.clock.system import Clock
from edge_fer.types import Frame, Image

__all__ = ["BrokenSource", "Deliver", "Fail", "Garble", "Stall", "Step"]


@dataclass(frozen=True, slots=True)
class Deliver:
    """Frames arrive.

    Attributes:
        count: how many.
        size: width and height in pixels.
        black: as with the lens covered.
        every: seconds between them.
        late: seconds from a frame's capture until it arrives.
    """

    count: int = 1
    size: tuple[int, int] = (64, 48)
    black: bool = False
    every: float = 0.0
    late: float = 0.0


@dataclass(frozen=True, slots=True)
class Fail:
    """The driver raises: as the first step, on opening; later, as a camera that vanishes, or has a fault of its own."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Stall:
    """Nothing arrives, and nothing is said.

    Attributes:
        seconds: for how long; None until `BrokenSource.release`.
    """

    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Garble:
    """A picture of a wrong shape arrives, as from a driver that does not know its own format."""

    shape: tuple[int, ...] = (48, 64)


Step: TypeAlias = Deliver | Fail | Stall | Garble


class BrokenSource:
    """A camera that follows a script.

        BrokenSource("front", [
            [Fail(SourceLostError("not there"))],       # what happens the first time it is opened,
            [Deliver(5), Stall()],                      # the second time,
            [Deliver(100)],                             # and every time after
        ], clock=clock)

    Args:
        camera: the name to give its frames.
        script: the steps of each opening; the last opening's are repeated.
        clock: read at each frame.
        live: whether to pass for a camera; else for a recording, which may end.

    Attributes:
        opened: how often it was opened.
        closed: how often it let go of its device again.
    """

    def __init__(self, camera: str, script: Sequence[Sequence[Step]], *, clock: Clock, live: bool = True) -> None:
        self.live = live
        self.opened = 0
        self.closed = 0
        self._camera = camera
        self._script = script
        self._clock = clock
        self._released = threading.Event()

    def release(self) -> None:
        """Ends every wait, those to come too."""
        self._released.set()

    def frames(self) -> Generator[Frame, None, None]:
        """See `Source.frames`."""
        steps = self._script[min(self.opened, len(self._script) - 1)]
        self.opened += 1
        try:
            yield from self._play(steps)
        finally:
            self.closed += 1

    def _play(self, steps: Sequence[Step]) -> Generator[Frame, None, None]:
        index = 0
        for step in steps:
            match step:
                case Deliver():
                    for _ in range(step.count):
                        self._released.wait(step.every)
                        at = self._clock()
                        self._released.wait(step.late)
                        yield Frame(self._camera, index, picture(step, index), at)
                        index += 1
                case Fail():
                    raise step.error
                case Stall():
                    self._released.wait(step.seconds)
                case Garble():
                    yield Frame(self._camera, index, np.zeros(step.shape, np.uint8), self._clock())
                    index += 1


def picture(step: Deliver, index: int) -> Image:
    """A flat picture, a little brighter with each frame so that they can be told apart."""
    width, height = step.size
    return np.full((height, width, 3), 0 if step.black else 64 + index % 128, np.uint8)
