"""Frames from memory as a source: a camera for tests and trials that does exactly what it is told."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from edge_fer.capture.presentation import PresentationClock
from edge_fer.clock.system import Clock
from edge_fer.types import Frame, Image

__all__ = ["RecordedSource"]


class RecordedSource:
    """Plays pictures at given times.

    Args:
        camera: the name to give its frames.
        images: RGB uint8 (height, width, 3) each.
        clock: read once, at the first frame.
        times: each picture's presentation time in seconds; if left out, they follow from `fps`.
        fps: pictures a second where `times` does not say.
        loop: begin anew at the end, with times that go on increasing.

    Raises:
        ValueError: `times` is not as long as `images`.
    """

    live = False

    def __init__(
        self,
        camera: str,
        images: Sequence[Image],
        *,
        clock: Clock,
        times: Sequence[float] | None = None,
        fps: float = 10.0,
        loop: bool = False,
    ) -> None:
        if times is not None and len(times) != len(images):
            msg = f"{len(images)} images need as many times, not {len(times)}"
            raise ValueError(msg)
        self._camera = camera
        self._images = images
        self._times = [place / fps for place in range(len(images))] if times is None else times
        self._clock = clock
        self._period = 1 / fps
        self._loop = loop

    def frames(self) -> Generator[Frame, None, None]:
        """See `Source.frames`."""
        timeline = PresentationClock(self._clock, period=self._period)
        index = 0
        while self._images:
            for image, own in zip(self._images, self._times, strict=True):
                yield Frame(self._camera, index, image, timeline.at(own))
                index += 1
            if not self._loop:
                return
            timeline.again()
