"""What single-shot detectors say, read: anchors, decoding, and non-maximum suppression that blends. Numpy alone.

The layout is that of MediaPipe's face detectors (Bazarevsky et al., "BlazeFace: sub-millisecond neural face detection
on mobile GPUs", 2019): every anchor tells a score and a row of points, of which the first is the box's centre, the
second its size, and the others keypoints; all but the size count from the anchor.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

__all__ = ["anchors", "blended", "decoded"]

Floats = NDArray[np.float32]


def anchors(width: int, height: int, layers: Iterable[tuple[int, int]]) -> Floats:
    """The middles of all cells, in the order in which the network tells of them.

    Args:
        width: of the network's input, pixels.
        height: likewise.
        layers: (stride in pixels, anchors a cell) of each feature map.

    Returns:
        float32 (N, 2), x and y in pixels of the input.
    """
    found = []
    for stride, number in layers:
        columns, rows = (np.arange(side // stride, dtype=np.float32) + np.float32(0.5) for side in (width, height))
        x, y = np.meshgrid(columns, rows)
        found.append(np.repeat(np.stack((x.ravel(), y.ravel()), axis=1) * stride, number, axis=0))
    middles: Floats = np.concatenate(found).astype(np.float32)
    return middles


def decoded(points: Floats, logits: Floats, origins: Floats, *, least: float) -> tuple[Floats, Floats]:
    """What the surer anchors say, surest first; the others, nearly all, are never looked at.

    Args:
        points: (N, 2 K), as the network tells them.
        logits: (N,), whose logistic function is the score.
        origins: (N, 2), the anchors.
        least: the least logit that counts.

    Returns:
        Scores (M,), 0 to 1, and points (M, K, 2) in pixels of the input: centre, size, keypoints.
    """
    sure = np.flatnonzero(logits >= least)
    sure = sure[np.argsort(-logits[sure], kind="stable")]
    scores = 1 / (1 + np.exp(-logits[sure]))
    places = points[sure].reshape(len(sure), points.shape[1] // 2, 2)
    offsets = origins[sure]
    places[:, 0] += offsets
    places[:, 2:] += offsets[:, None]
    return scores, places


def blended(scores: Floats, places: Floats, *, overlap: float = 0.3) -> tuple[Floats, Floats]:
    """One detection for each face: the mean of all that overlap with the surest, each weighed by its score.

    Steadier from frame to frame than taking the surest alone; the score is the surest one's.

    Args:
        scores: (M,), surest first.
        places: (M, K, 2): centre, size, keypoints.
        overlap: intersection over union above which two detections are of one face.

    Returns:
        As given, with one row for each face.
    """
    if not len(scores):
        return scores, places
    corners, area = places[:, 0] - places[:, 1] / 2, places[:, 1].prod(axis=1)
    opposite = corners + places[:, 1]
    flat = places.reshape(len(places), -1)
    rest = np.arange(len(scores))
    kept, means = [], []
    while len(rest):
        first = rest[0]
        sides = np.minimum(opposite[rest], opposite[first]) - np.maximum(corners[rest], corners[first])
        shared = sides.clip(min=0).prod(axis=1)
        same = shared > overlap * (area[rest] + area[first] - shared)
        same[0] = True  # whatever its numbers are
        group = rest[same]
        kept.append(scores[first])
        weights = scores[group]
        means.append(weights @ flat[group] / weights.sum())
        rest = rest[~same]
    return np.array(kept, np.float32), np.array(means, np.float32).reshape(-1, *places.shape[1:])
