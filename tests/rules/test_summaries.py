"""Windows of invented time: every second in exactly one, through restarts, jumps of the clock and summer time."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge_fer.rules.scene.calendar import DAY, HOUR, Calendar
from edge_fer.types import Instant
from tests.invented import LABELS
from tests.rules.scenes import NINE, Scene, restarted


def begins(summaries):
    return [(s.since.strftime("%H:%M"), (s.until - s.since).total_seconds()) for s in summaries]


def test_windows_are_aligned_to_the_clock_and_end_with_it():
    scene = Scene(start=NINE + timedelta(seconds=50))
    scene.see(a="happy")
    scene.film(200, a="happy")
    assert begins(scene.of(60)) == [("09:00", 60), ("09:01", 60), ("09:02", 60), ("09:03", 60)]
    assert [round(s.watched, 6) for s in scene.of(60)] == [10, 60, 60, 60]
    first, second, *_ = scene.of(60)
    assert (first.numbers.people, first.numbers.seconds["happy"], first.numbers.satisfaction) == (1, 10, 100)
    assert second.at == Instant(second.at.mono, NINE + timedelta(minutes=2))
    assert second.numbers.presence == second.numbers.attention == pytest.approx(60)
    assert scene.of(900) == []


def test_a_frame_that_stands_over_a_border_counts_on_both_sides():
    scene = Scene(start=NINE + timedelta(seconds=59.7))
    scene.see(a="sad")
    scene.see(0.9, a="happy")
    scene.see(60, a="happy")
    first, second = scene.of(60)
    assert first.numbers.seconds["sad"] == pytest.approx(0.3)
    assert second.numbers.seconds["sad"] == pytest.approx(0.6)
    assert second.numbers.seconds["happy"] == pytest.approx(1.0), "a frame stands no longer than that"


def test_a_slow_camera_fills_windows_that_are_shorter_than_its_pauses():
    scene = Scene((10, 60), max_gap=30.0)
    for _ in range(3):
        scene.see(25, a="happy")
    scene.told += scene.summaries.finish()
    assert [(s.since.second, s.watched) for s in scene.of(10)] == [
        (20, 5),
        *((t, 10) for t in (30, 40, 50, 0)),
        (10, 5),
    ]
    assert sum(s.watched for s in scene.of(60)) == 50


def test_the_last_hour_is_short_where_the_clocks_change_by_half_an_hour():
    calendar = Calendar(ZoneInfo("Australia/Lord_Howe"))
    before_midnight = datetime(2026, 10, 4, 12, 45, tzinfo=UTC)  # 23:45, half an hour having been skipped
    since, until = calendar.window(before_midnight, HOUR)
    assert (until - since, until) == (timedelta(minutes=30), calendar.window(before_midnight, DAY)[1])


def test_a_window_of_which_nothing_was_watched_is_not_told():
    scene = Scene()
    scene.film(30, a="happy")
    scene.see(600, a="happy")
    scene.film(60, a="happy")
    assert begins(scene.of(60)) == [("09:00", 60), ("09:10", 60)]


def test_time_alone_ends_a_window():
    scene = Scene()
    scene.film(30, a="happy")
    assert scene.summaries.pass_time(scene.now.later(20)) == []
    (told,) = scene.summaries.pass_time(scene.now.later(40))
    assert (told.length, told.watched, told.at.utc) == (60, 30.5 + 0.0, NINE + timedelta(minutes=1))
    assert scene.summaries.pass_time(scene.now.later(100)) == []
    scene.see(150, a="happy")
    assert [s.length for s in scene.told] == []


def test_people_are_counted_once_in_each_window():
    scene = Scene()
    for minute in range(15):
        scene.film(30, a="happy", **{f"guest{minute}": "sad"})
        scene.see(0, a="happy", left=[f"guest{minute}"])
        scene.film(30, a="happy")
    scene.see(1)
    assert [s.numbers.people for s in scene.of(60)] == [2] * 15
    assert [s.numbers.people for s in scene.of(900)] == [16]


STEPS = st.lists(
    st.tuples(st.floats(0.01, 30), st.dictionaries(st.sampled_from("abc"), st.sampled_from(LABELS))), max_size=150
)


@given(STEPS, st.floats(0, 86_400))
def test_every_second_is_in_exactly_one_window_of_each_length(steps, offset):
    scene = Scene((60, 900, HOUR, DAY), start=NINE + timedelta(seconds=offset))
    scene.see()
    expected, standing, left = Counter(), {}, 0.0
    for seconds, people in steps:
        before, left = standing, seconds
        scene.see(seconds, left=[who for who in standing if who not in people], **people)
        for label in before.values():
            expected[label] += min(1.0, left)
        standing = people
    scene.told += scene.summaries.finish()
    watched = sum(min(1.0, seconds) for seconds, _ in steps)
    for length in (60, 900, HOUR, DAY):
        told = scene.of(length)
        assert sum(s.watched for s in told) == pytest.approx(watched, abs=1e-3)
        for label in LABELS:
            assert sum(s.numbers.seconds[label] for s in told) == pytest.approx(expected[label], abs=1e-3)
        assert len({s.since for s in told}) == len(told), "no window is told twice"
    for quarter in scene.of(900):
        minutes = [s for s in scene.of(60) if quarter.since <= s.since < quarter.until]
        assert all(s.until <= quarter.until for s in minutes)
        assert sum(s.watched for s in minutes) == pytest.approx(quarter.watched, abs=1e-3)
        for label in LABELS:
            of_minutes = sum(s.numbers.seconds[label] for s in minutes)
            assert of_minutes == pytest.approx(quarter.numbers.seconds[label], abs=1e-3)


@example([0.1, ("jump", 0.1), ("jump", 4050.1), 2.0, ("jump", 3147.0), 2.0])
@given(st.lists(st.one_of(st.floats(0.1, 2), st.floats(-7200, 7200).map(lambda s: ("jump", s))), max_size=150))
def test_however_the_clock_jumps_no_second_is_lost_or_counted_twice(steps):
    scene = Scene()
    scene.see(a="happy")
    passed = 0.0
    for step in steps:
        if isinstance(step, tuple):
            scene.jump(step[1])
        else:
            passed += min(1.0, step)
            scene.see(step, a="happy")
    scene.told += scene.summaries.finish()
    for length in (60, 900, HOUR, DAY):
        assert sum(s.watched for s in scene.of(length)) == pytest.approx(passed, abs=1e-3)
        assert sum(s.numbers.seconds["happy"] for s in scene.of(length)) == pytest.approx(passed, abs=1e-3)


def test_a_clock_set_forward_ends_the_windows_it_leaves_and_no_others():
    scene = Scene()
    scene.now = Instant(scene.now.mono, scene.now.utc, synced=False)
    scene.see(a="sad")
    scene.film(30, a="sad")
    scene.now = Instant(scene.now.mono, scene.now.utc + timedelta(hours=2), synced=True)
    scene.film(60, a="happy")
    assert [(s.length, s.since.hour, s.at.synced) for s in scene.told] == [
        (60, 9, False),
        (900, 9, False),
        (HOUR, 9, False),
        (60, 11, True),
    ]
    assert scene.told[0].at.mono == 30, "told as of the last frame before"
    assert scene.told[0].numbers.seconds["sad"] == pytest.approx(30)
    assert scene.told[3].numbers.seconds["sad"] == pytest.approx(0.5), "which stood until the next"


def test_a_clock_set_back_tells_what_it_has_and_begins_anew():
    scene = Scene()
    scene.film(90, a="happy")
    scene.jump(-60)
    scene.film(90, a="happy")
    assert begins(scene.of(60)) == [("09:00", 60), ("09:01", 60), ("09:00", 60), ("09:01", 60)]
    assert sum(s.watched for s in scene.of(60)) == pytest.approx(179.5)


def test_a_small_correction_of_the_clock_tells_no_window_twice():
    scene = Scene()
    scene.film(61, a="happy")
    scene.jump(-3)
    scene.film(70, a="happy")
    assert begins(scene.of(60)) == [("09:00", 60), ("09:01", 60)]


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("day", "hours"),
    [("2026-03-28", 24), ("2026-03-29", 23), ("2026-10-25", 25)],
)
def test_a_day_is_as_long_as_its_clocks_say(day, hours):
    start = datetime.fromisoformat(day).replace(tzinfo=BERLIN).astimezone(UTC)
    scene = Scene((HOUR, DAY), zone=BERLIN, start=start)
    for _ in range(hours * 60 + 1):
        scene.see(60, a="happy")
    (told,) = scene.of(DAY)
    assert (told.until - told.since) == timedelta(hours=hours)
    assert told.since == start
    assert len(scene.of(HOUR)) == hours
    assert all(s.until - s.since == timedelta(hours=1) for s in scene.of(HOUR))
    assert sum(s.watched for s in scene.of(HOUR)) == pytest.approx(told.watched)


@given(
    st.floats(datetime(2020, 1, 1, tzinfo=UTC).timestamp(), datetime(2030, 1, 1, tzinfo=UTC).timestamp()),
    st.sampled_from(["Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Cairo", "America/Havana", "UTC"]),
)
def test_windows_nest_and_tile_in_every_time_zone(timestamp, zone):
    calendar, utc = Calendar(ZoneInfo(zone)), datetime.fromtimestamp(timestamp, UTC)
    around = None
    for length in (DAY, HOUR, 900, 60, 10):
        since, until = calendar.window(utc, length)
        assert since <= utc < until
        assert calendar.window(until, length)[0] == until, "the next begins where it ends"
        assert around is None or around[0] <= since < until <= around[1]
        around = since, until
    day = calendar.window(utc, DAY)
    assert timedelta(hours=23) <= day[1] - day[0] <= timedelta(hours=25)


def test_a_restart_goes_on_with_the_windows_that_were_open():
    scene = Scene()
    scene.film(150, a="happy")
    scene = restarted(scene, after=10)
    scene.film(30, b="sad")
    assert begins(scene.of(60)) == [("09:00", 60), ("09:01", 60), ("09:02", 60)]
    last = scene.of(60)[-1].numbers
    assert (last.people, last.seconds["happy"]) == (2, pytest.approx(30))
    assert last.seconds["sad"] == pytest.approx(19.5), "from the first frame on"
    scene.told += scene.summaries.finish()
    assert scene.of(DAY)[0].numbers.seconds["happy"] == pytest.approx(150 - 0.5)


def test_what_ended_while_nothing_ran_is_told_when_it_runs_again():
    scene = Scene()
    scene.film(30, a="happy")
    scene = restarted(scene, after=7200)
    scene.see(b="sad")
    assert begins(scene.told) == [("09:00", 60), ("09:00", 900), ("09:00", HOUR)]
    assert scene.told[0].at.utc == NINE + timedelta(seconds=7230)


def test_a_snapshot_tells_nobodys_id():
    scene = Scene(k=5)
    scene.film(30, anna="happy", bert="sad")
    assert "anna" not in json.dumps(scene.summaries.snapshot())


@pytest.mark.parametrize(
    "broken",
    [
        [],
        {"60": 1, "900": 1, "3600": 1, "86400": 1},
        lambda good: {**good, "60": {**good["60"], "watched": -1}},
        lambda good: {**good, "60": {**good["60"], "seconds": {"happy": float("nan")}}},
        lambda good: {**good, "900": {**good["900"], "since": 1e300}},
        lambda good: {**good, "900": {}},
    ],
)
def test_a_snapshot_that_is_none_is_refused(broken):
    scene = Scene()
    scene.film(5, a="happy")
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says is logged
        Scene().summaries.restore(broken(scene.summaries.snapshot()) if callable(broken) else broken)


def test_windows_of_other_lengths_are_forgotten():
    scene = Scene()
    scene.film(5, a="happy")
    fresh = Scene((60, HOUR))
    fresh.summaries.restore(scene.summaries.snapshot())
    assert fresh.summaries.snapshot() == {}


def test_the_state_does_not_grow_with_time_or_people():
    scene = Scene(k=3)
    sizes = []
    for number in range(2000):
        scene.see(1, left=[f"g{number - 1}"], **{f"g{number}": "happy"})
        sizes.append(len(json.dumps(scene.summaries.snapshot())))
    assert max(sizes) < 2000
    assert max(len(tally._read) for tally in scene.summaries._open.values()) <= 1
