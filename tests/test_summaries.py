"""Summaries from end to end: the daemon, a real broker, a real restart; and that nothing else leaks."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta

import pytest

from tests.broker import Mosquitto, Subscriber
from tests.daemon import Daemon
from tests.mqtt.kit import until
from tests.running import ENDLESS, SAMPLE, check_payloads, config


def is_summary(message):
    return message.topic == "edge-fer/test/camera/front/summary"


def tells_satisfaction(message):
    is_state = message.topic == "edge-fer/test/camera/front/state" and message.payload
    return is_state and isinstance(message.json["satisfaction"], float)


def test_summaries_arrive_in_order_and_add_up(tmp_path):
    summaries = {"summaries": {"windows": ["10s", "20s"]}}
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker) as seen:
        with Daemon(tmp_path, config(broker, ENDLESS, **summaries)) as daemon:
            # the first window may have been over before anybody came
            seen.wait_for(lambda m: is_summary(m) and m.json["window"] == "20s" and m.json["people"], timeout=180)
            seen.wait_for(tells_satisfaction, timeout=180)
            assert daemon.stop() == 0
        check_payloads(seen.messages)
        told = seen.of("/summary")
    assert all((m.qos, m.retain) == (1, False) for m in told)
    told = [m.json for m in told]
    assert [s["seq"] for s in told] == list(range(1, len(told) + 1))
    for whole in (s for s in told if s["window"] == "20s"):
        since, until = datetime.fromisoformat(whole["since"]), datetime.fromisoformat(whole["until"])
        assert (until - since, since.second % 20) == (timedelta(seconds=20), 0), "aligned to the clock"
        assert whole["ts"] == whole["until"]
        parts = [s for s in told if s["window"] == "10s" and whole["since"] <= s["since"] < whole["until"]]
        assert sum(s["watched_s"] for s in parts) == pytest.approx(whole["watched_s"], abs=0.01)
        for label, spent in whole["seconds"].items():
            assert sum(s["seconds"][label] for s in parts) == pytest.approx(spent, abs=0.02)
    last = [summary for summary in told if summary["people"]][-1]
    assert 0 < last["attention_s"] <= last["presence_s"] <= last["watched_s"] + 0.01


def test_with_events_off_nothing_but_summaries_is_told_about_people(tmp_path):
    """Even alerts, which do fire: everything counts as unhappy here."""
    everything = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
    settings = {
        "privacy": {"events": "off", "k_minimum": 5},
        "summaries": {"windows": ["10s"]},
        "alerts": {"anybody": {"when": {"emotion": everything, "score": 0.9}, "for": "0s"}},
    }
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker) as seen:
        with Daemon(tmp_path, config(broker, ENDLESS, **settings), "--show") as daemon:
            daemon.wait_for("ALERT")
            (summary, *_) = seen.wait_for(is_summary, count=2, timeout=180)
            assert daemon.stop() == 0
        time.sleep(0.5)
        check_payloads(seen.messages)
        topics = {m.topic.removeprefix("edge-fer/test/") for m in seen.messages if m.payload}
        (info, *_) = (m.json for m in seen.of("/info"))
        told = "".join(m.payload for m in seen.messages)
    camera = {"camera/front/availability", "camera/front/summary"}
    assert topics == {"availability", "info", "health"} | camera
    assert info["privacy"].pop("sinks")["mqtt"] == ["summaries"]
    assert info["privacy"] == {
        "pictures_published": False,
        "events_published": False,
        "k_minimum": 5,
        "live": "never",
        "recent": False,
    }
    numbers = {key: value for key, value in summary.json.items() if value is not None}
    assert summary.json["held_back"] is True
    assert numbers.keys() == {
        *("v", "node", "site", "ts", "clock_synced", "seq", "replayed"),
        *("camera", "window", "since", "until", "watched_s", "held_back"),
    }
    assert "track_id" not in told


def test_a_recording_that_ends_is_summed_up(tmp_path):
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker) as seen:
        with Daemon(tmp_path, config(broker, SAMPLE)) as daemon:
            assert daemon.wait() == 0, daemon.output
        seen.wait_for(lambda m: is_summary(m) and m.json["window"] == "1d")
        check_payloads(seen.messages)
        told = {m.json["window"]: m.json for m in seen.of("/summary")}
    assert list(told) == ["1m", "15m", "1h", "1d"]
    assert told["1d"]["people"] == 1


def kept(tmp_path):
    """The day's sums, as they are on disk."""
    text = (tmp_path / "state" / "summaries.json").read_text()
    assert len(text) < 5000
    return json.loads(text)["kept"]["front"]["86400"]


def test_killing_it_loses_a_few_seconds_and_no_more(tmp_path):
    mqtt = {"broker": "mqtt://127.0.0.1:9"}
    with Daemon(tmp_path, {"cameras": {"front": ENDLESS}, "mqtt": mqtt}, "--show") as daemon:
        daemon.wait_for("appeared")
        until(lambda: (tmp_path / "state" / "summaries.json").exists() and kept(tmp_path)["watched"], timeout=180)
        first = kept(tmp_path)["watched"]
        until(lambda: kept(tmp_path)["watched"] > first, timeout=180)
        daemon._process.kill()
        daemon._process.wait()
    before = kept(tmp_path)
    assert first < 12, "written every five seconds"
    assert before["watched"] - first < 12
    with Daemon(tmp_path, {"cameras": {"front": ENDLESS}, "mqtt": mqtt}, "--show") as daemon:
        daemon.wait_for("appeared")
        time.sleep(2)
        assert daemon.stop() == 0
    after = kept(tmp_path)
    assert after["watched"] > before["watched"], "it goes on where it was"
    assert after["people"] > before["people"]
    assert after["since"] == before["since"] or datetime.now().astimezone().hour == 0


@pytest.mark.parametrize("damage", ["", "{", '{"v": 2}', '{"v": 1, "kept": {"front": {"60": 1}}}', "\x00" * 100])
def test_a_damaged_file_of_state_is_told_and_starts_anew(tmp_path, damage):
    state = tmp_path / "state"
    state.mkdir()
    for name in ("summaries.json", "trends.json"):
        (state / name).write_text(damage)
    settings = {"cameras": {"front": SAMPLE}, "mqtt": {"broker": "mqtt://127.0.0.1:9"}}
    with Daemon(tmp_path, settings) as daemon:
        assert daemon.wait() == 0, daemon.output
        assert "trends.json cannot be used" in daemon.output
        assert "Traceback" not in daemon.output
    assert json.loads((state / "trends.json").read_text())["v"] == 1
