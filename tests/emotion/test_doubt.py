"""Why a reading is uncertain: the leading emotion scores too low, or another comes too near."""

import pytest

from edge_fer.emotion.doubt import doubt_of, lead_of
from edge_fer.types import Doubt


@pytest.mark.parametrize(
    ("label", "angry", "sad", "doubt"),
    [
        ("angry", 0.6, 0.3, None),
        ("angry", 0.44, 0.1, Doubt.UNCLEAR),
        ("angry", 0.44, 0.43, Doubt.UNCLEAR),
        ("angry", 0.5, 0.46, Doubt.TORN),
        ("angry", 0.5, 0.44, None),
        # smoothing keeps a label for a while when another has come to lead
        ("sad", 0.5, 0.46, Doubt.TORN),
    ],
)
def test_an_emotion_must_score_enough_and_be_ahead_of_the_others(label, angry, sad, doubt):
    scores = {"angry": angry, "sad": sad, "neutral": 1 - angry - sad}
    assert doubt_of(label, scores, min_confidence=0.45, min_lead=0.05) == doubt


def test_a_lead_of_zero_asks_for_nothing():
    scores = {"angry": 0.5, "sad": 0.5}
    assert doubt_of("sad", {"angry": 0.51, "sad": 0.49}, min_confidence=0.45, min_lead=0.0) is None
    assert doubt_of("sad", scores, min_confidence=0.45, min_lead=0.001) is Doubt.TORN


def test_the_only_emotion_of_a_set_is_ahead_of_nothing_by_all_of_it():
    assert lead_of("angry", {"angry": 1.0}) == 1.0
