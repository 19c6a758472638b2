"""USB cameras and others that V4L2 knows, by way of OpenCV."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Protocol

import cv2
from numpy.typing import NDArray

from edge_fer.capture.limit import FrameLimit, whole
from edge_fer.capture.opencv.check import PictureCheck
from edge_fer.capture.opencv.common import quieten, squared, to_rgb
from edge_fer.capture.opencv.v4l2 import Capability, capability
from edge_fer.clock.system import Clock
from edge_fer.errors import SourceError, SourceLostError, SourceStalledError
from edge_fer.types import Frame, Image

__all__ = ["Capture", "OpenCvLive"]

#: Seconds without a word after which a device has fallen silent; OpenCV waits for ten.
SILENT = 7.0
#: Up to this many pixels a USB 2 camera sends 30 uncompressed pictures a second; beyond, only as JPEG.
UNCOMPRESSED = 640 * 480
#: Formats of V4L2 in which each picture is a JPEG.
JPEGS = {cv2.VideoWriter.fourcc(*"MJPG"), cv2.VideoWriter.fourcc(*"JPEG")}


class Capture(Protocol):
    """What is used of cv2.VideoCapture."""

    def isOpened(self) -> bool:  # noqa: N802  OpenCV's name
        """Whether opening it worked."""
        ...

    def grab(self) -> bool:
        """Waits for the next frame; False where there is none."""
        ...

    def retrieve(self) -> tuple[bool, NDArray[Any] | None]:
        """Decodes the frame."""
        ...

    def get(self, prop: int, /) -> float:
        """What it is set to."""
        ...

    def set(self, prop: int, value: float, /) -> bool:
        """Asks for something; False where it cannot be had."""
        ...

    def release(self) -> None:
        """Lets go of it."""
        ...


class OpenCvLive:
    """A device of V4L2.

    Args:
        camera: its name in the config.
        source: the device, such as `/dev/video0`.
        clock: read at each frame.
        size: width and height to ask it for, in pixels; it may settle on another.
        fps: frames a second wanted. It is asked for them, and what more comes is left out undecoded.
        share: gives the share of them that is wanted at present, above 0 to 1.
        aspect: width by height of its pictures, where its pixels are not square.
        opener: makes the capture; tests pass one of their own.
        ask: gives a device's capability; likewise.
    """

    live = True

    def __init__(
        self,
        camera: str,
        source: str,
        *,
        clock: Clock,
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        share: Callable[[], float] = whole,
        aspect: float | None = None,
        opener: Callable[[str, int], Capture] = cv2.VideoCapture,
        ask: Callable[[str], Capability] = capability,
    ) -> None:
        self._camera = camera
        self._source = source
        self._clock = clock
        self._size = size
        self._fps = fps
        self._share = share
        self._aspect = aspect
        self._opener = opener
        self._ask = ask

    def frames(self) -> Generator[Frame, None, None]:
        """See `SourcePort.frames`."""
        quieten()
        capture = self._open_device()
        try:
            yield from self._read(capture)
        finally:
            capture.release()

    def _read(self, capture: Capture) -> Generator[Frame, None, None]:
        limit = FrameLimit(self._fps, self._share)
        check = PictureCheck(self._camera, self._source, remedy="Check its cable, and that it is a camera")
        index = -1
        while True:
            asked = self._clock().mono
            if not capture.grab():
                raise self._gone(self._clock().mono - asked)
            at = self._clock()
            index += 1
            # decoding is the dear half, so frames nobody wants are left out before it
            if not limit.take(at.mono):
                continue
            image = check.decoded(lambda: squared(_picture(capture), self._aspect))
            if image is not None:
                check.note(image)
                yield Frame(self._camera, index, image, at)

    def _gone(self, waited: float) -> SourceLostError:
        # OpenCV says "no frame" of a device that is gone and of one that fell silent; only the time tells them apart
        if waited >= SILENT:
            return SourceStalledError(f"{self._source} sent nothing for {waited:.0f} s")
        return SourceLostError(f"{self._source} has stopped sending")

    def _open_device(self) -> Capture:
        try:
            found = self._ask(self._source)
        except FileNotFoundError:
            msg = f"{self._source} is not there"
            raise SourceLostError(
                msg, remedy="Plug the camera in, or see with `ls /dev/video*` which there are"
            ) from None
        except PermissionError:
            msg = f"{self._source} may not be opened: permission denied"
            raise SourceError(msg, remedy="Add the user to the group video and log in again") from None
        except OSError as error:
            msg = f"{self._source} does not answer as a camera: {error.strerror}"
            raise SourceLostError(msg, remedy="Plug it in again, or name another device") from None
        if not found.captures:
            msg = f"{self._source} ({found.card}, driver {found.driver}) is not a camera"
            raise SourceError(msg, remedy="See with `v4l2-ctl --list-devices` which device is")
        capture = self._opener(self._source, cv2.CAP_V4L2)
        if not capture.isOpened():
            capture.release()
            msg = f"{self._source} cannot be opened"
            raise SourceLostError(msg, remedy="See with `fuser -v` whether another program is using it")
        self._ask_for_format(capture)
        return capture

    def _ask_for_format(self, capture: Capture) -> None:
        """Asks the device for size and rate; one that cannot do as asked does what it can."""
        if self._size:
            width, height = self._size
            if width * height > UNCOMPRESSED:
                capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        if self._fps:
            capture.set(cv2.CAP_PROP_FPS, self._fps)
        if _format_of(capture) in JPEGS:
            # OpenCV would decode them itself, and say nothing of what is damaged
            capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)


def _format_of(capture: Capture) -> int:
    return int(capture.get(cv2.CAP_PROP_FOURCC))


def _picture(capture: Capture) -> Image:
    """The latest picture.

    Raises:
        ValueError: it is damaged, or bytes of which nobody knows the shape.
    """
    picture = capture.retrieve()[1]
    if picture is not None and picture.ndim == 2 and min(picture.shape) == 1:
        # nothing but the device's bytes
        if _format_of(capture) in JPEGS:
            # only some devices send them
            from edge_fer.capture.opencv.jpeg_picture import from_jpeg  # noqa: PLC0415

            return from_jpeg(picture.tobytes())
        picture = _in_rows(picture, capture)
    return to_rgb(picture)


def _in_rows(data: NDArray[Any], capture: Capture) -> NDArray[Any]:
    """BGR (height, width, 3); OpenCV leaves it to us with devices that send it by themselves, such as frame grabbers.

    Raises:
        ValueError: it is something else.
    """
    width, height = (int(capture.get(prop)) for prop in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    count = data.size
    is_bgr = _format_of(capture) == cv2.VideoWriter.fourcc(*"BGR3")
    # a driver may add bytes to each row
    if not is_bgr or min(width, height) < 1 or count % height or count // height < 3 * width:
        msg = f"{count} bytes without a shape"
        raise ValueError(msg)
    return data.reshape(height, -1)[:, : 3 * width].reshape(height, width, 3)
