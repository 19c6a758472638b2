"""The control socket of the real daemon, with a real broker: what it tells, does, and keeps to itself."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import sys
import threading

import pytest

from edge_fer.control.client import ControlClient, ControlError
from edge_fer.control.state import NodeNow
from edge_fer.errors import CommandError
from edge_fer.sample import sample_path
from tests.broker import Subscriber
from tests.commanding import ask as ask_over_mqtt
from tests.daemon import COMMAND, Daemon, edge_fer
from tests.mqtt.kit import until

ENDLESS = {"source": str(sample_path()), "loop": True}
EVERYTHING = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
#: Fires for whoever is in view, whatever they look like.
ANYBODY = {"when": {"emotion": EVERYTHING, "score": 0.9}, "for": "300ms", "cooldown": "0s"}


#: How `status` shows that, and why.
FIRING = (
    r"^  FIRING   anybody [0-9a-f]+, warning, since \d\d:\d\d:\d\d\n"
    r"           now \d+ %, the limit is 90 %: "
    r"a face looks angry, .* together 90 % sure or more, for 300 ms \(alert [0-9a-f]+\)$"
)


def config(broker, **more):
    alerts = {"unhappy-guest": False, "anybody": ANYBODY}
    return {"cameras": {"front": ENDLESS}, "mqtt": {"broker": broker.url}, "alerts": alerts} | more


def place(folder):
    return folder / "state" / "control.sock"


def reach(folder):
    """A connection to the daemon, once there is one."""
    found = []

    def tried():
        with contextlib.suppress(ControlError):
            found.append(ControlClient([place(folder)], timeout=90, patience=90))
        return found

    until(tried, timeout=90)
    return found[0]


def wait_for_state(client, wanted):
    """The first state that is as wanted."""
    state = client.ask("subscribe")
    events = client.events()
    while not wanted(state):
        event = next(events)
        state = event.get("state", state)
    client.ask("unsubscribe")
    return state


def alerts_of(state, rule="anybody"):
    rules = {one["rule"]: one for one in state["cameras"]["front"]["rules"]}
    return rules[rule]["alerts"]


def is_firing(state):
    return any(alert["state"] == "firing" for alert in alerts_of(state))


def verb(folder, *arguments):
    return edge_fer(*arguments, "--socket", str(place(folder)))


def test_it_tells_how_everything_is_and_does_what_is_asked(tmp_path, broker):
    with Subscriber(broker) as seen, Daemon(tmp_path, config(broker)) as daemon, reach(tmp_path) as client:
        state = wait_for_state(client, lambda now: is_firing(now) and now["broker"]["connected"])
        NodeNow.model_validate(state)
        camera = state["cameras"]["front"]
        assert (camera["online"], camera["paused"], camera["people"], camera["problem"]) == (True, False, 1, "")
        assert camera["seen"][0]["emotion"] in EVERYTHING
        assert camera["rules"][0]["rule"] == "anybody", "those that fire come first"
        assert camera["rules"][0]["when"] == {"emotion": EVERYTHING, "score": 0.9, "repeated": 1}
        assert camera["rules"][0]["for"] == "300ms"
        assert state["broker"] == {"address": broker.url, "connected": True, "problem": ""}

        alert = alerts_of(state)[0]
        assert alert["value"] > alert["threshold"] > 0
        told = client.command("acknowledge", {"alert_id": alert["id"]})
        assert told == {"alerts": [{"camera": "front", "rule": "anybody", "alert_id": alert["id"]}]}
        assert client.command("silence", {"rule": "anybody", "for": "10m"})["rules"][0]["silenced"]
        assert client.command("pause", {}) == {"cameras": ["front"], "until": None}
        state = wait_for_state(client, lambda now: now["cameras"]["front"]["paused"])
        assert (state["cameras"]["front"]["people"], state["cameras"]["front"]["seen"]) == (0, [])
        with pytest.raises(CommandError, match="Choose from front") as raised:
            client.command("resume", {"camera": "back"})
        assert (raised.value.code, raised.value.field, raised.value.value) == ("refused", "camera", "back")
        with pytest.raises(CommandError) as raised:
            client.command("silence", {"for": "a while"})
        assert (raised.value.code, raised.value.field, raised.value.value) == ("malformed", "for", "a while")
        with pytest.raises(CommandError, match="Choose from ping"):
            client.command("explode", {})
        assert client.command("resume", {"camera": "front"})
        wait_for_state(client, lambda now: now["cameras"]["front"]["people"] == 1)

        audited = seen.wait_for(lambda m: m.topic == "edge-fer/test/audit", count=5)
        me = client.ask("hello")["you"]
        assert {(one.json["actor"], one.json["role"], one.json["via"]) for one in audited} == {
            (me["name"], me["role"], "socket")
        }
        found = [(one.json["command"], one.json["outcome"]) for one in audited]
        assert found == [
            ("acknowledge", "done"), ("silence", "done"), ("pause", "done"), ("resume", "refused"), ("resume", "done"),
        ]  # fmt: skip
        assert not seen.of("/response/pause"), "MQTT is told nothing of answers to others"
        assert daemon.stop() == 0
        assert f"by {me['name']} over the control socket" in daemon.output
        assert "Traceback" not in daemon.output
        assert not place(tmp_path).exists()
        with pytest.raises(ControlError, match="hung up"):
            client.ask("hello")


def test_a_connection_stays_over_a_reload_and_a_setting_is_taken_over(tmp_path, broker):
    with Daemon(tmp_path, config(broker)) as daemon, reach(tmp_path) as client:
        told = client.command("set", {"key": "emotion.min_confidence", "value": 0.5})
        assert told == {"key": "emotion.min_confidence", "old": 0.45, "new": 0.5}
        settings = client.ask("settings")
        assert settings["set"] == {"emotion.min_confidence": 0.5}
        assert settings["values"]["emotion.min_confidence"]["value"] == "0.5"
        assert "set" in settings["values"]["emotion.min_confidence"]["origin"]
        assert "schema" not in settings
        assert client.ask("settings", schema=True)["schema"]["title"] == "edge-fer"
        wait_for_state(client, lambda now: now["cameras"]["front"]["people"] == 1)
        told = client.command("set", {"key": "alerts.anybody.for", "value": "2s"})
        assert told["new"] == "2s"
        wait_for_state(client, lambda now: now["cameras"]["front"]["rules"][0]["for"] == "2s")
        assert daemon.stop() == 0


def test_a_zone_is_set_and_hides_whoever_is_in_it_over_a_restart(tmp_path, broker):
    everywhere = {"polygon": [[0, 0], [1, 0], [1, 1], [0, 1]]}
    key = "cameras.front.zones.all"
    with Daemon(tmp_path, config(broker)) as daemon, reach(tmp_path) as client:
        wait_for_state(client, lambda now: now["cameras"]["front"]["people"] == 1)
        told = client.command("configure", {"key": key, "value": everywhere})
        assert (told["old"], told["new"]["polygon"]) == (None, everywhere["polygon"])
        with pytest.raises(CommandError, match="crosses or touches itself") as raised:
            client.command("configure", {"key": key, "value": {"polygon": [[0, 0], [1, 1], [1, 0], [0, 1]]}})
        assert (raised.value.code, raised.value.field) == ("refused", "value")
        assert daemon.stop() == 0
    with Subscriber(broker) as seen, Daemon(tmp_path, config(broker)) as daemon, reach(tmp_path) as client:
        state = wait_for_state(client, lambda now: now["health"]["cameras"]["front"]["frames"] > 60)
        assert state["cameras"]["front"]["people"] == 0
        info = seen.wait_for(lambda m: m.topic == "edge-fer/test/info")[-1].json
        assert info["settings"] == {}, "the contract has no place for it there"
        shown = verb(tmp_path, "set", key, "--default")
        assert shown.returncode == 0, shown.stderr
        wait_for_state(client, lambda now: now["cameras"]["front"]["people"] == 1)
        assert daemon.stop() == 0


def test_no_secret_is_told(tmp_path, broker):
    (tmp_path / "password").write_text("hunter2")
    mqtt = {"broker": broker.url.replace("://", "://u@"), "password_file": str(tmp_path / "password")}
    cameras = {"front": ENDLESS, "door": {"source": "rtsp://admin:hunter2@127.0.0.1:1/live?token=hunter2"}}
    settings = config(broker, mqtt=mqtt, cameras=cameras)
    with Daemon(tmp_path, settings), reach(tmp_path) as client:
        state = wait_for_state(client, lambda now: now["cameras"]["door"]["problem"])
        told = json.dumps([state, client.ask("settings", schema=True), client.ask("hello")])
        assert "hunter2" not in told
        assert "127.0.0.1:1/live" in told


@pytest.mark.parametrize("privacy", [{"events": "off", "k_minimum": 5}, {"events": "off"}])
def test_what_may_not_leave_the_device_is_not_told(tmp_path, broker, privacy):
    with Daemon(tmp_path, config(broker, privacy=privacy)), reach(tmp_path) as client:
        state = wait_for_state(client, lambda now: now["health"]["cameras"]["front"]["frames"] > 60)
        camera = state["cameras"]["front"]
        assert camera["online"]
        about_people = {"view", "people", "mood", "satisfaction", "seen", "rules", "ended"}
        assert {camera[name] for name in about_people} == {None}
        assert camera.keys() - about_people == {
            "source",
            "online",
            "paused",
            "paused_until",
            "pause_reason",
            "problem",
            "watchers",
        }
        assert state["privacy"]["events_published"] is False
        shown = verb(tmp_path, "status", "--once")
        assert "only summaries are told about people" in shown.stdout
        assert not any(emotion in shown.stdout for emotion in EVERYTHING)


def test_a_daemon_that_was_killed_leaves_nothing_in_the_way(tmp_path, broker):
    with Daemon(tmp_path, config(broker)) as daemon, reach(tmp_path) as client:
        assert client.ask("hello")["node"] == "test"
        daemon.stop(signal.SIGKILL)
    assert place(tmp_path).is_socket()
    with Daemon(tmp_path, config(broker)):

        def answers():
            try:
                with ControlClient([place(tmp_path)], timeout=90) as client:
                    return client.ask("hello")
            except (CommandError, ControlError):
                return None

        until(answers, timeout=90)


def test_the_verbs(tmp_path, broker):
    with Daemon(tmp_path, config(broker)) as daemon, reach(tmp_path) as client:
        wait_for_state(client, lambda now: is_firing(now) and now["broker"]["connected"])
        until(lambda: re.search(FIRING, verb(tmp_path, "status").stdout, re.MULTILINE), timeout=90)
        shown = verb(tmp_path, "status").stdout
        assert re.search(r"^test  edge-fer [\d.]+, up ", shown)
        assert re.search(r"^broker   mqtt://.*, connected$", shown, re.MULTILINE)
        assert re.search(r"^front  online, [\d.]+ frames a second, \d p", shown, re.MULTILINE)
        state = json.loads(verb(tmp_path, "status", "--json").stdout)
        NodeNow.model_validate(state)

        # whoever is in view leaves at the end of the recording, and alerts end then
        until(lambda: "acknowledged" in verb(tmp_path, "acknowledge", "anybody").stdout, timeout=90)
        assert "silenced until" in verb(tmp_path, "silence", "anybody", "--for", "30m").stdout
        assert "not silenced" in verb(tmp_path, "silence", "anybody", "--end").stdout
        assert verb(tmp_path, "set", "alerts.anybody.for", "2s").stdout == 'alerts.anybody.for: "300ms" -> "2s"\n'
        assert (
            verb(tmp_path, "set", "alerts.anybody.for", "--default").stdout == 'alerts.anybody.for: "2s" -> "300ms"\n'
        )
        assert verb(tmp_path, "set", "faces.confirm", "4").stdout == "faces.confirm: 3 -> 4\n"
        assert verb(tmp_path, "pause", "front").stdout.startswith("Paused: front.")
        assert "front  PAUSED" in verb(tmp_path, "status").stdout
        assert verb(tmp_path, "resume").stdout == "Looked at again: front.\n"

        for arguments, told in [
            (["pause", "back"], "there is no camera 'back'. Choose from front"),
            (["silence", "nobody"], "there is no rule 'nobody'. Choose from queue"),
            (["silence", "--for", "3x"], "for"),
            (["acknowledge", "--alert", "gone"], "no alert gone fires"),
            (["set", "faces.confirm", "many"], "faces.confirm: `many` is not a whole number"),
            (["set", "mqtt.broker", "mqtt://evil"], "mqtt.broker"),
        ]:
            found = verb(tmp_path, *arguments)
            assert (found.returncode, found.stdout) == (1, ""), arguments
            assert told in found.stderr
            assert "Traceback" not in found.stderr
        assert daemon.stop() == 0
    found = verb(tmp_path, "status")
    assert found.returncode == 1
    assert "does not run" in found.stderr
    assert "sudo systemctl start edge-fer" in found.stderr


def test_in_a_terminal_status_goes_on_until_it_is_ended(tmp_path, broker):
    with Daemon(tmp_path, config(broker)), reach(tmp_path) as client:
        wait_for_state(client, lambda now: now["cameras"]["front"]["people"] == 1)
        child, terminal = pty.fork()
        if child == 0:
            arguments = [*COMMAND, "status", "--socket", str(place(tmp_path))]
            os.execve(sys.executable, arguments, os.environ | {"TERM": "xterm"})  # noqa: S606
        shown = bytearray()
        paused = threading.Event()

        def read():
            try:
                while data := os.read(terminal, 65_536):
                    shown.extend(data)
                    if b"PAUSED" in shown:
                        paused.set()
            except OSError:
                pass  # the terminal is closed

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        until(lambda: b"1 person" in shown, timeout=90)
        client.command("pause", {})
        assert paused.wait(90), f"it does not show what has changed meanwhile: {bytes(shown[-3000:])!r}"
        os.kill(child, signal.SIGINT)
        _, status = os.waitpid(child, 0)
        reader.join(30)
        os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
    assert shown.startswith(b"\x1b[?1049h\x1b[?25l")
    assert shown.endswith(b"\x1b[?25h\x1b[?1049l")
    assert b"Traceback" not in shown


#: A command that is added in one place: a row. It pauses for a while, in a manner of speaking.
BLINK = '''
import sys
from pydantic import Field
from edge_fer.cli.main import main
from edge_fer.contract.messages.base import Part
from edge_fer.contract.messages.commands import Request, Response
from edge_fer.remote.asker import Role
from edge_fer.remote.registry import CommandRow, register
from edge_fer.remote.handlers import Done, Verbs

class BlinkRequest(Request):
    """`command/blink`: blinks."""
    times: int = Field(description="How often.")

class BlinkResult(Part):
    """What was done."""
    blinked: int = Field(description="How often.")

class BlinkResponse(Response):
    """`response/blink`: how often it blinked."""
    result: BlinkResult | None = Field(description="How often; null where `ok` is false.")

def blink(_: Verbs, request: BlinkRequest) -> Done:
    return Done(BlinkResult(blinked=request.times))

register(CommandRow(
    name="blink", request=BlinkRequest, response=BlinkResponse, handler=blink, role=Role.OPERATOR, over_mqtt=True,
    audited=True, cost=1.0, example=({"times": 2}, BlinkResult(blinked=2)),
))
sys.exit(main(sys.argv[1:]))
'''


def test_a_command_that_is_added_in_one_place_works_over_mqtt_and_the_socket(tmp_path, broker):
    script = tmp_path / "with_blink.py"
    script.write_text(BLINK)
    daemon = Daemon(tmp_path, config(broker, commands="on"))
    daemon._command[:3] = [sys.executable, str(script)]
    with Subscriber(broker) as seen, daemon, reach(tmp_path) as client:
        seen.wait_for(lambda m: m.topic == "edge-fer/test/availability" and m.payload == "online", timeout=180)
        assert ask_over_mqtt(broker, seen, "blink", times=3)["result"] == {"blinked": 3}
        assert ask_over_mqtt(broker, seen, "blink")["error"] == "malformed"
        assert client.command("blink", {"times": 4}) == {"blinked": 4}
        assert client.ask("hello")["commands"]["blink"] == "operator"
        audited = seen.wait_for(lambda m: m.topic == "edge-fer/test/audit", count=2)
        assert [(one.json["via"], one.json["fields"]) for one in audited] == [
            ("mqtt", {"times": 3}), ("socket", {"times": 4}),
        ]  # fmt: skip
        assert daemon.stop() == 0
