"""Temperature and priors that go into a sidecar."""

from __future__ import annotations

import numpy as np
import pytest

from edge_fer.emotion.prior import logit_shift
from models.recipe.calibrate import SHARES, Priors, calibrate, learned_prior, priors_of, reference
from models.recipe.data import LABELS, Split
from models.recipe.data.split import unanimous
from models.recipe.measure import measure, short

pytestmark = pytest.mark.slow

COMMON = np.array([0.05, 0.05, 0.05, 0.3, 0.1, 0.05, 0.4])
RARE = np.array([0.2, 0.1, 0.15, 0.2, 0.15, 0.1, 0.1])
PRIORS = Priors(votes=COMMON, ferplus=COMMON, fer2013=RARE)


def seen(prior, count, *, heat, seed):
    """Logits of a net that goes by no prior, and truths that are as common as the prior says."""
    random = np.random.default_rng(seed)
    truth = random.choice(7, count, p=prior).astype(np.uint8)
    evidence = random.normal(0, 1.5, (count, 7))
    # the evidence of a true label is raised by as much as makes the softmax of it right
    evidence[np.arange(count), truth] += 1.5**2
    return evidence * heat, truth


def split_of(truth):
    return Split(np.zeros((len(truth), 48, 48), np.uint8), truth, unanimous(truth), np.zeros(len(truth), bool))


def test_the_temperature_is_found_at_home_and_elsewhere_by_the_priors_of_each():
    at_home, truth = seen(COMMON, 8000, heat=0.5, seed=1)
    elsewhere = seen(COMMON, 4000, heat=0.5, seed=2)
    found = calibrate((at_home, split_of(truth)), elsewhere, PRIORS, learned_prior(PRIORS, 1.0))
    assert found.temperature == pytest.approx(0.5, rel=0.05)


def test_home_alone_calibrates_where_there_is_nothing_from_elsewhere():
    at_home, truth = seen(COMMON, 8000, heat=2.0, seed=1)
    found = calibrate((at_home, split_of(truth)), None, PRIORS, learned_prior(PRIORS, 1.0))
    assert found.temperature == pytest.approx(2.0, rel=0.05)
    assert found.reference == pytest.approx(reference(PRIORS, 0.5))


def test_a_balanced_net_has_learned_no_prior_and_another_the_voters():
    assert learned_prior(PRIORS, 1.0) == pytest.approx(np.full(7, 1 / 7))
    assert learned_prior(PRIORS, 0.0) == pytest.approx(COMMON)
    assert learned_prior(PRIORS, 0.5).sum() == pytest.approx(1)


@pytest.mark.parametrize("share", SHARES)
def test_a_reference_lies_between_both_truths(share):
    between = reference(PRIORS, share)
    assert between.sum() == pytest.approx(1)
    ratio = np.log(between[3] / between[0])
    assert ratio == pytest.approx(share * np.log(6) + (1 - share) * np.log(1))


def test_priors_are_counted_in_the_training_pictures():
    labels = np.repeat(np.arange(7), [10, 5, 5, 40, 10, 10, 20]).astype(np.uint8)
    counted = priors_of(split_of(labels))
    assert counted.fer2013 == pytest.approx(np.array([0.1, 0.05, 0.05, 0.4, 0.1, 0.1, 0.2]))
    assert counted.ferplus == pytest.approx(counted.fer2013)
    assert counted.votes == pytest.approx(counted.fer2013)


def test_an_emotion_that_nobody_showed_keeps_a_share():
    counted = priors_of(split_of(np.repeat(np.arange(6), 20).astype(np.uint8)))
    for shares in (counted.fer2013, counted.ferplus, counted.votes, learned_prior(counted, 0.5)):
        assert 0 < shares[6] < 0.05
        assert shares.sum() == pytest.approx(1)


def test_a_measure_is_given_by_the_places_prior_and_by_each_truths_own():
    at_home, truth = seen(COMMON, 6000, heat=1.0, seed=3)
    labels, none = LABELS, dict.fromkeys(LABELS, 1 / 7)

    def shift(shares):
        return logit_shift(labels, learned=none, place=dict(zip(labels, shares, strict=True)))

    homes = {"fer2013": shift(RARE), "ferplus_majority": shift(COMMON)}
    told = measure(at_home.astype(np.float32), split_of(truth), 1.0, place=shift(RARE), homes=homes)
    right, wrong = told["by_own_prior"]["ferplus_majority"], told["ferplus_majority"]
    assert right["accuracy"] > wrong["accuracy"]
    assert told["by_own_prior"]["fer2013"]["accuracy"] == wrong["accuracy"]
    assert short(told)["ferplus_majority_accuracy_by_own_prior"] == pytest.approx(right["accuracy"], abs=1e-4)
