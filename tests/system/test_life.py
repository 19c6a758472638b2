"""The daemon under a stand-in for systemd: what it says of itself, and how it reads its config again."""

from __future__ import annotations

import signal
import time

import pytest

from edge_fer.sample import sample_path
from tests.broker import Subscriber, free_port
from tests.capture.helpers import MjpegCamera
from tests.daemon import Daemon
from tests.system.manager import Manager

ENDLESS = {"source": str(sample_path()), "loop": True}


@pytest.fixture
def systemd(tmp_path, monkeypatch, broker):
    """Started after the broker, which would speak to it as well."""
    with Manager(tmp_path) as manager:
        monkeypatch.setenv("NOTIFY_SOCKET", str(manager.path))
        yield manager


def config(broker, camera=ENDLESS, **more):
    return {"cameras": {"front": camera}, "mqtt": {"broker": broker and broker.url}} | more


def test_systemd_is_told_that_it_is_ready_that_it_moves_and_that_it_stops(tmp_path, systemd, broker):
    with Daemon(tmp_path, config(broker)) as daemon:
        systemd.wait_for("READY")
        systemd.wait_for("WATCHDOG", 3)
        assert daemon.stop() == 0
        systemd.wait_for("STOPPING")
    assert systemd.words == ["READY", "STOPPING"]


def test_a_camera_that_is_lost_is_no_reason_to_start_anew(tmp_path, systemd, broker):
    camera = MjpegCamera()
    try:
        with Daemon(tmp_path, config(broker, {"source": camera.url, "stall_after": "6s"})) as daemon:
            systemd.wait_for("WATCHDOG", 3)
            camera.silent.set()
            daemon.wait_for("camera front is lost")
            systemd.wait_for("WATCHDOG", systemd.meals + 5)
            assert daemon.stop() == 0
    finally:
        camera.die()


def test_it_starts_over_with_a_new_config_and_keeps_its_outbox(tmp_path, systemd, broker):
    with Subscriber(broker) as seen, Daemon(tmp_path, config(broker)) as daemon:
        systemd.wait_for("READY")
        seen.wait_for(lambda m: m.topic.endswith("camera/front/event"), timeout=180)
        daemon.configure(config(broker) | {"node": {"id": "test", "site": "moved"}})
        now = time.monotonic_ns() // 1000
        daemon.send(signal.SIGHUP)
        stamp = int(systemd.wait_for("RELOADING")["MONOTONIC_USEC"])
        assert now <= stamp <= time.monotonic_ns() // 1000
        systemd.wait_for("READY", 2)
        moved = seen.wait_for(lambda m: m.topic.endswith("/event") and m.json["site"] == "moved", timeout=180)[0]
        # what a broker was too slow to acknowledge before the end comes again
        numbers = list(dict.fromkeys(m.json["seq"] for m in seen.of("camera/front/event")))
        assert numbers == list(range(1, len(numbers) + 1)), "nothing was lost, and no number given twice"
        assert moved.json["seq"] > 1
        assert daemon.stop() == 0
        assert "Traceback" not in daemon.output
        systemd.wait_for("STOPPING")
    assert systemd.words == ["READY", "RELOADING", "READY", "STOPPING"]


def test_a_broker_of_its_own_starts_over_with_it(tmp_path, systemd):
    port = free_port()
    with Daemon(tmp_path, config(None, mqtt={"broker": "embedded", "embedded_port": port})) as daemon:
        systemd.wait_for("READY")
        daemon.configure(daemon.config | {"faces": {"min_size": "64px"}})
        daemon.send(signal.SIGHUP)
        systemd.wait_for("READY", 2)
        with Subscriber(port, protocol="mqttv311") as seen:
            seen.wait_for(lambda m: m.topic == "edge-fer/test/availability" and m.payload == "online")
        assert daemon.stop() == 0


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"faces": {"min_sise": "48px"}}, "Did you mean `min_size`?"),
        ({"emotion": {"model": "/none.tflite"}}, "/none"),
        ({"cameras": {"front": {"source": "none.mp4.zip"}}}, "none.mp4.zip"),
    ],
    ids=["config", "model", "camera"],
)
def test_it_refuses_what_cannot_be_and_goes_on_as_before(tmp_path, systemd, broker, wrong, told):
    with Subscriber(broker) as seen, Daemon(tmp_path, config(broker)) as daemon:
        systemd.wait_for("READY")
        daemon.configure(config(broker) | wrong)
        daemon.send(signal.SIGHUP)
        daemon.wait_for("the old one stays in force")
        systemd.wait_for("READY", 2)
        assert told in daemon.output
        meals = systemd.meals
        systemd.wait_for("WATCHDOG", meals + 2)
        assert all(m.payload == "online" for m in seen.of("test/availability")), "nothing was interrupted"
        assert daemon.stop() == 0
        systemd.wait_for("STOPPING")
    assert systemd.words == ["READY", "RELOADING", "READY", "STOPPING"]


def test_a_signal_to_stop_is_heeded_while_it_starts_over(tmp_path, systemd, broker):
    with Daemon(tmp_path, config(broker)) as daemon:
        systemd.wait_for("WATCHDOG", 2)
        daemon.configure(config(broker, faces={"min_size": "64px"}))
        daemon.send(signal.SIGHUP)
        systemd.wait_for("RELOADING")
        assert daemon.stop() == 0
        assert "Traceback" not in daemon.output
