"""With a live view, pictures go to the connection that asked for it and nowhere else, and stop with it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess

import pytest

from edge_fer.control.client import ControlClient, ControlError
from tests.broker import Mosquitto, Subscriber
from tests.daemon import COMMAND
from tests.mqtt.kit import until
from tests.system.pictures import Search, sample_frames
from tests.system.trace import OPTIONS, read, strace_path

#: Frames that are looked at.
FRAMES = 5


@pytest.fixture(scope="module")
def search():
    return Search(sample_frames(6))


def connected(path):
    found = []

    def tried():
        with contextlib.suppress(ControlError):
            found.append(ControlClient([path], timeout=120, patience=120))
        return found

    until(tried, timeout=300)
    return found[0]


def test_pictures_reach_one_connection_alone(tmp_path, search):
    state, trace = tmp_path / "state", tmp_path / "trace"
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker) as seen:
        config = tmp_path / "config.yaml"
        settings = {
            "node": {"id": "test"},
            "cameras": {"front": {"source": "sample", "loop": True}},
            "mqtt": {"broker": broker.url},
            "state_dir": str(state),
            "log_level": "debug",
        }
        config.write_text(json.dumps(settings))
        command = [strace_path(), *OPTIONS, "-o", str(trace), *COMMAND, "run", "--show", "--config", str(config)]
        environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
        daemon = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, start_new_session=True
        )
        try:
            with connected(state / "control.sock") as looks, connected(state / "control.sock") as other:
                other.ask("subscribe")
                looks.ask("live", camera="front")
                frames = [event for event, _ in zip(pictures(looks), range(FRAMES), strict=False)]
                assert all(frame["picture"] for frame in frames)
                looks.ask("end_live")
                seen.wait_for(lambda m: m.topic.endswith("/audit") and m.json["command"] == "end_live", timeout=120)
                shown = next(m.json["fields"]["frames"] for m in seen.of("/audit") if m.json["command"] == "end_live")
                # the daemon goes on for a while, and nothing more is shown
                for _ in range(5):
                    next(other.events())
        finally:
            os.killpg(daemon.pid, signal.SIGTERM)
            daemon.wait(120)

    traced = read(trace)
    found = {name for name, data in traced.sent.items() if search.finds(data)}
    assert len(found) == 1, found
    (name,) = found
    assert not name.startswith(("TCP", "/")), name
    assert 0 < traced.sent[name].count(b'"event":"live"') <= shown
    assert b'"event":"state"' not in traced.sent[name], "it is the connection that asked"
    for file in state.rglob("*"):
        if file.is_file():
            assert search.finds(file.read_bytes()) == [], file


def pictures(client):
    for event in client.events():
        if event["event"] == "live":
            yield event["live"]
