"""What becomes a record: with invented time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from edge_fer.history.recorder import MOST_WAITING, DeviceLook, Recorder, signal_name
from edge_fer.history.records import HOURLY, MINUTELY, AlertBegan, AlertEnded, HistoryWindow, SignalWindow
from edge_fer.rules.scene.calendar import Calendar
from edge_fer.types import (
    Alert,
    AlertChange,
    AlertState,
    Event,
    EventKind,
    Instant,
    Resolution,
    SignalKey,
    SignalValue,
    Summary,
    SummaryNumbers,
)
from tests.invented import reading

NOON = Instant(1000.0, datetime(2026, 3, 2, 12, tzinfo=UTC), synced=True)
PULSE = SignalKey("ward/bed-3", ("vitals", 0, "bpm"))
NUMBERS = SummaryNumbers(3, 90.0, 60.0, {"happy": 50.0, "sad": 0.0}, 40.0, 100.0, None, 0.0, None, 0.8)


def recorder(*, by_minute=True, k_minimum=1, signals=()):
    calendar = Calendar(ZoneInfo("Europe/Berlin"))
    return Recorder(calendar, by_minute=by_minute, k_minimum=k_minimum, signals={"bed": signals})


def later(seconds):
    return NOON.later(seconds)


def summary(length, since=0, *, numbers=NUMBERS):
    begin = NOON.utc + timedelta(seconds=since)
    return Summary(
        "bed", later(since + length), length, begin, begin + timedelta(seconds=length), float(length), numbers
    )


def fires(number, seconds, *, of_faces=True):
    alert = Alert(
        number, "bed", "distress", "critical", "who", AlertState.FIRING, later(seconds - 30), 0.9, 0.5, False, ("sad",)
    )
    return AlertChange(False, replace(alert, of_faces=of_faces), later(seconds))


def over(number, seconds, *, of_faces=True):
    change = fires(number, seconds, of_faces=of_faces)
    return AlertChange(True, change.alert, later(seconds), Resolution.OVER)


def test_minutes_and_hours_become_records_and_other_windows_do_not():
    made = recorder()
    found = made.tell("bed", later(3600), summaries=[summary(60), summary(900), summary(3600), summary(86_400)])
    assert [(one.length, one.people, one.attention) for one in found] == [(MINUTELY, 3, 60.0), (HOURLY, 3, 60.0)]
    assert found[0].seconds == {"happy": 50.0, "uncertain": 40.0}
    assert (found[0].presence, found[0].uncertain, found[0].sure) == (90.0, 40.0, 40.0)


def test_on_a_ward_there_are_hours_alone_and_alerts_are_of_an_hour():
    made = recorder(by_minute=False)
    assert made.tell("bed", later(60), summaries=[summary(60)]) == []
    (began,) = made.tell("bed", later(1234), changes=[fires("a", 1234)])
    (ended,) = made.tell("bed", later(5000), changes=[over("a", 5000)])
    assert began.began == NOON.utc
    assert (ended.ended, ended.seconds) == (NOON.utc + timedelta(hours=1), 3766.0)


def test_nothing_of_a_person_is_in_an_alert():
    (began,) = recorder().tell("bed", later(10), changes=[fires("a", 10)])
    assert began == AlertBegan("a", "bed", "distress", "critical", ("sad",), True, later(10).utc)
    assert "who" not in repr(began)


def test_an_alert_of_an_earlier_run_ends_without_its_length():
    assert recorder().tell("bed", later(10), changes=[over("a", 10)]) == [
        AlertEnded("a", "bed", later(10).utc, None, "over")
    ]


def test_people_who_came_are_counted_and_nothing_else_is_taken_of_events():
    made = recorder()
    one = reading(0, "happy")
    events = [Event(kind, one, NOON, 0.0) for kind in (EventKind.APPEARED, EventKind.LEFT, EventKind.APPEARED)]
    assert made.tell("bed", NOON, events=events) == []
    found = made.tell("bed", later(60), summaries=[summary(60)])
    assert [one.arrived for one in found] == [2]
    found = made.tell("bed", later(3600), summaries=[summary(60, 60), summary(3600)])
    assert [one.arrived for one in found] == [0, 2]


class TestFewPeople:
    def test_alerts_wait_for_their_hour_and_come_with_it(self):
        made = recorder(k_minimum=5)
        assert made.tell("bed", later(100), changes=[fires("a", 100)]) == []
        assert made.tell("bed", later(160), changes=[over("a", 160), fires("b", 160)]) == []
        hour, *alerts = made.tell("bed", later(3600), summaries=[summary(3600)])
        assert isinstance(hour, HistoryWindow)
        assert [(one.id, one.seconds) for one in alerts] == [("a", 60.0), ("b", None)]
        assert made.tell("bed", later(3700), changes=[over("b", 3700)])[0].seconds == 3540.0

    def test_those_of_an_hour_that_is_held_back_never_come(self):
        made = recorder(k_minimum=5)
        made.tell("bed", later(100), changes=[fires("a", 100)])
        (hour,) = made.tell("bed", later(3600), summaries=[summary(3600, numbers=None)])
        assert (hour.people, hour.seconds, hour.arrived) == (None, {}, 0)
        assert made.withheld == 1

    def test_nor_do_those_of_an_hour_that_nobody_told(self):
        made = recorder(k_minimum=5)
        made.tell("bed", later(100), changes=[fires("a", 100)])
        made.tell("bed", later(7300), changes=[fires("b", 7300)])
        found = made.tell("bed", later(3 * 3600), summaries=[summary(3600, 7200)])
        assert [one.id for one in found if isinstance(one, AlertBegan)] == ["b"]
        assert made.finish() == []

    def test_an_alert_that_says_nothing_of_people_does_not_wait(self):
        made = recorder(k_minimum=5)
        assert len(made.tell("bed", later(100), changes=[fires("a", 100, of_faces=False)])) == 1

    def test_those_that_wait_are_bounded_and_counted(self):
        made = recorder(k_minimum=5)
        for number in range(MOST_WAITING + 3):
            made.tell("bed", later(number), changes=[fires(f"a{number}", number)])
        assert made.withheld == 3
        assert len(made.tell("bed", later(3600), summaries=[summary(3600)])) == 1 + MOST_WAITING


class TestSignals:
    def test_each_value_counts_once_in_its_minute(self):
        made = recorder(signals=[PULSE])
        assert made.wants_signals
        for seconds, value in ((0, 60.0), (1, 60.0), (20, 90.0)):
            came = {PULSE: SignalValue(value, later(seconds // 20 * 20).mono)}
            assert made.tell("bed", later(seconds), samples=came) == []
        found = made.tell("bed", later(61), samples={PULSE: SignalValue(70.0, later(61).mono)})
        end = NOON.utc + timedelta(minutes=1)
        assert found == [SignalWindow("bed", "ward/bed-3 $.vitals[0].bpm", NOON.utc, end, 2, 60.0, 75.0, 90.0)]
        assert [one.mean for one in made.finish()] == [70.0]

    def test_on_a_ward_it_is_by_the_hour(self):
        made = recorder(by_minute=False, signals=[PULSE])
        made.tell("bed", later(0), samples={PULSE: SignalValue(70.0, 1.0)})
        assert made.tell("bed", later(3599), samples={PULSE: SignalValue(72.0, 2.0)}) == []
        (found,) = made.tell("bed", later(3600), samples={PULSE: SignalValue(71.0, 3.0)})
        assert (found.count, found.until - found.since) == (2, timedelta(hours=1))

    @pytest.mark.parametrize("value", [SignalValue(None, 5.0), SignalValue(70.0, None)])
    def test_no_number_and_an_old_one_do_not_count(self, value):
        made = recorder(signals=[PULSE])
        made.tell("bed", NOON, samples={PULSE: value, SignalKey("other"): SignalValue(1.0, 1.0)})
        assert made.finish() == []

    def test_names(self):
        assert signal_name(SignalKey("a/b")) == "a/b"


def test_the_device_is_told_by_the_hour():
    made = recorder()
    made.lost()
    assert made.look(DeviceLook(True, 50.0, 100, 3), later(0)) == []
    assert made.look(DeviceLook(False, None, 120, 9), later(60)) == []
    made.lost()
    (found,) = made.look(DeviceLook(True, 70.0, 90, 0), later(3600))
    assert (found.looks, found.connected, found.losses) == (2, 1, 1)
    assert (found.temperature, found.memory, found.waiting) == (50.0, 120, 9)
    (rest,) = made.finish()
    assert (rest.since, rest.losses) == (NOON.utc + timedelta(hours=1), 1)
