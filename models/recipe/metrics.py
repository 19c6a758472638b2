"""What is measured of a model's answers. Numpy alone; every function is pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from .data import LABELS

__all__ = [
    "calibration_error",
    "confusion",
    "fit_temperature",
    "interval",
    "macro_f1",
    "per_class",
    "per_class_intervals",
    "reliability",
    "share_interval",
    "softmax",
]

Floats = NDArray[np.float64]
Labels = NDArray[np.uint8]


def softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> Floats:
    """Return probabilities (N, 7) of logits (N, 7)."""
    scaled = logits.astype(np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def confusion(truth: Labels, guess: Labels, count: int = len(LABELS)) -> NDArray[np.int64]:
    """Return how often (count, count) each of so many labels was taken for each: row the truth, column the guess."""
    flat = np.bincount(truth.astype(np.int64) * count + guess, minlength=count * count)
    return flat.reshape(count, count)


def per_class(matrix: NDArray[np.int64], labels: tuple[str, ...] = LABELS) -> dict[str, dict[str, float]]:
    """Return how many, precision, recall and F1 of each label; 0 where a label never comes up."""
    rows = zip(labels, matrix.sum(axis=1), *_rates(matrix), strict=True)
    return {
        label: {"pictures": int(n), "precision": float(p), "recall": float(r), "f1": float(f)}
        for label, n, p, r, f in rows
    }


def per_class_intervals(matrix: NDArray[np.int64], rounds: int = 1000) -> NDArray[np.float64]:
    """Return the 95 % bootstrap intervals (labels, 3, 2) of precision, recall and F1.

    To draw pictures with replacement is to draw cells of the matrix, by how full they are.
    """
    count = int(matrix.sum())
    drawn = np.random.default_rng(0).multinomial(count, matrix.ravel() / max(count, 1), rounds)
    rates = np.array([_rates(one.reshape(matrix.shape)) for one in drawn])
    return np.percentile(rates, [2.5, 97.5], axis=0).transpose(2, 1, 0)


def _rates(matrix: NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    right = np.diag(matrix).astype(np.float64)
    guessed, there = matrix.sum(axis=0), matrix.sum(axis=1)
    return right / np.maximum(guessed, 1), right / np.maximum(there, 1), 2 * right / np.maximum(guessed + there, 1)


def macro_f1(matrix: NDArray[np.int64], counted: Sequence[int] | None = None) -> float:
    """Return the mean of the labels' F1, so that the rare count as much as the common.

    Args:
        matrix: as of :func:`confusion`.
        counted: the labels that count; all if left out. Without any, there is nothing to tell, which is 0.
    """
    rates = _rates(matrix)[2] if counted is None else _rates(matrix)[2][list(counted)]
    return float(rates.mean()) if len(rates) else 0.0


def calibration_error(probabilities: Floats, truth: Labels, bins: int = 15) -> float:
    """Return the expected calibration error (Naeini et al., 2015): how far confidence is from being right, 0 to 1."""
    return sum(
        row["share"] * abs(row["confidence"] - row["accuracy"]) for row in reliability(probabilities, truth, bins)
    )


def reliability(probabilities: Floats, truth: Labels, bins: int = 15) -> list[dict[str, float]]:
    """Return, for each bin of confidence that holds pictures, their share, mean confidence, and accuracy."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    which = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    count = np.bincount(which, minlength=bins)
    sure, correct = (np.bincount(which, weights=values, minlength=bins) for values in (confidence, right))
    return [
        {"share": count[at] / len(truth), "confidence": sure[at] / count[at], "accuracy": correct[at] / count[at]}
        for at in np.flatnonzero(count)
    ]


def fit_temperature(*sets: tuple[NDArray[np.floating], Labels, Floats]) -> float:
    """Return the temperature with the least cross-entropy (Guo et al., 2017), by golden-section search.

    Args:
        sets: for each, logits (N, 7), the truth (N,), and what is added to logits / temperature, (7,). All sets count
            alike, whatever their size.
    """

    def loss(logarithm: float) -> float:
        return float(np.mean([_cross_entropy(one, np.exp(logarithm)) for one in sets]))

    low, high = np.log(0.1), np.log(10.0)
    ratio = (np.sqrt(5) - 1) / 2
    for _ in range(40):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if loss(left) < loss(right):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def _cross_entropy(one: tuple[NDArray[np.floating], Labels, Floats], temperature: float) -> float:
    logits, truth, shift = one
    right = softmax(logits / temperature + shift)[np.arange(len(truth)), truth]
    return float(-np.log(np.maximum(right, 1e-12)).mean())


def share_interval(right: int, count: int) -> list[float]:
    """Return the 95 % interval of a share, so many of so many (Wilson, 1927): right where there are few, or none."""
    z = 1.96
    share, scale = right / count, 1 + z * z / count
    middle = share + z * z / (2 * count)
    half = z * float(np.sqrt(share * (1 - share) / count + z * z / (4 * count * count)))
    return [max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)]


def interval(measure: Callable[[NDArray[np.int64]], float], count: int, rounds: int = 1000) -> list[float]:
    """Return the 95 % bootstrap interval of a measure over pictures.

    Args:
        measure: takes rows (drawn with replacement) and returns what they make.
        count: how many pictures there are.
        rounds: how many draws.
    """
    random = np.random.default_rng(0)
    drawn = [measure(random.integers(0, count, count)) for _ in range(rounds)]
    return [float(value) for value in np.percentile(drawn, [2.5, 97.5])]
