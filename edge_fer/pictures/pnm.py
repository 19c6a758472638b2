"""Binary PNM with grey levels or colours (`P5`, `P6`): a line of numbers and then samples.

Pillow reads these sample by sample in Python where white is neither 255 nor, in grey, 65535, which takes minutes for a
large picture on a small machine.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["BinaryPnm", "binary_pnm"]

#: Longer comments before the samples are not read over.
HEAD = 4096
#: Samples that are worked on at once.
BAND = 1 << 20


class BinaryPnm(NamedTuple):
    """What stands before the samples."""

    width: int
    height: int
    channels: int
    white: int
    begin: int

    def pixels(self, data: bytes) -> NDArray[np.uint8]:
        """RGB (height, width, 3).

        Raises:
            ValueError: the file is cut off, or its numbers cannot be.
        """
        if not 1 <= self.white <= 65535:
            msg = "white is out of range"
            raise ValueError(msg)
        count = self.width * self.height * self.channels
        kind = ">u2" if self.white > 255 else "u1"
        samples: NDArray[Any] = np.frombuffer(data, kind, count, self.begin)
        levels = np.empty(count, np.uint8)
        for begin in range(0, count, BAND):
            band = samples[begin : begin + BAND].astype(np.float32) * np.float32(255 / self.white)
            levels[begin : begin + BAND] = np.rint(np.minimum(band, 255))
        image = levels.reshape(self.height, self.width, self.channels)
        return image if self.channels == 3 else np.repeat(image, 3, axis=2)


def binary_pnm(data: bytes) -> BinaryPnm | None:
    """Reads the numbers; None where it is another kind of PNM.

    Raises:
        ValueError: the file is cut off or damaged.
    """
    if data[1:2] not in {b"5", b"6"}:
        return None
    # comments may stand between the numbers
    found = re.match(rb"P[56]" + rb"(?:\s|#[^\n]*\n)+(\d{1,9})" * 3 + rb"\s", data[:HEAD])
    if found is None:
        msg = "the numbers are missing"
        raise ValueError(msg)
    width, height, white = (int(number) for number in found.groups())
    return BinaryPnm(width, height, 3 if data[1:2] == b"6" else 1, white, found.end())
