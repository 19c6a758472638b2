"""From an RGB face crop to the model's input: the one home of this, for serving and for training.

Numpy and OpenCV alone, so that the recipe and a Pi run the same lines.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["grey", "normalise_table", "quantise_table", "resize"]


def grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the luma (ITU-R BT.601) of an RGB (H, W, 3) uint8 image as (H, W); a grey (H, W) image as it is."""
    if image.ndim == 2:
        return image
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def resize(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a grey (H, W) or RGB (H, W, 3) image at ``size`` = (width, height); as it is where it has that size.

    Shrinking averages areas, or a large sharp face would alias; enlarging interpolates linearly.
    """
    width, height = size
    if image.shape[:2] == (height, width):
        return image
    shrinks = width * height < image.shape[0] * image.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=how), dtype=np.uint8)


def normalise_table(value_range: tuple[float, float]) -> NDArray[np.float32]:
    """Return 256 float32: what the float model sees for each grey level, 0 → low and 255 → high of the range."""
    low, high = value_range
    return np.linspace(low, high, 256, dtype=np.float32)


def quantise_table(value_range: tuple[float, float], scale: float, zero_point: int) -> NDArray[np.int8]:
    """Return 256 int8: what the quantised model sees for each grey level.

    Normalising and quantising are both per pixel, so one look-up does the two.
    """
    levels = np.rint(normalise_table(value_range).astype(np.float64) / scale) + zero_point
    table: NDArray[np.int8] = np.clip(levels, -128, 127).astype(np.int8)
    return table
