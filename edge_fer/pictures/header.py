"""What a picture's file says of itself before anything is decoded: its kind, size, and how it was held.

A file of a hundred bytes can claim a hundred gigapixels, so nothing is decoded before its header was read here. Each
kind has one function, which reads as the decoder behind it does and raises `ValueError` where the file is cut off.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from struct import unpack_from

from edge_fer.errors import PictureError
from edge_fer.pictures.exif import orientation_in
from edge_fer.pictures.png import chunks

__all__ = ["Header", "looks_like_picture", "read_header"]


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of its picture.

    Attributes:
        kind: of file, as people call it.
        width: in pixels, as stored: before turning.
        height: likewise.
        orientation: how to turn it, as in EXIF, 1 to 8; 1 is as stored.
        pictures: what the file holds more of than one picture; empty where it holds one.
        most: the value of white, where that is less than the samples' bits could say.
    """

    kind: str
    width: int
    height: int
    orientation: int = 1
    pictures: str = ""
    most: int | None = None


def read_header(data: bytes) -> Header:
    """What the file says of its picture.

    Args:
        data: the whole file.

    Raises:
        PictureError: it is no picture of a kind that can be read, or is cut off.
    """
    for signature, kind, read in KINDS:
        if signature.match(data):
            try:
                return read(data)
            except (ValueError, LookupError, struct.error):
                msg = f"is a {kind} file that is damaged or cut off"
                raise PictureError(msg, remedy="Copy or export it again") from None
    for signature, what, remedy in OTHERS:
        if signature.match(data):
            msg = f"is {what}"
            raise PictureError(msg, remedy=remedy)
    if not data.strip(b"\0"):
        what = "holds nothing but zeros" if data else "is empty"
        raise PictureError(what, remedy="Copy or export it again")
    msg = "is no picture that can be read"
    raise PictureError(msg, remedy="Name a JPEG, PNG, WebP, GIF, BMP, TIFF or PNM file")


def looks_like_picture(head: bytes) -> bool:
    """Whether a file that begins so is of a kind that can be read; a few dozen bytes suffice."""
    return any(signature.match(head) for signature, _, _ in KINDS)


def _jpeg(data: bytes) -> Header:
    at, orientation = 2, 1
    while True:
        # as decoders do: whatever stands before the next marker is skipped
        at = data.index(b"\xff", at)
        while data[at] == 0xFF:
            at += 1
        marker = data[at]
        at += 1
        if marker in NO_LENGTH:
            continue
        (length,) = unpack_from(">H", data, at)
        if marker in SIZES:
            height, width = unpack_from(">HH", data, at + 3)
            # without its end, decoders invent the rest, and do not say so
            data.index(b"\xff\xd9", at)
            return Header("JPEG", width, height, orientation)
        if marker == 0xE1 and data[at + 2 : at + 8] == b"Exif\0\0":
            orientation = orientation_in(data[at + 8 : at + length])
        at += length


#: JPEG markers that stand alone, and those of frames, which tell the size (ITU-T T.81, table B.1).
NO_LENGTH = {0x00, 0x01, *range(0xD0, 0xD9)}
SIZES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def _png(data: bytes) -> Header:
    if data[12:16] != b"IHDR":
        raise ValueError
    width, height = unpack_from(">II", data, 16)
    orientation, pictures = 1, ""
    for name, content in chunks(data):
        if name == b"eXIf":
            orientation = orientation_in(content)
        elif name == b"acTL" and unpack_from(">I", content)[0] > 1:
            pictures = "animated"
    return Header("PNG", width, height, orientation, pictures)


def _webp(data: bytes) -> Header:
    if len(data) < 8 + unpack_from("<I", data, 4)[0]:
        raise ValueError
    parts = dict(_riff_chunks(data))
    # an extended file, a lossless one, or a plain one
    if (at := parts.get(b"VP8X")) is not None:
        width, height = (1 + int.from_bytes(data[at + add : at + add + 3], "little") for add in (4, 7))
    elif (at := parts.get(b"VP8L")) is not None:
        (bits,) = unpack_from("<I", data, at + 1)
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    else:
        width, height = (side & 0x3FFF for side in unpack_from("<HH", data, parts[b"VP8 "] + 6))
    exif = parts.get(b"EXIF")
    orientation = 1 if exif is None else orientation_in(data[exif:].removeprefix(b"Exif\0\0"))
    return Header("WebP", width, height, orientation, "animated" if b"ANMF" in parts else "")


def _riff_chunks(data: bytes) -> Iterator[tuple[bytes, int]]:
    """The chunks of a RIFF file: each one's name, and where its content starts."""
    at = 12
    while at + 8 <= len(data):
        yield data[at : at + 4], at + 8
        at += 8 + (unpack_from("<I", data, at + 4)[0] + 1 & ~1)


def _gif(data: bytes) -> Header:
    width, height, flags = unpack_from("<HHB", data, 6)
    at, frames = 13 + _palette(flags), 0
    while frames < 2 and at < len(data) and data[at] != 0x3B:
        if data[at] == 0x2C:
            frames += 1
            at += 11 + _palette(data[at + 9])
        elif data[at] == 0x21:
            at += 2
        else:
            break
        while data[at]:
            at += 1 + data[at]
        at += 1
    if not frames:
        raise ValueError
    return Header("GIF", width, height, pictures="animated" if frames > 1 else "")


def _palette(flags: int) -> int:
    """How many bytes the colour table takes that GIF flags announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _bmp(data: bytes) -> Header:
    (size,) = unpack_from("<I", data, 14)
    width, height = unpack_from("<HH" if size == 12 else "<ii", data, 18)
    return Header("BMP", width, abs(height))


def _tiff(data: bytes) -> Header:
    order = "<" if data[:2] == b"II" else ">"
    (at,) = unpack_from(order + "I", data, 4)
    (count,) = unpack_from(order + "H", data, at)
    tags = {}
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind = unpack_from(order + "HH", data, entry)
        if tag in {256, 257}:
            (tags[tag],) = unpack_from(order + ("H" if kind == 3 else "I"), data, entry + 8)
    (more,) = unpack_from(order + "I", data, at + 2 + 12 * count)
    # OpenCV turns a TIFF by itself
    return Header("TIFF", tags.get(256, 0), tags.get(257, 0), pictures="of several pages" if more else "")


def _pnm(data: bytes) -> Header:
    kind = data[1:2]
    # comments may stand between the numbers
    numbers = re.match(rb"P[1-6]" + rb"(?:\s|#[^\n]*\n)+(\d{1,9})" * (2 if kind in b"14" else 3), data[:4096])
    if numbers is None:
        raise ValueError
    width, height, *most = (int(number) for number in numbers.groups())
    # OpenCV brings samples to all their bits where they are written as text, and leaves them as they are in bytes
    binary = kind in b"56" and most[0] not in {255, 65535}
    return Header("PNM", width, height, most=most[0] if binary else None)


def _signature(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern, re.DOTALL)


Reader = Callable[[bytes], Header]
KINDS: tuple[tuple[re.Pattern[bytes], str, Reader], ...] = (
    (_signature(rb"\xff\xd8\xff"), "JPEG", _jpeg),
    (_signature(rb"\x89PNG\r\n\x1a\n"), "PNG", _png),
    (_signature(rb"RIFF....WEBP"), "WebP", _webp),
    (_signature(rb"GIF8[79]a"), "GIF", _gif),
    (_signature(rb"BM.{8}"), "BMP", _bmp),
    (_signature(rb"II\*\0|MM\0\*"), "TIFF", _tiff),
    (_signature(rb"P[1-6][\s#]"), "PNM", _pnm),
)
_AS_JPEG = "Save it as JPEG or PNG"
_VIDEO = "Give it to `edge-fer analyze`, or save one of its pictures as JPEG"
#: What people take for pictures, or keep beside them.
OTHERS: tuple[tuple[re.Pattern[bytes], str, str], ...] = (
    (_signature(rb"....ftyp(?:hei|hev|mif1|msf1)"), "a HEIC picture, as phones take them", f"{_AS_JPEG} on the phone"),
    (_signature(rb"....ftyp(?:avif|avis)"), "an AVIF picture", _AS_JPEG),
    (_signature(rb"....ftyp|RIFF....AVI |\x1aE\xdf\xa3|....moov|....mdat"), "a video", _VIDEO),
    (_signature(rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"), "a JPEG 2000 picture", _AS_JPEG),
    (_signature(rb"II\+\0|MM\0\+"), "a BigTIFF picture", _AS_JPEG),
    (_signature(rb"P7\s|P[Ff]\s|\x76\x2f\x31\x01|#\?RADIANCE|#\?RGBE"), "a picture of a rare kind", _AS_JPEG),
    (_signature(rb"%PDF"), "a PDF document", "Export the picture in it as JPEG or PNG"),
    (_signature(rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml|svg)"), "an SVG or XML file", "Export it as PNG"),
    (_signature(rb"PK\x03\x04|\x1f\x8b|7z\xbc\xaf|Rar!"), "an archive", "Unpack it first"),
)
