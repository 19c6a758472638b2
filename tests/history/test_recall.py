"""What rules learn from the history when the daemon begins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from edge_fer.history.file import HistoryFile
from edge_fer.history.records import HOURLY, MINUTELY, AlertBegan, HistoryWindow
from edge_fer.history.tables import insert
from edge_fer.rules.scene.calendar import Calendar
from edge_fer.rules.scene.trend import Trend
from edge_fer.types import Instant
from edge_fer.wiring.recall import recall, windows_of
from tests.config.loading import load_layers

MONDAY = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
NOW = Instant(500.0, MONDAY, synced=True)
RULES = "alerts: {often: {when: {count: unhappy-guest, over: 10m}}, quiet: {when: {visits_fewer_than: 5, over: 1h}}}"


def stretch(length, since, *, label="happy", people=3):
    end = since + timedelta(seconds=length)
    return HistoryWindow("camera", length, since, end, float(length), True, people, 2, 100.0, {label: 100.0})


def settings(tmp_path, *more):
    return load_layers(f"state_dir: {tmp_path}\nhistory: {{record: on}}\n{RULES}", *more).config


def learned(config, at=NOW, name="camera"):
    trend = Trend(Calendar(UTC))
    return recall(config, at, name, config.cameras["camera"], trend), trend


@pytest.fixture
def config(tmp_path):
    weeks = [stretch(HOURLY, MONDAY.replace(minute=0) - timedelta(weeks=n)) for n in range(1, 6)]
    minutes = [stretch(MINUTELY, MONDAY - timedelta(minutes=n)) for n in range(1, 200)]
    held = stretch(MINUTELY, MONDAY - timedelta(minutes=5), people=None)
    began = AlertBegan("a", "camera", "unhappy-guest", "warning", (), True, MONDAY - timedelta(minutes=4))
    with HistoryFile(tmp_path / "history.sqlite", max_size=64_000_000) as file:
        file.run(lambda connection: insert(connection, [*weeks, *minutes, held, began]))
    return settings(tmp_path)


def test_what_was_usual_is_learned_of_the_hours(config):
    _, trend = learned(config)
    usual = trend.usual("satisfaction", MONDAY)
    assert (usual.mean, usual.weeks) == (100.0, 5)
    assert trend.usual("satisfaction", MONDAY + timedelta(hours=1)) is None


def test_what_trends_json_holds_takes_its_place(config):
    _, trend = learned(config)
    trend.restore(Trend(Calendar(UTC)).snapshot())
    assert trend.usual("satisfaction", MONDAY) is None


def test_rules_know_the_minutes_and_alerts_that_they_look_back_over(config):
    past, _ = learned(config)
    minutes = past.minutes(NOW.mono, 3600.0)
    # 59 whole minutes lie within the hour, and one of them was held back
    assert len(minutes) == 59
    assert minutes[-1].mono == 500.0
    assert {minute.arrived for minute in minutes} == {2}
    assert not any(minute.mono == 500.0 - 240.0 for minute in minutes)
    assert past.firings("unhappy-guest", 500.0, 300.0) == 1
    assert past.firings("unhappy-guest", 500.0, 200.0) == 0


def test_where_the_clock_may_be_wrong_nothing_is_known(config):
    past, trend = learned(config, Instant(500.0, MONDAY, synced=False))
    assert past.minutes(500.0, 3600.0) == []
    assert trend.usual("satisfaction", MONDAY) is None


def test_nor_of_another_camera_nor_where_there_is_no_file(config, tmp_path):
    assert learned(config, name="other")[0].minutes(500.0, 3600.0) == []
    (tmp_path / "history.sqlite").unlink()
    assert learned(config)[0].minutes(500.0, 3600.0) == []


def test_a_damaged_file_is_told_and_holds_nothing_up(config, tmp_path, caplog):
    (tmp_path / "history.sqlite").write_bytes(b"no database " * 999)
    assert learned(config)[0].minutes(500.0, 3600.0) == []
    assert "rules begin without what was seen before: the history " in caplog.text


def test_on_a_ward_there_are_no_windows_of_a_minute(tmp_path):
    assert windows_of(settings(tmp_path)) == (60, 3600)
    assert windows_of(settings(tmp_path, "profile: ward\nalerts: {often: false}")) == (3600,)
