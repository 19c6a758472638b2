"""The history of a real daemon: over a kill, a reload, an erasure, and on a disk that is full."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime

import pytest

from edge_fer.errors import HistoryError
from edge_fer.history.file import reading
from edge_fer.history.records import HOURLY, MINUTELY
from edge_fer.history.tables import cameras_in, lost_in, read_alerts, read_health, read_windows
from tests.daemon import Daemon, edge_fer
from tests.faults.node import fill, small_disk
from tests.history.records import EVER
from tests.missing import missing
from tests.mqtt.kit import until
from tests.running import ENDLESS

CONFIG = {
    "cameras": {"front": ENDLESS},
    "mqtt": {"broker": "mqtt://127.0.0.1:9"},
    "history": {"record": "on"},
    "summaries": {"windows": ["15m"]},
    "alerts": {
        "here": {"when": {"more_people_than": 0}, "for": "0s", "keep_firing_for": "0s", "cooldown": "0s"},
        "often": {"when": {"count": "here", "at_least": 2, "over": "1h"}, "keep_firing_for": "0s", "cooldown": "0s"},
    },
}


def kept(path, length=MINUTELY):
    """The windows of a length, those without anybody left out."""
    try:
        with reading(path) as connection:
            return [one for one in read_windows(connection, length, *EVER)[0] if one.people]
    except HistoryError:
        return []


def alerts_of(path):
    """All alerts; none where there is no history yet."""
    try:
        return alerts(path)
    except HistoryError:
        return []


def alerts(path):
    with reading(path) as connection:
        return read_alerts(connection, *EVER)[0]


@pytest.mark.slow
def test_what_a_daemon_sees_is_there_after_a_kill_and_goes_when_it_is_erased(tmp_path):
    path = tmp_path / "state" / "history.sqlite"
    config = ["--config", str(tmp_path / "config.yaml")]
    with Daemon(tmp_path, CONFIG) as daemon:
        until(lambda: len(kept(path)) >= 1, timeout=240)
        until(lambda: {one.rule for one in alerts_of(path)} == {"here", "often"}, timeout=120)
        fires = next(one.id for one in alerts(path) if one.rule == "often")
        state = tmp_path / "state" / "alerts.json"
        until(lambda: state.exists() and fires in state.read_text())
        daemon.stop(signal.SIGKILL)
    (minute, *_), fired = kept(path), alerts(path)
    assert minute.camera == "front"
    assert 0 < minute.watched <= 60
    assert 0 < minute.sure <= minute.presence
    assert minute.arrived >= 1

    with Daemon(tmp_path, CONFIG) as daemon:
        # the end of the alert that the kill left firing is told, and new ones begin
        until(lambda: {one.reason for one in alerts(path) if one.id == fires} == {"unwatched"}, timeout=180)
        until(lambda: [one for one in alerts(path) if one.rule == "often" and one.id != fires], timeout=120)
        told = edge_fer("history", "--json", *config)
        assert told.returncode == 0, told.stderr
        assert len(json.loads(told.stdout)["cameras"]["front"]["alerts"]) >= len(fired)
        # while it works, with its file open
        gone = edge_fer("history", "erase", "--camera", "front", *config)
        assert gone.returncode == 0, gone.stderr
        assert "Erased of camera front from the beginning" in gone.stdout
        assert kept(path) == []
        begin = datetime.now(UTC)
        until(lambda: [one for one in kept(path) if one.since > begin], timeout=240)
        assert daemon.stop() == 0
    with reading(path) as connection:
        assert cameras_in(connection) == ["front"]
        assert min(one.since for one in read_windows(connection, MINUTELY, *EVER)[0]) >= begin.replace(
            microsecond=0, second=0
        )
        (device,) = read_health(connection, *EVER)[0][-1:]
        assert lost_in(connection) == {}
    assert device.looks >= 1
    assert device.memory > 10_000_000
    assert device.connected == 0, "there is no broker"


@pytest.mark.slow
def test_without_a_history_nothing_of_it_is_loaded_and_a_reload_begins_one(tmp_path):
    path = tmp_path / "state" / "history.sqlite"
    config = CONFIG | {"history": {"record": "off"}}
    with Daemon(tmp_path, config, environment={"PYTHONVERBOSE": "1"}) as daemon:
        daemon.wait_for("camera front is online")
        assert "edge_fer/history/" not in daemon.output
        assert "edge_fer/sinks/history.py" not in daemon.output
        assert not path.exists()
        daemon.configure(CONFIG)
        daemon.send(signal.SIGHUP)
        until(path.exists, timeout=120)
        assert daemon.stop() == 0
    assert kept(path, HOURLY) == []


@pytest.mark.slow
def test_a_full_disk_holds_nobody_up(tmp_path):
    disk = tmp_path / "disk"
    with small_disk(tmp_path, 6) as mounted:
        if not mounted:
            missing("needs root, to mount a disk of its own")
        with Daemon(tmp_path, CONFIG | {"state_dir": str(disk)}) as daemon:
            daemon.wait_for("camera front is online")
            until(lambda: alerts_of(disk / "history.sqlite"), timeout=60)
            fill(disk)
            daemon.wait_for("what cameras saw is not kept for now, and the rest goes on", timeout=240)
            (disk / "ballast").unlink()
            daemon.wait_for("the history is kept again; 0 records of the time between are lost", timeout=240)
            until(lambda: kept(disk / "history.sqlite"), timeout=240)
            assert daemon.stop() == 0
