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


LIKELY_SAD = {"happy": 0.4, "sad": 0.6}
LABELS = ("angry", "happy", "sad", "neutral")
time_constants = st.sampled_from([0.3, 1.0, 5.0])


@st.composite
def any_scores(draw):
    shares = [draw(st.floats(0, 1)) for _ in LABELS]
    total = sum(shares)
    return dict(zip(LABELS, [share / total for share in shares] if total > 1e-6 else [1.0, 0.0, 0.0, 0.0], strict=True))


def sure_of(label, score=1.0):
    rest = (1 - score) / (len(LABELS) - 1)
    return {one: score if one == label else rest for one in LABELS}


def settled(time_constant, score=1.0):
    """A smoother that has seen somebody happy for long, up to time 0."""
    smoother = ExponentialSmoother(time_constant, margin=0.15)
    for step in range(-100, 1):
        smoother.update("a", sure_of("happy", score), step * time_constant / 10)
    return smoother


@given(gaps=st.lists(st.floats(0.001, 0.7), min_size=1, max_size=40))
def test_the_pace_of_readings_does_not_matter_to_the_average(gaps):
    often, once = ExponentialSmoother(1.3), ExponentialSmoother(1.3)
    often.update("a", HAPPY, 0.0)
    once.update("a", HAPPY, 0.0)
    at = 0.0
    for gap in gaps:
        at += gap
        smoothed = often.update("a", LIKELY_SAD, at)
    assert smoothed.scores == pytest.approx(once.update("a", LIKELY_SAD, at).scores)
    assert sum(smoothed.scores.values()) == pytest.approx(1)


@given(time_constant=time_constants, gaps=st.lists(st.floats(0.005, 0.1), min_size=200, max_size=200))
def test_a_sure_change_is_told_after_little_more_than_half_a_time_constant_at_any_pace(time_constant, gaps):
    smoother, at = settled(time_constant, 0.95), 0.0
    for gap in gaps:
        at += gap
        smoothed = smoother.update("a", sure_of("sad", 0.95), at * time_constant)
        if smoothed.label == "sad":
            break
    assert smoothed.label == "sad"
    assert 0.55 < at < 0.7
    assert smoothed.scores == pytest.approx(sure_of("sad", 0.95))


@given(time_constant=time_constants, readings=st.lists(st.tuples(st.floats(0.001, 0.2), any_scores()), max_size=60))
def test_whatever_is_read_for_less_than_half_a_time_constant_changes_no_label(time_constant, readings):
    smoother, at = settled(time_constant), 0.0
    for gap, scores in readings:
        at += gap
        if at < 0.49:
            assert smoother.update("a", scores, at * time_constant).label == "happy"


@given(
    time_constant=time_constants,
    gap=st.floats(0.01, 0.2),
    readings=st.lists(st.tuples(any_scores(), st.sampled_from(LABELS)), min_size=1, max_size=40),
)
def test_readings_that_waver_move_the_average_as_ever(time_constant, gap, readings):
    """Each reading is followed by its mirror image about two emotions, so that neither is ahead on the whole."""
    smoother, share, at = settled(time_constant), -math.expm1(-gap), 0.0
    average = sure_of("happy")
    for scores, other in readings:
        for reading in (scores, {**scores, "happy": scores[other], other: scores["happy"]}):
            at += gap
            told = smoother.update("a", reading, at * time_constant)
            average = {label: old + share * (reading[label] - old) for label, old in average.items()}
            if told.label != "happy":
                return
            assert told.scores == pytest.approx(average)


@given(
    readings=st.lists(st.tuples(st.floats(0.001, 0.5), any_scores() | st.none()), min_size=1, max_size=60),
    times=st.sampled_from([0.25, 4.0]),
)
def test_a_longer_time_constant_does_the_same_more_slowly(readings, times):
    quick, slow, at = ExponentialSmoother(1.0, margin=0.15), ExponentialSmoother(times, margin=0.15), 0.0
    for gap, scores in readings:
        at += gap
        one, other = quick.update("a", scores, at), slow.update("a", scores, at * times)
        assert (one is None) == (other is None)
        if one:
            assert other.label == one.label
            assert other.scores == pytest.approx(one.scores)
            assert sum(one.scores.values()) == pytest.approx(1)
            assert all(0 <= score <= 1 + 1e-9 for score in one.scores.values())


def test_a_single_reading_after_a_gap_is_not_a_change_by_itself():
    smoother = settled(5.0)
    assert smoother.update("a", sure_of("sad"), 3.0).label == "happy"


def test_a_wider_margin_holds_against_readings_that_lead_by_less():
    smoother = ExponentialSmoother(1.0, margin=0.6)
    for step in range(200):
        scores = sure_of("happy") if step < 50 else {"angry": 0.0, "happy": 0.25, "sad": 0.75, "neutral": 0.0}
        assert smoother.update("a", scores, step / 10).label == "happy"


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
