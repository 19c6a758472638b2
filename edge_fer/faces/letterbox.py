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
        margin: grey that is left at least on each side, pixels.
    """

    def __init__(self, width: int, height: int, *, margin: int = 0) -> None:
        self._margin = margin
        self._filled = np.full((height, width, 3), AROUND, np.uint8)
        self._shape = (0, 0)
        self._inside = self._filled
        self._start, self._scale = np.zeros(2, np.float32), np.ones(2, np.float32)

    def fill(self, image: Image) -> Image:
        """The grey one with the picture in it, RGB uint8 (height, width, 3); overwritten by the next one.

        Args:
            image: RGB uint8 (H, W, 3), from one pixel on.
        """
        if image.shape[:2] != self._shape:
            self._place(*image.shape[:2])
        down, across = self._inside.shape[:2]
        shrinks = max(self._shape[0] / down, self._shape[1] / across) > LEAP
        self._inside[:] = _shrunk(image, across, down) if shrinks else _sampled(image, across, down)
        return self._filled

    def unit(self, width: int, height: int) -> float:
        """Pixels of a picture of this size to one of the grey one's."""
        most_down, most_across = (side - 2 * self._margin for side in self._filled.shape[:2])
        return max(width / most_across, height / most_down)

    def _place(self, height: int, width: int) -> None:
        """Finds the place of pictures of this size."""
        whole_down, whole_across = self._filled.shape[:2]
        shrink = 1 / self.unit(width, height)
        across, down = max(1, round(width * shrink)), max(1, round(height * shrink))
        x, y = (whole_across - across) // 2, (whole_down - down) // 2
        self._filled[:] = AROUND
        self._inside = self._filled[y : y + down, x : x + across]
        self._start = np.array((x, y), np.float32)
        self._scale = np.array((width / across, height / down), np.float32)
        self._shape = height, width

    def back(self, points: Points) -> Points:
        """Points of what was filled last, as points of the picture in it."""
        return (points - self._start) * self._scale

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
