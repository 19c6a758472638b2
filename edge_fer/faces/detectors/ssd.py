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
    (sure,) = (logits >= least).nonzero()
    falling = -logits[sure]
    order = falling.argsort(kind="stable")
    sure = sure[order]
    scores = np.asarray(1 / (1 + np.exp(falling[order])), dtype=np.float32)
    places = points[sure].reshape(len(sure), points.shape[1] // 2, 2)
    offsets = origins[sure, None]
    places[:, :1] += offsets
    places[:, 2:] += offsets
    return scores, places


def blended(scores: Floats, places: Floats, *, overlap: float = 0.3, sure: float = 0.0) -> tuple[Floats, Floats]:
    """One detection for each face: the mean of all that overlap with the surest, each weighed by its score.

    Steadier from frame to frame than taking the surest alone; the score is the surest one's.

    Args:
        scores: (M,), surest first.
        places: (M, K, 2): centre, size, keypoints.
        overlap: intersection over union above which two detections are of one face.
        sure: of a face whose surest detection has this score, detections below it are left out of the mean.

    Returns:
        As given, with one row for each face.
    """
    if not len(scores):
        return scores, places
    boxes = [
        (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        for (x, y), (width, height) in places[:, :2].tolist()
    ]
    flat = places.reshape(len(places), -1)
    rest = list(range(len(boxes)))
    kept, means = [], []
    while rest:
        first, *others = rest
        group, rest = [first], []  # whatever its numbers are
        # a dozen boxes are compared faster one by one than as arrays
        for other in others:
            (group if _overlap(boxes[first], boxes[other]) > overlap else rest).append(other)
        kept.append(scores[first])
        if scores[first] >= sure:
            group = [one for one in group if scores[one] >= sure]
        weights = scores[group]
        means.append(weights @ flat[group] / weights.sum())
    return np.array(kept, np.float32), np.array(means, np.float32).reshape(-1, *places.shape[1:])


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    """Intersection over union of two boxes (left, top, right, bottom); 0 where they have no size."""
    left, top, right, bottom = one
    other_left, other_top, other_right, other_bottom = other
    if right <= other_left or other_right <= left:
        return 0.0
    across, down = min(right, other_right) - max(left, other_left), min(bottom, other_bottom) - max(top, other_top)
    if not (across > 0 and down > 0):
        return 0.0
    shared = across * down
    both = (right - left) * (bottom - top) + (other_right - other_left) * (other_bottom - other_top)
    return shared / (both - shared)
