"""JPEG pictures in a stream of bytes, whatever stands between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edge_fer.capture.jpeg import SIZES

__all__ = ["JpegStream", "StoredJpeg", "TooLongError"]

#: Bytes of the largest picture that is waited for: no camera's is that large.
MOST_BYTES = 32 << 20
#: JPEG markers that stand alone (ITU-T T.81, table B.1).
_ALONE = {0x01, *range(0xD0, 0xD8)}
_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA


class TooLongError(ValueError):
    """A picture has no end."""


@dataclass(frozen=True, slots=True)
class StoredJpeg:
    """A picture as it came.

    Attributes:
        data: all of it.
        width: in pixels; 0 where it does not say.
        height: likewise.
    """

    data: bytes
    width: int
    height: int


class JpegStream:
    """Cuts pictures out of a stream of bytes.

    Cameras send pictures with and without boundaries, with wrong lengths, and with headers of their own between them.
    All that is skipped: a picture goes from its first marker to its last one.

    Args:
        most_bytes: of one picture.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._data = bytearray()
        self._restart(0)

    def feed(self, data: bytes) -> Iterator[StoredJpeg]:
        """Takes what came, and gives the pictures that are whole by now.

        Raises:
            TooLongError: a picture has no end.
        """
        self._data += data
        while (found := self._next()) is not None:
            yield found
        if len(self._data) > self._most_bytes:
            msg = f"a picture of more than {self._most_bytes >> 20} MB"
            raise TooLongError(msg)

    def _restart(self, at: int) -> None:
        """Drops what is before `at`, and looks for the beginning of a picture there."""
        del self._data[:at]
        self._at, self._inside, self._scanning, self._size = 0, False, False, (0, 0)

    def _next(self) -> StoredJpeg | None:
        """The next picture; None where its end has not come yet."""
        if not self._inside:
            begin = self._data.find(b"\xff\xd8\xff", self._at)
            if begin < 0:
                # the last two bytes may be the first two of a beginning
                self._restart(max(0, len(self._data) - 2))
                return None
            self._restart(begin)
            self._inside, self._at = True, 2
        return self._walk()

    def _walk(self) -> StoredJpeg | None:
        """Goes from marker to marker, up to the end of the picture or of what has come."""
        data = self._data
        while True:
            at = data.find(b"\xff", self._at)
            if at < 0 or at + 1 >= len(data):
                self._at = len(data) if at < 0 else at
                return None
            marker = data[at + 1]
            if marker == 0xFF:
                self._at = at + 1
            elif marker in _ALONE or (marker == 0 and self._scanning):
                self._at = at + 2
            elif marker == _EOI:
                found = StoredJpeg(bytes(data[: at + 2]), *self._size)
                self._restart(at + 2)
                return found
            elif marker in {_SOI, 0}:
                # the picture before was cut off, or this is none
                self._restart(at if marker == _SOI else at + 2)
                return self._next()
            else:
                if at + 4 > len(data):
                    return None
                end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
                if end > len(data):
                    return None
                if marker in SIZES and end >= at + 9:
                    height, width = (int.from_bytes(data[place : place + 2], "big") for place in (at + 5, at + 7))
                    self._size = width, height
                self._scanning = marker == _SOS
                self._at = max(end, at + 4)
