"""What annotations are drawn with: smooth letters, see-through plates, outlines. Pictures are drawn on in place."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_fer.types import Image

__all__ = ["Colour", "Plate", "contrasting", "outline", "plate", "text", "text_width"]

#: Red, green and blue, 0 to 255.
Colour: TypeAlias = tuple[int, int, int]

FONT = cv2.FONT_HERSHEY_DUPLEX
#: Height of a capital letter of the font at scale 1, in pixels.
CAPITAL = 21
#: Letters are drawn so many times as large and then averaged, because strokes come in whole pixels.
FINER = 3


class Plate(NamedTuple):
    """A rectangle, in pixels; right and bottom lie outside."""

    left: int
    top: int
    right: int
    bottom: int

    def overlap(self, other: Plate) -> int:
        """The shared area, in pixels."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(across, 0) * max(down, 0)

    def inside(self, image: Image) -> bool:
        """Whether all of it lies in the picture."""
        height, width = image.shape[:2]
        return self.left >= 0 and self.top >= 0 and self.right <= width and self.bottom <= height


def contrasting(colour: Colour) -> Colour:
    """Black or white, whichever is easier to read on the colour."""
    red, green, blue = colour
    return (20, 20, 24) if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else (255, 255, 255)


def text_width(words: str, height: int) -> int:
    """How wide words are whose capitals are so many pixels high."""
    width: int = _letters(words, height).shape[1]
    return width


def text(image: Image, left: int, middle: int, words: str, *, height: int, colour: Colour) -> None:
    """Writes one line of ASCII.

    Args:
        image: RGB uint8 (height, width, 3).
        left: where it begins.
        middle: where the middle of its capitals lies.
        words: what.
        height: of a capital letter, in pixels.
        colour: of the letters.
    """
    letters = _letters(words, height)
    _blend(image, left, middle - letters.shape[0] // 2, letters, colour)


def plate(image: Image, at: Plate, colour: Colour, *, opaque: float = 1.0) -> None:
    """A filled rectangle, 0 to 1 opaque."""
    mask = np.full((max(at.bottom - at.top, 0), max(at.right - at.left, 0)), opaque, np.float32)
    _blend(image, at.left, at.top, mask, colour)


def outline(image: Image, at: Plate, colour: Colour, *, width: int) -> None:
    """The outline of a rectangle, in a colour with dark edges, so that it stands out from anything."""
    corners = (at.left, at.top), (at.right - 1, at.bottom - 1)
    cv2.rectangle(image, *corners, (20, 20, 24), width + max(2, width // 2), cv2.LINE_AA)
    cv2.rectangle(image, *corners, colour, width, cv2.LINE_AA)


@lru_cache(maxsize=256)
def _letters(words: str, height: int) -> NDArray[np.float32]:
    """How far each pixel is covered by the words, 0 to 1; twice as high as a capital."""
    scale = height * FINER / CAPITAL
    thick = max(1, round(height * FINER / 9))
    (width, _), _ = cv2.getTextSize(words, FONT, scale, thick)
    canvas = np.zeros((2 * height * FINER, (width // FINER + 1) * FINER), np.uint8)
    cv2.putText(canvas, words, (0, round(1.5 * height * FINER)), FONT, scale, (255,), thick, cv2.LINE_AA)
    small = cv2.resize(canvas, (canvas.shape[1] // FINER, 2 * height), interpolation=cv2.INTER_AREA)
    return np.asarray(small / 255, dtype=np.float32)


def _blend(image: Image, left: int, top: int, mask: NDArray[np.float32], colour: Colour) -> None:
    """Lays a colour over what of the mask lies in the picture."""
    height, width = image.shape[:2]
    rows, columns = (
        slice(max(top, 0), min(top + mask.shape[0], height)),
        slice(max(left, 0), min(left + mask.shape[1], width)),
    )
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    part = mask[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left, None]
    under = image[rows, columns].astype(np.float32)
    image[rows, columns] = np.rint(under + (np.asarray(colour, np.float32) - under) * part).astype(np.uint8)
