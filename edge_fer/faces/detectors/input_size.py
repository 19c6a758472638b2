"""Convolutional networks for pictures of other shapes than the one in their TFLite file.

Such a network takes pictures of any size, but for a few constants in its file: the sizes that feature maps are enlarged
to, and the shapes that outputs are laid flat in. A TFLite file is a flatbuffer, which holds a vector as its length and
then its elements, little-endian; one such constant is put in the place of another of the same length.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

__all__ = ["buffered", "inlined", "with_constants"]


def inlined(*numbers: int) -> bytes:
    """A vector of int32 as an operation holds it, which counts its numbers."""
    return struct.pack(f"<i{len(numbers)}i", len(numbers), *numbers)


def buffered(*numbers: int) -> bytes:
    """A vector of int32 as the buffer of a constant tensor holds it, which counts its bytes."""
    return struct.pack(f"<i{len(numbers)}i", 4 * len(numbers), *numbers)


def with_constants(content: bytes, found: Sequence[bytes], wanted: Sequence[bytes]) -> bytes:
    """A model file with other constants.

    Args:
        content: the file.
        found: constants that are in it exactly once each.
        wanted: what to put in their places, as many and as long.

    Raises:
        ValueError: one is not in the file, or more than once.
    """
    # all are looked for before any is replaced, for one may come to look like another
    places = [content.find(constant) for constant in found]
    if -1 in places or places != [content.rfind(constant) for constant in found]:
        msg = f"constants {[constant.hex() for constant in found]} are not in the file once each"
        raise ValueError(msg)
    changed = bytearray(content)
    for place, constant in zip(places, wanted, strict=True):
        changed[place : place + len(constant)] = constant
    return bytes(changed)
