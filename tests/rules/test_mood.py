"""Satisfaction and distress of invented people over invented time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_fer.rules.scene.mood import MoodScale, MoodWindow, Stints
from edge_fer.types import UNCERTAIN, Distress
from tests.invented import LABELS, at, reading, unreadable

SCALE = MoodScale(
    weights={"happy": 1.0, "angry": -1.0, "disgust": -1.0, "fear": -1.0, "sad": -1.0},
    distressed=frozenset({"sad", "angry", "fear"}),
    moderate=0.3,
    high=0.6,
)
SPENT = st.dictionaries(st.sampled_from([*LABELS, UNCERTAIN]), st.floats(0, 1e6))


@pytest.mark.parametrize(
    ("seconds", "satisfaction", "distress"),
    [
        ({"happy": 10}, 100, Distress.LOW),
        ({"neutral": 10}, 50, Distress.LOW),
        ({"surprise": 10}, 50, Distress.LOW),
        ({"disgust": 10}, 0, Distress.LOW),
        ({"sad": 10}, 0, Distress.HIGH),
        ({"happy": 5, "neutral": 5, UNCERTAIN: 90}, 75, Distress.LOW),
        ({"happy": 7, "sad": 3}, 70, Distress.MODERATE),
        ({"angry": 2, "fear": 2, "sad": 2, "neutral": 4}, 20, Distress.HIGH),
        ({"sad": 2.9, "neutral": 7.1}, 35.5, Distress.LOW),
        ({}, None, None),
        ({UNCERTAIN: 100}, None, None),
    ],
)
def test_seconds_become_satisfaction_and_distress(seconds, satisfaction, distress):
    assert SCALE.satisfaction(seconds) == (None if satisfaction is None else pytest.approx(satisfaction))
    assert SCALE.distress(seconds) is distress


@given(SPENT)
def test_the_numbers_never_leave_their_scales(seconds):
    satisfaction, share = SCALE.satisfaction(seconds), SCALE.distress_share(seconds)
    assert satisfaction is None or 0 <= satisfaction <= 100
    assert share is None or 0 <= share <= 1


def test_too_little_that_could_be_read_says_nothing():
    careful = MoodScale(SCALE.weights, SCALE.distressed, 0.3, 0.6, min_read=10)
    assert careful.satisfaction({"happy": 9.9, UNCERTAIN: 60}) is None
    assert careful.distress({"sad": 9.9}) is None
    assert careful.satisfaction({"happy": 10}) == 100


def test_a_window_forgets_what_is_older_and_holds_what_is_not():
    window = MoodWindow(10, buckets=10)
    for t in range(1, 31):
        window.add("sad" if t < 15 else "happy", 1.0, float(t))
        assert sum(window.seconds(t).values()) == pytest.approx(min(t, 10), abs=1)
    assert window.seconds(30.0) == {"happy": pytest.approx(10)}
    assert window.seconds(45.0) == {}


def test_a_window_does_not_grow():
    window = MoodWindow(60, buckets=60)
    for t in range(100_000):
        window.add(LABELS[t % 7], 0.1, t / 10)
    assert len(window._buckets) <= 60


@given(st.lists(st.tuples(st.sampled_from(LABELS), st.floats(0, 2)), max_size=200))
def test_a_window_differs_from_the_truth_by_one_bucket_at_most(steps):
    window, now, truth = MoodWindow(10, buckets=5), 0.0, []
    for label, seconds in steps:
        now += seconds
        window.add(label, seconds, now)
        truth.append((now, seconds))
    held = sum(window.seconds(now).values())
    assert sum(s for t, s in truth if t > now - 8) - 1e-6 <= held <= sum(s for t, s in truth if t > now - 10) + 1e-6


def stints(*steps, max_gap=1.0):
    """What each step credits, without confidence: steps are (seconds, readings, ids of who left)."""
    book = Stints(max_gap=max_gap)
    return [[tuple(s[:4]) for s in book.update(readings, left=left, at=at(t))] for t, readings, left in steps]


def test_a_reading_stands_until_the_next_frame():
    first, second, third = stints(
        (0, [reading(0, "happy")], ()), (0.5, [unreadable(0.5)], ()), (0.75, [reading(0.75, "sad")], ())
    )
    assert first == []
    assert second == [("a", "happy", 0.5, True)]
    assert third == [("a", UNCERTAIN, 0.25, False)]


def test_a_stint_has_the_confidence_of_the_reading_that_stood():
    book = Stints()
    book.update([reading(0, "happy", 0.7)], left=(), at=at(0))
    assert [s.confidence for s in book.update([reading(0.5, "happy", 0.9)], left=(), at=at(0.5))] == [0.7]
    assert [s.confidence for s in book.update(None, left=(), at=at(1))] == [0.9]


def test_nothing_is_known_of_a_gap():
    assert stints((0, [reading(0, "happy")], ()), (100, [reading(100, "sad")], ()))[1] == [("a", "happy", 1.0, True)]


def test_a_person_missed_by_the_detector_is_held_for_as_long_as_a_gap_and_one_who_left_no_longer():
    told = stints((0, [reading(0, "sad")], ()), *((t / 2, [], ()) for t in range(1, 5)))
    assert told == [[], [("a", "sad", 0.5, True)], [("a", "sad", 0.5, True)], [], []]
    assert stints((0, [reading(0, "sad")], ()), (0.2, [], ("a",)), (0.4, [], ()))[1:] == [[("a", "sad", 0.2, True)], []]


def test_time_that_runs_backwards_credits_nothing_twice():
    told = stints((5, [reading(5)], ()), (4, [reading(4)], ()), (5.5, [reading(5.5)], ()))
    assert [sum(s for _, _, s, _ in step) for step in told] == [0, 0, 0.5]


@given(st.lists(st.tuples(st.floats(0, 3), st.sets(st.sampled_from("abc")), st.sets(st.sampled_from("abc")))))
def test_nobody_is_credited_more_than_the_time_that_passed(steps):
    book, now = Stints(), 0.0
    for dt, seen, left in steps:
        now += dt
        told = book.update([reading(now, who=who) for who in seen - left], left=left, at=at(now))
        assert len({s.track_id for s in told}) == len(told)
        assert all(0 < s.seconds <= min(dt, 1.0) + 1e-6 for s in told)
