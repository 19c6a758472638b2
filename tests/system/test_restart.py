"""Alerts over a restart: a real daemon, killed or stopped while one fires, and a real broker that heard of it."""

from __future__ import annotations

import json
import signal
import time
from datetime import datetime

import pytest

from tests.broker import Mosquitto, Subscriber
from tests.daemon import Daemon
from tests.mqtt.kit import until
from tests.running import ENDLESS, check_payloads, config

NO_BROKER = {"broker": "mqtt://127.0.0.1:9"}
PULSE = {
    "when": {"signal": "bed/pulse", "above": 120, "max_age": "1h"},
    "for": "0s",
    "keep_firing_for": "0s",
}


@pytest.fixture(scope="module")
def cooldown(tmp_path_factory):
    """Seconds into which a restart fits three times on this machine."""
    began = time.monotonic()
    with Daemon(tmp_path_factory.mktemp("measured"), {"cameras": {"front": ENDLESS}, "mqtt": NO_BROKER}) as daemon:
        daemon.wait_for("camera front is online")
        assert daemon.stop() == 0
    return round(3 * (time.monotonic() - began)) + 3


def is_alert_event(message):
    return message.topic.endswith("/alert_event")


def is_waiting(message):
    """Whether the rule says that it watches, and has heard nothing yet."""
    return message.topic.endswith("/alert/pulse") and message.payload and message.json["signal"] == "missing"


def is_pending(message):
    return message.topic.endswith("/alert/pulse") and message.payload and message.json["state"] == "pending"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_what_fired_before_is_resolved_once_and_the_cooldown_goes_on(tmp_path, cooldown, how):
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker) as seen:
        settings = config(broker, ENDLESS, alerts={"pulse": PULSE | {"cooldown": f"{cooldown}s"}})
        with Daemon(tmp_path, settings) as daemon:
            seen.wait_for(is_waiting, timeout=180)
            broker.publish("bed/pulse", "130")
            (fired,) = (m.json for m in seen.wait_for(is_alert_event, timeout=180))
            kept = tmp_path / "state" / "alerts.json"
            until(lambda: kept.is_file() and fired["alert_id"] in kept.read_text())
            daemon.stop(how)
        waited = len(list(filter(is_waiting, seen.messages)))
        with Daemon(tmp_path, settings) as daemon:
            seen.wait_for(is_waiting, count=waited + 1, timeout=180)
            resolved = seen.wait_for(is_alert_event, count=2, timeout=180)[1].json
            retained = "edge-fer/test/camera/front/alert/pulse"
            assert json.loads(broker.retained(retained)[retained])["state"] == "inactive"
            broker.publish("bed/pulse", "130")
            seen.wait_for(is_pending, timeout=180)
            again = seen.wait_for(is_alert_event, count=3, timeout=180)[2].json
            assert daemon.stop() == 0
            assert "Traceback" not in daemon.output
        seen.wait_for(is_alert_event, count=4)
        check_payloads(seen.messages)
        told = [m.json for m in seen.of("/alert_event")]
    assert [e["event_type"] for e in told] == ["firing", "resolved"] * 2, "each that fired is over once"
    same = ("alert_id", "since", "rule", "severity", "track_id", "threshold")
    assert {key: resolved[key] for key in same} == {key: fired[key] for key in same}
    assert resolved["reason"] == "unwatched"
    assert again["alert_id"] != fired["alert_id"]
    # from when it fired: nobody saw the end
    between = datetime.fromisoformat(again["ts"]) - datetime.fromisoformat(fired["ts"])
    assert cooldown <= between.total_seconds() < cooldown + 5
    assert [e["seq"] for e in told] == [1, 2, 3, 4]


@pytest.mark.parametrize("damage", ["{", '{"v": 1, "kept": {"front": {"boot": "x", "rules": {"pulse": 7}}}}'])
def test_a_damaged_file_of_alerts_is_told_and_starts_anew(tmp_path, damage):
    state = tmp_path / "state"
    state.mkdir()
    (state / "alerts.json").write_text(damage)
    with Daemon(tmp_path, {"cameras": {"front": ENDLESS}, "mqtt": NO_BROKER}) as daemon:
        daemon.wait_for("alerts.json cannot be used")
        time.sleep(1)
        assert daemon.stop() == 0
        assert "Traceback" not in daemon.output
    assert json.loads((state / "alerts.json").read_text())["v"] == 1
