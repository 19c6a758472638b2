"""Picture files as pixels."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.recipe.errors import RecipeError

__all__ = ["SUFFIXES", "decode_image", "read_image"]

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".pgm"}


def read_image(path: Path) -> NDArray[np.uint8]:
    """Return a picture file's pixels, RGB uint8 (H, W, 3); RecipeError names a file that cannot be read."""
    try:
        content = path.read_bytes()
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}"
        raise RecipeError(msg, remedy="Copy the set again, or check its permissions") from error
    return decode_image(content, str(path))


def decode_image(content: bytes, where: str) -> NDArray[np.uint8]:
    """Return the pixels of a picture file's content, RGB uint8 (H, W, 3).

    Args:
        content: of the file.
        where: it comes from, for the RecipeError where it is no picture.
    """
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    if image is None:
        msg = f"{where}: not a picture that OpenCV can read"
        raise RecipeError(msg, remedy="Remove it or save it again as PNG or JPEG")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)
