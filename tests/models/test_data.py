"""What a model learns from, and what it is judged by."""

from __future__ import annotations

import numpy as np
import pytest

from models.recipe.data import LABELS, NO_MAJORITY, Split, ferplus_majority, load, soft_targets
from tests.shared import shared_data

# neutral, happiness, surprise, sadness, anger, disgust, fear, contempt, unknown, not a face
VOTES = {
    "clearly happy": ([0, 10, 0, 0, 0, 0, 0, 0, 0, 0], "happy"),
    "six of ten": ([4, 0, 0, 6, 0, 0, 0, 0, 0, 0], "sad"),
    "half is no majority": ([5, 0, 0, 0, 5, 0, 0, 0, 0, 0], None),
    "single votes are dropped": ([0, 0, 0, 1, 5, 1, 1, 0, 2, 0], "angry"),
    "unknown counts in what is left": ([0, 0, 0, 0, 5, 0, 0, 0, 5, 0], None),
    "only single votes": ([1, 1, 1, 1, 1, 1, 1, 1, 1, 1], None),
    "no votes": ([0] * 10, None),
    "contempt is none of the seven": ([2, 0, 0, 0, 0, 0, 0, 8, 0, 0], None),
    "unknown": ([2, 0, 0, 0, 0, 0, 0, 0, 8, 0], None),
    "not a face": ([2, 0, 0, 0, 0, 0, 0, 0, 0, 8], None),
    "disgust": ([0, 0, 0, 0, 0, 9, 1, 0, 0, 0], "disgust"),
    "fear": ([0, 0, 3, 0, 0, 0, 7, 0, 0, 0], "fear"),
    "surprise": ([0, 0, 7, 0, 0, 0, 3, 0, 0, 0], "surprise"),
    "neutral": ([8, 0, 0, 2, 0, 0, 0, 0, 0, 0], "neutral"),
}


def split_of(votes, label="happy"):
    count = len(votes)
    return Split(
        np.zeros((count, 48, 48), np.uint8),
        np.full(count, LABELS.index(label), np.uint8),
        np.array(votes, np.uint8),
        np.zeros(count, bool),
    )


@pytest.mark.parametrize("name", VOTES)
def test_majority(name):
    votes, label = VOTES[name]
    (found,) = ferplus_majority(np.array([votes], np.uint8))
    assert found == (NO_MAJORITY if label is None else LABELS.index(label))


def test_targets_are_distributions():
    targets, _ = soft_targets(split_of([votes for votes, _ in VOTES.values()]), hard_share=0.5, smoothing=0.1)
    assert targets.dtype == np.float32
    assert targets.sum(axis=1) == pytest.approx(1)
    assert (targets >= 0).all()


def test_targets_mix_votes_and_label():
    targets, _ = soft_targets(split_of([VOTES["six of ten"][0]]), hard_share=0.5)
    told = dict(zip(LABELS, targets[0].tolist(), strict=True))
    assert told == pytest.approx(
        {"angry": 0, "disgust": 0, "fear": 0, "happy": 0.5, "sad": 0.3, "surprise": 0, "neutral": 0.2}
    )


@pytest.mark.parametrize("name", ["no votes", "only single votes", "unknown"])
def test_targets_without_votes_are_the_label(name):
    votes = [0] * 10 if name != "unknown" else [0] * 8 + [9, 1]
    targets, useful = soft_targets(split_of([votes]), hard_share=0.0)
    assert targets[0, LABELS.index("happy")] == 1
    assert useful.all()


@pytest.mark.parametrize("name", ["not a face", "contempt is none of the seven"])
def test_pictures_of_nothing_of_ours_are_left_out(name):
    _, useful = soft_targets(split_of([VOTES[name][0], VOTES["neutral"][0]]), hard_share=0.5)
    assert useful.tolist() == [False, True]


def test_the_real_thing():
    split = load(shared_data() / "fer2013", "public-test")
    assert (len(split), split.images.shape[1:], split.images.dtype) == (3589, (48, 48), np.uint8)
    assert split.twins.sum() == 279
    majority = ferplus_majority(split.votes)
    decided = majority != NO_MAJORITY
    assert 0.64 < (majority == split.labels)[decided].mean() < 0.80
