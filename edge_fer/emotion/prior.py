"""Priors: how often each emotion is expected, and what scores become where other emotions are usual. Pure.

A model learns how often each emotion was shown in its training data. Its scores are right where emotions are as
frequent as there. Elsewhere, each score is multiplied by the share expected at the place over the share learned, and
all are normalised again (Saerens et al., "Adjusting the outputs of a classifier to new a priori probabilities", 2002;
Menon et al., "Long-tail learning via logit adjustment", 2021). On logits this is a sum.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["TOLERANCE", "check_shares", "completed", "logit_shift"]

#: How far the sum of all shares may be from 1, since they are written with few decimals.
TOLERANCE = 1e-3


def check_shares(shares: Mapping[str, float], labels: Sequence[str]) -> None:
    """Raises ValueError where the shares are not above 0, of all labels and no others, and adding up to 1."""
    if shares.keys() != set(labels):
        missing, unknown = set(labels) - shares.keys(), shares.keys() - set(labels)
        msg = f"has no share of {_listed(missing)}" if missing else f"has a share of {_listed(unknown)}, no label"
        raise ValueError(msg)
    for label, share in shares.items():
        if not (share > 0 and math.isfinite(share)):
            msg = f"gives {label} a share of {share:g}, which must be above 0"
            raise ValueError(msg)
    if abs((total := math.fsum(shares.values())) - 1) > TOLERANCE:
        msg = f"adds up to {total:g}, which must be 1"
        raise ValueError(msg)


def completed(given: Mapping[str, float], reference: Mapping[str, float]) -> dict[str, float]:
    """The shares at a place where some are known.

    Args:
        given: shares of some of the labels, each above 0; none, all, or anything between.
        reference: shares of all labels, in the model's order.

    Returns:
        Shares of all labels, adding up to 1: those given as they are; the others split the rest among them in the
        proportions of the reference.

    Raises:
        ValueError: a label that the reference does not know, a share of 0 or less, or shares that leave nothing for
            the others or, where all are given, do not add up to 1.
    """
    if unknown := given.keys() - reference.keys():
        msg = f"has a share of {_listed(unknown)}, which the model does not know"
        raise ValueError(msg)
    others = {label: share for label, share in reference.items() if label not in given}
    total = math.fsum(given.values())
    if others and total >= 1 - TOLERANCE:
        msg = f"adds up to {total:g}, which leaves nothing for {_listed(set(others))}"
        raise ValueError(msg)
    rest = (1 - total) / math.fsum(others.values()) if others else 0.0
    shares = {label: given[label] if label in given else share * rest for label, share in reference.items()}
    check_shares(shares, tuple(reference))
    whole = math.fsum(shares.values())
    return {label: share / whole for label, share in shares.items()}


def logit_shift(
    labels: Sequence[str], *, learned: Mapping[str, float], place: Mapping[str, float]
) -> NDArray[np.float64]:
    """What must be added to calibrated logits (logits / temperature) before the softmax: log(place) - log(learned).

    Args:
        labels: the model's, in its order.
        learned: the shares for which the softmax of the calibrated logits is right.
        place: the shares at the place.

    Returns:
        float64 (labels,).
    """
    return np.array([math.log(place[label]) - math.log(learned[label]) for label in labels], dtype=np.float64)


def _listed(labels: set[str]) -> str:
    return ", ".join(sorted(labels))
