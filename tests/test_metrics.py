"""Numbers for Prometheus: fetched from the real daemon, read by the library's own parser."""

from __future__ import annotations

import os
import re
import socket
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from edge_fer.contract.messages import Health
from edge_fer.metrics import Metrics, metrics_of
from edge_fer.sample import sample_path
from tests.broker import Mosquitto, Subscriber, free_port
from tests.daemon import Daemon, edge_fer
from tests.mqtt_page import examples

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "metrics.md").read_text(encoding="utf-8")
EVERYTHING = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
ANYBODY = {"when": {"emotion": EVERYTHING, "score": 0.9}, "for": "300ms"}


def fetch(port):
    """Every sample by its name and labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def config(broker, port, **more):
    cameras = {"front": {"source": str(sample_path()), "loop": True}}
    mqtt, alerts = {"broker": broker.url}, {"anybody": ANYBODY}
    return {"cameras": cameras, "mqtt": mqtt, "alerts": alerts, "metrics": {"port": port}} | more


def test_the_daemon_tells_its_numbers_and_its_alerts_on_loopback_alone(tmp_path):
    port = free_port()
    with (
        Mosquitto(tmp_path / "broker") as broker,
        Subscriber(broker) as seen,
        Daemon(tmp_path, config(broker, port)) as daemon,
    ):
        seen.wait_for(lambda m: m.topic.endswith("/alert/anybody") and m.json["state"] == "firing", timeout=180)
        found = fetch(port)
        camera = ("camera", "front")
        assert found["edge_fer_alerts", camera, ("rule", "anybody"), ("state", "firing")] == 1
        assert found["edge_fer_alerts", camera, ("rule", "anybody"), ("state", "pending")] == 0
        assert found["edge_fer_mqtt_connected",] == 1
        assert found["edge_fer_camera_online", camera] == 1
        assert found["edge_fer_camera_frames_total", camera] > 10
        assert found["edge_fer_outbox_dropped_total", ("kind", "event")] == 0
        assert 0 < found["edge_fer_stage_seconds", camera, ("quantile", "0.5"), ("stage", "classify")] < 5
        assert 5e6 < found["edge_fer_resident_memory_bytes",] < 2e9
        sockets = [Path(f"/proc/{daemon.pid}/net/{name}") for name in ("tcp", "tcp6")]
        listening = "".join(file.read_text() for file in sockets if file.exists())
        (address,) = re.findall(rf"([0-9A-F]+):{port:04X} [0-9A-F]+:0000 0A", listening)
        assert address == "0100007F", "nobody else can fetch them"
        assert daemon.stop() == 0
        assert "Traceback" not in daemon.output


def test_with_events_off_no_alert_is_told(tmp_path):
    port = free_port()
    with (
        Mosquitto(tmp_path / "broker") as broker,
        Subscriber(broker) as seen,
        Daemon(tmp_path, config(broker, port, privacy={"events": "off"})) as daemon,
    ):
        seen.wait_for(lambda m: m.topic.endswith("/health"), timeout=180)
        found = fetch(port)
        assert ("edge_fer_camera_online", ("camera", "front")) in found
        assert not [name for name, *_ in found if name == "edge_fer_alerts"]
        daemon.stop()


def test_the_page_names_each_number_and_none_that_is_not_there():
    health = Health.model_validate(examples()["health"])
    told = {sample.name for metric in metrics_of(health, {}) for sample in metric.samples}
    sometimes = {
        "edge_fer_alerts",
        "edge_fer_outbox_oldest_seconds",
        "edge_fer_mqtt_certificate_end_timestamp_seconds",
    }
    assert set(re.findall(r"^\| `(edge_fer_\w+)`", PAGE, re.MULTILINE)) == told | sometimes


def test_every_number_of_health_is_told():
    """Changing one changes what is told; but for the version of MQTT, which is no number."""
    health = examples()["health"]

    def told(changed):
        metrics = metrics_of(Health.model_validate(changed), {})
        return [(s.name, s.labels, s.value) for metric in metrics for s in metric.samples]

    def numbers(value, path=()):
        if isinstance(value, dict):
            for key, inner in value.items():
                yield from numbers(inner, (*path, key))
        elif isinstance(value, int | float) and path[0] not in {"v", "clock_synced"}:
            yield path, value

    def with_value(value, path, new):
        return {**value, path[0]: with_value(value[path[0]], path[1:], new)} if path else new

    found = list(numbers(health))
    assert len(found) > 20
    for path, value in found:
        new = (not value) if isinstance(value, bool) else value + 1
        assert told(with_value(health, path, new)) != told(health), path


def run(tmp_path, port, **options):
    file = tmp_path / "config.yaml"
    file.write_text(f"metrics: {{port: {port}}}\nstate_dir: {tmp_path}/state\ncameras: {{a: {{source: sample}}}}")
    ended = edge_fer("run", "--config", str(file), **options)
    assert "Traceback" not in ended.stderr
    return ended


def test_a_port_that_is_taken_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run(tmp_path, port)
    assert ended.returncode == 1
    assert f"metrics.port: port {port}" in ended.stderr


def test_without_the_library_it_says_what_to_install(tmp_path):
    """Stands in for it one that cannot be imported, as where there is none."""
    (tmp_path / "prometheus_client").mkdir()
    (tmp_path / "prometheus_client" / "__init__.py").write_text("raise ImportError('there is none')")
    ended = run(tmp_path, 9464, env=os.environ | {"PYTHONPATH": str(tmp_path)})
    assert ended.returncode == 78
    assert "prometheus-client" in ended.stderr
    assert "docs/metrics.md" in ended.stderr


def test_it_lets_go_of_its_port():
    port = free_port()
    for _ in range(2):
        metrics = Metrics(port, health=lambda: pytest.fail("nobody asked"), alerts=dict)
        metrics.start()
        metrics.close()
