"""All that is reported of a model's answers on one split. Pure: logits in, numbers out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_fer.emotion.labels import reduce
from edge_fer.types import LABEL_SETS

from .data import LABELS, NO_MAJORITY, Split, ferplus_majority
from .data.split import FERPLUS
from .metrics import (
    calibration_error,
    confusion,
    interval,
    macro_f1,
    per_class,
    per_class_intervals,
    reliability,
    softmax,
)

__all__ = ["AGAINST", "HOMES", "measure", "rounded", "short"]

#: What answers are held against, as the report names it.
AGAINST = ("fer2013", "fer2013_without_twins", "ferplus_majority", "ferplus_majority_without_twins")


#: Truths that have a prior of their own, by which answers are measured as well.
HOMES = ("fer2013", "ferplus_majority")


def measure(
    logits: NDArray[np.float32],
    split: Split,
    temperature: float,
    *,
    place: NDArray[np.float64] | float = 0.0,
    homes: Mapping[str, NDArray[np.float64]] | None = None,
) -> dict:
    """Return all that is reported of one split.

    Args:
        logits: (N, 7), as the model says them.
        split: the pictures.
        temperature: what logits are divided by.
        place: what is added then, (7,), for the prior that the daemon goes by.
        homes: what is added in its place, (7,), for the own prior of each of `HOMES`; None for a model that does not
            say what prior it has learned.
    """
    everything, distinct = np.ones(len(split), dtype=bool), ~split.twins
    majority = ferplus_majority(split.votes)
    decided = majority != NO_MAJORITY
    calibrated = logits.astype(np.float64) / temperature
    probabilities = softmax(calibrated + place)
    truths = {"fer2013": (split.labels, everything), "ferplus_majority": (majority, decided)}
    own = {name: _against(softmax(calibrated + shift), *truths[name]) for name, shift in (homes or {}).items()}
    report = {
        "fer2013": _against(probabilities, split.labels, everything),
        "fer2013_without_twins": _against(probabilities, split.labels, distinct),
        "ferplus_majority": _against(probabilities, majority, decided),
        "ferplus_majority_without_twins": _against(probabilities, majority, decided & distinct),
        "ferplus_majority_contempt_as_error": _with_contempt(probabilities, split.votes, majority),
        "label_sets": {name: _of_set(probabilities, majority, name) for name in LABEL_SETS},
    }
    return report | ({"by_own_prior": own} if own else {})


def short(scores: dict) -> dict[str, float]:
    """Return the few numbers of :func:`measure`'s that the sidecar, the log and comparisons carry."""
    own = scores.get("by_own_prior", {})
    return {
        "fer2013_accuracy": round(scores["fer2013"]["accuracy"], 4),
        "fer2013_accuracy_without_twins": round(scores["fer2013_without_twins"]["accuracy"], 4),
        "ferplus_majority_accuracy": round(scores["ferplus_majority"]["accuracy"], 4),
        "ferplus_majority_macro_f1": round(scores["ferplus_majority"]["macro_f1"], 4),
        "ferplus_majority_calibration_error": round(scores["ferplus_majority"]["calibration_error"], 4),
        **{f"{name}_accuracy_by_own_prior": round(told["accuracy"], 4) for name, told in own.items()},
        **{f"{name}_macro_f1_by_own_prior": round(told["macro_f1"], 4) for name, told in own.items()},
    }


def rounded(value: object) -> Any:
    """Return nested numbers with four places: no bootstrap knows more."""
    if isinstance(value, float):
        return round(float(value), 4)
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    return [rounded(inner) for inner in value] if isinstance(value, list | tuple) else value


def _against(
    probabilities: NDArray[np.float64],
    truth: NDArray[np.uint8],
    rows: NDArray[np.bool_],
    labels: tuple[str, ...] = LABELS,
) -> dict:
    probabilities, truth = probabilities[rows], truth[rows]
    if not len(truth):
        return {"pictures": 0, "accuracy": 0.0, "macro_f1": 0.0, "calibration_error": 0.0}
    guess = probabilities.argmax(axis=1).astype(np.uint8)
    count = len(truth)
    matrix = confusion(truth, guess, len(labels))
    return {
        "pictures": count,
        "accuracy": float((guess == truth).mean()),
        "accuracy_95": interval(lambda drawn: float((guess == truth)[drawn].mean()), count),
        "macro_f1": macro_f1(matrix),
        "macro_f1_95": interval(lambda drawn: macro_f1(confusion(truth[drawn], guess[drawn], len(labels))), count),
        "calibration_error": calibration_error(probabilities, truth),
        "calibration_error_95": interval(lambda drawn: calibration_error(probabilities[drawn], truth[drawn]), count),
        "labels": _labels(matrix, labels),
        "confusion": matrix.tolist(),
        "reliability": reliability(probabilities, truth),
    }


def _labels(matrix: NDArray[np.int64], labels: tuple[str, ...]) -> dict:
    rows = per_class(matrix, labels)
    for row, ends in zip(rows.values(), per_class_intervals(matrix), strict=True):
        row |= {f"{name}_95": pair.tolist() for name, pair in zip(("precision", "recall", "f1"), ends, strict=True)}
    return rows


def _with_contempt(
    probabilities: NDArray[np.float64], votes: NDArray[np.uint8], majority: NDArray[np.uint8]
) -> dict[str, float]:
    """Accuracy as papers with eight classes count: contempt is one, which a model of seven always gets wrong."""
    kept = np.where(votes > 1, votes, 0)
    contempt = kept[:, FERPLUS.index("contempt")] > 0.5 * kept.sum(axis=1)
    decided = majority != NO_MAJORITY
    right = (probabilities.argmax(axis=1) == majority) & decided
    count = int(decided.sum() + contempt.sum())
    return {"pictures": count, "contempt": int(contempt.sum()), "accuracy": float(right.sum() / max(count, 1))}


def _of_set(probabilities: NDArray[np.float64], majority: NDArray[np.uint8], name: str) -> dict:
    """One label set against the FER+ majority, on the pictures that show one of its labels."""
    labels = LABEL_SETS[name]
    of_seven = np.array([LABELS.index(label) for label in labels])
    place = np.full(NO_MAJORITY + 1, NO_MAJORITY, np.uint8)
    place[of_seven] = np.arange(len(labels))
    truth = place[majority]
    shown = truth != NO_MAJORITY
    # by the daemon's own function
    rows = [list(reduce(dict(zip(LABELS, row, strict=True)), name).values()) for row in probabilities[shown].tolist()]
    reduced = np.array(rows).reshape(-1, len(labels))
    return _against(reduced, truth[shown], np.ones(len(reduced), bool), labels)
