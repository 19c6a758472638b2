"""Smoothing, with invented time."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_fer.emotion.smoothing import MAX_TRACKS, ExponentialSmoother, ModeSmoother

HAPPY = {"happy": 0.9, "sad": 0.1}
SAD = {"happy": 0.1, "sad": 0.9}
SMOOTHERS = [lambda: ExponentialSmoother(1.0), lambda: ModeSmoother(3)]


@pytest.fixture(params=SMOOTHERS, ids=["exponential", "mode"])
def smoother(request):
    return request.param()


def test_nothing_is_known_before_the_first_reading(smoother):
    assert smoother.update("a", None, 0.0) is None
    smoothed = smoother.update("a", HAPPY, 1.0)
    assert (smoothed.label, smoothed.scores) == ("happy", HAPPY)


def test_unreadable_faces_move_nothing(smoother):
    before = smoother.update("a", HAPPY, 0.0)
    assert [smoother.update("a", None, float(second)) for second in range(1, 100)] == [before] * 99


def test_people_do_not_mix(smoother):
    smoother.update("a", HAPPY, 0.0)
    assert smoother.update("b", SAD, 0.0).label == "sad"
    assert smoother.update("a", HAPPY, 0.1).scores == pytest.approx(HAPPY)


def test_forgotten_people_start_anew(smoother):
    smoother.update("a", HAPPY, 0.0)
    smoother.forget("a")
    smoother.forget("nobody")
    assert smoother.update("a", None, 0.1) is None
    assert smoother.update("a", SAD, 0.2).scores == SAD


def test_memory_is_bounded(smoother):
    for person in range(3 * MAX_TRACKS):
        smoother.update("stays", HAPPY, float(person))
        smoother.update(f"passes {person}", HAPPY, float(person))
    known = [person for person in range(3 * MAX_TRACKS) if smoother.update(f"passes {person}", None, 1e4)]
    assert len(known) == MAX_TRACKS - 1
    assert known[0] == 2 * MAX_TRACKS + 1
    assert smoother.update("stays", None, 1e4)


def test_a_change_gets_63_percent_of_the_way_in_one_time_constant():
    smoother = ExponentialSmoother(2.0)
    smoother.update("a", HAPPY, 10.0)
    scores = smoother.update("a", SAD, 12.0).scores
    assert scores["sad"] == pytest.approx(0.1 + 0.8 * (1 - math.exp(-1)))


@given(gaps=st.lists(st.floats(0.001, 0.7), min_size=1, max_size=40))
def test_the_pace_of_readings_does_not_matter(gaps):
    often, once = ExponentialSmoother(1.3), ExponentialSmoother(1.3)
    often.update("a", HAPPY, 0.0)
    once.update("a", HAPPY, 0.0)
    at = 0.0
    for gap in gaps:
        at += gap
        smoothed = often.update("a", SAD, at)
    assert smoothed.scores == pytest.approx(once.update("a", SAD, at).scores)
    assert sum(smoothed.scores.values()) == pytest.approx(1)


def test_a_lead_smaller_than_the_margin_does_not_flip_the_label():
    smoother = ExponentialSmoother(0.0, margin=0.1)
    labels = []
    for step in range(100):
        lead = 0.04 if step % 2 else -0.04
        labels.append(smoother.update("a", {"happy": 0.5 - lead, "sad": 0.5 + lead}, step / 10).label)
    assert labels == ["happy"] * 100
    assert smoother.update("a", {"happy": 0.44, "sad": 0.56}, 11.0).label == "sad"
    assert smoother.update("a", {"happy": 0.54, "sad": 0.46}, 12.0).label == "sad"


def test_without_time_constant_each_reading_counts_alone():
    smoother = ExponentialSmoother(0.0, margin=0.0)
    smoother.update("a", HAPPY, 0.0)
    assert smoother.update("a", SAD, 0.0).scores == pytest.approx(SAD)


def test_two_readings_at_once_and_time_going_back_are_no_harm():
    smoother = ExponentialSmoother(1.0)
    smoother.update("a", HAPPY, 10.0)
    assert smoother.update("a", SAD, 10.0).scores == pytest.approx(HAPPY)
    assert smoother.update("a", SAD, 5.0).scores == pytest.approx(HAPPY)
    assert smoother.update("a", SAD, 11.0).scores["sad"] == pytest.approx(0.1 + 0.8 * (1 - math.exp(-1)))


def test_mode_takes_the_commonest_of_the_last():
    smoother = ModeSmoother(3)
    labels = [
        smoother.update("a", scores, 0.0).label for scores in [HAPPY, SAD, HAPPY, SAD, SAD, SAD, HAPPY, HAPPY, HAPPY]
    ]
    assert labels == ["happy", "happy", "happy", "sad", "sad", "sad", "sad", "happy", "happy"]


def test_mode_keeps_the_label_at_a_tie():
    smoother = ModeSmoother(2)
    labels = [smoother.update("a", scores, 0.0).label for scores in [HAPPY, SAD, HAPPY, SAD, SAD, HAPPY, SAD]]
    assert labels == ["happy", "happy", "happy", "happy", "sad", "sad", "sad"]


def test_mode_gives_the_mean_of_the_scores():
    smoother = ModeSmoother(4)
    smoother.update("a", HAPPY, 0.0)
    assert smoother.update("a", SAD, 0.0).scores == pytest.approx({"happy": 0.5, "sad": 0.5})


@pytest.mark.parametrize("wrong", [{"time_constant": -1.0}, {"time_constant": 1.0, "margin": 1.0}])
def test_refuses_what_makes_no_sense(wrong):
    with pytest.raises(ValueError, match="must be"):
        ExponentialSmoother(**wrong)
    with pytest.raises(ValueError, match="must be"):
        ModeSmoother(0)
