"""Makes faces in a picture unrecognisable."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from edge_fer.types import Box, Image

__all__ = ["blurred"]

#: Side of what is blurred over the side of the face box, which reaches from the brows to the chin only.
AROUND = 2.0
#: So many colours across are left of a face. Faces are hard to recognise for people and programs alike from about
#: 12 x 12 pixels down, and this is a quarter of that.
LEFT_OF_IT = 6


def blurred(image: Image, boxes: Iterable[Box]) -> Image:
    """A copy of the picture, in which only a few colours are left of each face.

    Args:
        image: RGB uint8 (H, W, 3).
        boxes: of the faces, in its pixels; may reach beyond its edges.
    """
    result = image.copy()
    height, width = image.shape[:2]
    for box in boxes:
        (x, y), half = box.centre, AROUND * max(box.width, box.height) / 2
        left, right = max(0, int(x - half)), min(width, int(x + half) + 1)
        top, bottom = max(0, int(y - half)), min(height, int(y + half) + 1)
        if left >= right or top >= bottom:
            continue
        part = image[top:bottom, left:right]
        few = cv2.resize(part, (LEFT_OF_IT, LEFT_OF_IT), interpolation=cv2.INTER_AREA)
        smooth = cv2.resize(few, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
        mask = np.zeros((bottom - top, right - left), np.uint8)
        cv2.circle(mask, (round(x - left), round(y - top)), round(half), (255,), -1)
        np.copyto(result[top:bottom, left:right], smooth.astype(np.uint8), where=mask[..., None] > 0)
    return result
