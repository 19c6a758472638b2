"""The chunks that a PNG file is made of (W3C, Portable Network Graphics, third edition)."""

from __future__ import annotations

from collections.abc import Iterator
from struct import unpack_from

__all__ = ["SIGNATURE", "chunks", "pixels_alone"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: What the pixels of the first picture are made of.
PIXELS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each chunk's name and content, up to and with `IEND`.

    Raises:
        ValueError: the file is cut off.
    """
    at, name = len(SIGNATURE), b""
    while name != b"IEND":
        name = data[at + 4 : at + 8]
        end = at + 12 + (unpack_from(">I", data, at)[0] if len(name) == 4 else len(data))
        if end > len(data):
            msg = "the last chunk is cut off"
            raise ValueError(msg)
        yield name, data[at + 8 : end - 4]
        at = end


def pixels_alone(data: bytes) -> bytes:
    """The file without all that is not pixels of the first picture.

    OpenCV 4.11 reads animations in a way that ends the process where they are damaged; and texts and profiles can be
    packed so that they unpack to gigabytes.
    """
    at, kept = len(SIGNATURE), [SIGNATURE]
    for name, content in chunks(data):
        end = at + 12 + len(content)
        if name in PIXELS:
            kept.append(data[at:end])
        at = end
    return b"".join(kept)
