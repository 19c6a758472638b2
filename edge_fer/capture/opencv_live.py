"""USB cameras through V4L2, and RTSP and HTTP streams through FFmpeg, both by way of OpenCV."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Protocol

import cv2
from numpy.typing import NDArray

from edge_fer.address import take_apart, with_login
from edge_fer.capture.clock import Clock
from edge_fer.capture.limit import FrameLimit, whole
from edge_fer.capture.opencv import quieten, to_rgb
from edge_fer.capture.v4l2 import Capability, capability
from edge_fer.credentials import read_password
from edge_fer.errors import SourceError, SourceLostError, SourceStalledError
from edge_fer.redact import redacted
from edge_fer.types import Frame

__all__ = ["Capture", "OpenCvLive"]

log = logging.getLogger(__name__)

#: So many spoilt pictures in a row, and the device is opened anew; single ones are common after a bad cable's hiccup.
SPOILT_IN_A_ROW = 30
#: Up to this many pixels a USB 2 camera sends 30 uncompressed pictures a second; beyond, only as JPEG.
UNCOMPRESSED = 640 * 480
#: Where a stream's address names no port.
PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}


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

    def set(self, prop: int, value: float, /) -> bool:
        """Asks for something; False where it cannot be had."""
        ...

    def release(self) -> None:
        """Lets go of it."""
        ...


class OpenCvLive:
    """A camera that OpenCV can open.

    For RTSP, OpenCV asks for TCP first, which loses no packets on Wi-Fi; OPENCV_FFMPEG_CAPTURE_OPTIONS overrides it.

    Args:
        camera: its name in the config.
        source: a device such as `/dev/video0`, or an rtsp, rtsps, http or https address.
        clock: read at each frame.
        size: width and height to ask a device for, in pixels; it may settle on another. Streams have their own.
        fps: frames a second wanted. A device is asked for it, and what more comes is left out undecoded.
        share: gives the share of them that is wanted at present, above 0 to 1.
        open_timeout: longest wait, in seconds, for a stream to open.
        read_timeout: longest wait, in seconds, for a stream's next frame.
        username: of a stream whose address has no login.
        password_file: holds the password for it; read anew each time the stream is opened.
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
        open_timeout: float = 10.0,
        read_timeout: float = 8.0,
        username: str | None = None,
        password_file: Path | None = None,
        opener: Callable[[str, int, list[int]], Capture] = cv2.VideoCapture,
        ask: Callable[[str], Capability] = capability,
    ) -> None:
        self._camera = camera
        self._source = source
        self._shown = redacted(source)
        self._clock = clock
        self._size = size
        self._fps = fps
        self._share = share
        self._open_timeout = open_timeout
        self._read_timeout = read_timeout
        self._username = username
        self._password_file = password_file
        self._opener = opener
        self._ask = ask

    def frames(self) -> Generator[Frame, None, None]:
        """See `Source.frames`."""
        quieten()
        capture = self._open_stream() if "://" in self._source else self._open_device()
        try:
            yield from self._read(capture)
        finally:
            capture.release()

    def _read(self, capture: Capture) -> Generator[Frame, None, None]:
        limit = FrameLimit(self._fps, self._share)
        index, spoilt, size = -1, 0, None
        while True:
            asked = self._clock().mono
            if not capture.grab():
                raise self._gone(self._clock().mono - asked)
            at = self._clock()
            index += 1
            # decoding is the dear half, so frames nobody wants are left out before it
            if not limit.take(at.mono):
                continue
            try:
                image = to_rgb(capture.retrieve()[1])
            except (ValueError, cv2.error) as error:
                spoilt += 1
                log.debug("camera %s: %s sent %s", self._camera, self._shown, error)
                if spoilt >= SPOILT_IN_A_ROW:
                    msg = f"{self._shown} sends {error} instead of a picture"
                    raise SourceLostError(msg, remedy="Check its cable, and that it is a camera") from error
                continue
            spoilt = 0
            if size not in {None, image.shape}:
                log.warning("camera %s: %s now sends %d x %d", self._camera, self._shown, *image.shape[1::-1])
            size = image.shape
            yield Frame(self._camera, index, image, at)

    def _gone(self, waited: float) -> SourceLostError:
        # OpenCV says "no frame" for both a stream that ended and one that fell silent; only the time tells them apart
        if waited >= 0.9 * self._read_timeout:
            return SourceStalledError(f"{self._shown} sent nothing for {waited:.0f} s")
        return SourceLostError(f"{self._shown} has stopped sending")

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
        capture = self._opener(self._source, cv2.CAP_V4L2, [])
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

    def _open_stream(self) -> Capture:
        timeouts = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
            round(1000 * self._open_timeout),
            cv2.CAP_PROP_READ_TIMEOUT_MSEC,
            round(1000 * self._read_timeout),
        ]
        capture = self._opener(self._with_login(), cv2.CAP_FFMPEG, timeouts)
        if not capture.isOpened():
            capture.release()
            raise self._why_closed()
        return capture

    def _with_login(self) -> str:
        if self._username is None:
            return self._source
        try:
            password = read_password(self._password_file) if self._password_file else None
        except ValueError as error:
            # whoever puts it right need not restart us
            raise SourceLostError(str(error), remedy="Write the password on its first line") from None
        return with_login(self._source, self._username, password)

    def _why_closed(self) -> SourceError:
        """What is wrong with a stream that did not open, which OpenCV does not tell."""
        msg = f"{self._shown} cannot be opened"
        address = take_apart(self._source)
        if address is None or address.fault or address.name is None:
            return SourceError(msg, remedy="Write it like rtsp://192.0.2.7:554/stream")
        host, port = address.name, address.port or PORTS.get(address.scheme.lower(), 0)
        try:
            socket.create_connection((host, port), timeout=min(self._open_timeout, 3.0)).close()
        except OSError as error:
            reason = error.strerror or "no answer"
            return SourceLostError(f"{msg}: {host} port {port}: {reason}", remedy="Check that the camera is on")
        return SourceLostError(
            f"{msg}: {host} port {port} answers, but sends no video", remedy="Check path, user and password"
        )
