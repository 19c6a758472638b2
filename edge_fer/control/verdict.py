"""Whether all is well with a node, or what needs somebody: from the state that the control socket tells. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from edge_fer.notify.troubles import NodeFacts, troubles_of

__all__ = ["INVENTED", "Need", "needs_in"]

#: What a source begins with whose people are invented.
INVENTED: Final = "sample:"
#: Views in which nothing can be watched.
_BLIND: Final = frozenset({"covered", "moved"})
#: Degrees Celsius from which a Raspberry Pi slows down.
_WARM: Final = 80.0


@dataclass(frozen=True, slots=True)
class Need:
    """Something that needs somebody.

    Attributes:
        what: such as `camera_lost`; its words are the text `need_…`, what to do about it `remedy_…`.
        name: of the camera, rule, certificate or sink; empty: of none.
        facts: numbers and reasons to tell.
    """

    what: str
    name: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


def needs_in(state: Mapping[str, Any]) -> Sequence[Need]:
    """What needs somebody now, the most urgent first; nothing: all is well.

    Troubles are those of which notifications tell, without waiting for how long they last.

    Args:
        state: as the control socket tells it.
    """
    return [*_alerts(state), *_troubles(state), *_device(state)]


def _alerts(state: Mapping[str, Any]) -> Iterator[Need]:
    for camera, told in state["cameras"].items():
        for rule in told["rules"] or ():
            for alert in rule["alerts"]:
                if alert["state"] == "firing" and not alert["acknowledged"]:
                    yield Need("alert", rule["rule"], {"camera": camera})


def _troubles(state: Mapping[str, Any]) -> Iterator[Need]:
    cameras, health, broker = state["cameras"], state["health"], state["broker"]
    ends = {name: health["mqtt"].get(f"{name}_certificate_ends") for name in ("broker", "client")}
    facts = NodeFacts(
        lost=frozenset(name for name, camera in cameras.items() if not (camera["online"] or camera["paused"])),
        blind=frozenset(name for name, camera in cameras.items() if camera["online"] and camera["view"] in _BLIND),
        # without an address, nothing is to be published
        connected=broker["connected"] if broker["address"] else None,
        depth=health["outbox"]["depth"],
        certificates={name: datetime.fromisoformat(end).timestamp() for name, end in ends.items() if end},
    )
    for key, numbers in sorted(troubles_of(facts, datetime.fromisoformat(state["ts"]).timestamp())):
        what, _, name = key.partition(":")
        why = {"camera_lost": cameras.get(name, {}).get("problem", ""), "broker_lost": broker["problem"]}.get(what, "")
        yield Need(what, name, {**numbers, "why": why})


def _device(state: Mapping[str, Any]) -> Iterator[Need]:
    health = state["health"]
    if not state["clock_synced"]:
        yield Need("clock_off")
    if "under_voltage" in (health["throttling"] or ()):
        yield Need("power_low")
    elif health["throttling"] or (health["temperature_c"] or 0.0) >= _WARM:
        yield Need("too_warm")
    for name, sink in health["sinks"].items():
        # that of the broker is told already
        if not sink["working"] and name != "mqtt":
            yield Need("sink_fails", name, {"why": sink["problem"]})
