"""Video files as a source, at their own presentation times."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import cv2

from edge_fer.capture.clock import Clock
from edge_fer.capture.opencv import opened_file, quieten, to_rgb
from edge_fer.capture.timeline import Timeline
from edge_fer.errors import SourceError
from edge_fer.files import check_file
from edge_fer.harmless import harmless
from edge_fer.types import Frame

__all__ = ["VideoFile", "promised_seconds"]

log = logging.getLogger(__name__)

#: Frames a second where a container gives none, or one that no camera has.
USUAL_FPS = 25.0
FASTEST_FPS = 1000.0
#: A container that promises more frames than this talks nonsense: it would be months.
MOST_FRAMES = 1e9


class VideoFile:
    """A recording in any container that FFmpeg reads; a picture turned by the container's metadata is turned.

    It is read as fast as it is asked for; `CaptureLoop` can hold it to the pace of the wall clock. The times of its
    frames are the same either way.

    Args:
        camera: the name to give its frames.
        path: the file.
        clock: read once, at the first frame.
        loop: begin anew at the end, with times that go on increasing.
    """

    live = False

    def __init__(self, camera: str, path: Path | str, *, clock: Clock, loop: bool = False) -> None:
        self._camera = camera
        self._path = Path(path)
        self._clock = clock
        self._loop = loop

    def frames(self) -> Generator[Frame, None, None]:
        """See `Source.frames`."""
        quieten()
        timeline: Timeline | None = None
        index = 0
        while True:
            with self._open() as capture:
                timeline = timeline or Timeline(self._clock, period=period(capture.get(cv2.CAP_PROP_FPS)))
                began = index
                while capture.grab():
                    own = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
                    found, picture = capture.retrieve()
                    if found:
                        yield Frame(self._camera, index, to_rgb(picture), timeline.at(own))
                        index += 1
                promised = capture.get(cv2.CAP_PROP_FRAME_COUNT)
            delivered = index - began
            if not delivered:
                msg = f"{harmless(self._path)} holds no picture"
                raise SourceError(msg, remedy="Check the file in a video player")
            if delivered < promised:
                # some containers only guess, so this is no warning
                log.info("%s ended after %d frames of %d", harmless(self._path), delivered, promised)
            if not self._loop:
                return
            timeline.again()

    @contextmanager
    def _open(self) -> Iterator[cv2.VideoCapture]:
        with ExitStack() as stack:
            try:
                check_file(self._path)
                capture = stack.enter_context(opened_file(self._path))
            except OSError as error:
                msg = f"{harmless(self._path)} cannot be read: {error.strerror}"
                raise SourceError(msg, remedy="Check the path, and that the user may read it") from None
            if not capture.isOpened():
                msg = f"{harmless(self._path)} is not a video that can be played, or was cut off before it was finished"
                raise SourceError(msg, remedy="Check the file in a video player")
            # how a phone was held; builds of OpenCV differ in whether they heed it unasked
            capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
            yield capture


def period(fps: float) -> float:
    """Seconds a frame, from a container's claim of frames a second, which may be nonsense."""
    return 1 / (fps if 0.01 <= fps <= FASTEST_FPS else USUAL_FPS)


def promised_seconds(path: Path) -> float | None:
    """How long a recording says it is; None where it does not, or cannot be opened. Some only guess."""
    quieten()
    try:
        check_file(path)
        with opened_file(path) as capture:
            frames = capture.get(cv2.CAP_PROP_FRAME_COUNT) if capture.isOpened() else 0.0
            return frames * period(capture.get(cv2.CAP_PROP_FPS)) if 0 < frames < MOST_FRAMES else None
    except OSError:
        return None
