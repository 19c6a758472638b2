"""What one picture says about a camera's view: a few numbers from 64 x 36 grey pixels, and where its edges are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_fer.types import Image

__all__ = ["SIZE", "Edges", "Mask", "ViewMeasures", "kept", "sight_of"]

#: Width and height that pictures are shrunk to: far too few to know anybody by, enough to know a place by.
SIZE = (64, 36)

#: complex64 (36, 64): at each pixel the direction of the edge there, by the angle doubled (so that an edge is the same
#: whichever of its sides is the brighter one), as long as the edge is sharp compared with others, 0 to 1.
Edges: TypeAlias = NDArray[np.complex64]
#: bool (36, 64): which pixels may be looked at.
Mask: TypeAlias = NDArray[np.bool_]

#: Grey level from which on a pixel is pure white, allowing for the shrinking.
WHITE = 250
#: Grey levels from one pixel to the next that noise alone brings about in the shrunken picture.
NOISE = 0.5
#: Length that a mean of edges keeps only where the same edge was there most of the time.
LASTING = 0.35
#: How far a picture is shifted, down and across, to see how well any other would agree with a place.
ELSEWHERE = ((0, 13), (0, -19), (11, 0), (-9, 0), (12, 23), (-8, 29))
#: Parts into which a picture is divided, down and across.
REGIONS = (2, 4)
#: Fewer pixels with lasting edges say nothing about a part of a place; a bare wall has none.
FEWEST = 20


@dataclass(frozen=True, slots=True)
class ViewMeasures:
    """What one picture is like.

    Attributes:
        brightness: grey level that nine tenths of it stay below, 0 to 1.
        white: share of it that is pure white, 0 to 1.
        contrast: mean difference of neighbouring pixels, 0 to 1.
        edges: where its edges are.
    """

    brightness: float
    white: float
    contrast: float
    edges: Edges


def sight_of(image: Image, mask: Mask | None = None) -> ViewMeasures:
    """Measures a picture.

    Args:
        image: RGB uint8 (height, width, 3) of any size, or the luma alone, uint8 (height, width), with the levels that
            video has.
        mask: what of it may be looked at, with at least one pixel in it; None for all.
    """
    # of a large picture some pixels will do: averaging them all cost four times as much
    height, width = image.shape[:2]
    step = max(1, min(height // (5 * SIZE[1]), width // (5 * SIZE[0])))
    some = cv2.resize(image, (width // step, height // step), interpolation=cv2.INTER_NEAREST)
    small = cv2.resize(some, SIZE, interpolation=cv2.INTER_AREA)
    grey = _full(small.astype(np.float32)) if small.ndim == 2 else cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    grey = grey.astype(np.float32)
    # what is blanked ends in an edge of its own, which is no part of the view
    inner = np.ones(grey.shape, dtype=np.bool_) if mask is None else _shrunk(mask)
    seen = grey[inner]
    across, down = (
        np.asarray(cv2.Sobel(grey, cv2.CV_32F, dx, dy, scale=1 / 8), dtype=np.float32) for dx, dy in ((1, 0), (0, 1))
    )
    steps = (np.abs(across[inner]) + np.abs(down[inner])) / 2
    return ViewMeasures(
        brightness=float(np.percentile(seen, 90)) / 255,
        white=float(np.mean(seen >= WHITE)),
        contrast=float(np.mean(steps)) / 255,
        edges=_edges(across, down, inner),
    )


def kept(edges: Edges, reference: Edges) -> float | None:
    """How much of what stands still is in its place: 1 for all of it, about 0 for a view of something else.

    Neither brighter nor darker light changes it, nor what moves (that is not in the reference), nor what hides up to
    half of it: the better half of the picture's parts counts.

    Args:
        edges: of a picture.
        reference: mean of the edges of many.

    Returns:
        None where the place has too few edges to tell.
    """
    length = np.abs(reference)
    lasting = length > LASTING
    telling = _by_region(lasting)
    enough = telling >= FEWEST
    if not enough.any():
        return None
    expected = np.where(lasting, reference / np.square(np.maximum(length, LASTING)), 0).conj()

    def agreement(found: Edges) -> NDArray[np.float64]:
        return np.maximum(_by_region(np.clip((found * expected).real, -1, 1))[enough] / telling[enough], 0)

    # in a place full of upright things, or of planks, edges agree wherever the camera looks
    chance = np.mean([agreement(np.roll(edges, by, (0, 1))) for by in ELSEWHERE], axis=0)
    there = np.sort((agreement(edges) - chance) / np.maximum(1 - chance, 0.1))
    # what people hide is no sign; what is seen where it was, is
    best = there[len(there) // 2 :]
    return float(np.clip(np.mean(best), 0, 1))


def _full(luma: NDArray[np.float32]) -> NDArray[np.float32]:
    """Grey levels of 0 to 255 for those that video has, 16 to 235."""
    full: NDArray[np.float32] = np.clip((luma - 16) * np.float32(255 / 219), 0, 255)
    return full


def _by_region(values: NDArray[Any]) -> NDArray[np.float64]:
    """Sums over each of the regions, float64 (2, 4)."""
    down, across = REGIONS
    width, height = SIZE
    parts = values.reshape(down, height // down, across, width // across)
    return np.asarray(parts.sum(axis=(1, 3), dtype=np.float64))


def _edges(across: NDArray[np.float32], down: NDArray[np.float32], inner: Mask) -> Edges:
    # a little blurred, so that a camera that shakes in the wind by half a pixel is in its place
    along: NDArray[np.complex64] = cv2.GaussianBlur(across, (0, 0), 0.7) + 1j * cv2.GaussianBlur(down, (0, 0), 0.7)
    length = np.abs(along)
    usual = float(np.mean(length[inner])) / 2 + NOISE
    doubled = np.square(along) / np.maximum(np.square(length), 1e-6)
    return np.where(inner, doubled * (length / (length + usual)), 0).astype(np.complex64)


def _shrunk(mask: Mask) -> Mask:
    kernel = np.ones((5, 5), dtype=np.uint8)
    inner = np.asarray(cv2.erode(mask.astype(np.uint8), kernel), dtype=np.bool_)
    return inner if inner.any() else mask
