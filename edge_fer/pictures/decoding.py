"""From the bytes of a picture's file to pixels, whatever kind it is, and never more of them than memory allows.

Pillow reads them, but for the pixels of JPEGs (`jpeg.py`), whose warnings it drops, and of binary PNM (`pnm.py`).
"""

from __future__ import annotations

import importlib
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageCms, TiffImagePlugin

from edge_fer.capture.jpeg import MOST_PIXELS, DamagedJpegError, rgb_pixels
from edge_fer.errors import PictureError
from edge_fer.pictures.exif import orientation_of, upright
from edge_fer.pictures.header import kind_of
from edge_fer.pictures.lab import D50, lab_to_rgb
from edge_fer.pictures.png import first_picture
from edge_fer.pictures.pnm import binary_pnm
from edge_fer.pictures.rest import bytes_behind
from edge_fer.types import Image

__all__ = ["MOST_PIXELS", "Picture", "decode", "see_that_it_is_no_larger"]

#: The longest side, in pixels, that OpenCV can turn.
LONGEST = 32_000
#: Rows that are worked on at once, so that no second copy of the whole picture is needed.
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

    JPEG, PNG, WebP, GIF, BMP, TIFF and PNM, told apart by what is in them. It is turned upright as its EXIF or XMP
    orientation says; what is transparent lies on white; sixteen bits become eight; grey, palettes, CMYK and Lab become
    RGB; of several pictures, the first is taken.

    Args:
        data: the whole file.

    Raises:
        PictureError: it is none of these, damaged, cut off, or larger than `MOST_PIXELS`. The message begins with a
            verb, for the file's name to be put before it.
    """
    kind = kind_of(data)
    if behind := bytes_behind(data, kind):
        raise _damaged(kind, f": {behind} bytes stand behind its pixels")
    _keep_limits()
    try:
        return READERS[kind](data, kind)
    except DamagedJpegError as error:
        raise _damaged(kind, f": {error}") from None
    except (PictureError, _UnknownError) as error:
        if isinstance(error, PictureError):
            raise
        msg = f"is a {kind} file of a kind that is not known here: {error}"
        raise PictureError(msg, remedy="Open it in a picture viewer and save it as JPEG or PNG") from None
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning):
        msg = f"is too large: more than {MOST_PIXELS / 1e6:.0f} megapixels"
        raise PictureError(msg, remedy=f"Make it smaller, and no side longer than {LONGEST} pixels") from None
    except Exception:  # noqa: BLE001 - what is damaged makes Pillow raise anything
        raise _damaged(kind, ", or of a kind that is not known here" if kind in MANIFOLD else "") from None


def see_that_it_is_no_larger(data: bytes, pixels: int) -> None:
    """Looks at the size that a picture's head claims, before memory is taken for its pixels.

    Raises:
        PictureError: it is larger, or no picture of a kind that can be read.
    """
    kind = kind_of(data)
    _keep_limits()
    try:
        width, height = _opened(data, kind).size
    except PictureError:
        raise
    except Exception:  # noqa: BLE001 - what is damaged makes Pillow raise anything
        raise _damaged(kind, ", or of a kind that is not known here" if kind in MANIFOLD else "") from None
    if width * height > pixels:
        msg = f"is too large: {width} x {height} pixels, where {pixels / 1e6:.0f} megapixels are the most here"
        raise PictureError(msg, remedy="Make it smaller")


class _UnknownError(Exception):
    """It is a picture, but its colours cannot be told for certain; the message says what it holds."""


def _damaged(kind: str, how: str) -> PictureError:
    remedy = "Save it as JPEG or PNG" if kind in MANIFOLD else "Copy or export it again"
    return PictureError(f"is a {kind} file that is damaged or cut off{how}", remedy=remedy)


def _keep_limits() -> None:
    """Sets Pillow's limit, and makes its warning an error; its other warnings would go to standard error.

    Each time, because warnings' filters may have been set anew. Pillow's own reader of TIFF files that are not
    compressed mixes up 16-bit planes, so that libtiff reads them all.
    """
    Pillow.MAX_IMAGE_PIXELS = MOST_PIXELS
    TiffImagePlugin.READ_LIBTIFF = True
    warnings.filterwarnings("ignore", module=r"PIL\.")
    warnings.filterwarnings("error", category=Pillow.DecompressionBombWarning)


def _opened(data: bytes, kind: str) -> Pillow.Image:
    """What Pillow makes of the headers, with none of its readers but the one for this kind."""
    format_, plugin = PLUGINS[kind]
    importlib.import_module(f"PIL.{plugin}")
    picture = Pillow.open(io.BytesIO(data), formats=[format_])
    _check_size(kind, *picture.size)
    return picture


def _check_size(kind: str, width: int, height: int) -> None:
    size = f"{width} x {height}"
    if width < 1 or height < 1:
        msg = f"is a {kind} file that is damaged: it claims {size} pixels"
        raise PictureError(msg, remedy="Copy or export it again")
    if width * height > MOST_PIXELS or max(width, height) > LONGEST:
        msg = f"is too large: {size} pixels, where {MOST_PIXELS / 1e6:.0f} megapixels are the most"
        raise PictureError(msg, remedy=f"Make it smaller, and no side longer than {LONGEST} pixels")


def _read_jpeg(data: bytes, kind: str) -> Picture:
    picture = _opened(data, kind)
    orientation = orientation_of(picture)
    image = rgb_pixels(data)
    if image is None:
        image, _ = _pixels(picture, kind)
    return Picture(upright(image, orientation))


def _read_png(data: bytes, kind: str) -> Picture:
    first, animated = first_picture(data)
    return _read(first, kind, "animated" if animated else "")


def _read_pnm(data: bytes, kind: str) -> Picture:
    binary = binary_pnm(data)
    if binary is None:
        # a text with zeros after it is whole
        return _read(data if data[1:2] == b"4" else data.rstrip(b"\0"), kind)
    _check_size(kind, binary.width, binary.height)
    return Picture(binary.pixels(data))


def _read(data: bytes, kind: str, several: str = "") -> Picture:
    """Reads with Pillow.

    Args:
        data: the file.
        kind: of it.
        several: what it holds more of than one picture, where that is known; empty where it is not.
    """
    picture = _opened(data, kind)
    orientation = orientation_of(picture)
    image, transparent = _pixels(picture, kind)
    if not several and _is_animated(picture):
        several = "of several pages" if kind == "TIFF" else "animated"
    notes = [f"is {several}: its first picture was read"] if several else []
    if transparent:
        notes.append("is transparent in places: it was laid on white")
    return Picture(upright(image, orientation), tuple(notes))


def _is_animated(picture: Pillow.Image) -> bool:
    try:
        return bool(getattr(picture, "is_animated", False))
    except Exception:  # noqa: BLE001 - the first picture is whole, whatever comes after it
        return False


def _pixels(picture: Pillow.Image, kind: str) -> tuple[Image, bool]:
    """RGB, with what is transparent on white; and whether anything is."""
    if isinstance(picture, TiffImagePlugin.TiffImageFile):
        convert = _tiff_converter(picture)
    elif picture.mode in DEEP_GREY and kind == "PNG":
        convert = _grey_converter(65535, clear=picture.info.get("transparency"))
    else:
        convert = _converter(picture)
    picture.load()
    width, height = picture.size
    _check_size(kind, width, height)
    image = np.empty((height, width, 3), np.uint8)
    transparent = False
    for top in range(0, height, BAND):
        band = picture.crop((0, top, width, min(top + BAND, height)))
        rgb, opaque = convert(band)
        if opaque is not None and bool((opaque < 255).any()):
            transparent = True
            share = opaque[..., None].astype(np.float32) / 255
            rgb = np.rint(rgb * share + 255 * (1 - share)).astype(np.uint8)
        image[top : top + BAND] = rgb
    return image, transparent


#: Makes RGB of a part of a picture, and how opaque it is, 0 to 255, where that may differ.
Converter = Callable[[Pillow.Image], tuple[NDArray[np.uint8], NDArray[np.uint8] | None]]
#: What Pillow calls grey with 16 bits; before its version 11.3, `I` also in PNG.
DEEP_GREY = frozenset({"I", "I;16", "I;16L", "I;16B", "I;16N"})


def _converter(picture: Pillow.Image) -> Converter:
    """For what Pillow converts rightly."""
    if picture.mode == "CMYK":
        return _cmyk_converter(picture)
    if picture.mode not in {"1", "L", "P", "RGB", "RGBX", "YCbCr", "LA", "La", "PA", "RGBA", "RGBa"}:
        msg = f"its mode is {picture.mode}"
        raise _UnknownError(msg)
    if "transparency" not in picture.info and not picture.mode.upper().endswith("A"):
        return lambda band: (np.asarray(band.convert("RGB")), None)

    def with_opacity(band: Pillow.Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        if band.mode in {"La", "RGBa"}:
            band = band.convert(band.mode.upper())
        four = np.asarray(band.convert("RGBA"))
        return four[..., :3], four[..., 3]

    return with_opacity


def _cmyk_converter(picture: Pillow.Image) -> Converter:
    """For CMYK: by the profile that comes with it; by plain subtraction where none does, or it makes no sense."""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(picture.info.get("icc_profile", b"")))
        screen, intent = ImageCms.createProfile("sRGB"), ImageCms.Intent.RELATIVE_COLORIMETRIC
        transform = ImageCms.buildTransform(profile, screen, "CMYK", "RGB", renderingIntent=intent)
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return lambda band: (np.asarray(band.convert("RGB")), None)
    return lambda band: (np.asarray(ImageCms.applyTransform(band, transform)), None)


def _grey_converter(white: int, *, black: int = 0, clear: Any = None) -> Converter:
    """For grey with more than 8 bits.

    Args:
        white: its level.
        black: its level.
        clear: the level that is transparent, where there is one.
    """

    def by_level(band: Pillow.Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
        stored = np.asarray(band)
        levels = (stored.astype(np.float32) - black) * np.float32(255 / (white - black))
        grey = np.rint(np.clip(levels, 0, 255)).astype(np.uint8)
        opaque = np.where(stored == clear, 0, 255).astype(np.uint8) if isinstance(clear, int) else None
        return np.repeat(grey[..., None], 3, axis=2), opaque

    return by_level


def _tiff_converter(picture: TiffImagePlugin.TiffImageFile) -> Converter:
    """For what TIFF may hold, where Pillow alone would give other colours.

    Raises:
        _UnknownError: it holds what Pillow would give other colours to.
    """
    tags = picture.tag_v2
    bits, signs = tags.get(BITS_PER_SAMPLE, (1,)), tags.get(SAMPLE_FORMAT, (1,))
    if set(signs) - {1} or max(bits) > 16:
        msg = "its samples are not whole numbers of up to 16 bits"
        raise _UnknownError(msg)
    if picture.mode == "LAB":
        white_point = tuple(float(one) for one in tags.get(WHITE_POINT, D50))
        return lambda band: (lab_to_rgb(np.asarray(band), white_point), None)
    if picture.mode not in DEEP_GREY:
        return _converter(picture)
    white, black = (1 << max(bits)) - 1, 0
    if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:
        white, black = black, white
    return _grey_converter(white, black=black)


#: Kinds with so many variants that some are not known here.
MANIFOLD = frozenset({"BMP", "TIFF"})
BITS_PER_SAMPLE, PHOTOMETRIC, WHITE_POINT, SAMPLE_FORMAT = 258, 262, 318, 339
WHITE_IS_ZERO = 0
#: What Pillow calls each kind, and its module that reads it.
PLUGINS = {
    "JPEG": ("JPEG", "JpegImagePlugin"),
    "PNG": ("PNG", "PngImagePlugin"),
    "WebP": ("WEBP", "WebPImagePlugin"),
    "GIF": ("GIF", "GifImagePlugin"),
    "BMP": ("BMP", "BmpImagePlugin"),
    "TIFF": ("TIFF", "TiffImagePlugin"),
    "PNM": ("PPM", "PpmImagePlugin"),
}
READERS: dict[str, Callable[[bytes, str], Picture]] = dict.fromkeys(PLUGINS, _read) | {
    "JPEG": _read_jpeg,
    "PNG": _read_png,
    "PNM": _read_pnm,
}
