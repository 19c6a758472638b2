"""Whether a JPEG is whole, and its pixels.

A JPEG decoder makes something up for data that is missing or wrong, warns of it at most, and goes on. OpenCV writes
the warning to standard error and Pillow drops it; libjpeg-turbo, through simplejpeg, returns it. It is for stills and
for streams.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple, cast

import numpy as np
import simplejpeg
from numpy.typing import NDArray

__all__ = ["SIZES", "DamagedJpegError", "damage", "rgb_pixels"]

#: More pixels are not decoded.
MOST_PIXELS = 1 << 26
#: More scans are not decoded: a progressive JPEG has about ten, and a file of some megabytes can hold a million, each
#: of which takes as long as a whole picture.
MOST_SCANS = 200
#: What is said where data ends too early.
MISSING = "picture data is missing"
#: What is said of everything else.
WRONG = "picture data is wrong"
#: So many places where a picture may end are tried without the zeros before them.
TRIES = 3


class DamagedJpegError(ValueError):
    """The JPEG is damaged; the message says how, as `damage` does."""


def damage(data: bytes, *, spare: int = 0) -> str | None:
    """What is wrong with a JPEG; None where nothing is.

    It is decoded at an eighth of its size. A change that leaves valid data, such as another brightness of a block,
    cannot be told from a picture. The few kinds that libjpeg-turbo's simple interface cannot decode, with rare
    subsampling, are looked at from outside alone: that they have an end.

    Args:
        data: the whole file, or one picture of a stream; what follows the picture is ignored.
        spare: so many bytes too many before a marker are let pass. Some webcams (Logitech C270, C910) leave a few in
            every picture. Of several faults in one picture only the last is known, so that 0 finds more.

    Returns:
        A short phrase, such as "picture data is missing".
    """
    try:
        _decoded(data, spare, colorspace=None, min_factor=8, fastdct=True, fastupsample=True)
    except DamagedJpegError as error:
        return str(error)
    return None


def rgb_pixels(data: bytes, *, spare: int = 0) -> NDArray[np.uint8] | None:
    """The pixels of a JPEG, as stored, without turning; None where they must be decoded in another way.

    Args:
        data: the whole file.
        spare: see `damage`.

    Returns:
        RGB (height, width, 3); None for CMYK and for rare subsampling.

    Raises:
        DamagedJpegError: it is not whole.
    """
    return _decoded(data, spare, colorspace="RGB")


class _Frame(NamedTuple):
    """What stands before the picture data, and where that lies."""

    components: int
    begin: int
    end: int


def _decoded(data: bytes, spare: int, *, colorspace: str | None, **options: Any) -> NDArray[np.uint8] | None:
    """What libjpeg-turbo makes of it; None where it cannot.

    Args:
        data: the JPEG.
        spare: see `damage`.
        colorspace: of the result; None for whichever is made fastest.
        **options: of `simplejpeg.decode_jpeg`.

    Raises:
        DamagedJpegError: it warned.
    """
    frame = _frame(data)
    if colorspace is not None and frame.components == 4:
        _decoded(data, spare, colorspace=None, min_factor=8)
        return None
    options["colorspace"] = colorspace or ("CMYK" if frame.components == 4 else "GRAY")
    warning = ""
    for strict in (True, False):
        try:
            return cast("NDArray[np.uint8]", simplejpeg.decode_jpeg(data, strict=strict, **options))
        except ValueError as error:
            warning = str(error)
        except (KeyError, MemoryError):
            return None
        if UNABLE.search(warning):
            return None
        extra = EXTRA.search(warning)
        few = extra is not None and int(extra[1]) <= spare
        if not (few or HARMLESS.search(warning) or (extra and extra[2] == "d9" and _padded(data, frame, options))):
            break
    raise DamagedJpegError(MISSING if EARLY.search(warning) else WRONG)


def _frame(data: bytes) -> _Frame:
    """Reads the headers.

    Raises:
        DamagedJpegError: they are cut off, or claim more than is decoded.
    """
    at, components = 2, 0
    try:
        while True:
            # as decoders do: whatever stands before the next marker is skipped
            at = data.index(b"\xff", at)
            while data[at] == 0xFF:
                at += 1
            marker = data[at]
            at += 1
            if marker in NO_LENGTH:
                continue
            length = int.from_bytes(data[at : at + 2], "big")
            if marker in SIZES:
                height, width = (int.from_bytes(data[at + add : at + add + 2], "big") for add in (3, 5))
                components = data[at + 7]
                if not 0 < width * height <= MOST_PIXELS:
                    raise DamagedJpegError(WRONG)
            elif marker == 0xDA:
                break
            at += length
        end = data.index(b"\xff\xd9", at)
    except (ValueError, IndexError) as error:
        raise error if isinstance(error, DamagedJpegError) else DamagedJpegError(MISSING) from None
    if not components or data.count(b"\xff\xda", at, end) > MOST_SCANS:
        raise DamagedJpegError(WRONG)
    return _Frame(components, at, end)


def _padded(data: bytes, frame: _Frame, options: dict[str, Any]) -> bool:
    """Whether it is whole but for zeros before its end, with which some cameras fill up."""
    for end in list(ZEROS.finditer(data, frame.begin, frame.end + 2))[-TRIES:]:
        try:
            simplejpeg.decode_jpeg(data[: end.start()] + b"\xff\xd9", **options)
        except ValueError:
            continue
        return True
    return False


#: JPEG markers that stand alone, and those of frames, which tell the size (ITU-T T.81, table B.1).
NO_LENGTH = {0x00, 0x01, *range(0xD0, 0xDA)}
SIZES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
#: What libjpeg-turbo says of a kind that it cannot decode so, and of what says nothing about the pixels.
UNABLE = re.compile(
    r"Could not determine subsampling|[Uu]nsupported color conversion|Unsupported JPEG process|precision"
)
HARMLESS = re.compile(r"Unknown Adobe color transform|unknown JFIF revision|Invalid SOS parameters for sequential")
#: Likewise, of data that ends too early, and of data too many.
EARLY = re.compile(r"[Pp]remature end")
EXTRA = re.compile(r"(\d+) extraneous bytes before marker 0x([0-9a-f]{2})")
ZEROS = re.compile(rb"\0+\xff\xd9")
