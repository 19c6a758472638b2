"""What the sources that read through OpenCV have in common."""

from __future__ import annotations

import os
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_fer.types import Image

__all__ = ["quieten", "square", "squared", "to_rgb"]

#: Pixels that are wider or higher than this, by their own account, are taken for square ones.
MOST_ASPECT = 4.0


def quieten() -> None:
    """Keeps OpenCV and its FFmpeg from writing to standard error what our own errors say better, addresses included.

    Whoever wants their words sets OPENCV_LOG_LEVEL or OPENCV_FFMPEG_LOGLEVEL, which then hold.
    """
    if "OPENCV_LOG_LEVEL" not in os.environ:
        # OpenCV moved it between 4.11 and 4.14
        opencv: Any = cv2  # the type stubs of either version know only their own place for it
        home = opencv if hasattr(opencv, "setLogLevel") else opencv.utils.logging
        home.setLogLevel(0)  # silent
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")


def to_rgb(picture: NDArray[Any] | None) -> Image:
    """RGB uint8 (height, width, 3) from what OpenCV hands out.

    Args:
        picture: grey (height, width) or (height, width, 1), BGR or BGRA; uint8, or uint16 of which the upper half
            is kept.

    Raises:
        ValueError: it is nothing of the kind.
    """
    if picture is None or picture.ndim not in {2, 3} or 0 in picture.shape:
        msg = "an empty picture" if picture is None or 0 in picture.shape else f"a picture of shape {picture.shape}"
        raise ValueError(msg)
    if picture.dtype == np.uint16:
        picture = (picture >> 8).astype(np.uint8)
    code = CODES.get(1 if picture.ndim == 2 else picture.shape[2])
    if code is None or picture.dtype != np.uint8:
        msg = f"a picture of {picture.dtype} {picture.shape}"
        raise ValueError(msg)
    return np.asarray(cv2.cvtColor(picture, code), dtype=np.uint8)


CODES = {1: cv2.COLOR_GRAY2RGB, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGB}


def square(width: int, height: int, pixels: Fraction | None, aspect: float | None) -> tuple[int, int]:
    """The size that a picture has with square pixels; an even width, where it is another one.

    Args:
        width: as it is stored, in pixels.
        height: likewise.
        pixels: width of a pixel by its height, as a stream says; None or 0 where it does not.
        aspect: width by height of the picture as it was taken, where somebody said so.
    """
    wide = aspect * height / width if aspect else float(pixels or 1)
    if wide == 1 or not 1 / MOST_ASPECT <= wide <= MOST_ASPECT:
        return width, height
    return max(2, 2 * round(width * wide / 2)), height


def squared(image: Image, aspect: float | None) -> Image:
    """The picture with square pixels, where its width by its height should be `aspect`."""
    height, width = image.shape[:2]
    size = square(width, height, None, aspect)
    if size == (width, height):
        return image
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
