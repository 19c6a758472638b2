"""Turns pictures the way the camera is mounted."""

from __future__ import annotations

from typing import Literal, TypeAlias

import cv2
import numpy as np

from edge_fer.types import Image

__all__ = ["Flip", "Rotation", "transform", "with_mirrors"]

Rotation: TypeAlias = Literal[0, 90, 180, 270]
Flip: TypeAlias = Literal["none", "horizontal", "vertical"]

ROTATIONS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
FLIPS = {"horizontal": 1, "vertical": 0}


def transform(image: Image, *, rotate: Rotation = 0, flip: Flip = "none") -> Image:
    """The picture rotated, then flipped.

    Args:
        image: RGB uint8 (height, width, 3); left as it is.
        rotate: degrees clockwise.
        flip: `horizontal` swaps left and right, `vertical` top and bottom.

    Returns:
        RGB uint8, contiguous; the very picture where there is nothing to do.
    """
    if rotate:
        image = np.asarray(cv2.rotate(image, ROTATIONS[rotate]), dtype=np.uint8)
    if flip != "none":
        image = np.asarray(cv2.flip(image, FLIPS[flip]), dtype=np.uint8)
    return image


def with_mirrors(rotate: Rotation, flip: Flip) -> tuple[tuple[bool, bool], Rotation]:
    """The same turning for a camera that can mirror its pictures by itself, and so turn them upside down.

    Args:
        rotate: degrees clockwise.
        flip: how to mirror after that.

    Returns:
        Whether the camera should mirror left and right, and top and bottom; and what to rotate by after that, 0 or 90.
    """
    across, down = flip == "horizontal", flip == "vertical"
    sideways = rotate in {90, 270}
    if sideways:  # mirrored before a quarter turn, left and right become top and bottom
        across, down = down, across
    if rotate >= 180:
        across, down = not across, not down
    return (across, down), 90 if sideways else 0
