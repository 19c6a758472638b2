"""The daemon from end to end: a real recording, a real model, a real broker, and a subscriber that is not ours."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from itertools import takewhile
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen

import pytest

from edge_fer.emotion.classifier import packaged_model
from edge_fer.sample import sample_path
from tests.broker import Certificates, Mosquitto, Subscriber, free_port
from tests.daemon import COMMAND, Daemon, edge_fer
from tests.running import ENDLESS, SAMPLE, check_payloads, config, is_event
from tests.shared import shared_data

#: Events come as fast as the processor can read them.
BUSY = SAMPLE | {"loop": True}


def test_a_real_clip_becomes_events_on_a_real_broker(tmp_path):
    clip = shared_data() / "clips" / "wolfgang-langer-pexels.mp4"
    camera = {"source": str(clip), "speed": "fast"}
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker) as seen:
        with Daemon(tmp_path, config(broker, camera)) as daemon:
            assert daemon.wait() == 0, daemon.output
            assert "Traceback" not in daemon.output
        seen.wait_for(is_event("left"))
        check_payloads(seen.messages)
        events = [message.json for message in seen.of("/event")]
    assert events[0]["event_type"] == "appeared"
    assert events[-1]["event_type"] == "left"
    emotions = {event["emotion"] for event in events} - {"uncertain"}
    assert len(emotions) >= 3, f"several different emotions, not {emotions}"
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert all((m.qos, m.retain) == (1, False) for m in seen.of("/event"))


def test_what_a_dashboard_finds_on_the_topics(tmp_path):
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker) as seen:
        with Daemon(tmp_path, config(broker, ENDLESS)) as daemon:
            seen.wait_for(is_event("left"), timeout=180)
            retained = broker.retained("edge-fer/#")
            assert retained["edge-fer/test/availability"] == "online"
            assert retained["edge-fer/test/camera/front/availability"] == "online"
            info = json.loads(retained["edge-fer/test/info"])
            assert info["cameras"]["front"]["source"] == str(sample_path())
            sinks = {
                "mqtt": ["attributes", "events", "alerts", "scenes", "summaries"],
                "state-files": ["alerts", "summaries"],
                "control": ["readings", "attributes", "events", "alerts", "scenes"],
                "recent": ["readings", "attributes"],
            }
            private = {"pictures_published": False, "events_published": True, "k_minimum": 1, "sinks": sinks}
            assert info["privacy"] == private | {"live": "pixelated", "recent": True}
            alert = json.loads(retained["edge-fer/test/camera/front/alert/unhappy-guest"])
            assert alert["state"] in {"inactive", "pending", "firing"}
            assert "edge-fer/test/camera/front/state" in retained
            health = json.loads(retained["edge-fer/test/health"])
            # told at the start, when it may not have been, and every half minute
            seen.wait_for(lambda m: m.topic.endswith("/health") and m.json["cameras"]["front"]["online"], timeout=90)
            assert health["cameras"]["front"]["fps_limit"] is None, "a recording is never slowed down"
            assert daemon.stop() == 0
        check_payloads(seen.messages)
        retained = broker.retained("edge-fer/#")
        assert retained["edge-fer/test/availability"] == "offline"
        assert retained["edge-fer/test/camera/front/availability"] == "offline"
        assert json.loads(retained["edge-fer/test/camera/front/state"])["people"] == 0


def test_all_topics_begin_with_the_prefix(tmp_path):
    prefix = "acme/main-street/edge-fer"
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker, ["#"]) as seen:
        settings = config(broker, ENDLESS, commands="on", homeassistant={"enabled": True})
        settings["mqtt"] = {**settings["mqtt"], "topic_prefix": prefix}
        with Daemon(tmp_path, settings):
            seen.wait_for(lambda m: m.topic == f"{prefix}/test/camera/front/event")
            broker.publish(f"{prefix}/test/command/ping", '{"id": "1"}')
            (answer,) = seen.wait_for(lambda m: m.topic == f"{prefix}/test/response/ping")
            assert answer.json["ok"]
            (announced,) = seen.wait_for(lambda m: m.topic == "homeassistant/device/test/config")
            assert announced.json["availability"] == [{"topic": f"{prefix}/test/availability"}]
        seen.wait_for(lambda m: m.topic == f"{prefix}/test/availability" and m.payload == "offline")
        assert not [m.topic for m in seen.messages if m.topic.startswith("edge-fer")]


def test_an_outside_signal_fires_an_alert_of_the_scene(tmp_path):
    rules = {
        "pulse": {
            "when": {"signal": "bed/pulse", "path": "$.bpm", "above": 120},
            "for": "500ms",
            "keep_firing_for": "500ms",
        }
    }

    def known(state):
        return lambda m: m.topic.endswith("/alert/pulse") and m.payload and m.json["signal"] == state

    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker) as seen:
        broker.publish("bed/pulse", '{"bpm": 180}', retain=True)
        with Daemon(tmp_path, config(broker, ENDLESS, alerts=rules)) as daemon:
            # what the broker had kept may be of last week
            (stale,) = seen.wait_for(known("stale"), timeout=180)[:1]
            assert stale.json["state"] == "inactive"
            broker.publish("bed/pulse", '{"bpm": 130}')
            (fired,) = seen.wait_for(lambda m: m.topic.endswith("/alert_event"), timeout=180)
            broker.publish("bed/pulse", '{"bpm": 80}')
            seen.wait_for(lambda m: m.topic.endswith("/alert_event"), count=2, timeout=180)
            assert daemon.stop() == 0
        check_payloads(seen.messages)
        (fired, resolved) = (message.json for message in seen.of("/alert_event"))
    assert (fired["track_id"], fired["value"], fired["threshold"], fired["signal"]) == (None, 130, 120, "fresh")
    assert (resolved["reason"], resolved["alert_id"]) == ("over", fired["alert_id"])


def test_an_alert_is_pending_fires_and_is_resolved_when_the_person_leaves(tmp_path):
    """Whatever the astronaut's face is taken for, the sum over all emotions is 1."""
    everything = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
    rule = {"when": {"emotion": everything, "score": 0.9}, "for": "1s", "severity": "critical"}
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker) as seen:
        with Daemon(tmp_path, config(broker, SAMPLE, alerts={"anybody": rule})) as daemon:
            assert daemon.wait() == 0, daemon.output
        fired, resolved = (m.json for m in seen.wait_for(lambda m: m.topic.endswith("/alert_event"), count=2))
        (left,) = (m.json for m in seen.wait_for(is_event("left")))
        check_payloads(seen.messages)
        states = [m for m in seen.of("/alert/anybody") if m.payload]
    assert (fired["event_type"], resolved["event_type"]) == ("firing", "resolved")
    assert fired["alert_id"] == resolved["alert_id"]
    assert (fired["rule"], fired["severity"], fired["track_id"]) == ("anybody", "critical", left["track_id"])
    assert datetime.fromisoformat(fired["ts"]) - datetime.fromisoformat(fired["since"]) >= timedelta(seconds=1)
    assert resolved["ts"] == left["ts"]
    # a state that is overtaken before it could be sent need not be told; where it stands in the end must be
    assert states[-1].json["state"] == "inactive"
    assert {m.json["state"] for m in states} <= {"inactive", "pending", "firing"}
    assert all((m.qos, m.retain) == (1, True) for m in states)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_soon_and_leaves_nothing_behind(tmp_path, how):
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker) as seen:
        with Daemon(tmp_path, config(broker, ENDLESS)) as daemon:
            seen.wait_for(is_event("appeared"), timeout=180)
            children = Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children").read_text()
            assert children == "", "it starts no child that could be left behind"
            begin = time.monotonic()
            assert daemon.stop(how) == 0
            assert time.monotonic() - begin < 12, "five seconds of its own, and some for a busy machine"
            assert "Traceback" not in daemon.output
        left = seen.wait_for(is_event("left"))
        appeared = seen.wait_for(is_event("appeared"))
        assert {m.json["track_id"] for m in left} == {m.json["track_id"] for m in appeared}


def test_a_broker_that_comes_late_gets_everything(tmp_path):
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker) as seen:
        # its session outlives the broker, so that it is there before the daemon is
        broker.stop()
        with Daemon(tmp_path, config(broker, BUSY), "--show") as daemon:
            daemon.wait_for("left")
            broker.start()
            (first, *_) = seen.wait_for(lambda m: m.topic.endswith("/event"), count=2, timeout=90)
            assert (first.json["event_type"], first.json["seq"]) == ("appeared", 1)
            assert daemon.stop() == 0


def test_a_broker_that_is_killed_and_comes_back_misses_nothing(tmp_path):
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker) as seen:
        with Daemon(tmp_path, config(broker, BUSY), "--show") as daemon:
            seen.wait_for(is_event("appeared"), timeout=180)
            broker.kill()
            daemon.wait_for("left")
            broker.start()
            seen.wait_for(is_event("left"), timeout=180)
            told = daemon.output
            count = sum(told.count(f"  {word}  ") for word in ("appeared", "changed ", "left    "))
            seen.wait_for(lambda m: m.topic.endswith("/event") and m.json["seq"] >= count)
            assert daemon.stop() == 0
        numbers = list(dict.fromkeys(message.json["seq"] for message in seen.of("/event")))
        assert len(numbers) >= count
        assert numbers == list(range(1, len(numbers) + 1))


def test_a_wrong_password_is_told_as_such_and_a_right_one_heals_it(tmp_path):
    password = tmp_path / "password"
    password.write_text("wrong\n")
    with Mosquitto(tmp_path / "broker", users={"edge": "right"}) as broker:
        mqtt = {"broker": broker.url.replace("://", "://edge@"), "password_file": str(password)}
        with Daemon(tmp_path, {"cameras": {"front": ENDLESS}, "mqtt": mqtt}) as daemon:
            daemon.wait_for("password")
            assert daemon.stop() == 0
            assert "Traceback" not in daemon.output
            assert "wrong" not in daemon.output.replace("wrong_password", ""), "no secret in the log"


def test_a_certificate_of_a_stranger_is_told_as_such(tmp_path):
    ours, theirs = Certificates(tmp_path / "ours"), Certificates(tmp_path / "theirs")
    with Mosquitto(tmp_path / "broker", certificates=theirs) as broker:
        mqtt = {"broker": broker.url, "ca_file": str(ours.ca)}
        with Daemon(tmp_path, {"cameras": {"front": ENDLESS}, "mqtt": mqtt}) as daemon:
            daemon.wait_for("certificate")
            assert daemon.stop() == 0
            assert "Traceback" not in daemon.output


def test_a_camera_that_cannot_be_reached_leaves_the_others_alone(tmp_path):
    away = {"source": f"rtsp://user:hunter2@127.0.0.1:{free_port()}/stream"}
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker) as seen:
        cameras = {"front": ENDLESS, "back": away}
        with Daemon(tmp_path, config(broker) | {"cameras": cameras}) as daemon:
            seen.wait_for(is_event("appeared"), timeout=180)
            retained = broker.retained("edge-fer/#")
            assert retained["edge-fer/test/camera/front/availability"] == "online"
            assert retained["edge-fer/test/camera/back/availability"] == "offline"
            daemon.wait_for("camera back is lost")
            assert daemon.stop() == 0
            assert "hunter2" not in daemon.output
            assert all("hunter2" not in m.payload for m in seen.messages)


def run_with(tmp_path, **settings):
    file = tmp_path / "config.yaml"
    file.write_text(json.dumps({"state_dir": str(tmp_path / "state"), "cameras": {"front": SAMPLE}} | settings))
    return edge_fer("run", "--config", str(file))


def test_a_wrong_config_is_told_at_once_and_exits_78(tmp_path):
    ended = run_with(tmp_path, faces={"min_sise": "48px"}, mqtt={"broker": "http://x"})
    assert ended.returncode == 78
    assert "min_size" in ended.stderr
    assert "mqtt.broker" in ended.stderr
    assert "Traceback" not in ended.stderr


def damaged_model(tmp_path, damage):
    model = tmp_path / "emotion.tflite"
    shutil.copy(packaged_model(), model)
    shutil.copy(packaged_model().with_suffix(".json"), model.with_suffix(".json"))
    damage(model)
    return str(model)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda model: model.unlink(), "emotion.tflite"),
        (lambda model: model.with_suffix(".json").unlink(), "emotion.json"),
        (lambda model: model.write_bytes(model.read_bytes()[:1000]), "sha256"),
        (lambda model: model.with_suffix(".json").write_text("{"), "not JSON"),
    ],
    ids=["no model", "no sidecar", "cut off", "broken sidecar"],
)
def test_a_model_that_is_missing_or_damaged_is_named_and_exits_78(tmp_path, damage, told):
    ended = run_with(tmp_path, emotion={"model": damaged_model(tmp_path, damage)})
    assert ended.returncode == 78
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("source", "told"),
    [("missing.mp4", "missing.mp4"), (__file__, "test_run.py")],
)
def test_a_source_that_cannot_be_used_is_named_and_exits_1(tmp_path, source, told):
    ended = run_with(tmp_path, cameras={"front": {"source": source}})
    assert ended.returncode == 1
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_source_of_no_known_kind_is_a_fault_of_the_config(tmp_path):
    ended = run_with(tmp_path, cameras={"front": {"source": "webcam"}})
    assert ended.returncode == 78
    assert "cameras.front.source: `webcam` is nothing that is known" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_without_a_camera_it_says_what_to_do(tmp_path):
    if list(Path("/dev").glob("video*")):
        pytest.skip("there is a camera here")
    ended = run_with(tmp_path, cameras={"front": {}})
    assert ended.returncode == 1
    assert "cameras.front.source" in ended.stderr
    assert "--demo" in ended.stderr


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    ended = run_with(tmp_path, state_dir=str(tmp_path / "file" / "state"))
    assert ended.returncode == 1
    assert "state_dir" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_demo_brings_its_own_broker_and_shows_what_happens(tmp_path):
    port = free_port()
    mqtt = {"broker": "embedded", "embedded_port": port}
    state = tmp_path / "state"
    state.mkdir()
    (state / "settings.yaml").write_text("alerts: {unhappy-guest: {for: 7s}}\n")
    with Daemon(tmp_path, {"mqtt": mqtt}, "--demo", "-o", "cameras.camera.source=sample") as daemon:
        daemon.wait_for(f"Still set from last time: alerts.unhappy-guest.for. Change it on the page, or delete {state}")
        daemon.wait_for(f"mosquitto_sub -p {port}")
        daemon.wait_for("appeared")
        second = edge_fer("run", "--demo", "--config", str(tmp_path / "config.yaml"))
        assert (second.returncode, "another demo of the node test is at work" in second.stderr) == (1, True), second
        with Subscriber(port, protocol="mqttv311") as seen:
            seen.wait_for(lambda m: m.topic == "edge-fer/test/availability" and m.payload == "online")
            seen.wait_for(is_event("left"), timeout=180)
            check_payloads(seen.messages)
        assert daemon.stop(signal.SIGINT) == 0
        assert "Traceback" not in daemon.output
        assert "lost unnoticed" not in daemon.output, "3.1.1 is our own choice"


def test_the_demo_shows_what_happens_where_there_is_no_broker_of_its_own(tmp_path):
    """As after the installer and the package, which come without amqtt; a broker that comes later gets it all."""
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker) as seen:
        broker.stop()
        program = (
            f"import sys; sys.modules['amqtt'] = None; from edge_fer.cli import run; run._PORT = {broker.port}; "
            "from edge_fer.cli.main import main; sys.exit(main(['run', '--demo', '-o', 'node.id=test', '-o', "
            "'cameras.camera.source=sample']))"
        )
        environment = os.environ | {"XDG_STATE_HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-c", program]
        with Popen(command, stdout=PIPE, stderr=STDOUT, text=True, env=environment, cwd=tmp_path) as demo:
            printed = iter(demo.stdout.readline, "")
            told = "".join(takewhile(lambda line: "appeared" not in line, printed))
            broker.start()
            seen.wait_for(is_event("appeared"), timeout=180)
            demo.send_signal(signal.SIGINT)
            told += "".join(printed)
            assert demo.wait(60) == 0
    assert "publishes nothing yet, because this machine has no broker" in told
    assert "Traceback" not in told


def test_a_port_that_is_taken_is_told_by_the_embedded_broker(tmp_path):
    with Mosquitto(tmp_path / "broker") as broker:
        ended = run_with(tmp_path, mqtt={"broker": "embedded", "embedded_port": broker.port})
    assert ended.returncode == 1
    assert str(broker.port) in ended.stderr
    assert "Traceback" not in ended.stderr


def test_help_and_version_work():
    for arguments in (["--help"], ["run", "--help"], ["config", "--help"], ["version"]):
        ended = edge_fer(*arguments)
        assert (ended.returncode, ended.stderr) == (0, "")
    assert edge_fer("nonsense").returncode == 2


def test_a_reader_who_has_seen_enough_causes_no_complaint():
    command = " ".join([*COMMAND, "config", "schema"])
    ended = subprocess.run(["bash", "-c", f"{command} | head -1"], capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == ("{\n", "")
