"""Tells Prometheus, or vmagent, how all nodes are: by what they publish, so that a silent one is seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from threading import Event
from typing import Any

from edge_fer.errors import FleetError
from edge_fer.fleet.folder import FleetFolder
from edge_fer.fleet.line import OperatorLine
from edge_fer.fleet.status import NodeView, config_problems, read_status, topics_to_read
from edge_fer.fleet.wanted import revisions_wanted

try:
    from prometheus_client import CollectorRegistry, start_http_server
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
except ImportError as error:  # pragma: no cover - the tests have it
    _message = "`edge-fer fleet export` needs the package prometheus-client, which is not installed"
    raise FleetError(_message, remedy="Install it with: pip install 'edge-fer[fleet]'") from error

__all__ = ["export", "metrics_of_fleet"]

_GAUGES = {
    "online": "Whether the node says that it is there.",
    "health_age_seconds": "Age of the node's last health; a node that never told any is left out.",
    "outbox_depth": "Messages that wait in the node's outbox.",
    "outbox_oldest_seconds": "Age of the oldest of them.",
    "temperature_celsius": "Temperature of the node's processor.",
    "throttled": "Whether the firmware slows the node's processor down.",
    "clock_synced": "Whether the node's clock is known to be right.",
    "config_refused": "How many faults the node finds in what is wanted of it.",
    "config_differs": "Whether the config in force is not what the folder has.",
    "client_certificate_end_timestamp_seconds": "When the node's certificate ends.",
}


def metrics_of_fleet(
    folder: FleetFolder, seen: Mapping[str, NodeView], alerts: Mapping[str, int], now: datetime
) -> Iterator[Metric]:
    """How all nodes are.

    Args:
        folder: of the fleet.
        seen: what each node has published.
        alerts: how many alert events each node has sent.
        now: the time.
    """
    gauges = {
        name: GaugeMetricFamily(f"edge_fer_fleet_{name}", text, labels=("node", "site", "ring"))
        for name, text in _GAUGES.items()
    }
    version = GaugeMetricFamily("edge_fer_fleet_version_info", "Version that a node runs.", labels=("node", "version"))
    cameras = GaugeMetricFamily(
        "edge_fer_fleet_camera_online", "Whether a camera delivers frames.", labels=("node", "site", "camera")
    )
    events = CounterMetricFamily(
        "edge_fer_fleet_alert_events", "Alert events that came since the exporter started.", labels=("node", "site")
    )
    for name, node in folder.nodes.items():
        one = seen[name]
        for key, value in _values(
            one, now, differs=bool(config_problems(one.reported, revisions_wanted(folder, node)))
        ):
            gauges[key].add_metric((name, node.site, node.ring), value)
        if one.version:
            version.add_metric((name, one.version), 1.0)
        told = one.health.get("cameras")
        for camera, health in (told if isinstance(told, Mapping) else {}).items():
            if isinstance(health, Mapping) and not health.get("paused"):
                cameras.add_metric((name, node.site, str(camera)), float(bool(health.get("online"))))
        events.add_metric((name, node.site), alerts.get(name, 0))
    yield from (*gauges.values(), version, cameras, events)


def _values(one: NodeView, now: datetime, *, differs: bool) -> Iterator[tuple[str, float]]:
    yield "online", float(one.online)
    if (silent := one.silent_for(now)) is not None:
        yield "health_age_seconds", silent.total_seconds()
    outbox = one.health.get("outbox")
    found: dict[str, Any] = {
        "temperature_celsius": one.health.get("temperature_c"),
        "clock_synced": one.health.get("clock_synced"),
        "throttled": None if one.health.get("throttling") is None else bool(one.health.get("throttling")),
        "config_differs": differs,
    }
    if isinstance(outbox, Mapping):
        found |= {"outbox_depth": outbox.get("depth"), "outbox_oldest_seconds": outbox.get("oldest_s") or 0.0}
    faults = one.reported.get("faults")
    if isinstance(faults, list):
        found["config_refused"] = len(faults)
    yield from ((key, float(value)) for key, value in found.items() if isinstance(value, int | float))
    ends = one.info.get("client_certificate_ends")
    if isinstance(ends, str):
        try:
            yield "client_certificate_end_timestamp_seconds", datetime.fromisoformat(ends).timestamp()
        except ValueError:
            return


class _FleetCollector:
    """Is asked for numbers at each scrape."""

    def __init__(self, folder: FleetFolder, line: OperatorLine) -> None:
        self._folder, self._line = folder, line

    def collect(self) -> Iterator[Metric]:
        """As Prometheus's library asks."""
        # nodes that were added meanwhile, and what is wanted of them
        folder = FleetFolder(self._folder.path)
        values, counts = dict(self._line.values), dict(self._line.counts)
        alerts: Counter[str] = Counter()
        for topic, count in counts.items():
            node, _, rest = topic.removeprefix(f"{folder.settings.prefix}/").partition("/")
            if rest.endswith("/alert_event"):
                alerts[node] += count
        return metrics_of_fleet(folder, read_status(folder, values), alerts, datetime.now(UTC))


def export(folder: FleetFolder, broker: str | None, address: str, port: int, stopped: Event) -> None:
    """Answers until it is stopped.

    Raises:
        FleetError: nobody can listen there.
        BrokerError: the broker cannot be reached at the start; later it is tried again.
    """
    with OperatorLine(folder, "collector", broker) as line:
        prefix = folder.settings.prefix
        line.subscribe([*topics_to_read(prefix), f"{prefix}/+/camera/+/alert_event"])
        registry = CollectorRegistry()
        registry.register(_FleetCollector(folder, line))
        try:
            server, thread = start_http_server(port, address, registry)
        except (OSError, OverflowError) as error:
            msg = f"nobody can listen at {address}:{port}: {getattr(error, 'strerror', None) or error}"
            raise FleetError(msg, remedy="Choose another with --address and --port") from error
        stopped.wait()
        server.shutdown()
        server.server_close()
        thread.join()
