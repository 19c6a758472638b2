"""Invented time, real video files, and a small network camera."""

from __future__ import annotations

import contextlib
import http.server
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np

from edge_fer.capture.slot import FileSlot, SlotClosedError
from edge_fer.types import Frame, Image, Instant

BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class InventedClock:
    """Stands still until it is told to go on."""

    def __init__(self, mono: float = 1000.0) -> None:
        self.mono = self.first = mono
        self.read = 0

    def __call__(self) -> Instant:
        self.read += 1
        return Instant(self.mono, BEGAN + timedelta(seconds=self.mono - self.first))

    def advance(self, seconds: float) -> None:
        self.mono += seconds


class InventedStop(threading.Event):
    """Waits in invented time, and keeps what it waited."""

    def __init__(self, clock: InventedClock) -> None:
        super().__init__()
        self.clock = clock
        self.waited: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        if not self.is_set():
            self.waited.append(timeout)
            self.clock.advance(timeout)
        return self.is_set()


class KeepingSlot(FileSlot):
    """Takes every frame at once and keeps them all."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Frame] = []

    def put(self, frame: Frame, timeout: float | None = None) -> bool:
        if self.closed:
            raise SlotClosedError
        self.kept.append(frame)
        return True


def flat(value: int, size: tuple[int, int] = (64, 48)) -> Image:
    return np.full((size[1], size[0], 3), value, np.uint8)


def frame(index: int = 0, camera: str = "front") -> Frame:
    return Frame(camera, index, flat(index % 256), Instant(float(index), BEGAN))


def write_video(path: Path, images: Iterable[Image], *, fps: float = 10, codec: str = "mp4v") -> Path:
    """`images` are RGB of one size."""
    writer = None
    for image in images:
        writer = writer or cv2.VideoWriter(
            str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), fps, image.shape[1::-1]
        )
        writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    assert writer is not None
    assert writer.isOpened()
    writer.release()
    return path


class MjpegCamera:
    """A network camera on this machine: JPEG pictures over HTTP, at 50 a second.

    Args:
        path: where they are; None: anywhere.

    Attributes:
        silent: while set, it keeps connections and sends nothing.
    """

    def __init__(self, path: str | None = "/video") -> None:
        self._path = path
        self.silent = threading.Event()
        self._dead = threading.Event()
        self._server: http.server.ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/video"

    def start(self) -> None:
        """Switches it on, at the same address as before."""
        self._dead.clear()
        self._server = server(self.port, self._pictures, self._path)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def die(self) -> None:
        """Switches it off, open connections too."""
        if self._server and self._thread:
            self._dead.set()
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = None

    def _pictures(self) -> Iterator[bytes]:
        value = 0
        while not self._dead.wait(0.02):
            if not self.silent.is_set():
                value = (value + 1) % 256
                yield cv2.imencode(".jpg", flat(value, (160, 120)))[1].tobytes()


def server(port: int, pictures: object, path: str | None = "/video") -> http.server.ThreadingHTTPServer:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if path not in {None, self.path}:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            with contextlib.suppress(OSError):
                for jpeg in pictures():  # type: ignore[operator]
                    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                    self.wfile.write(head.encode() + jpeg + b"\r\n")

        def log_message(self, *args: object) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        allow_reuse_address = True
        daemon_threads = False

    return Server(("127.0.0.1", port), Handler)


class HttpCamera:
    """A network camera on this machine that answers as it is told to.

    Args:
        answer: called for each request, with the handler, which has its `path` and `headers`.

    Attributes:
        requests: paths that were asked for.
    """

    def __init__(self, answer: Callable[[http.server.BaseHTTPRequestHandler], None]) -> None:
        self.requests: list[str] = []
        camera = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera.requests.append(self.path)
                with contextlib.suppress(OSError):
                    answer(self)

            def log_message(self, *args: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"

    def die(self) -> None:
        """Switches it off."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def respond(handler: http.server.BaseHTTPRequestHandler, body: bytes, kind: str, **headers: str) -> None:
    """Answers with a body of known length."""
    handler.send_response(200)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)
