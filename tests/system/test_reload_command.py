"""What the unit's ExecReload= does, with a real daemon: a config that is refused, in whatever way, fails the reload."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge_fer.contract.messages import rfc3339
from tests.broker import Mosquitto, Subscriber, free_port
from tests.daemon import COMMAND, Daemon
from tests.running import ENDLESS, config
from tests.slow_disk import SlowDisk

UNIT = Path(__file__).resolve().parents[2] / "systemd" / "edge-fer.service"
PROGRAM = "/opt/edge-fer/bin/edge-fer"


def exec_reload():
    """The command lines of the unit, as systemd runs them."""
    lines = [line.partition("=")[2] for line in UNIT.read_text().splitlines() if line.startswith("ExecReload=")]
    assert lines
    return [shlex.split(line) for line in lines]


class Reloading:
    """A daemon as the unit has it, with a broker, and what `systemctl reload` runs.

    Args:
        folder: for its files.
    """

    def __init__(self, folder, broker, **more):
        self.broker = broker
        self.state = folder / "systemd-state"
        self.state.mkdir(mode=0o750, parents=True)
        self.file = folder / "config.yaml"
        self.daemon = Daemon(folder, config(broker, ENDLESS, **more), environment=self.environment)

    @property
    def environment(self):
        return {"STATE_DIRECTORY": str(self.state)}

    def reload(self, *, pid=None, **changed):
        if changed:
            self.daemon.configure(config(self.broker, ENDLESS, **changed))
        environment = os.environ | self.environment | {"MAINPID": str(pid or self.daemon.pid)}
        said = ""
        for line in exec_reload():
            command = [*COMMAND, *line[1:], "--config", str(self.file)] if line[0] == PROGRAM else line
            ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)
            said += ended.stdout + ended.stderr
            if ended.returncode:
                return ended.returncode, said
        return 0, said


@pytest.fixture
def running(tmp_path):
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker) as seen:
        it = Reloading(tmp_path / "node", broker)
        with it.daemon:
            seen.wait_for(lambda m: m.topic == "edge-fer/test/availability" and m.payload == "online")
            it.seen = seen
            yield it
            assert "Traceback" not in it.daemon.output


def site_of(message):
    return message.json["site"]


def next_event(seen):
    """The first that happens from now on; what happened before may still arrive."""
    now = rfc3339(datetime.now(UTC))
    (event, *_) = seen.wait_for(lambda m: m.topic.endswith("/camera/front/event") and m.json["ts"] > now)
    return event


def test_it_succeeds_once_the_new_config_is_in_force(running):
    for site in ("here", "there"):
        assert running.reload(node={"id": "test", "site": site}) == (0, "")
        assert site_of(next_event(running.seen)) == site


def test_it_succeeds_where_alerts_alone_have_changed_and_where_nothing_has(running):
    assert running.reload(alerts={"queue": {"when": {"more_people_than": 5}}}) == (0, "")
    assert "the alerts of the config are in force" in running.daemon.output
    assert running.reload() == (0, "")


@pytest.mark.parametrize(
    ("changed", "code", "word"),
    [
        ({"faces": {"min_sise": "48px"}}, 78, "min_size"),
        ({"mqtt": {"broker": "http://x"}}, 78, "mqtt.broker"),
        ({"faces": {"detector": "blazeface"}, "models_dir": "/none"}, 1, "face_detection"),
        ({"emotion": {"model": "/none.tflite"}}, 1, "/none.tflite"),
        ({"homeassistant": {"enabled": True, "prefix": "a/#"}}, 78, "prefix"),
    ],
)
def test_it_fails_where_the_config_is_refused_and_the_daemon_goes_on(running, changed, code, word):
    found, said = running.reload(**changed)
    assert (found, word in said) == (code, True), said
    running.seen.clear()
    running.seen.wait_for(lambda m: m.topic.endswith("/event"))
    assert running.seen.of("test/availability") == []
    assert running.reload(node={"id": "test", "site": "mended"})[0] == 0


def test_it_fails_where_the_new_service_cannot_start(running):
    # as systemd does, so that it is not seen any more once it has ended
    reaper = threading.Thread(target=running.daemon.wait)
    reaper.start()
    port = free_port()
    with Mosquitto(running.state / "other", port=port):
        found, said = running.reload(metrics={"port": port})
    reaper.join()
    assert (found, "the daemon has ended" in said) == (1, True), said


def test_it_fails_where_there_is_no_daemon(running):
    running.daemon.stop(signal.SIGKILL)
    found, said = running.reload()
    assert (found, "MAINPID" in said, "Traceback" in said) == (1, True, False), said


@pytest.mark.parametrize("pid", ["", "0", "1", "-5", "front"])
def test_it_signals_nothing_that_is_no_process_of_the_service(pid, tmp_path):
    (tmp_path / "config.yaml").write_text("{}")
    environment = os.environ | {"MAINPID": pid, "STATE_DIRECTORY": str(tmp_path)}
    command = [*COMMAND, "reload", "--config", str(tmp_path / "config.yaml")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (ended.returncode, "sudo systemctl reload edge-fer" in ended.stderr) == (1, True), ended.stderr


def test_a_disk_that_takes_nothing_keeps_nobody_from_reloading(running):
    running.state.rmdir()
    found, said = running.reload(node={"id": "test", "site": "here"})
    assert (found, "The disk takes nothing" in said) == (0, True), said
    running.seen.wait_for(lambda m: m.topic.endswith("/event") and site_of(m) == "here")


def test_it_waits_for_a_daemon_whose_disk_is_slow(tmp_path):
    slow = SlowDisk(tmp_path, 2.0)
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker) as seen:
        it = Reloading(tmp_path / "node", broker)
        it.daemon._environment |= slow.environment
        with it.daemon:
            seen.wait_for(lambda m: m.topic == "edge-fer/test/availability" and m.payload == "online")
            slow.slow()
            assert it.reload(node={"id": "test", "site": "here"})[0] == 0
            slow.mend()
            assert site_of(next_event(seen)) == "here"
