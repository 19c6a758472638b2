"""The chunks that a PNG file is made of (W3C, Portable Network Graphics, third edition)."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from struct import unpack_from

__all__ = ["first_picture"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: What the pixels of the first picture are made of.
PIXELS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
#: Texts that tell the orientation: XMP, and EXIF as ImageMagick writes it.
TELLING = re.compile(rb"XML:com\.adobe\.xmp\0|Raw profile type (?:exif|APP1)\0")


def first_picture(data: bytes) -> tuple[bytes, bool]:
    """The first picture of a PNG file, and whether there are more.

    Pillow does not check the sums of what it decodes, so that they are checked here. What is neither pixels nor
    orientation is left out: texts and profiles can be packed so that they unpack to gigabytes.

    Raises:
        ValueError: the file is cut off or damaged.
    """
    kept, animated = [SIGNATURE], False
    for name, whole in _chunks(data):
        if name == b"acTL" and len(whole) == 20:
            animated = unpack_from(">I", whole, 8)[0] > 1
        tells = name == b"eXIf" or (name in {b"iTXt", b"zTXt", b"tEXt"} and TELLING.match(whole, 8))
        if name in PIXELS or tells:
            kept.append(whole)
    return b"".join(kept), animated


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each chunk's name, and all of it, up to and with `IEND`."""
    at, name = len(SIGNATURE), b""
    while name != b"IEND":
        name = data[at + 4 : at + 8]
        end = at + 12 + (unpack_from(">I", data, at)[0] if len(name) == 4 else len(data))
        if end > len(data):
            msg = "the last chunk is cut off"
            raise ValueError(msg)
        whole = data[at:end]
        if name in PIXELS and zlib.crc32(whole[4:-4]) != unpack_from(">I", whole, len(whole) - 4)[0]:
            msg = "a chunk's sum is wrong"
            raise ValueError(msg)
        yield name, whole
        at = end
