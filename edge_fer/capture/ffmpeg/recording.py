"""Video files as a source, at their own presentation times."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import av

from edge_fer.capture.ffmpeg.decoder import Film, FilmError, opened_recording
from edge_fer.capture.opencv.common import quieten
from edge_fer.capture.presentation import PresentationClock
from edge_fer.clock.system import Clock
from edge_fer.errors import SourceError
from edge_fer.support.files import check_file
from edge_fer.support.harmless import harmless
from edge_fer.types import Frame

__all__ = ["VideoFile", "promised_seconds"]

log = logging.getLogger(__name__)

#: A container that promises more seconds than this talks nonsense: it would be a year.
MOST_SECONDS = 366 * 86400.0


class VideoFile:
    """A recording in any container that FFmpeg reads; a picture turned by the container's metadata is turned.

    It is read as fast as it is asked for; `CaptureLoop` can hold it to the pace of the wall clock. The times of its
    frames are the same either way.

    Args:
        camera: the name to give its frames.
        path: the file.
        clock: read once, at the first frame.
        loop: begin anew at the end, with times that go on increasing.
        aspect: width by height of its pictures, where it does not say so itself or is wrong.
    """

    live = False

    def __init__(
        self, camera: str, path: Path | str, *, clock: Clock, loop: bool = False, aspect: float | None = None
    ) -> None:
        self._camera = camera
        self._path = Path(path)
        self._clock = clock
        self._loop = loop
        self._aspect = aspect

    def frames(self) -> Generator[Frame, None, None]:
        """See `SourcePort.frames`."""
        quieten()
        timeline: PresentationClock | None = None
        index = 0
        while True:
            began = index
            with self._open() as film:
                timeline = timeline or PresentationClock(
                    self._clock, period=film.period, longest_gap=_believed(film.seconds)
                )
                for frame in self._whole(film):
                    try:
                        picture = film.picture(frame)
                    except (FilmError, ValueError) as error:
                        film.damaged += 1
                        log.debug("%s: a picture is left out: %s", harmless(self._path), error)
                        continue
                    at = timeline.at(film.own_time(frame))
                    yield Frame(self._camera, index, picture, at, key=bool(frame.key_frame))
                    index += 1
            if index == began:
                msg = f"{harmless(self._path)} holds no picture"
                raise SourceError(msg, remedy="Check the file in a video player")
            if film.packets < film.promised:
                # some containers only guess, so this is no warning
                log.info("%s ended after %d frames of %d", harmless(self._path), film.packets, film.promised)
            if film.damaged:
                log.warning("%s: %d damaged pictures were left out", harmless(self._path), film.damaged)
            if not self._loop:
                return
            timeline.again()

    def _whole(self, film: Film) -> Iterator[av.VideoFrame]:
        """Its pictures that are not damaged, up to its end, or to where it cannot be read any further."""
        try:
            for frame in film.frames():
                if frame is not None:
                    yield frame
        except FilmError as error:
            log.info("%s cannot be read to its end: %s", harmless(self._path), error)

    @contextmanager
    def _open(self) -> Iterator[Film]:
        with ExitStack() as stack:
            try:
                check_file(self._path)
                film = stack.enter_context(opened_recording(self._path, aspect=self._aspect))
            except FilmError:
                msg = f"{harmless(self._path)} is not a video that can be played, or was cut off before it was finished"
                raise SourceError(msg, remedy="Check the file in a video player") from None
            except OSError as error:
                msg = f"{harmless(self._path)} cannot be read: {error.strerror}"
                raise SourceError(msg, remedy="Check the path, and that the user may read it") from None
            yield film


def promised_seconds(path: Path) -> float | None:
    """How long a recording says it is; None where it does not, or cannot be opened. Some only guess."""
    try:
        check_file(path)
        with opened_recording(path) as film:
            return _believed(film.seconds)
    except (FilmError, OSError):
        return None


def _believed(seconds: float | None) -> float | None:
    return seconds if seconds is not None and 0 < seconds < MOST_SECONDS else None
