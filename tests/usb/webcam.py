"""A webcam by USB whose device is this process: the kernel's `vhci-hcd` takes it for one that was plugged in.

The kernel sends what goes over the bus through a socket (USB/IP, Documentation/usb/usbip_protocol.rst). The camera
sends JPEG pictures over a bulk endpoint, as USB's class for video has it (UVC 1.1).
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

__all__ = ["Webcam"]

BUS: Final = Path("/sys/devices/platform/vhci_hcd.0")
#: Commands and answers of USB/IP.
SUBMIT, UNLINK, SUBMITTED, UNLINKED = 1, 2, 3, 4
HEAD: Final = struct.Struct(">5I")
BODY: Final = struct.Struct(">Iiiii8s")
ANSWER: Final = struct.Struct(">5Iiiiii8x")
#: Errors of the kernel: an endpoint that stalls, a request that was taken back.
EPIPE, ECONNRESET = -32, -104
HIGH_SPEED: Final = 3
DEVICE_ID: Final = 0x10002
SIZES: Final = ((320, 180), (1280, 720))
#: A picture lasts so long, in units of 100 ns.
INTERVAL: Final = 2_000_000
LARGEST: Final = 1280 * 720
#: What a frame of the class says before each picture: which of two it is, that it ends here, that this is all.
FRAME_ID, END_OF_FRAME, END_OF_HEADER = 0x01, 0x02, 0x80
#: Requests of the class.
SET_CUR, GET_LEN, GET_INFO = 0x01, 0x85, 0x86
PROBE, COMMIT = 1, 2


def described(number: int, *parts: bytes | int) -> bytes:
    """A descriptor: its length, its number, and what follows."""
    body = b"".join(bytes([part]) if isinstance(part, int) else part for part in parts)
    return bytes([len(body) + 2, number]) + body


def u16(value: int) -> bytes:
    return struct.pack("<H", value)


def u32(value: int) -> bytes:
    return struct.pack("<I", value)


def configuration() -> bytes:
    """The descriptors of the camera: what it can do, and where its pictures come from."""
    terminals = described(0x24, 0x02, 1, u16(0x0201), 0, 0, bytes(6), 3, bytes(3))
    terminals += described(0x24, 0x03, 2, u16(0x0101), 0, 1, 0)
    control = described(0x24, 0x01, u16(0x0110), u16(13 + len(terminals)), u32(48_000_000), 1, 1) + terminals
    pictures = described(0x24, 0x06, 1, len(SIZES), 1, 1, bytes(4))
    for number, (width, height) in enumerate(SIZES, 1):
        rates = u32(1_000_000) * 2 + u32(LARGEST) + u32(INTERVAL) + b"\1" + u32(INTERVAL)
        pictures += described(0x24, 0x07, number, 0, u16(width), u16(height), rates)
    pictures += described(0x24, 0x0D, 1, 1, 4)
    stream = described(0x24, 0x01, 1, u16(14 + len(pictures)), 0x81, 0, 2, 0, 0, 0, 1, 0) + pictures
    all_ = described(0x0B, 0, 2, 0x0E, 3, 0, 2)
    all_ += described(0x04, 0, 0, 0, 0x0E, 1, 0, 0) + control
    all_ += described(0x04, 1, 0, 1, 0x0E, 2, 0, 0) + stream + described(0x05, 0x81, 2, u16(512), 0)
    return described(0x02, u16(9 + len(all_)), 2, 1, 0, 0x80, 250) + all_


DEVICE: Final = described(0x01, u16(0x0200), 0xEF, 2, 1, 64, u16(0x1209), u16(1), u16(0x0100), 1, 2, 3, 1)
NAMES: Final = ("", "nobody", "a webcam of the tests", "0001")


class Webcam:
    """The camera.

    Args:
        picture: gives the next JPEG of a size; None: the camera is silent.
    """

    def __init__(self, picture: Callable[[tuple[int, int]], bytes | None]) -> None:
        self._picture = picture
        self._ours: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def plug_in(self) -> None:
        """Plugs it in."""
        self._ours, theirs = socket.socketpair()
        with theirs:
            (BUS / "attach").write_text(f"0 {theirs.fileno()} {DEVICE_ID} {HIGH_SPEED}")
        self._thread = threading.Thread(target=_Session(self._ours, self._picture).run, daemon=True)
        self._thread.start()

    def pull(self) -> None:
        """Pulls its cable, amid whatever it sends."""
        assert self._ours
        assert self._thread
        self._ours.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._ours.close()


class _Session:
    """From plugging in to pulling out."""

    def __init__(self, line: socket.socket, picture: Callable[[tuple[int, int]], bytes | None]) -> None:
        self._line = line
        self._picture = picture
        self._wanted: deque[tuple[int, int]] = deque()
        self._left = b""
        self._is_open = False
        self._frame_id = 0
        self._next = 0.0
        self._settings = self._control(1)

    def run(self) -> None:
        """Answers until the line is cut."""
        with contextlib.suppress(OSError, EOFError):
            while True:
                if select.select([self._line], [], [], 0.01)[0]:
                    self._take()
                self._send()

    def _get(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self._line.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def _answer(self, number: int, *, status: int = 0, data: bytes = b"", length: int | None = None) -> None:
        head = ANSWER.pack(SUBMITTED, number, 0, 0, 0, status, len(data) if length is None else length, 0, 0, 0)
        self._line.sendall(head + data)

    def _take(self) -> None:
        command, number, _, is_in, endpoint = HEAD.unpack(self._get(HEAD.size))
        first, length, _, _, _, setup = BODY.unpack(self._get(BODY.size))
        if command == UNLINK:
            taken_back = first
            was_there = [one for one in self._wanted if one[0] == taken_back]
            self._wanted = deque(one for one in self._wanted if one[0] != taken_back)
            status = ECONNRESET if was_there else 0
            self._line.sendall(ANSWER.pack(UNLINKED, number, 0, 0, 0, status, 0, 0, 0, 0))
            return
        given = b"" if is_in else self._get(length)
        if endpoint:
            self._wanted.append((number, length))
            return
        answer = self._asked(setup, given)
        if answer is None:
            self._answer(number, status=EPIPE)
        else:
            self._answer(number, data=answer[:length] if is_in else b"", length=None if is_in else len(given))

    def _asked(self, setup: bytes, given: bytes) -> bytes | None:
        """The answer to a request over the control endpoint; None where it is not understood."""
        kind, request, value, index, length = struct.unpack("<BBHHH", setup)
        if kind & 0x60 == 0x20:
            return self._asked_of_class(request, value >> 8, given) if index & 0xFF == 1 else None
        if (kind, request) == (0x80, 6):
            return self._descriptor(value >> 8, value & 0xFF)
        # status; else configuration, interface, and halts that are cleared
        return bytes(length) if kind & 0x80 else b""

    @staticmethod
    def _descriptor(kind: int, number: int) -> bytes | None:
        if kind == 3:
            return described(3, NAMES[number].encode("utf-16-le") if number else u16(0x0409))
        return {1: DEVICE, 2: configuration()}.get(kind)

    def _asked_of_class(self, request: int, what: int, given: bytes) -> bytes | None:
        if what not in {PROBE, COMMIT}:
            return None
        if request == SET_CUR:
            self._settings = self._control(min(max(given[3], 1), len(SIZES)))
            if what == COMMIT:
                self._left, self._is_open, self._wanted = b"", False, deque()
            return b""
        return {GET_LEN: u16(len(self._settings)), GET_INFO: b"\3"}.get(request, self._settings)

    @staticmethod
    def _control(size: int) -> bytes:
        """Which format, size and rate it is set to."""
        return struct.pack(
            "<HBBI5HIIIBBBB", 0, 1, size, INTERVAL, 0, 0, 0, 0, 0, LARGEST, LARGEST, 48_000_000, 0, 0, 0, 0
        )

    def _send(self) -> None:
        """Answers what is asked for of pictures, in parts; a part that is not full ends a picture."""
        while self._wanted and (self._is_open or self._begin()):
            number, length = self._wanted.popleft()
            part, self._left = self._left[:length], self._left[length:]
            self._is_open = len(part) == length
            self._answer(number, data=part)

    def _begin(self) -> bool:
        """Takes the next picture, where it is time."""
        now = time.monotonic()
        jpeg = self._picture(SIZES[self._settings[3] - 1]) if now >= self._next else None
        if jpeg is None:
            return False
        self._next = now + INTERVAL / 1e7
        self._frame_id ^= FRAME_ID
        self._left = bytes([2, END_OF_HEADER | END_OF_FRAME | self._frame_id]) + jpeg
        return True
