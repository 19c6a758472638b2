"""A folder of pictures as a source."""

from __future__ import annotations

import logging
from collections.abc import Generator
from pathlib import Path

import cv2
import numpy as np

from edge_fer.capture.jpeg import damage
from edge_fer.capture.opencv.common import quieten, to_rgb
from edge_fer.capture.presentation import PresentationClock
from edge_fer.clock.system import Clock
from edge_fer.errors import SourceError
from edge_fer.support.files import read_file
from edge_fer.types import Frame, Image

__all__ = ["Stills"]

log = logging.getLogger(__name__)

#: Bytes of the largest picture.
LARGEST = 256 << 20
SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".webp"})


class Stills:
    """The pictures of a folder (JPEG, PNG, WebP, BMP) in the order of their names, one each `interval`.

    Sixteen bits become eight, grey becomes RGB, transparency is ignored, and EXIF orientation is heeded. A picture
    that cannot be read is left out, and its time passes without a frame.

    Args:
        camera: the name to give its frames.
        folder: where the pictures are; folders within it are not looked into.
        clock: read once, at the first picture.
        interval: seconds from one picture to the next.
        loop: begin anew at the end, with times that go on increasing.

    Attributes:
        spoilt: pictures left out so far because they could not be read.
    """

    live = False

    def __init__(
        self, camera: str, folder: Path | str, *, clock: Clock, interval: float = 1.0, loop: bool = False
    ) -> None:
        self.spoilt = 0
        self._camera = camera
        self._folder = Path(folder)
        self._clock = clock
        self._interval = interval
        self._loop = loop

    def frames(self) -> Generator[Frame, None, None]:
        """See `SourcePort.frames`."""
        quieten()
        paths = self._pictures()
        timeline = PresentationClock(self._clock, period=self._interval)
        index = 0
        while True:
            began = index
            for place, path in enumerate(paths):
                image = self._read(path)
                if image is not None:
                    yield Frame(self._camera, index, image, timeline.at(place * self._interval))
                    index += 1
            if index == began:
                msg = f"none of the {len(paths)} pictures in {self._folder} can be read"
                raise SourceError(msg, remedy="Check them in a picture viewer")
            if not self._loop:
                return
            timeline.again()

    def _pictures(self) -> list[Path]:
        try:
            paths = sorted(path for path in self._folder.iterdir() if path.suffix.lower() in SUFFIXES)
        except OSError as error:
            msg = f"{self._folder} cannot be read: {error.strerror}"
            raise SourceError(msg, remedy="Check the path, and that the user may read it") from None
        # what begins with a dot is some program's, such as ._photo.jpg from a Mac
        paths = [path for path in paths if not path.name.startswith(".")]
        if not paths:
            msg = f"{self._folder} holds no pictures"
            raise SourceError(msg, remedy=f"Put files ending in {', '.join(sorted(SUFFIXES))} into it")
        return paths

    def _read(self, path: Path) -> Image | None:
        try:
            return _decoded(read_file(path, LARGEST))
        except (OSError, ValueError, cv2.error):
            self.spoilt += 1
            log.warning("%s is not a picture that can be read; it is left out", path)
            return None


def _decoded(data: bytes) -> Image:
    """RGB uint8 (height, width, 3).

    Raises:
        ValueError: it is no picture, or a damaged one.
        cv2.error: likewise.
    """
    if data.startswith(b"\xff\xd8") and (fault := damage(data)):
        raise ValueError(fault)
    return to_rgb(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))
