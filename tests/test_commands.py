"""Commands to the real daemon, over a real broker, by clients that are not ours."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from edge_fer.config.engine.settable import SETTABLE
from edge_fer.remote.registry import COMMANDS, schemas
from edge_fer.sample import sample_path
from tests.broker import Mosquitto, Subscriber, tool
from tests.commanding import ask, say
from tests.daemon import Daemon, edge_fer

ENDLESS = {"source": str(sample_path()), "loop": True}
EVERYTHING = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
#: Fires for whoever is in view, whatever they look like.
ANYBODY = {"when": {"emotion": EVERYTHING, "score": 0.9}, "for": "300ms", "cooldown": "0s"}

VALIDATORS = {kind: Draft202012Validator(schema) for kind, schema in schemas().items()}


def config(broker, **more):
    alerts = {"unhappy-guest": False, "anybody": ANYBODY}
    return {
        "cameras": {"front": ENDLESS}, "mqtt": {"broker": broker.url}, "commands": "on", "alerts": alerts,
    } | more  # fmt: skip


@pytest.fixture
def seen(broker):
    with Subscriber(broker) as subscriber:
        yield subscriber


def begin(seen, count=1):
    """Waits until the daemon listens: it subscribes before it tells that it is there."""
    seen.wait_for(lambda m: m.topic == "edge-fer/test/availability" and m.payload == "online", count=count, timeout=180)


def check(seen):
    """Every response is as its schema says."""
    for message in seen.messages:
        kind = "/".join(message.topic.split("/")[-2:])
        if kind == "test/audit":
            VALIDATORS["audit"].validate(message.json)
        if kind in VALIDATORS and kind.startswith("response/"):
            VALIDATORS[kind].validate(message.json)
            assert not message.retain


def is_event(kind):
    return lambda m: m.topic.endswith("/event") and m.json["event_type"] == kind


def is_state(**fields):
    return lambda m: (
        m.topic.endswith("/camera/front/state") and m.payload and fields.items() <= m.json.items()
    )  # fmt: skip


def fired(seen, count=1):
    return seen.wait_for(
        lambda m: m.topic.endswith("/alert_event") and m.json["event_type"] == "firing", count=count, timeout=180
    )[-1].json


def test_each_command_does_what_it_says(tmp_path, broker, seen):
    with Daemon(tmp_path, config(broker)) as daemon:
        begin(seen)
        answer = ask(broker, seen, "ping")
        assert (answer["ok"], answer["error"], answer["message"], answer["node"]) == (True, None, "", "test")
        assert answer["result"]["uptime_s"] > 0

        alert = fired(seen)
        answer = ask(broker, seen, "acknowledge", alert_id=alert["alert_id"])
        assert answer["result"]["alerts"] == [{"camera": "front", "rule": "anybody", "alert_id": alert["alert_id"]}]
        seen.wait_for(lambda m: m.topic.endswith("/alert/anybody") and m.payload and any(
            one["id"] == alert["alert_id"] and one["acknowledged"] for one in m.json["alerts"]
        ))  # fmt: skip
        assert ask(broker, seen, "acknowledge", alert_id="gone")["error"] == "refused"
        answer = ask(broker, seen, "acknowledge", rule="nobody")
        assert "anybody" in answer["message"], "it says which rules there are"

        (rule,) = ask(broker, seen, "silence", rule="anybody", **{"for": "10m"})["result"]["rules"]
        assert (rule["camera"], rule["rule"], rule["silenced"]) == ("front", "anybody", True)
        seen.wait_for(lambda m: m.topic.endswith("/alert/anybody") and m.payload and m.json["silenced"])
        rules = ask(broker, seen, "silence", **{"for": "0s"})["result"]["rules"]
        assert len(rules) > 1, "those of the profile, too"
        assert all((rule["silenced"], rule["silenced_until"]) == (False, None) for rule in rules)

        assert ask(broker, seen, "pause", camera="front")["result"] == {"cameras": ["front"]}
        seen.wait_for(is_state(paused=True, people=0))
        assert ask(broker, seen, "pause", camera="back")["error"] == "refused"
        audited = seen.wait_for(lambda m: m.topic == "edge-fer/test/audit" and m.json["outcome"] == "refused", count=3)
        assert audited[-1].json["fields"] == {"camera": "back"}
        assert "front" in audited[-1].json["message"], "it says which cameras there are"
        assert ask(broker, seen, "resume")["result"] == {"cameras": ["front"]}
        seen.wait_for(lambda m: m.topic == "edge-fer/test/audit" and m.json["command"] == "resume")
        before = list(seen.messages)
        seen.clear()
        seen.wait_for(is_state(paused=False), timeout=180)
        seen.wait_for(is_event("appeared"), timeout=180)

        assert daemon.stop() == 0
        assert "Traceback" not in daemon.output
    check(seen)
    told = [message.json for message in before if message.topic == "edge-fer/test/audit"]
    assert {one["via"] for one in told} == {"mqtt"}
    assert [one["command"] for one in told if one["outcome"] == "done"] == [
        "acknowledge", "silence", "silence", "pause", "resume",
    ]  # fmt: skip
    paused = {"key": "cameras.front.paused", "old": False, "new": True}
    assert [one["changes"] for one in told if one["command"] == "pause"] == [[paused], []]
    silenced = next(one["changes"] for one in told if one["command"] == "silence")
    assert [(one["key"], one["old"]) for one in silenced] == [("cameras.front.alerts.anybody.silenced", False)]
    assert [one["seq"] for one in told] == list(range(1, len(told) + 1))


def test_a_pause_is_kept_over_a_restart_until_it_is_ended(tmp_path, broker, seen):
    with Daemon(tmp_path, config(broker)) as daemon:
        seen.wait_for(is_event("appeared"), timeout=180)
        assert ask(broker, seen, "pause")["ok"]
        seen.wait_for(is_state(paused=True))
        assert seen.wait_for(is_event("left")), "whoever was in view is given up"
        daemon.stop()
    seen.clear()
    with Daemon(tmp_path, config(broker)) as daemon:
        seen.wait_for(is_state(paused=True), timeout=180)
        info = seen.wait_for(lambda m: m.topic.endswith("/info"))[-1].json
        assert info["settings"] == {"cameras.front.paused": True}
        assert not seen.of("/event")
        assert ask(broker, seen, "resume")["ok"]
        seen.wait_for(is_event("appeared"), timeout=180)
        seen.wait_for(lambda m: m.topic.endswith("/info") and m.json["settings"] == {})
        daemon.stop()
    check(seen)


def test_a_pause_with_an_end_is_over_by_itself_also_after_a_restart(tmp_path, broker, seen):
    with Daemon(tmp_path, config(broker)) as daemon:
        seen.wait_for(is_event("appeared"), timeout=180)
        asked = {"for": "15s", "reason": "a talk with relatives"}
        until = ask(broker, seen, "pause", **asked)["result"]["until"]
        info = seen.wait_for(lambda m: m.topic.endswith("/info") and m.json["settings"])[-1].json
        assert info["settings"]["cameras.front.paused_until"] == until
        daemon.stop()
    seen.clear()
    with Daemon(tmp_path, config(broker)) as daemon:
        health = seen.wait_for(lambda m: m.topic.endswith("/health") and m.payload, timeout=180)[-1].json["cameras"][
            "front"
        ]
        if health["paused"]:
            assert (health["paused_until"], health["pause_reason"]) == (until, "a talk with relatives")
        ended = seen.wait_for(lambda m: m.topic.endswith("/audit"), timeout=180)[-1].json
        assert (ended["command"], ended["actor"], ended["outcome"]) == ("resume", "edge-fer", "done")
        assert ended["ts"] >= until
        seen.wait_for(is_event("appeared"), timeout=180)
        seen.wait_for(lambda m: m.topic.endswith("/info") and m.json["settings"] == {})
        daemon.stop()
    check(seen)


def test_a_threshold_is_set_checked_shown_and_kept_over_a_restart(tmp_path, broker, seen):
    with Daemon(tmp_path, config(broker)) as daemon:
        begin(seen)
        answer = ask(broker, seen, "set", key="emotion.min_confidence", value=0.5)
        assert answer["result"] == {"key": "emotion.min_confidence", "old": 0.45, "new": 0.5}
        begin(seen, 2)
        answer = ask(broker, seen, "set", key="alerts.anybody.for", value="2s")
        assert answer["result"] == {"key": "alerts.anybody.for", "old": "300ms", "new": "2s"}
        seen.wait_for(lambda m: m.topic.endswith("/info") and len(m.json["settings"]) == 2)
        assert len(seen.of("test/availability")) == 3, "an alert's times need no new connection"
        for key, value, told in [
            ("emotion.min_confidence", 1.5, "0 to 1"),
            ("alerts.anybody.for", 3, "unit"),
            ("alerts.nobody.for", "3s", "not there"),
            ("cameras.back.faces.min_size", "64px", "not there"),
            ("mqtt.broker", "mqtt://evil", "cannot be set|nothing that can be set"),
            ("privacy.events", "on", "nothing that can be set"),
        ]:
            answer = ask(broker, seen, "set", key=key, value=value)
            assert (answer["ok"], answer["error"], answer["result"]) == (False, "refused", None), key
            assert any(part in answer["message"] for part in told.split("|")), answer["message"]
        daemon.stop()
        assert "Traceback" not in daemon.output
    seen.clear()
    with Daemon(tmp_path, config(broker)) as daemon:
        begin(seen)
        info = seen.wait_for(lambda m: m.topic.endswith("/info"))[-1].json
        assert info["commands"] is True
        assert info["settings"] == {"emotion.min_confidence": 0.5, "alerts.anybody.for": "2s"}
        answer = ask(broker, seen, "set", key="emotion.min_confidence", value=None)
        assert (answer["result"]["old"], answer["result"]["new"]) == (0.5, 0.45)
        daemon.stop()
    explained = edge_fer("config", "explain", "--config", str(tmp_path / "config.yaml")).stdout
    row = next(line for line in explained.splitlines() if line.startswith("alerts.anybody.for "))
    assert "2s" in row
    assert "settings.yaml" in row
    check(seen)


def test_a_reload_tells_what_came_of_it(tmp_path, broker, seen):
    with Daemon(tmp_path, config(broker)) as daemon:
        begin(seen)
        daemon.configure(config(broker, faces={"min_size": "9px"}))
        answer = ask(broker, seen, "reload")
        assert (answer["ok"], answer["error"]) == (False, "refused")
        assert "faces.min_size" in answer["message"]
        assert ask(broker, seen, "ping")["ok"], "the old config stays"
        daemon.configure(config(broker, node={"id": "test", "site": "elsewhere"}))
        assert ask(broker, seen, "reload")["ok"]
        seen.wait_for(lambda m: m.topic.endswith("/info") and m.json["site"] == "elsewhere")
        assert daemon.stop() == 0
        assert "Traceback" not in daemon.output
    check(seen)


def test_what_is_no_request_gets_an_error_and_harms_nothing(tmp_path, broker, seen):
    broker.publish("edge-fer/test/command/pause", '{"id": "of last week"}', retain=True)
    with Daemon(tmp_path, config(broker)) as daemon:
        begin(seen)
        daemon.wait_for("a retained command on edge-fer/test/command/pause is ignored")
        said = lambda verb, payload: say(broker, seen, verb, payload, lambda _: True)["error"]  # noqa: E731
        assert said("ping", "ON") == "malformed"
        assert said("ping", "{}") == "malformed"
        assert said("pause", '{"id": "1", "kamera": "front"}') == "malformed"
        assert said("explode", '{"id": "2"}') == "unknown"
        assert said("ping", json.dumps({"id": "3", "x": "y" * 5000})) == "too_large"
        assert said("ping", '{"id": "4"}') is None
        assert said("ping", '{"id": "4"}') == "duplicate"
        broker.publish("edge-fer/test/command/ping", '{"id": "5"}', retain=True)
        daemon.wait_for("a retained command on edge-fer/test/command/ping is ignored")
        broker.publish_lines("edge-fer/test/command/ping", [json.dumps({"id": f"flood-{n}"}) for n in range(30)])
        seen.wait_for(lambda m: m.topic.endswith("/response/ping") and m.json["error"] == "too_frequent")
        seen.wait_for(is_event("appeared"), timeout=180)
        assert not any(is_state(paused=True)(m) for m in seen.messages)
        assert not (tmp_path / "state" / "settings.yaml").exists()
        assert daemon.stop() == 0
        assert "Traceback" not in daemon.output
    check(seen)


def test_commands_are_off_unless_somebody_turns_them_on(tmp_path, broker, seen):
    with Daemon(tmp_path, {key: value for key, value in config(broker).items() if key != "commands"}) as daemon:
        begin(seen)
        broker.publish("edge-fer/test/command/pause", '{"id": "1"}')
        seen.wait_for(is_event("appeared"), timeout=180)
        assert seen.of("/info")[-1].json["commands"] is False
        assert not [m for m in seen.messages if "/response/" in m.topic or is_state(paused=True)(m)]
        daemon.stop()
    assert "edge-fer/test/command" not in "".join(
        line for line in broker.log.splitlines() if "SUBSCRIBE" in line or "(QoS" in line
    )  # fmt: skip


def test_settings_that_no_longer_fit_are_set_aside_and_the_rest_holds(tmp_path, broker, seen):
    state = tmp_path / "state"
    state.mkdir(parents=True)
    kept = {
        "cameras": {"gone": {"faces": {"min_size": "64px"}}, "front": {"paused": True}},
        "alerts": {"gone": {"for": "3s"}},
        "faces": {"min_size": "9px", "confirm": 4, "no_such_key": 1},
    }
    (state / "settings.yaml").write_text(json.dumps(kept))
    with Daemon(tmp_path, config(broker)) as daemon:
        seen.wait_for(is_state(paused=True), timeout=180)
        info = seen.wait_for(lambda m: m.topic.endswith("/info"))[-1].json
        assert info["settings"] == {"cameras.front.paused": True, "faces.confirm": 4}
        assert list(info["cameras"]) == ["front"]
        for key in ("cameras.gone.faces.min_size", "alerts.gone.for", "faces.min_size", "faces.no_such_key"):
            daemon.wait_for(f"{key}")
        assert daemon.stop() == 0
    (state / "settings.yaml").write_text("{:")
    with Daemon(tmp_path, config(broker)) as daemon:
        daemon.wait_for("set aside")
        seen.wait_for(is_event("appeared"), timeout=180)
        assert daemon.stop() == 0


PAGE = (Path(__file__).resolve().parents[1] / "docs" / "commands.md").read_text(encoding="utf-8")


def insist(seen, command, number):
    """The answer to a request, which is sent again where it comes while the node begins anew, as the page says."""
    for _ in range(8):
        subprocess.run(command, check=True, timeout=10)
        with contextlib.suppress(AssertionError):
            found = seen.wait_for(lambda m: "/response/" in m.topic and m.json["id"] == number, timeout=8)
            if found[0].json["error"] != "busy":
                return found[0].json
            seen.clear()
    pytest.fail(f"no answer to {command}")


def test_what_the_page_shows_works(tmp_path):
    """Every `mosquitto_pub` of the page, by the letter but for the broker's address, under the access list it shows."""
    (acl,) = re.findall(r"```\n(user nurse\n.*?)```", PAGE, re.DOTALL)
    users = {"nurse": "one", "counter-1": "two", "all": "three"}
    lines = [*acl.splitlines(), "user all", "topic read #"]
    password = tmp_path / "password"
    password.write_text("two")
    examples = [shlex.split(line) for line in re.findall(r"^mosquitto_pub .*$", PAGE, re.MULTILINE)]
    assert {example[6].rpartition("/")[2] for example in examples} == {
        name for name, row in COMMANDS.items() if row.over_mqtt
    }
    with Mosquitto(tmp_path / "broker", users=users, acl=lines) as broker, Subscriber(broker, user="all") as seen:
        mqtt = {"broker": broker.url.replace("://", "://counter-1@"), "password_file": str(password)}
        settings = config(broker, node={"id": "counter-1"}, mqtt=mqtt, alerts={})
        with Daemon(tmp_path, settings) as daemon:
            seen.wait_for(lambda m: m.topic.endswith("/availability") and m.payload == "online", timeout=180)
            for command, *options in examples:
                assert options[:2] == ["-h", "192.0.2.10"]
                shown = [tool(command), *broker.client_options("nurse"), *options[2:]]
                answer = insist(seen, shown, json.loads(options[-1])["id"])
                assert answer["ok"], json.dumps(answer)
            assert daemon.stop() == 0
        check(seen)


def test_the_page_names_every_key_that_can_be_set():
    rows = re.findall(r"^\| `([^`]+)` \| (`.*) \|$", PAGE, re.MULTILINE)
    named = {
        f"{section.replace('<alert>', '*')}.{key}" for section, keys in rows for key in re.findall(r"`(\w+)`", keys)
    }
    assert named == set(SETTABLE)
