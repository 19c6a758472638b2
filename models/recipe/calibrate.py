"""Temperature and priors of a model, from home and elsewhere together: what a sidecar says of its scores. Pure.

A net that was balanced in training answers as if all emotions were equally common (logit adjustment: Menon et al.,
2021). The priors of a place are put in afterwards. Where a place says nothing, those of the reference hold: between how
common emotions are by FER+'s voters and by FER2013's labels, on logarithms, because each is wrong elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .abroad import ENOUGH_TO_CHOOSE, measure_abroad, mixed
from .data import LABELS, NO_MAJORITY, Split, ferplus_majority, soft_targets
from .metrics import fit_temperature

__all__ = ["SHARES", "Calibration", "Priors", "calibrate", "learned_prior", "priors_of", "reference"]

#: How far towards FER+ the reference may lie: 0 is FER2013's labels, 1 FER+'s majorities.
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)

#: What a reference must still leave at home: accuracy by the FER+ majority on the public test.
AT_HOME = 0.845
#: No emotion is taken to be rarer than this.
LEAST = 1e-3

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Priors:
    """How common each emotion is at home, float64 (7,) each, summing to 1.

    Attributes:
        votes: the mean of the voters' shares, which a net that learns votes learns.
        ferplus: of the FER+ majorities.
        fer2013: of FER2013's labels.
    """

    votes: Floats
    ferplus: Floats
    fer2013: Floats


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a sidecar says of a model's scores.

    Attributes:
        temperature: what logits are divided by.
        share: how far the reference lies towards FER+.
        reference: the default prior, float64 (7,).
        score: by which it was chosen, 0 to 1 (`models.recipe.abroad.mixed`).
        at_home: accuracy by the FER+ majority where the reference is taken, 0 to 1.
    """

    temperature: float
    share: float
    reference: Floats
    score: float
    at_home: float


def priors_of(training: Split) -> Priors:
    """Return how common each emotion is among the training pictures."""
    majority = ferplus_majority(training.votes)
    targets, useful = soft_targets(training, hard_share=0.0, smoothing=0.0)
    return Priors(
        votes=_some_of_each(targets[useful].astype(np.float64).sum(axis=0)),
        ferplus=_shares(majority[majority != NO_MAJORITY]),
        fer2013=_shares(training.labels),
    )


def learned_prior(priors: Priors, balance: float) -> Floats:
    """Return the prior that a net's logits go by, (7,): the voters' where it was not balanced, none where it was."""
    powers = priors.votes ** (1 - balance)
    return powers / powers.sum()


def reference(priors: Priors, share: float) -> Floats:
    """Return the prior (7,) that lies so far from FER2013's (0) towards FER+'s (1), on logarithms."""
    between = priors.ferplus**share * priors.fer2013 ** (1 - share)
    return between / between.sum()


def calibrate(
    home: tuple[NDArray[np.floating], Split],
    elsewhere: tuple[NDArray[np.floating], NDArray[np.uint8]] | None,
    priors: Priors,
    learned: Floats,
) -> Calibration:
    """Return temperature and reference, chosen on the public test and on the portraits for choosing.

    The temperature is the one with the least cross-entropy, home (by FER+'s own prior) and elsewhere (by the reference)
    counting alike. The reference is the one with the highest mix of home and elsewhere, of those by which FER+ is read
    at least so well as `AT_HOME` says; where there is none, the one by which it is read best.

    Args:
        home: logits (N, 7), and the pictures, of the public test.
        elsewhere: logits (M, 7), and the truth (M,), of portraits, all of them decided; None where there are none: then
            home alone sets the temperature, and the reference lies in the middle.
        priors: how common emotions are at home.
        learned: the prior (7,) that the logits go by.
    """
    logits, public = home
    majority = ferplus_majority(public.votes)
    decided = majority != NO_MAJORITY
    own = np.log(priors.ferplus) - np.log(learned)
    at_home = (logits[decided], majority[decided], own)
    found = []
    for share in SHARES if elsewhere else (0.5,):
        place = reference(priors, share)
        shift = np.log(place) - np.log(learned)
        abroad = [(*elsewhere, shift)] if elsewhere else []
        temperature = fit_temperature(at_home, *abroad)
        scores = {
            "ferplus": _accuracy(logits[decided] / temperature + own, majority[decided]),
            "fer2013": _accuracy(logits / temperature + shift, public.labels),
        }
        score = mixed(scores, _abroad(elsewhere, temperature, shift)) if elsewhere else 0.0
        by_reference = _accuracy(logits[decided] / temperature + shift, majority[decided])
        found.append(Calibration(temperature, share, place, score, by_reference))
    fine = [one for one in found if one.at_home >= AT_HOME]
    return max(fine, key=lambda one: one.score) if fine else max(found, key=lambda one: one.at_home)


def _abroad(
    elsewhere: tuple[NDArray[np.floating], NDArray[np.uint8]], temperature: float, shift: Floats
) -> dict[str, float]:
    logits, truth = elsewhere
    report = measure_abroad(logits / temperature + shift, truth, enough=ENOUGH_TO_CHOOSE, intervals=False)
    return {name: report[name] for name in ("macro_f1", "mean_recall")}


def _accuracy(logits: NDArray[np.floating], truth: NDArray[np.uint8]) -> float:
    return float((logits.argmax(axis=1) == truth).mean())


def _shares(labels: NDArray[np.uint8]) -> Floats:
    return _some_of_each(np.bincount(labels, minlength=len(LABELS)).astype(np.float64))


def _some_of_each(amounts: Floats) -> Floats:
    """The shares of amounts, none of them nothing: an emotion that nobody showed can still be shown one day."""
    shares = np.maximum(amounts / amounts.sum(), LEAST)
    return shares / shares.sum()
