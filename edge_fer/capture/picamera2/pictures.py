"""RGB pictures from what picamera2 hands out, whose formats are named after the order of bits, not of bytes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_fer.types import Image

__all__ = ["MAIN_FORMATS", "main_to_rgb", "small_size", "small_to_rgb"]

#: Formats of the main stream, and how to make RGB of each; None is RGB already. `BGR888` has R, G, B in memory.
MAIN_FORMATS: Mapping[str, int | None] = MappingProxyType(
    {
        "BGR888": None,
        "RGB888": cv2.COLOR_BGR2RGB,
        "XBGR8888": cv2.COLOR_RGBA2RGB,
        "XRGB8888": cv2.COLOR_BGRA2RGB,
    }
)
#: Width of the small stream, pixels: a multiple of 128, so that its rows need no padding on any Pi, and enough to find
#: a face in of a twenty-fifth of its width.
SMALL_WIDTH = 640


def small_size(main: tuple[int, int]) -> tuple[int, int] | None:
    """Width and height of the small stream beside a main one of this size; None where it would not be smaller."""
    width, height = main
    if width <= SMALL_WIDTH:
        return None
    return SMALL_WIDTH, max(2, round(SMALL_WIDTH * height / width / 2) * 2)


def main_to_rgb(picture: NDArray[Any], form: str) -> Image:
    """RGB uint8 (height, width, 3).

    Args:
        picture: as `CompletedRequest.make_array` gives it: a copy without padding.
        form: its format, of `MAIN_FORMATS`.
    """
    code = MAIN_FORMATS[form]
    return picture if code is None else np.asarray(cv2.cvtColor(picture, code), dtype=np.uint8)


def small_to_rgb(picture: NDArray[Any], size: tuple[int, int]) -> Image:
    """RGB uint8 (height, width, 3), contiguous.

    Args:
        picture: YUV420 as `CompletedRequest.make_array` gives it, uint8 (height * 3 / 2, stride): the padding at the
            right of every row is still there.
        size: width and height without it.
    """
    width, height = size
    rgb = cv2.cvtColor(picture, cv2.COLOR_YUV2RGB_I420)
    return np.ascontiguousarray(rgb[:height, :width], dtype=np.uint8)
