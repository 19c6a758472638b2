"""Network cameras: RTSP streams, videos over HTTP, and cameras that send JPEG pictures over HTTP."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

import av
import av.error

from edge_fer.capture.ffmpeg.decoder import MOST_PIXELS, Film, FilmError, opened_film
from edge_fer.capture.limit import FrameLimit, whole
from edge_fer.capture.network.http_pictures import HttpAnswer, HttpError, ask
from edge_fer.capture.network.jpeg_stream import JpegStream, StoredJpeg, TooLongError
from edge_fer.capture.opencv.check import PictureCheck
from edge_fer.capture.opencv.common import quieten, squared
from edge_fer.capture.opencv.jpeg_picture import from_jpeg
from edge_fer.clock.system import Clock
from edge_fer.errors import SourceError, SourceLostError, SourceStalledError
from edge_fer.support.address import take_apart, with_login
from edge_fer.support.credentials import read_password
from edge_fer.support.redact import redacted
from edge_fer.types import Frame, Image, Instant, Planes

__all__ = ["NetworkCamera"]

log = logging.getLogger(__name__)

#: Where an address names no port.
PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
#: Sound is never asked for: nobody needs it, and FFmpeg would wait for it before the first picture.
RTSP_OPTIONS = {"rtsp_flags": "prefer_tcp", "allowed_media_types": "video"}
#: Single pictures a second that a camera is asked for where nobody says how many.
POLLS = 2.0
_LOGIN = "Check user and password"


class NetworkCamera:
    """A camera that is reached by an address.

    RTSP is asked for over TCP, which loses no packets on Wi-Fi, and over UDP where the camera refuses that. A camera
    that answers over HTTP with one JPEG picture is asked for one after another.

    Args:
        camera: its name in the config.
        source: an rtsp, rtsps, http or https address.
        clock: read at each frame.
        fps: frames a second wanted; what more comes is left out.
        share: gives the share of them that is wanted at present, above 0 to 1.
        open_timeout: longest wait, in seconds, for a stream to open.
        read_timeout: longest wait, in seconds, for its next frame.
        username: where the address has no login.
        password_file: holds the password for it; read anew each time the stream is opened.
        aspect: width by height of its pictures, where it does not say so itself or is wrong.
    """

    live = True

    def __init__(
        self,
        camera: str,
        source: str,
        *,
        clock: Clock,
        fps: float | None = None,
        share: Callable[[], float] = whole,
        open_timeout: float = 10.0,
        read_timeout: float = 8.0,
        username: str | None = None,
        password_file: Path | None = None,
        aspect: float | None = None,
    ) -> None:
        self._camera = camera
        self._source = source
        self._shown = redacted(source)
        self._clock = clock
        self._fps = fps
        self._share = share
        self._open_timeout = open_timeout
        self._read_timeout = read_timeout
        self._username = username
        self._password_file = password_file
        self._aspect = aspect

    def frames(self) -> Generator[Frame, None, None]:
        """See `SourcePort.frames`."""
        quieten()
        password = self._password()
        check = PictureCheck(self._camera, self._shown, remedy="Check its network and its settings")
        is_http = self._source.lower().startswith("http")
        pictures = self._over_http(password, check) if is_http else self._film(password)
        with closing(pictures):
            for index, picture, at, key in pictures:
                frame = Frame(self._camera, index, picture, at, key=key)
                check.note(frame.raw)
                yield frame
                del frame, picture

    def _film(self, password: str | None) -> Generator[tuple[int, Image | Planes, Instant, bool], None, None]:
        """A stream that FFmpeg reads: number, picture and time of each frame, and whether it is a key frame."""
        name = self._source if self._username is None else with_login(self._source, self._username, password)
        options = RTSP_OPTIONS if self._source.lower().startswith("rtsp") else {}
        timeout = self._open_timeout, self._read_timeout
        with ExitStack() as stack:
            try:
                film = stack.enter_context(opened_film(name, options=options, timeout=timeout, aspect=self._aspect))
            except FilmError as error:
                raise self._why_closed(error) from None
            try:
                yield from self._wanted(film)
            except av.error.ExitError:
                msg = f"{self._shown} sent nothing for {self._read_timeout:.0f} s"
                raise SourceStalledError(msg) from None
            except ValueError as error:
                msg = f"{self._shown} sends {error}"
                raise SourceLostError(msg, remedy="Set the camera to a smaller size") from None
            except FilmError as error:
                log.debug("camera %s: %s: %s", self._camera, self._shown, type(error).__name__)
        msg = f"{self._shown} has stopped sending"
        raise SourceLostError(msg)

    def _wanted(self, film: Film) -> Generator[tuple[int, Image | Planes, Instant, bool], None, None]:
        limit, index, good_at = FrameLimit(self._fps, self._share), -1, self._clock().mono
        for frame in film.frames():
            at = self._clock()
            if frame is None:
                if at.mono - good_at > self._read_timeout:
                    msg = f"{self._shown} sends nothing but damaged pictures"
                    raise SourceLostError(msg, remedy="Check its network and its settings")
                continue
            good_at = at.mono
            index += 1
            # converting is dear, so frames nobody wants are left out before it
            if limit.take(at.mono):
                yield index, film.picture(frame), at, bool(frame.key_frame)

    def _over_http(
        self, password: str | None, check: PictureCheck
    ) -> Generator[tuple[int, Image | Planes, Instant, bool], None, None]:
        with closing(self._ask(password)) as answer:
            if not answer.sends_jpeg:
                answer.close()
                yield from self._film(password)
                return
            limit, index = FrameLimit(self._fps, self._share), -1
            for picture in self._jpegs(answer, password):
                at = self._clock()
                index += 1
                if not limit.take(at.mono):
                    continue
                image = check.decoded(partial(self._decoded, picture))
                if image is not None:
                    yield index, image, at, True

    def _jpegs(self, answer: HttpAnswer, password: str | None) -> Iterator[StoredJpeg]:
        """The pictures of an answer; and of further ones, where each answer is one picture."""
        try:
            while True:
                begun = self._clock().mono
                pictures, count = JpegStream(), 0
                while data := answer.read():
                    for picture in pictures.feed(data):
                        count += 1
                        yield picture
                if not (answer.is_one_picture and count):
                    break
                answer.close()
                wanted = 1 / ((self._fps or POLLS) * self._share())
                time.sleep(max(0.0, wanted - (self._clock().mono - begun)))
                answer = self._ask(password)
        except TimeoutError:
            msg = f"{self._shown} sent nothing for {self._read_timeout:.0f} s"
            raise SourceStalledError(msg) from None
        except TooLongError as error:
            msg = f"{self._shown} sends {error}"
            raise SourceLostError(msg, remedy="Check its network and its settings") from None
        except OSError as error:
            log.debug("camera %s: %s: %s", self._camera, self._shown, error)
        finally:
            answer.close()
        msg = f"{self._shown} has stopped sending"
        raise SourceLostError(msg)

    def _ask(self, password: str | None) -> HttpAnswer:
        try:
            return ask(self._source, username=self._username, password=password, timeout=self._read_timeout)
        except HttpError as error:
            raise self._refused(error.status) from None
        except (OSError, ValueError):
            raise self._why_closed(None) from None

    def _decoded(self, picture: StoredJpeg) -> Image:
        """RGB, with square pixels.

        Raises:
            ValueError: it is damaged, or larger than any camera's.
        """
        if picture.width * picture.height > MOST_PIXELS:
            msg = f"pictures of {picture.width} x {picture.height} pixels"
            raise ValueError(msg)
        return squared(from_jpeg(picture.data), self._aspect)

    def _password(self) -> str | None:
        try:
            return read_password(self._password_file) if self._password_file else None
        except ValueError as error:
            # whoever puts it right need not restart us
            raise SourceLostError(str(error), remedy="Write the password on its first line") from None

    def _refused(self, status: int) -> SourceError:
        reasons = {
            401: ("refuses the login", _LOGIN),
            403: ("refuses the login", _LOGIN),
            404: ("has nothing at this path", "Look up the path in the camera's manual"),
        }
        what, remedy = reasons.get(status, (f"answers with HTTP status {status}", "Look into the camera's own page"))
        return SourceLostError(f"{self._shown} {what}", remedy=remedy)

    def _why_closed(self, error: Exception | None) -> SourceError:
        """What is wrong with a stream that did not open."""
        if isinstance(error, av.error.HTTPUnauthorizedError | av.error.HTTPForbiddenError):
            return self._refused(401)
        if isinstance(error, av.error.HTTPNotFoundError):
            return self._refused(404)
        msg = f"{self._shown} cannot be opened"
        address = take_apart(self._source)
        if address is None or address.fault or address.name is None:
            return SourceError(msg, remedy="Write it like rtsp://192.0.2.7:554/stream")
        host, port = address.name, address.port or PORTS.get(address.scheme.lower(), 0)
        try:
            socket.create_connection((host, port), timeout=min(self._open_timeout, 3.0)).close()
        except OSError as refused:
            reason = refused.strerror or "no answer"
            return SourceLostError(f"{msg}: {host} port {port}: {reason}", remedy="Check that the camera is on")
        return SourceLostError(
            f"{msg}: {host} port {port} answers, but sends no video", remedy="Check path, user and password"
        )
