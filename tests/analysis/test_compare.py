"""Comparing recordings: what is told of invented places whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from edge_fer.recordings.analysis import compare as module
from edge_fer.recordings.analysis.compare import Measure, Series, compare

#: Two emotions and uncertain.
HAPPY = Measure("happy", np.array([1.0, 0, 0]), np.array([1.0, 1, 0]))


def place(random, *, minutes=30, happy=0.5, width=2.0):
    """An invented place: visits of a minute, moods of 15 s, some visitors happier than others."""
    seconds = minutes * 60
    rows = np.zeros((int(seconds / width), 3))
    now = 0.0
    while now < seconds:
        now += random.exponential(40)
        end, content = min(seconds, now + random.exponential(60)), np.clip(happy + random.normal(0, 0.2), 0.05, 0.95)
        while now < end:
            until = min(end, now + random.exponential(15))
            rows[int(now / width) : int(until / width) + 1, 0 if random.random() < content else 1] += width
            now = until
    return Series("place", width, rows)


@pytest.fixture(autouse=True)
def fewer_draws(monkeypatch):
    monkeypatch.setattr(module, "DRAWS", 400)


def told(*recordings):
    return compare(recordings, [HAPPY])[0]


@pytest.mark.slow
def test_the_intervals_hold_the_truth_about_as_often_as_they_say():
    random = np.random.default_rng(0)
    truth = float(HAPPY.of(place(random, minutes=3000).seconds.sum(axis=0)[None])[0])
    values = [told(place(random), place(random)) for _ in range(40)]
    intervals = [value for one in values for value in one.values]
    held = np.mean([value.low <= truth <= value.high for value in intervals])
    assert 0.86 <= held <= 0.99
    assert np.mean([value.high - value.low for value in intervals]) < 45, "and say something"
    by_chance = np.mean([one.changes[0].sure for one in values])
    assert by_chance <= 0.15, "places that are the same differ by chance"


@pytest.mark.slow
def test_frames_drawn_one_by_one_would_promise_too_much(monkeypatch):
    """The test above can fail: without blocks, it does."""
    monkeypatch.setattr(module, "SHORTEST", 2.0)
    monkeypatch.setattr(module, "BLOCKS", 0.0)
    with pytest.raises(AssertionError):
        test_the_intervals_hold_the_truth_about_as_often_as_they_say()


def test_a_place_that_changed_much_is_seen_to_have():
    random = np.random.default_rng(1)
    one = told(place(random, minutes=60, happy=0.25), place(random, minutes=60, happy=0.8))
    assert one.changes[0].sure
    assert one.changes[0].by.value == pytest.approx(one.values[1].value - one.values[0].value)
    assert 0 < one.changes[0].by.low < one.changes[0].by.value < one.changes[0].by.high <= 100


def test_the_same_recordings_give_the_same_intervals():
    recordings = [place(np.random.default_rng(seed)) for seed in (1, 2, 3)]
    assert told(*recordings) == told(*recordings)
    assert len(told(*recordings).changes) == 2


def test_short_recordings_do_not_say_how_sure_they_are():
    random = np.random.default_rng(2)
    one = told(place(random, minutes=2), place(random, minutes=60))
    assert one.values[0].value is not None
    assert one.values[0].low is None
    assert one.values[1].low is not None
    assert one.changes[0].by.low is None
    assert not one.changes[0].sure


def test_where_nobody_was_read_nothing_is_known():
    nobody = Series("nobody", 2.0, np.zeros((600, 3)))
    unread = Series("unread", 2.0, np.tile([0.0, 0, 2], (600, 1)))
    none = Series("none", 2.0, np.zeros((0, 3)))
    for odd in (nobody, unread, none):
        one = told(place(np.random.default_rng(3)), odd)
        assert (one.values[1].value, one.changes[0].by.value, one.changes[0].sure) == (None, None, False)


@pytest.mark.parametrize("blocks", [6, 12, 40])
def test_few_blocks_stretch_as_student_says(blocks):
    quantiles = {6: 2.5706, 12: 2.2010, 40: 2.0227}
    expected = quantiles[blocks] / 1.95996 * (blocks / (blocks - 1)) ** 0.5
    assert module._stretch(blocks) == pytest.approx(expected, rel=0.01)
