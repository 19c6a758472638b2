"""How the nodes are, by what they have published. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from edge_fer.contract.messages import ONLINE
from edge_fer.fleet.folder import FleetFolder
from edge_fer.fleet.wanted import revisions_wanted
from edge_fer.support.json_text import read_json

__all__ = ["NodeStatus", "NodeView", "problems_of", "read_status", "statuses", "topics_to_read"]

#: A node of which no `health` came for so long is silent; it tells it every 30 seconds.
SILENT_AFTER: Final = timedelta(minutes=2)
#: A certificate that ends within this time is to be renewed.
ENDS_WITHIN: Final = timedelta(days=30)
#: Degrees Celsius from which a node is hot, and messages and seconds from which its outbox is backed up.
_HOT, _MANY, _LONG = 80.0, 1000, 600.0


@dataclass(frozen=True, slots=True)
class NodeView:
    """What one node has published, as far as it can be read.

    Attributes:
        availability: `online`, `offline`, or nothing.
        info: as in the contract; empty where there is none.
        health: likewise.
        reported: likewise.
    """

    availability: str = ""
    info: Mapping[str, Any] = field(default_factory=dict)
    health: Mapping[str, Any] = field(default_factory=dict)
    reported: Mapping[str, Any] = field(default_factory=dict)

    @property
    def online(self) -> bool:
        """Whether it says that it is there."""
        return self.availability == ONLINE

    @property
    def version(self) -> str:
        """Of edge-fer; empty where that is not known."""
        return str(self.info.get("version", ""))

    def silent_for(self, now: datetime) -> timedelta | None:
        """How old its health is; None: there is none."""
        told = _moment(self.health.get("ts"))
        return None if told is None else max(timedelta(0), now - told)


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """How one node is."""

    node: str
    site: str
    seen: NodeView
    silent_for: timedelta | None
    problems: tuple[str, ...]

    def row(self) -> tuple[str, ...]:
        """For a table."""
        silent = "" if self.silent_for is None else f"{self.silent_for.total_seconds():.0f} s"
        return (self.node, self.site, self.seen.version, silent, "; ".join(self.problems))

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "node": self.node,
            "site": self.site,
            "online": self.seen.online,
            "version": self.seen.version,
            "silent_for_s": None if self.silent_for is None else round(self.silent_for.total_seconds(), 1),
            "problems": list(self.problems),
        }


def topics_to_read(prefix: str) -> list[str]:
    """What to subscribe to."""
    leaves = ("availability", "info", "health", "config/reported", "config/desired")
    return [*(f"{prefix}/+/{leaf}" for leaf in leaves), f"{prefix}/+/+/config/desired", f"{prefix}/+/certificate/+"]


def read_status(folder: FleetFolder, values: Mapping[str, bytes]) -> dict[str, NodeView]:
    """What each node of the fleet has published; what cannot be read is left out."""

    def json_of(node: str, leaf: str) -> Mapping[str, Any]:
        return parsed(values.get(f"{folder.settings.prefix}/{node}/{leaf}", b""))

    return {
        node: NodeView(
            values.get(f"{folder.settings.prefix}/{node}/availability", b"").decode("utf-8", "replace"),
            json_of(node, "info"),
            json_of(node, "health"),
            json_of(node, "config/reported"),
        )
        for node in folder.nodes
    }


def parsed(payload: bytes) -> Mapping[str, Any]:
    """The object in a payload; an empty one where there is none."""
    try:
        found = read_json(payload) if payload else {}
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}


def statuses(folder: FleetFolder, seen: Mapping[str, NodeView], now: datetime) -> list[NodeStatus]:
    """How the nodes are, the worst first."""
    versions = Counter(one.version for one in seen.values() if one.version)
    usual = versions.most_common(1)[0][0] if versions else ""
    found = []
    for name, node in folder.nodes.items():
        one = seen[name]
        problems = problems_of(one, now, usual_version=usual, wanted=revisions_wanted(folder, node))
        found.append(NodeStatus(name, node.site, one, one.silent_for(now), problems))
    return sorted(found, key=lambda one: (-len(one.problems), one.node))


def problems_of(seen: NodeView, now: datetime, *, usual_version: str, wanted: Mapping[str, str]) -> tuple[str, ...]:
    """What is wrong with a node, in words.

    Args:
        seen: what it has published.
        now: the time.
        usual_version: what most nodes run.
        wanted: revisions of the configs that are wanted of it, by scope.
    """
    silent = seen.silent_for(now)
    if silent is None:
        return ("never heard of",)
    found = []
    if not seen.online or silent > SILENT_AFTER:
        found.append("silent")
    if seen.version and seen.version != usual_version:
        found.append(f"version differs from {usual_version}")
    if refused := _map(seen.info.get("update_refused")):
        found.append(f"update refused: {refused.get('version')}: {refused.get('reason')}")
    if seen.health.get("throttling") or _number(seen.health.get("temperature_c")) >= _HOT:
        found.append("hot")
    outbox = _map(seen.health.get("outbox"))
    depth = _number(outbox.get("depth"))
    if depth > _MANY or _number(outbox.get("oldest_s")) > _LONG:
        found.append(f"backed up: {depth:.0f} messages")
    if seen.health.get("clock_synced") is False:
        found.append("clock not synchronised")
    found += [f"camera {name} lost" for name, camera in _map(seen.health.get("cameras")).items() if _lost(camera)]
    ends = _moment(seen.info.get("client_certificate_ends"))
    if ends is not None and ends - now < ENDS_WITHIN:
        found.append("certificate has ended" if ends <= now else f"certificate ends in {(ends - now).days} days")
    found += config_problems(seen.reported, wanted)
    return tuple(found)


def config_problems(reported: Mapping[str, Any], wanted: Mapping[str, str]) -> list[str]:
    """What is wrong with a node's config."""
    taken, faults = _map(reported.get("desired")), reported.get("faults")
    if isinstance(faults, list) and faults:
        first = _map(faults[0])
        return [f"config refused: {first.get('key') or first.get('layer')} {first.get('problem')}"]
    late = [scope for scope, revision in wanted.items() if taken.get(scope) != revision]
    return [f"config differs: {', '.join(late)}"] if late else []


def _lost(camera: Any) -> bool:
    return isinstance(camera, Mapping) and camera.get("online") is False and camera.get("paused") is not True


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> float:
    """The number, or 0 where there is none."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


def _moment(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None
