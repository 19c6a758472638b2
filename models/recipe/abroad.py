"""What is measured on faces from elsewhere, and the mix of home and abroad by which models are chosen. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from .data import LABELS, NO_MAJORITY
from .metrics import calibration_error, confusion, interval, macro_f1, per_class, softmax

__all__ = ["ENOUGH", "ENOUGH_TO_CHOOSE", "REFERENCE", "errors_in_unsurest", "measure_abroad", "mixed"]

#: How common each emotion is taken to be where nothing else is said: the default place. A first guess, between the
#: shares of FER+ and equal ones; not yet chosen on any pictures.
REFERENCE = dict(zip(LABELS, (0.12, 0.03, 0.05, 0.23, 0.15, 0.13, 0.29), strict=True))

#: A label with fewer pictures than this in a set has no place in its macro-F1: chance would rule it.
ENOUGH = 20

#: Likewise in a part that models are chosen on, which is half as large.
ENOUGH_TO_CHOOSE = 10

Floats = NDArray[np.float64]


def errors_in_unsurest(probabilities: Floats, truth: NDArray[np.uint8], part: float = 1 / 3) -> float:
    """Return which share of all errors lies in the least confident part of the pictures; 1 where there are none."""
    wrong = probabilities.argmax(axis=1) != truth
    unsure = np.argsort(probabilities.max(axis=1), kind="stable")[: round(part * len(truth))]
    return float(wrong[unsure].sum() / wrong.sum()) if wrong.any() else 1.0


def measure_abroad(
    logits: Floats,
    truth: NDArray[np.uint8],
    *,
    labels: Sequence[str] = LABELS,
    enough: int = ENOUGH,
    intervals: bool = True,
) -> dict:
    """Return what is reported of one set.

    Args:
        logits: (N, labels), divided by the temperature and shifted to the place's prior.
        truth: (N,), with `NO_MAJORITY` for pictures that count nowhere.
        labels: that the columns stand for.
        enough: pictures that a label needs to count in the macro-F1.
        intervals: whether to give 95 % bootstrap intervals, which take time.
    """
    decided = truth != NO_MAJORITY
    probabilities, truth = softmax(logits[decided]), truth[decided]
    guess = probabilities.argmax(axis=1).astype(np.uint8)
    rates = per_class(confusion(truth, guess, len(labels)), tuple(labels))
    counted = [at for at, row in enumerate(rates.values()) if row["pictures"] >= enough]

    def f1(rows: NDArray[np.int64]) -> float:
        return macro_f1(confusion(truth[rows], guess[rows], len(labels)), counted)

    measures: dict[str, Callable[[NDArray[np.int64]], float]] = {
        "accuracy": lambda rows: float((guess == truth)[rows].mean()),
        "macro_f1": f1,
        "calibration_error": lambda rows: calibration_error(probabilities[rows], truth[rows]),
        "errors_in_unsurest_third": lambda rows: errors_in_unsurest(probabilities[rows], truth[rows]),
    }
    everything = np.arange(len(truth))
    report: dict = {"pictures": len(truth)}
    for name, measure in measures.items():
        report[name] = measure(everything)
        if intervals:
            report[f"{name}_95"] = interval(measure, len(truth))
    recalls = [row["recall"] for row in rates.values() if row["pictures"] >= enough]
    report["mean_recall"] = float(np.mean(recalls)) if recalls else 0.0
    report["mean_confidence"] = float(probabilities.max(axis=1).mean())
    if "neutral" in labels:
        taken = (guess != truth) & (guess == labels.index("neutral"))
        report["taken_for_neutral"] = float(taken.sum() / len(truth))
    report["labels"] = rates
    return report


def mixed(home: dict[str, float], abroad: dict[str, float]) -> float:
    """Return the one number by which models are chosen, 0 to 1: half of it from home, half from elsewhere.

    At home, the mean of the FER+ accuracy by FER+'s own prior and of the FER2013 accuracy by the reference; elsewhere,
    the mean of the macro-F1 and of the labels' mean recall, on SFHQ's choosing part by the reference. Accuracy has no
    say there: three in five of those portraits are neutral, and a model that reads all as neutral would do well.
    """
    at_home = (home["ferplus"] + home["fer2013"]) / 2
    elsewhere = (abroad["macro_f1"] + abroad["mean_recall"]) / 2
    return (at_home + elsewhere) / 2
