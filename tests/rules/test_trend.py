"""What is usual at an hour of the week, learned from invented weeks."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_fer.rules.scene.calendar import HOUR, Calendar
from edge_fer.rules.scene.trend import Baseline, Trend
from tests.rules.scenes import NINE, Scene

WEEK = timedelta(weeks=1)


def trend(zone=UTC):
    return Trend(Calendar(zone))


def test_nothing_is_usual_before_three_weeks():
    known = trend()
    for week in range(3):
        assert known.usual("satisfaction", NINE) is None
        known.learn(NINE + week * WEEK, {"satisfaction": 60.0 + week, "distress": 0.1})
    usual = known.usual("satisfaction", NINE)
    assert (usual.mean, usual.weeks) == (pytest.approx(61), 3)
    assert known.usual("distress", NINE).mean == pytest.approx(0.1)
    assert known.usual("satisfaction", NINE + timedelta(hours=1)) is None, "another hour of the week"


def test_one_bad_day_does_not_become_usual():
    steady, shaken = Baseline(100, 2), Baseline(100, 2)
    for week in range(20):
        for baseline in (steady, shaken):
            baseline.learn(9, 70.0 + week % 3)
    shaken.learn(9, 0.0)
    assert steady.usual(9).mean - shaken.usual(9).mean < 1.0
    assert shaken.usual(9).spread < 2.5


def test_a_lasting_change_becomes_usual_within_four_months_however_sudden():
    baseline = Baseline(100, 2)
    for _ in range(20):
        baseline.learn(9, 70.0)
    for _ in range(16):
        baseline.learn(9, 50.0)
    assert baseline.usual(9).mean == pytest.approx(50, abs=5)


@given(st.lists(st.floats(0, 100), min_size=3, max_size=100))
def test_the_mean_stays_among_what_was_seen_and_the_spread_above_nothing(values):
    baseline = Baseline(100, 2)
    for value in values:
        baseline.learn(0, value)
    usual = baseline.usual(0)
    assert min(values) - 1e-6 <= usual.mean <= max(values) + 1e-6
    assert 2 <= usual.spread <= 100


def test_the_hour_of_the_week_follows_the_local_clock_through_summer_time():
    known = trend(ZoneInfo("Europe/Berlin"))
    ten_o_clock = [datetime(2026, 3, day, 10, tzinfo=ZoneInfo("Europe/Berlin")) for day in (16, 23, 30)]
    for moment in ten_o_clock:
        known.learn(moment.astimezone(UTC), {"satisfaction": 50.0, "distress": 0.0})
    assert known.usual("satisfaction", ten_o_clock[2].astimezone(UTC)).weeks == 3


def test_summaries_are_compared_with_what_is_usual():
    known, hour = trend(), []
    for week in range(4):
        scene = Scene((900, HOUR), trend=known, start=NINE + week * WEEK)
        scene.film(3600, step=1, a="happy" if week < 3 else "neutral")
        scene.see(1)
        hour.append(scene.of(HOUR)[0].numbers)
        quarter = scene.of(900)[0].numbers
    assert [found.usual for found in hour] == [None, None, None, pytest.approx(100)]
    assert (quarter.satisfaction, quarter.usual) == (50, pytest.approx(100))


def test_an_hour_in_which_hardly_anybody_was_read_teaches_nothing():
    scene = Scene((HOUR,))
    scene.film(50, a="sad")
    scene.film(3600, step=1)
    assert scene.summaries.trend.version == 0


def test_a_snapshot_brings_everything_back_and_stays_small():
    known = trend()
    for hour in range(168 * 5):
        known.learn(NINE + timedelta(hours=hour), {"satisfaction": hour % 100.0, "distress": 0.123456789})
    text = json.dumps(known.snapshot())
    assert len(text) < 12_000
    fresh = trend()
    fresh.restore(json.loads(text))
    for hour in range(168):
        then = NINE + timedelta(hours=hour)
        assert fresh.usual("satisfaction", then) == pytest.approx(known.usual("satisfaction", then), abs=1e-4)


@pytest.mark.parametrize(
    "broken",
    [
        [],
        {},
        {"satisfaction": [], "distress": []},
        {"satisfaction": [[1, 50.0, 1.0]] * 167, "distress": [[0, 0, 0]] * 168},
        {"satisfaction": [[1, 101.0, 1.0]] * 168, "distress": [[0, 0, 0]] * 168},
        {"satisfaction": [[1, 50.0, float("nan")]] * 168, "distress": [[0, 0, 0]] * 168},
        {"satisfaction": [[-1, 50.0, 1.0]] * 168, "distress": [[0, 0, 0]] * 168},
        {"satisfaction": [["1", 50.0, 1.0]] * 168, "distress": [[0, 0, 0]] * 168},
    ],
)
def test_what_is_no_trend_is_refused_and_changes_nothing(broken):
    known = trend()
    for week in range(3):
        known.learn(NINE + week * WEEK, {"satisfaction": 60.0, "distress": 0.1})
    with pytest.raises(ValueError, match=r"hour|trend has"):
        known.restore(broken)
    assert known.usual("satisfaction", NINE).mean == 60
