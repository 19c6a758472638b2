"""From CIE L*a*b*, as in TIFF files, to sRGB (IEC 61966-2-1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["D50", "lab_to_rgb"]

#: The white of the print trade, x and y, and that of screens.
D50 = (0.3457, 0.3585)
D65 = (0.3127, 0.3290)
#: From XYZ beside each white to linear sRGB; for D50 with Bradford's adaptation.
MATRICES = {
    D50: (
        (3.1338561, -1.6168667, -0.4906146),
        (-0.9787684, 1.9161415, 0.0334540),
        (0.0719453, -0.2289914, 1.4052427),
    ),
    D65: (
        (3.2404542, -1.5371385, -0.4985314),
        (-0.9692660, 1.8760108, 0.0415560),
        (0.0556434, -0.2040259, 1.0572252),
    ),
}


def lab_to_rgb(lab: NDArray[np.uint8], white: Sequence[float]) -> NDArray[np.uint8]:
    """RGB from L*a*b*.

    Args:
        lab: uint8 (height, width, 3): L* with 255 for 100; a* and b* as signed bytes.
        white: x and y of the white that it is meant beside; the nearer of D50 and D65 is taken.
    """
    x, y = min(MATRICES, key=lambda known: abs(known[0] - white[0]) + abs(known[1] - white[1]))
    middle = (lab[..., 0] * np.float32(100 / 255) + 16) / 116
    signed = lab[..., 1:].astype(np.int8).astype(np.float32)
    cubes = np.stack([middle + signed[..., 0] / 500, middle, middle - signed[..., 1] / 200], axis=-1)
    linear_below = 6 / 29
    xyz = np.where(cubes > linear_below, cubes**3, 3 * linear_below**2 * (cubes - 4 / 29))
    xyz *= np.array([x / y, 1, (1 - x - y) / y], np.float32)
    light = np.clip(xyz @ np.array(MATRICES[x, y], np.float32).T, 0, 1)
    levels = np.where(light > 0.0031308, 1.055 * light ** (1 / 2.4) - 0.055, 12.92 * light)
    return np.asarray(np.rint(levels * 255), dtype=np.uint8)
