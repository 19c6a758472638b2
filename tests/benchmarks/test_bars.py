"""A benchmark that misses a bar says so, and fails; how fast this machine is, is not tested."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tests.benchmarks.bars import AT_LEAST, AT_MOST, BUDGET_AT_MOST, missed, missed_budget
from tests.benchmarks.budget import shift
from tests.benchmarks.peers import BASE, DEFAULT, FASTER, OWN_SHARE, PEAK_RSS, START, Figures, bars, verdict

HELD = AT_MOST | AT_LEAST


def test_what_is_on_its_bar_holds_and_what_is_beyond_is_told():
    assert missed(HELD) == []
    for name, bar in HELD.items():
        beyond = bar * (1.01 if name in AT_MOST else 0.99)
        (told,) = missed(HELD | {name: beyond})
        assert told.startswith(f"{name} is {beyond:.2f}, should be at ")
        assert missed(HELD | {name: math.nan})
    with pytest.raises(KeyError):
        missed({})


def test_what_the_budget_misses_is_named_and_what_was_not_measured_is_no_success():
    assert missed_budget(BUDGET_AT_MOST) == []
    for name, bar in BUDGET_AT_MOST.items():
        for beyond in (bar * 1.01, math.nan, math.inf):
            assert missed_budget(BUDGET_AT_MOST | {name: beyond}) == [name]
    with pytest.raises(KeyError):
        missed_budget({})


def test_what_is_told_moves_by_the_largest_difference_and_something_else_is_no_move():
    told = [[1.0, "camera0", "appeared", 0, "happy"], [2.0, "camera0", "left", 0, "happy"]]
    later = [[1.04, *told[0][1:]], [1.9, *told[1][1:]]]
    assert shift({"told": told}, {"told": later}) == pytest.approx(0.1)
    assert shift({"told": []}, {"told": []}) == 0
    for other in (told[:1], [*told, told[1]], [told[0], [2.0, "camera0", "left", 0, "sad"]]):
        assert shift({"told": told}, {"told": other}) == math.inf


THEIRS = Figures(fps=2.0, ready=8.0, first=9.0, peak_rss=7e8, with_face=1.0)
OURS = Figures(2.0 * FASTER, None, first=8.0 * START, peak_rss=PEAK_RSS, with_face=1.0, own=OWN_SHARE)


@pytest.mark.parametrize(
    "worse", [{"fps": 19.0}, {"first": 4.1}, {"peak_rss": 1.4e8}, {"own": 0.26}, {"first": math.nan}]
)
def test_a_missed_bar_beside_others_fails(worse):
    found = {BASE: THEIRS, DEFAULT: OURS}
    assert (list(bars(found).values()), verdict(found, found)) == ([True] * 4, 0)
    slower = found | {DEFAULT: replace(OURS, **worse)}
    assert list(bars(slower).values()).count(False) == 1
    assert verdict(slower, slower) == 1


def test_what_could_not_be_compared_fails_unless_nobody_asked():
    assert verdict([BASE, DEFAULT], {DEFAULT: OURS}) == 1
    assert verdict([DEFAULT], {DEFAULT: OURS}) == 0
