"""At which hours a rule watches: weekdays, midnight, summer time, and a clock that may be wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from edge_fer.rules.alerts.schedule import Schedule
from edge_fer.types import Instant
from tests.config.loading import load_layers
from tests.invented import reading
from tests.rules.kit import frame, play, rule_of, showing

BERLIN = ZoneInfo("Europe/Berlin")


def schedule(*hours, zone=BERLIN):
    text = f"alerts: {{unhappy-guest: {{schedule: [{', '.join(hours)}]}}}}"
    return Schedule(load_layers(text).config.alerts["unhappy-guest"].schedule, zone)


def covers(given, local, *, synced=True):
    """Whether it covers a local time such as `2026-01-05 08:00` (a Monday), or one with its offset."""
    moment = datetime.fromisoformat(local)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=BERLIN)
    return given.covers(Instant(0, moment.astimezone(UTC), synced))


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-01-05 07:59:59", False),
        ("2026-01-05 08:00", True),
        ("2026-01-09 17:59:59", True),
        ("2026-01-09 18:00", False),
        ("2026-01-10 12:00", False),  # Saturday
    ],
)
def test_working_days(local, expected):
    assert covers(schedule("mon-fri 08:00-18:00"), local) is expected


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-01-09 21:59", False),
        ("2026-01-09 22:00", True),  # Friday
        ("2026-01-10 01:59", True),  # the same night
        ("2026-01-10 02:00", False),
        ("2026-01-10 23:00", False),  # the night of Saturday is not meant
        ("2026-01-12 01:00", False),
    ],
)
def test_a_night_belongs_to_the_day_on_which_it_begins(local, expected):
    assert covers(schedule("fri 22:00-02:00"), local) is expected


def test_the_night_of_sunday_reaches_into_monday():
    assert covers(schedule("sun 22:00-02:00"), "2026-01-12 01:00")


def test_days_may_be_listed_go_past_sunday_or_be_left_out():
    for day, expected in zip(range(5, 12), (True, False, True, False, False, True, True), strict=True):
        assert covers(schedule("sat-mon wed 10:00-12:00"), f"2026-01-{day:02} 11:00") is expected
        assert covers(schedule("10:00-12:00"), f"2026-01-{day:02} 11:00")
        assert covers(schedule("00:00-24:00"), f"2026-01-{day:02} 23:59:59")


def test_several_hours_and_none():
    lunch_and_dinner = schedule("12:00-14:00", "18:00-22:00")
    assert [covers(lunch_and_dinner, f"2026-01-05 {hour}:30") for hour in (11, 13, 15, 19, 22)] == [
        *(False, True, False, True, False)
    ]
    assert covers(schedule(), "2026-01-05 03:00")


def test_summer_time_moves_with_the_clock_on_the_wall():
    opening = schedule("08:00-18:00")
    # winter: UTC+1, summer: UTC+2
    assert [covers(opening, f"2026-03-28T{hour}:30+00:00") for hour in ("06", "07")] == [False, True]
    assert [covers(opening, f"2026-03-29T{hour}:30+00:00") for hour in ("05", "06")] == [False, True]


def test_an_hour_that_does_not_exist_is_left_out():
    # on 29 March 2026 clocks go from 02:00 to 03:00
    skipped = schedule("02:00-03:00")
    assert not any(covers(skipped, f"2026-03-29T{hour:02}:{minute}+00:00") for hour in range(6) for minute in (10, 50))
    assert covers(skipped, "2026-03-30 02:30")


def test_an_hour_that_comes_twice_counts_twice():
    # on 25 October 2026 clocks go from 03:00 back to 02:00
    twice = schedule("02:00-03:00")
    assert [covers(twice, f"2026-10-25T{hour:02}:30+00:00") for hour in (0, 1)] == [True, True]
    assert [covers(twice, f"2026-10-25T{hour:02}:30+00:00") for hour in (23, 2)] == [False, False]


def test_with_a_clock_that_may_be_wrong_it_watches():
    assert covers(schedule("mon-fri 08:00-18:00"), "2026-01-10 12:00", synced=False)


def test_the_timezone_is_the_nodes():
    # invented time begins at midnight in UTC, which is 09:00 in Tokyo
    timing = "for: 4s, schedule: [09:00-10:00]"
    assert play(rule_of("{emotion: [angry]}", timing, more="node: {timezone: Asia/Tokyo}"), showing("angry", 0, 9))
    assert not play(rule_of("{emotion: [angry]}", timing, more="node: {timezone: UTC}"), showing("angry", 0, 9))


def test_an_alert_ends_with_its_hours_and_a_pending_one_is_forgotten():
    timing = "for: 4s, keep_firing_for: 5s, cooldown: 0s, schedule: [00:00-00:01]"
    rule = rule_of("{emotion: [angry]}", timing, more="node: {timezone: UTC}")
    told = play(rule, showing("angry", 50, 58)) + play(rule, showing("angry", 58, 70))
    assert told == [(54, "firing", "a"), (60, "schedule", "a")]
    assert rule.standing.in_schedule is False
    # `for` counts from the beginning of the hours, not from before
    opens = rule_of("{emotion: [angry]}", timing.replace("00:00-00:01", "00:01-00:02"), more="node: {timezone: UTC}")
    assert play(opens, showing("angry", 50, 70)) == [(64, "firing", "a")]


def test_a_window_goes_on_outside_the_hours():
    timing = "for: 0s, schedule: [00:01-00:05]"
    rule = rule_of("{crowd: [angry], share: 0.5, over: 20s, min_people: 1}", timing, more="node: {timezone: UTC}")
    assert play(rule, [frame(t, [reading(t, "angry")]) for t in range(40, 70)]) == [(60, "firing", None)]
