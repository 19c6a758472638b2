"""The daemon and a replay of what it recorded agree on every alert, over a camera that is lost and comes back too."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from tests.broker import Mosquitto, Subscriber
from tests.capture.helpers import MjpegCamera
from tests.daemon import Daemon, edge_fer
from tests.running import config

#: Nobody is ever in the camera's picture.
NOBODY = {"when": {"no_face": True}, "for": "1s", "keep_firing_for": "1s", "cooldown": "3s"}


def is_alert_event(message):
    return message.topic.endswith("/alert_event")


def moment(text):
    return datetime.fromisoformat(text).timestamp()


def test_an_alert_that_ends_with_its_camera_does_so_in_a_replay(tmp_path):
    camera = MjpegCamera()
    trace = tmp_path / "trace.jsonl"
    try:
        with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker) as seen:
            settings = config(broker, {"source": camera.url, "stall_after": "6s"}, alerts={"nobody": NOBODY})
            with Daemon(tmp_path, settings, "--record", str(trace)) as daemon:
                seen.wait_for(is_alert_event, timeout=180)
                camera.silent.set()
                seen.wait_for(is_alert_event, count=2, timeout=180)
                camera.silent.clear()
                seen.wait_for(is_alert_event, count=3, timeout=180)
                assert daemon.stop() == 0
            events = [m.json for m in seen.wait_for(is_alert_event, count=4)]
    finally:
        camera.die()
    assert [(e["event_type"], e["reason"]) for e in events] == [("firing", None), ("resolved", "unwatched")] * 2
    told = [(moment(events[i]["ts"]), moment(events[i + 1]["ts"])) for i in (0, 2)]
    replayed = edge_fer("replay", str(trace), "--config", str(tmp_path / "config.yaml"), "--json")
    assert replayed.returncode == 0, replayed.stderr
    alerts = [a for a in json.loads(replayed.stdout)["configs"][0]["alerts"] if a["rule"] == "nobody"]
    found = [(moment(alert["fired"]), moment(alert["resolved"])) for alert in alerts]
    assert found == [pytest.approx(pair, abs=0.1) for pair in told]
