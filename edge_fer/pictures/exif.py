"""How a picture was held, as EXIF tells it (CIPA DC-008, tag 0x0112)."""

from __future__ import annotations

import struct
from struct import unpack_from

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["orientation_in", "upright"]

ORIENTATION = 0x0112


def orientation_in(block: bytes) -> int:
    """What an EXIF block says, 1 to 8; 1, as stored, where it says nothing that makes sense."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None:
        return 1
    try:
        (at,) = unpack_from(order + "I", block, 4)
        (count,) = unpack_from(order + "H", block, at)
        for entry in range(at + 2, at + 2 + 12 * count, 12):
            if unpack_from(order + "H", block, entry)[0] == ORIENTATION:
                (value,) = unpack_from(order + "H", block, entry + 8)
                return int(value) if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1


def upright(image: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """The picture as it was seen, from the picture as it was stored.

    Args:
        image: uint8 (H, W, 3).
        orientation: 1 to 8.

    Returns:
        Contiguous; the very picture where there is nothing to do.
    """
    if orientation >= 5:
        image = np.asarray(cv2.transpose(image), dtype=np.uint8)
    flip = FLIPS[orientation]
    return image if flip is None else np.asarray(cv2.flip(image, flip), dtype=np.uint8)


#: How to mirror, by orientation, what from 5 on was transposed: 1 left and right, 0 top and bottom, -1 both.
FLIPS = (None, None, 1, -1, 0, None, 1, -1, 0)
