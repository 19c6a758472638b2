"""The sink that keeps the history: threads, a disk that does not work, and what it costs whoever tells it something."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from edge_fer.errors import HistoryError
from edge_fer.history.file import HistoryFile, reading
from edge_fer.history.recorder import DeviceLook, Recorder
from edge_fer.history.records import HOURLY, MINUTELY, Keep
from edge_fer.history.tables import insert, lost_in, read_alerts, read_health, read_windows
from edge_fer.pipeline.step import Told
from edge_fer.rules.scene.calendar import Calendar
from edge_fer.sinks import history
from edge_fer.sinks.history import HistorySink
from edge_fer.types import Instant, SignalKey, SignalValue, Summary
from tests.faults.node import fill, small_disk
from tests.history.records import EVER, minute
from tests.mqtt.kit import until
from tests.sinks.outputs import everything

KEEP = Keep(35 * 86_400, 730 * 86_400, 64_000_000)


def told(number, *, length=60):
    since = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(seconds=length * number)
    end = since + timedelta(seconds=length)
    at = Instant(float(number), end)
    return Told(at, summaries=(Summary("front", at, length, since, end, float(length), None),))


@pytest.fixture
def make(tmp_path):
    sinks = []

    def sink(path=tmp_path / "history.sqlite", *, signals=(), samples=dict, synced=True):
        recorder = Recorder(Calendar(UTC), by_minute=True, k_minimum=1, signals={"front": signals})
        made = HistorySink(
            path,
            KEEP,
            recorder,
            clock=lambda: Instant(time.monotonic(), datetime.now(UTC), synced=synced),
            samples=samples,
            look=lambda: DeviceLook(connected=True, temperature=50.0, memory=10, waiting=0),
        )
        sinks.append(made)
        return made

    yield sink
    for made in sinks:
        made.close()


def kept(path):
    if not path.exists() or not path.stat().st_size:
        return None
    # until its tables are made, it is no history
    with contextlib.suppress(HistoryError):
        return counted(path)
    return None


def counted(path):
    with reading(path) as connection:
        minutes, _ = read_windows(connection, MINUTELY, *EVER)
        hours, _ = read_windows(connection, HOURLY, *EVER)
        return len(minutes) + len(hours), lost_in(connection).get("disk", 0)


@pytest.mark.outside
def test_what_is_told_is_in_the_file_at_once_and_the_device_once_it_ends(make, tmp_path):
    sink, path = make(), tmp_path / "history.sqlite"
    sink.open()
    sink.online("front", True, Instant(0.0, datetime.now(UTC)))
    sink.online("front", False, Instant(0.0, datetime.now(UTC)))
    sink.tell("front", told(0))
    sink.tell("front", everything())
    until(lambda: kept(path) == (2, 0))
    sink.close()
    with reading(path) as connection:
        assert [one.rule for one in read_alerts(connection, *EVER)[0]] == ["unhappy-guest"]
        (looked,), _ = read_health(connection, *EVER)
    assert (looked.temperature, looked.connected) == (50.0, 1)


@pytest.mark.outside
def test_a_disk_that_fails_holds_nobody_up_and_what_is_lost_is_counted(make, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(history, "RETRY_EVERY", 0.05)
    monkeypatch.setattr(history, "MOST_WAITING", 20)
    blocked = tmp_path / "folder"
    blocked.write_text("in the way")
    sink, path = make(blocked / "history.sqlite"), blocked / "history.sqlite"
    sink.open()
    sink.tell("front", told(0))
    until(lambda: not sink.health().working)
    for number in range(1, 50):
        sink.tell("front", told(number))
    blocked.unlink()
    until(lambda: sink.health().working)
    until(lambda: kept(path) == (20, 30))
    sink.tell("front", told(50))
    until(lambda: kept(path) == (21, 30))
    said = [record.message for record in caplog.records if record.name == "edge_fer.sinks.history"]
    assert len(said) == 2
    assert said[0].startswith("what cameras saw is not kept for now, and the rest goes on: the history ")
    assert said[1] == "the history is kept again; 30 records of the time between are lost"


@pytest.mark.outside
def test_a_full_disk_holds_nobody_up_and_what_waited_is_kept_once_there_is_room(make, tmp_path, monkeypatch):
    monkeypatch.setattr(history, "RETRY_EVERY", 0.05)
    with small_disk(tmp_path, 2) as mounted:
        if not mounted:
            pytest.skip("no disk of its own can be mounted here")
        path = tmp_path / "disk" / "history.sqlite"
        sink = make(path)
        sink.open()
        sink.tell("front", told(0))
        until(lambda: kept(path) == (1, 0))
        fill(path.parent)
        for number in range(1, 400):
            sink.tell("front", told(number))
        until(lambda: not sink.health().working)
        assert kept(path) is not None, "it can be read meanwhile"
        (path.parent / "ballast").unlink()
        until(lambda: kept(path) == (400, 0))
        assert sink.health().working
        sink.close()


@pytest.mark.outside
def test_a_damaged_file_is_replaced_while_the_daemon_works(make, tmp_path):
    path = tmp_path / "history.sqlite"
    path.write_bytes(b"no database at all " * 1000)
    sink = make()
    sink.open()
    sink.tell("front", told(0))
    until(lambda: len(list(tmp_path.glob("history.sqlite.corrupt-*"))) == 1 and kept(path) == (1, 0))


@pytest.mark.outside
def test_a_fault_of_ours_is_told_once_and_ends_nothing(make, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(history, "RETRY_EVERY", 0.01)
    path, sink = tmp_path / "history.sqlite", make()
    monkeypatch.setattr(history, "insert", lambda *_: 1 / 0)
    sink.open()
    sink.tell("front", told(0))
    until(lambda: not sink.health().working)
    monkeypatch.undo()
    until(lambda: kept(path) == (1, 0))
    until(lambda: sink.health().working)
    assert caplog.text.count("This is a fault of edge-fer: please report it") == 1


@pytest.mark.outside
def test_outside_numbers_are_asked_for_only_where_they_are_wanted(make, tmp_path):
    asked = []

    def samples():
        asked.append(1)
        return {SignalKey("pulse"): SignalValue(70.0, 1.0)}

    make(samples=samples).tell("front", Told(Instant(0.0, datetime.now(UTC))))
    assert asked == []
    make(signals=[SignalKey("pulse")], samples=samples).tell("front", Told(Instant(0.0, datetime.now(UTC))))
    assert asked == [1]


@pytest.mark.outside
@pytest.mark.parametrize(("synced", "believed", "stays"), [(True, 1e9, 1), (False, 1e9, 2), (False, 0.0, 1)])
def test_what_is_too_old_goes_once_the_clock_is_believed(make, tmp_path, monkeypatch, synced, believed, stays):
    monkeypatch.setattr(history, "BELIEVED", believed)
    path = tmp_path / "history.sqlite"
    with HistoryFile(path, max_size=64_000_000) as file:
        since = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=100)
        old = [
            replace(minute(0, length=length), since=since, until=since + timedelta(seconds=length))
            for length in (MINUTELY, HOURLY)
        ]
        file.run(lambda connection: insert(connection, old))
    sink = make(synced=synced)
    sink.open()
    sink.tell("front", told(0))
    until(lambda: kept(path) in {(2, 0), (3, 0)})
    sink.close()
    # the hour stays for two years, the minute of long ago does not
    assert kept(path) == (1 + stays, 0)


def test_a_sink_that_was_never_opened_closes(make):
    make().close()
