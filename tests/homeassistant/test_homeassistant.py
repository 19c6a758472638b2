"""A real Home Assistant, a real broker and the real daemon: what appears, what it shows, what disappears.

`make test-homeassistant` runs it, with a Python that has Home Assistant installed.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest

from tests.broker import Mosquitto, Subscriber
from tests.daemon import Daemon, edge_fer
from tests.discovering import EVERYBODY, ON, TOPIC
from tests.running import ENDLESS, config

PYTHON = os.environ.get("EDGE_FER_HOMEASSISTANT")
INSTANCE = Path(__file__).with_name("instance.py")
AUTOMATIONS = Path(__file__).resolve().parents[2] / "deploy" / "homeassistant" / "automations.yaml"
NOT_WATCHED = "The counter is not watched any more"

pytestmark = [
    pytest.mark.skipif(not PYTHON, reason="needs a Home Assistant: make test-homeassistant"),
    pytest.mark.timeout(300),
]


class HomeAssistant:
    """One that runs, with a memory in a folder of its own.

    Args:
        broker: what it is connected to.
        folder: for its config and registries, as it sees it.
        automations: a list of them, as YAML.
    """

    def __init__(self, broker: Mosquitto, folder: str, automations: str) -> None:
        self._command = [*shlex.split(PYTHON or ""), "-c", INSTANCE.read_text(), str(broker.port), folder, automations]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.version = self._answer()["version"]
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def look(self) -> dict[str, Any]:
        """What it knows."""
        assert self._process.stdin
        self._process.stdin.write("look\n")
        self._process.stdin.flush()
        return self._answer()

    def wait_for(self, condition: Callable[[dict[str, Any]], object], timeout: float = 40) -> dict[str, Any]:
        """Waits until it knows something."""
        deadline = time.monotonic() + timeout
        while not condition(found := self.look()):
            assert time.monotonic() < deadline, json.dumps(found, indent=1)
            time.sleep(0.3)
        return found

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        for line in self._process.stdout:
            if line.startswith("> "):
                answer: dict[str, Any] = json.loads(line[2:])
                return answer
        msg = "Home Assistant has ended"
        raise AssertionError(msg)


def complaints(found):
    """What it has to say about MQTT."""
    return [line for line in found["complaints"] if "components.mqtt" in line]


def test_the_device_appears_shows_what_there_is_and_disappears(tmp_path_factory):
    folder = tmp_path_factory.mktemp("homeassistant")
    memory = os.environ.get("EDGE_FER_HOMEASSISTANT_FOLDER", str(folder))
    brief = EVERYBODY | {"cooldown": "0s"}
    rules = {"anybody": brief, "nobody": {"when": {"no_face": True}}}
    more = {"summaries": {"windows": ["10s", "1m"]}, "mood": {"min_read": "100ms"}, "homeassistant": ON}
    broker = Mosquitto(folder / "broker")
    node = Daemon(folder, config(broker, ENDLESS, alerts=rules, **more))
    automations = AUTOMATIONS.read_text().replace("counter_1", "test").replace('"00:02:00"', '"00:00:02"')
    with broker, Subscriber(broker, ["homeassistant/#"]) as seen, node as daemon:
        seen.wait_for(lambda m: m.topic == TOPIC, timeout=30)
        with HomeAssistant(broker, memory, automations) as home:
            print("Home Assistant", home.version)
            announced = json.loads(seen.messages[0].payload)["components"]
            found = home.wait_for(lambda now: len(now["entities"]) == len(announced))
            assert {entity["unique_id"] for entity in found["entities"].values()} == {
                component["unique_id"] for component in announced.values()
            }
            assert [device["name"] for device in found["devices"]] == ["test"]
            switched_off = {e["unique_id"] for e in found["entities"].values() if e["disabled"]}
            assert switched_off == {c["unique_id"] for c in announced.values() if not c.get("enabled_by_default", True)}

            def state(name):
                return lambda now: now["states"][name]["state"] not in {"unknown", "unavailable"}

            for name in ("mood", "people", "satisfaction", "distress", "frame_rate", "view"):
                home.wait_for(state(f"sensor.test_front_{name}"))
            home.wait_for(state("event.test_front_event"))
            home.wait_for(state("event.test_front_alert"))
            home.wait_for(lambda now: now["states"]["binary_sensor.test_front_anybody"]["state"] == "on")
            now = home.wait_for(lambda now: now["states"]["binary_sensor.test_front_anybody"]["state"] == "off")
            assert now["states"]["event.test_front_alert"]["attributes"]["rule"] == "anybody"
            assert now["states"]["binary_sensor.test_front_anybody"]["attributes"]["rule"] == "anybody"
            assert now["states"]["binary_sensor.test_front_camera"]["state"] == "on"
            assert complaints(now) == []
            now = home.wait_for(lambda now: now["notifications"])
            assert {one["title"] for one in now["notifications"]} == {"anybody"}
            assert all(one["message"].startswith("front, warning, since 20") for one in now["notifications"])

            # its birth message was answered
            seen.wait_for(lambda m: m.topic == TOPIC, count=2, timeout=15)

            # an alert that the config no longer has is gone, and the others stay
            fewer = config(broker, ENDLESS, alerts={"anybody": brief}, **more)
            daemon.configure(fewer)
            daemon.send(signal.SIGHUP)
            home.wait_for(lambda now: "binary_sensor.test_front_nobody" not in now["entities"])
            assert len(home.look()["entities"]) == len(announced) - 1
            assert TOPIC in broker.retained("homeassistant/#"), "it was not cleared with the entity"

            # who ends, or is killed, is unavailable
            daemon.send(signal.SIGKILL)
            home.wait_for(lambda now: now["states"]["sensor.test_front_mood"]["state"] == "unavailable")
            home.wait_for(lambda now: now["states"]["sensor.test_backlog"]["state"] == "unavailable")

            home.wait_for(lambda now: any(one["title"] == NOT_WATCHED for one in now["notifications"]))

            ended = edge_fer("discovery", "remove", "-o", f"mqtt.broker={broker.url}", "-o", "node.id=test")
            assert ended.returncode == 0, ended.stderr
            home.wait_for(lambda now: not now["entities"] and not now["devices"])
