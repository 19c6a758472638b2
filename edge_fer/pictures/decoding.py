"""From the bytes of a picture's file to pixels, whatever kind it is, and never more of them than memory allows."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_fer.capture.opencv import quieten, to_rgb
from edge_fer.errors import PictureError
from edge_fer.pictures.exif import upright
from edge_fer.pictures.header import Header, read_header
from edge_fer.pictures.png import pixels_alone
from edge_fer.types import Image

__all__ = ["MOST_PIXELS", "Picture", "decode"]

#: Larger pictures are refused before they are decoded: 8192 x 8192 pixels, which take 0.45 GB from a JPEG meanwhile
#: and 1.2 GB from a PNG with 16 bits and transparency.
MOST_PIXELS = 1 << 26
#: The longest side, in pixels, that OpenCV can turn.
LONGEST = 32_000
#: Rows that are worked on at once where more than a byte for each sample is needed.
BAND = 256


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was read.

    Attributes:
        image: RGB uint8 (height, width, 3), upright.
        notes: what is worth knowing of how it was read, each a short phrase.
    """

    image: Image
    notes: tuple[str, ...] = ()


def decode(data: bytes) -> Picture:
    """Decodes a picture.

    JPEG, PNG, WebP, GIF, BMP, TIFF and PNM, told apart by what is in them. It is turned upright as its EXIF
    orientation says; what is transparent lies on white; sixteen bits become eight; grey becomes RGB; of several
    pictures, the first is taken.

    Args:
        data: the whole file.

    Raises:
        PictureError: it is none of these, damaged, cut off, or larger than `MOST_PIXELS`. The message begins with a
            verb, for the file's name to be put before it.
    """
    quieten()
    header = read_header(data)
    _check_size(header)
    stored = _from_gif(data) if header.kind == "GIF" else _from_opencv(data, header)
    notes = [f"is {header.pictures}: its first picture was read"] if header.pictures else []
    if stored.ndim == 3 and stored.shape[2] == 4 and int(stored[..., 3].min()) < _whole(stored):
        notes.append("is transparent in places: it was laid on white")
    premultiplied = header.kind == "TIFF" and stored.dtype == np.uint8
    image = _on_white(stored, premultiplied=premultiplied)
    return Picture(upright(image, header.orientation), tuple(notes))


def _check_size(header: Header) -> None:
    size = f"{header.width} x {header.height}"
    if header.width < 1 or header.height < 1:
        msg = f"is a {header.kind} file that is damaged: it claims {size} pixels"
        raise PictureError(msg, remedy="Copy or export it again")
    if header.width * header.height > MOST_PIXELS or max(header.width, header.height) > LONGEST:
        msg = f"is too large: {size} pixels, where {MOST_PIXELS / 1e6:.0f} megapixels are the most"
        raise PictureError(msg, remedy=f"Make it smaller, and no side longer than {LONGEST} pixels")


def _from_opencv(data: bytes, header: Header) -> NDArray[Any]:
    """As stored: grey, BGR or BGRA, uint8 or uint16."""
    if header.kind == "PNG":
        data = pixels_alone(data)
    try:
        # unchanged keeps transparency and all bits, and leaves the turning to us: OpenCV's own differs by version
        stored = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except (cv2.error, MemoryError):
        stored = None
    if stored is None:
        msg = f"is a {header.kind} file that is damaged, or of a kind that is not known here"
        raise PictureError(msg, remedy="Open it in a picture viewer and save it as JPEG or PNG")
    if stored.dtype not in {np.dtype(np.uint8), np.dtype(np.uint16)}:
        msg = f"holds {stored.dtype} samples, not 8 or 16 bits"
        raise PictureError(msg, remedy="Save it as JPEG or PNG")
    if header.most is not None:
        whole = _whole(stored)
        stored = np.minimum(stored * (whole / max(header.most, 1)), whole).astype(stored.dtype)
    return stored


def _from_gif(data: bytes) -> NDArray[Any]:
    """The first frame, BGR uint8, by FFmpeg: most builds of OpenCV cannot read GIF themselves."""
    with open(os.memfd_create("picture"), "wb") as file:  # noqa: PTH123 - a file in memory has no path of its own
        file.write(data)
        file.flush()
        capture = cv2.VideoCapture(f"/proc/self/fd/{file.fileno()}", cv2.CAP_FFMPEG)
        try:
            found, stored = capture.read()
        finally:
            capture.release()
    if not found or stored is None:
        msg = "is a GIF file that is damaged or cut off"
        raise PictureError(msg, remedy="Copy or export it again")
    return stored


def _on_white(stored: NDArray[Any], *, premultiplied: bool) -> Image:
    """RGB uint8, with what is transparent on white.

    Args:
        stored: grey, BGR or BGRA, uint8 or uint16.
        premultiplied: whether colours are multiplied with how opaque they are already, as libtiff does with 8 bits.
    """
    if stored.dtype == np.uint8 and (stored.ndim == 2 or stored.shape[2] != 4):
        return to_rgb(stored)
    image = np.empty((*stored.shape[:2], 3), np.uint8)
    whole = _whole(stored)
    for top in range(0, len(stored), BAND):
        band = stored[top : top + BAND].astype(np.float32) * np.float32(255 / whole)
        if band.ndim == 3 and band.shape[2] == 4:
            opaque = band[..., 3:] / np.float32(255)
            band = band[..., :3] * (1 if premultiplied else opaque) + 255 * (1 - opaque)
        image[top : top + BAND] = to_rgb(np.rint(band).astype(np.uint8))
    return image


def _whole(stored: NDArray[Any]) -> int:
    """What white is."""
    return 255 if stored.dtype == np.uint8 else 65535
