"""The small picture of a live view: faces are pixelated before anything else is done with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import cv2
import numpy as np
import simplejpeg

from edge_fer.types import Box, Image

__all__ = ["LARGEST_SIDE", "jpeg_of", "pixelated"]

#: Pixels of the longer side of the picture, at most.
LARGEST_SIDE: Final = 640
#: What is pixelated around a face, in sides of its box: boxes reach from the brows to the chin, heads further.
MARGIN: Final = 0.4
#: Blocks that are left across a face with its margin; about three across the face itself.
BLOCKS: Final = 6
_QUALITY: Final = 60


def pixelated(image: Image, faces: Iterable[Box]) -> Image:
    """The picture made small, with every face as a few blocks of one colour each.

    Args:
        image: RGB uint8 (H, W, 3); left as it is.
        faces: in pixels of it; may reach beyond its edges.

    Returns:
        RGB uint8, a new picture.
    """
    height, width = image.shape[:2]
    scale = min(1.0, LARGEST_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.array(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    for box in faces:
        part = _part(small, box, scale)
        if part.size:
            blocks = cv2.resize(part, (BLOCKS, BLOCKS), interpolation=cv2.INTER_AREA)
            part[:] = cv2.resize(blocks, (part.shape[1], part.shape[0]), interpolation=cv2.INTER_NEAREST)
    return small


def _part(small: Image, box: Box, scale: float) -> Image:
    """The part of the small picture that shows a face with its margin."""
    height, width = small.shape[:2]
    across, down = MARGIN * box.width, MARGIN * box.height
    left, right = ((edge * scale) for edge in (box.x - across, box.x + box.width + across))
    top, bottom = ((edge * scale) for edge in (box.y - down, box.y + box.height + down))
    rows = slice(max(0, int(top)), max(0, min(height, int(bottom) + 1)))
    return small[rows, max(0, int(left)) : max(0, min(width, int(right) + 1))]


def jpeg_of(image: Image) -> bytes:
    """An RGB picture as JPEG."""
    data: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(image), quality=_QUALITY, colorspace="RGB", colorsubsampling="420"
    )
    return data
