"""The flow under `deploy/node-red/` in a real Node-RED, with a real broker: `make test-node-red`."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from tests import mqtt_page
from tests.broker import HOST, Mosquitto, Subscriber, free_port

FLOW = Path(__file__).resolve().parents[2] / "deploy" / "node-red" / "flow.json"
NODE_RED = os.environ.get("EDGE_FER_NODE_RED")
BASE = "edge-fer/counter-1"

#: What a user adds: something that sends on what comes out of `notify`.
SENDER = [
    {"id": "in", "type": "link in", "z": "edge-fer-tab", "x": 0, "y": 0, "name": "", "links": ["edge-fer-notify"]},
    {
        "id": "out",
        "type": "mqtt out",
        "z": "edge-fer-tab",
        "x": 0,
        "y": 0,
        "topic": "said",
        "qos": "1",
        "retain": "false",
    },
]


@pytest.fixture
def said(tmp_path):
    """A broker, and what the flow says to what is published there."""
    if not NODE_RED:
        pytest.skip("needs Node-RED: make test-node-red")
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker, ["said"]) as seen:
        flow = json.loads(FLOW.read_text())
        for node in flow:
            if node["type"] == "mqtt-broker":
                node |= {"broker": HOST, "port": str(broker.port)}
            if node["id"] == "edge-fer-notify":
                node["links"] = ["in"]
        SENDER[0]["wires"], SENDER[1]["wires"], SENDER[1]["broker"] = [["out"]], [], "edge-fer-broker"
        SENDER[1] |= {"topic": "said"}
        (tmp_path / "flows.json").write_text(json.dumps([*flow, *SENDER]))
        (tmp_path / "settings.js").write_text("module.exports = {flowFile: 'flows.json', httpAdminRoot: false}")
        command = [NODE_RED, "--userDir", str(tmp_path), "--port", str(free_port())]
        with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
            try:
                deadline = time.monotonic() + 60
                while broker.log.count("edge-fer/+/") < 3:
                    assert process.poll() is None, (tmp_path / "log").read_text()
                    assert time.monotonic() < deadline, (tmp_path / "log").read_text()
                    time.sleep(0.2)
                assert "error" not in (tmp_path / "log").read_text().lower()
                yield broker, seen
            finally:
                process.terminate()
                process.wait(10)


def test_what_fires_and_ends_and_who_is_gone_is_said_once(said):
    broker, seen = said
    alert = mqtt_page.examples()["alert_event"]

    def tell(**change):
        broker.publish(f"{BASE}/camera/front/alert_event", json.dumps(alert | change))

    broker.publish(f"{BASE}/availability", "online", retain=True)
    tell(seq=1)
    tell(seq=1)
    tell(seq=2, replayed=True)
    tell(seq=3, event_type="resolved", reason="left")
    for word in ("offline", "offline", "online"):
        broker.publish(f"{BASE}/availability", word, retain=True)
    last = f"back: {BASE}/availability"
    seen.wait_for(lambda m: m.payload == last)
    assert sorted(message.payload for message in seen.messages) == sorted([
        f"warning: unhappy-guest at counter-1/front since {alert['since']}",
        "over: unhappy-guest at counter-1/front (left)",
        f"gone: {BASE}/availability",
        last,
    ])  # fmt: skip
