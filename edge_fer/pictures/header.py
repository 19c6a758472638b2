"""What kind of file a picture is, told by its first bytes."""

from __future__ import annotations

import re

from edge_fer.errors import PictureError

__all__ = ["kind_of", "looks_like_picture"]


def kind_of(data: bytes) -> str:
    """The kind of file, as people call it: a name in `KINDS`.

    Args:
        data: the whole file.

    Raises:
        PictureError: it is no picture of a kind that can be read.
    """
    for signature, kind in KINDS:
        if signature.match(data):
            return kind
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
    return any(signature.match(head) for signature, _ in KINDS)


def _signature(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern, re.DOTALL)


KINDS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (_signature(rb"\xff\xd8\xff"), "JPEG"),
    (_signature(rb"\x89PNG\r\n\x1a\n"), "PNG"),
    (_signature(rb"RIFF....WEBP"), "WebP"),
    (_signature(rb"GIF8[79]a"), "GIF"),
    (_signature(rb"BM.{8}"), "BMP"),
    (_signature(rb"II\*\0|MM\0\*"), "TIFF"),
    (_signature(rb"P[1-6][\s#]"), "PNM"),
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
