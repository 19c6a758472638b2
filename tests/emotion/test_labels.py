"""Label sets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_fer.emotion.labels import reduce
from edge_fer.types import LABEL_SETS

LABELS = LABEL_SETS["seven"]
PROBABILITIES = st.lists(st.floats(0, 1), min_size=7, max_size=7).filter(lambda values: sum(values) > 1e-6)


def scores_of(values):
    return {label: value / sum(values) for label, value in zip(LABELS, values, strict=True)}


@pytest.mark.parametrize(
    ("name", "without"),
    [
        ("seven", set()),
        ("five", {"disgust", "fear"}),
        ("four", {"disgust", "fear", "surprise"}),
        ("three", {"disgust", "fear", "surprise", "neutral"}),
    ],
)
def test_sets(name, without):
    assert LABEL_SETS[name] == tuple(label for label in LABELS if label not in without)


@pytest.mark.parametrize("name", LABEL_SETS)
@given(values=PROBABILITIES)
def test_reduced_scores_sum_to_one_and_keep_their_ratios(name, values):
    scores = scores_of(values)
    reduced = reduce(scores, name)
    assert tuple(reduced) == LABEL_SETS[name]
    assert sum(reduced.values()) == pytest.approx(1)
    kept = sum(scores[label] for label in reduced)
    if kept > 1e-9:
        assert all(reduced[label] * kept == pytest.approx(scores[label]) for label in reduced)


def test_sure_of_something_else():
    assert reduce(dict.fromkeys(LABELS, 0.0) | {"fear": 1.0}, "four") == dict.fromkeys(LABEL_SETS["four"], 0.25)


def test_unknown_set():
    with pytest.raises(KeyError):
        reduce(dict.fromkeys(LABELS, 1 / 7), "six")
