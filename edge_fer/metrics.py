"""The numbers of `health`, and the alerts, for Prometheus to fetch from this device.

Needs the extra `metrics`, so it is imported only where the config asks for it. Names and units follow Prometheus's own
rules (https://prometheus.io/docs/practices/naming/): base units, `_total` for what only counts up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, Metric, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from edge_fer.contract.messages import CameraHealth, Health
from edge_fer.errors import EdgeFerError
from edge_fer.types import AlertState, Standing

__all__ = ["Metrics", "metrics_of"]

log = logging.getLogger(__name__)

_HOST = "127.0.0.1"

#: How the rules of all cameras stand, by camera and rule.
Standings = Mapping[tuple[str, str], Standing]


class _Server(ThreadingMixIn, WSGIServer):
    """One that a slow reader does not keep from others."""

    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    #: Seconds after which a reader that says nothing is hung up on.
    timeout = 10

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as it is called there
        log.debug(format, *args)


class Metrics(Collector):
    """Serves the numbers on loopback, made anew whenever somebody fetches them.

    Args:
        port: where.
        health: how the node is doing.
        alerts: how the alert rules stand.
    """

    def __init__(self, port: int, *, health: Callable[[], Health], alerts: Callable[[], Standings]) -> None:
        self._port = port
        self._health = health
        self._alerts = alerts
        self._server: WSGIServer | None = None

    def start(self) -> None:
        """Begins to listen.

        Raises:
            EdgeFerError: the port is taken.
        """
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        try:
            self._server = make_server(_HOST, self._port, make_wsgi_app(registry), _Server, _Quiet)
        except OSError as error:
            msg = f"metrics.port: port {self._port} of {_HOST} cannot be listened on: {error.strerror}"
            raise EdgeFerError(msg, remedy="Choose another port in `metrics.port`, or 0 for none") from error
        Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()
        log.info("metrics are on http://%s:%d/metrics", _HOST, self._port)

    def close(self) -> None:
        """Ends."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    def collect(self) -> Iterable[Metric]:
        """The numbers as of now."""
        return metrics_of(self._health(), self._alerts())


def metrics_of(health: Health, alerts: Standings) -> Iterator[Metric]:
    """The numbers as Prometheus wants them."""
    yield _gauge("uptime_seconds", "Time since the daemon started.", health.uptime_s)
    yield _gauge("resident_memory_bytes", "Memory the daemon holds.", health.rss_bytes)
    if health.temperature_c is not None:
        yield _gauge("temperature_celsius", "Temperature of the processor.", health.temperature_c)
    if health.throttling is not None:
        yield _gauge("throttled", "Whether the firmware slows the processor down.", bool(health.throttling))
    yield from _of_cameras(health.cameras)
    yield _gauge("mqtt_connected", "Whether there is a connection to the broker.", health.mqtt.connected)
    yield _counter("mqtt_connections", "Connections to the broker since the start.", health.mqtt.connections)
    yield _gauge(
        "mqtt_refusals_seen", "Whether the broker can say that it refuses a message.", health.mqtt.refusals_seen
    )
    ends = GaugeMetricFamily(
        "edge_fer_mqtt_certificate_end_timestamp_seconds",
        "When a certificate of the link ends, told from 30 days before on.",
        labels=["certificate"],
    )
    told = {"broker": health.mqtt.broker_certificate_ends, "client": health.mqtt.client_certificate_ends}
    for whose, end in told.items():
        if end is not None:
            ends.add_metric([whose], datetime.fromisoformat(end).timestamp())
    yield ends
    yield _gauge("outbox_messages", "Messages that wait for the broker.", health.outbox.depth)
    yield _gauge("outbox_bytes", "Space they take on disk.", health.outbox.bytes)
    if health.outbox.oldest_s is not None:
        yield _gauge("outbox_oldest_seconds", "Age of the oldest of them.", health.outbox.oldest_s)
    dropped = CounterMetricFamily("edge_fer_outbox_dropped", "Messages given up, over all runs.", labels=["kind"])
    for kind, count in health.outbox.dropped.model_dump().items():
        dropped.add_metric([kind], count)
    yield dropped
    yield _counter("outbox_damaged", "Messages set aside as damaged, over all runs.", health.outbox.damaged)
    found = GaugeMetricFamily("edge_fer_alerts", "Alerts at present.", labels=["camera", "rule", "state"])
    for (camera, rule), standing in alerts.items():
        for state in (AlertState.PENDING, AlertState.FIRING):
            found.add_metric([camera, rule, state], sum(alert.state is state for alert in standing.alerts))
    yield found


#: Of each camera: the name, what it says, and where it is found.
_GAUGES: tuple[tuple[str, str, Callable[[CameraHealth], float | None]], ...] = (
    ("camera_online", "Whether it delivers frames.", lambda camera: camera.online),
    ("camera_paused", "Whether nothing is looked at, because somebody said so.", lambda camera: camera.paused),
    ("camera_frames_per_second", "Frames that go through the pipeline.", lambda camera: camera.fps),
    ("camera_frames_per_second_limit", "Frames that are taken at most at present.", lambda camera: camera.fps_limit),
)
_COUNTERS: tuple[tuple[str, str, Callable[[CameraHealth], float]], ...] = (
    ("camera_frames", "Frames delivered since the start.", lambda camera: camera.frames),
    ("camera_skipped", "Frames not taken, because they were more than wanted.", lambda camera: camera.skipped),
    ("camera_dropped", "Frames dropped, because a newer one came first.", lambda camera: camera.dropped),
    ("camera_stalls", "Times that it delivered nothing for too long.", lambda camera: camera.stalls),
    ("camera_losses", "Times that it was lost.", lambda camera: camera.losses),
)


def _of_cameras(cameras: Mapping[str, CameraHealth]) -> Iterator[Metric]:
    for name, text, value_in in _GAUGES:
        gauge = GaugeMetricFamily(f"edge_fer_{name}", text, labels=["camera"])
        for camera, doing in cameras.items():
            if (value := value_in(doing)) is not None:
                gauge.add_metric([camera], value)
        yield gauge
    for name, text, count_in in _COUNTERS:
        counter = CounterMetricFamily(f"edge_fer_{name}", text, labels=["camera"])
        for camera, doing in cameras.items():
            counter.add_metric([camera], count_in(doing))
        yield counter
    work = CounterMetricFamily(
        "edge_fer_camera_work", "What was done with its frames since the start.", labels=["camera", "work"]
    )
    latency = GaugeMetricFamily(
        "edge_fer_stage_seconds",
        "What a stage of the pipeline took over its last passes.",
        labels=["camera", "stage", "quantile"],
    )
    for camera, doing in cameras.items():
        for kind, count in doing.work.model_dump().items():
            work.add_metric([camera, kind], count)
        for stage, took in doing.latency_ms.items():
            latency.add_metric([camera, stage, "0.5"], took.median / 1000)
            latency.add_metric([camera, stage, "0.95"], took.p95 / 1000)
    yield work
    yield latency


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"edge_fer_{name}", text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"edge_fer_{name}", text, value=value)
