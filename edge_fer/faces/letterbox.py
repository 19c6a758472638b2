"""A picture of any size brought into the shape of a network's input, and points brought back."""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_fer.types import Image

__all__ = ["AROUND", "Letterbox", "Points"]

#: (x, y) in the last axis, in pixels, counted from the edge of the picture.
Points: TypeAlias = NDArray[np.float32]

#: Shrunk by more than this, a picture is shrunk in two steps. Sampled at once, boxes and keypoints jitter by a fifth to
#: a half more from frame to frame, and small faces are lost; averaged over all its pixels, it takes three to eight
#: times as long for no better faces.
LEAP = 2
#: The level around a picture: the middle of all, which networks see as 0, as what their convolutions pad with.
AROUND = 127


class Letterbox:
    """Shrinks or grows pictures into the middle of a grey one, keeping their proportions.

    Args:
        width: of the grey one, pixels.
        height: likewise.
    """

    def __init__(self, width: int, height: int) -> None:
        self._filled = np.full((height, width, 3), AROUND, np.uint8)
        self._place = (0, 0, 0, 0)
        self._scale = np.ones(2, np.float32)

    def fill(self, image: Image) -> Image:
        """The grey one with the picture in it, RGB uint8 (height, width, 3); overwritten by the next one.

        Args:
            image: RGB uint8 (H, W, 3), from one pixel on.
        """
        (height, width), (most_down, most_across) = image.shape[:2], self._filled.shape[:2]
        shrink = min(most_across / width, most_down / height)
        across, down = max(1, round(width * shrink)), max(1, round(height * shrink))
        place = ((most_across - across) // 2, (most_down - down) // 2, across, down)
        if place != self._place:
            self._filled[:] = AROUND
            self._place = place
        self._scale = np.array((width / across, height / down), np.float32)
        x, y = place[:2]
        inside = self._filled[y : y + down, x : x + across]
        inside[:] = _shrunk(image, across, down) if self._scale.max() > LEAP else _sampled(image, across, down)
        return self._filled

    def back(self, points: Points) -> Points:
        """Points of what was filled last, as points of the picture in it."""
        return (points - np.array(self._place[:2], np.float32)) * self._scale

    def back_size(self, sizes: Points) -> Points:
        """Widths and heights in what was filled last, as such in the picture in it."""
        return sizes * self._scale


def _shrunk(image: Image, across: int, down: int) -> Image:
    """The picture at less than half its size, in the cheaper two of the steps that lead there."""
    height, width = image.shape[:2]
    # OpenCV averages two by two pixels several times as fast as any other number
    if width <= 2 * LEAP * across and height % 2 == width % 2 == 0:
        return _sampled(_averaged(image, width // 2, height // 2), across, down)
    return _averaged(_sampled(image, 2 * across, 2 * down), across, down)


def _sampled(image: Image, across: int, down: int) -> Image:
    return np.asarray(cv2.resize(image, (across, down), interpolation=cv2.INTER_LINEAR), np.uint8)


def _averaged(image: Image, across: int, down: int) -> Image:
    return np.asarray(cv2.resize(image, (across, down), interpolation=cv2.INTER_AREA), np.uint8)
