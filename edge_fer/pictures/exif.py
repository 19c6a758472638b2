"""How a picture was held: the orientation in EXIF (CIPA DC-008, tag 0x0112) or in XMP, and turning by it."""

from __future__ import annotations

import re
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

__all__ = ["orientation_of", "upright"]

ORIENTATION = 0x0112
#: The tag of a TIFF that holds XMP.
XMP_TAG = 700
#: What a JPEG's segment with XMP begins with.
XMP_SEGMENT = b"http://ns.adobe.com/xap/1.0/\0"
#: As an attribute or as an element.
XMP_ORIENTATION = re.compile(rb"""tiff:Orientation\s*(?:=\s*["']|>)\s*([1-8])\b""")


def orientation_of(picture: Image.Image) -> int:
    """How to turn a picture that Pillow has opened and not yet loaded.

    EXIF counts before XMP. Newer versions of Pillow look into XMP themselves, bookworm's 9.4 hardly does. Pillow turns
    a TIFF by itself when it loads it, by what it finds.

    Returns:
        1 to 8; 1, as stored, where the file says nothing that makes sense.
    """
    try:
        said = picture.getexif().get(ORIENTATION)
    except Exception:  # noqa: BLE001 - EXIF that is damaged makes Pillow raise anything; the picture may still be whole
        said = None
    if said is not None:
        turns_itself = isinstance(picture, TiffImagePlugin.TiffImageFile)
        return said if isinstance(said, int) and 1 <= said <= 8 and not turns_itself else 1
    found = XMP_ORIENTATION.search(_xmp(picture))
    return int(found[1]) if found else 1


def _xmp(picture: Image.Image) -> bytes:
    """The XMP of a picture; empty where it has none. Where Pillow keeps it differs by kind and version."""
    if isinstance(picture, TiffImagePlugin.TiffImageFile):
        said = picture.tag_v2.get(XMP_TAG, b"")
    else:
        said = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp") or b""
    if isinstance(said, str):
        said = said.encode()
    if isinstance(said, tuple):
        said = bytes(one for one in said if isinstance(one, int) and 0 <= one < 256)
    segments = (content for name, content in getattr(picture, "applist", ()) if name == "APP1")
    return said or next((content for content in segments if content.startswith(XMP_SEGMENT)), b"")


def upright(image: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """The picture as it was seen, from the picture as it was stored.

    Args:
        image: uint8 (H, W, 3).
        orientation: 1 to 8.

    Returns:
        Contiguous; the very picture where there is nothing to do.
    """
    turned: Any = image
    if orientation in ROTATIONS:
        turned = cv2.rotate(image, ROTATIONS[orientation])
    elif orientation in FLIPS:
        turned = cv2.flip(image, FLIPS[orientation])
    elif orientation >= 5:
        turned = cv2.transpose(image)
        turned = turned if orientation == 5 else cv2.flip(turned, -1)
    return np.asarray(turned, dtype=np.uint8)


#: How to turn or mirror, by orientation: 1 mirrors left and right, 0 top and bottom. The two others are mirrored at a
#: diagonal.
ROTATIONS = {3: cv2.ROTATE_180, 6: cv2.ROTATE_90_CLOCKWISE, 8: cv2.ROTATE_90_COUNTERCLOCKWISE}
FLIPS = {2: 1, 4: 0}
