"""The entities that a node has in Home Assistant, and where in our messages their values are.

A component's key never changes its platform: Home Assistant knows both together. Keys and unique ids are made with
dots, which no name of ours has, so that no two can be the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, get_args

from edge_fer.contract.messages import AlertEventDraft
from edge_fer.contract.topics import PREFIX, Topics
from edge_fer.types import UNCERTAIN, Distress, EventKind, View

__all__ = ["Announced", "Component", "Watching", "components_of"]

#: One entity, as Home Assistant reads it.
Component: TypeAlias = dict[str, Any]

_DIAGNOSTIC = {"entity_category": "diagnostic"}
_MEASURED = {"state_class": "measurement"}
_OPTIONAL = {"enabled_by_default": False}
#: For what must not be missed; Home Assistant does not take over a `qos` that all would share.
_SURE = {"qos": 1}
_ALERT_EVENTS = list(get_args(AlertEventDraft.model_fields["event_type"].annotation))


@dataclass(frozen=True, slots=True)
class Watching:
    """One camera, as far as Home Assistant is concerned.

    Attributes:
        labels: the emotions that are told apart.
        alerts: the names of its rules.
        attributes: whether further attributes of people are read.
    """

    labels: Sequence[str]
    alerts: Sequence[str] = ()
    attributes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """What there is to announce.

    Attributes:
        name: the node's name.
        site: where it stands, in its owner's words; may be empty.
        version: of edge-fer.
        cameras: by name.
        window: the shortest window that is summed up, as written in messages, and its length in seconds; None: none.
        events: whether anything but summaries is published about people.
        health_every: seconds between two `health` messages.
        prefix: what its topics begin with.
    """

    name: str
    version: str
    cameras: Mapping[str, Watching]
    site: str = ""
    window: tuple[str, float] | None = field(default=("1m", 60.0))
    events: bool = True
    health_every: float = 30.0
    prefix: str = PREFIX


def components_of(node: Announced) -> dict[str, Component]:
    """Every entity, by a key that stays the same for ever."""
    topics = Topics(node.name, node.prefix)
    found = _of_node(node, topics)
    for camera, watching in node.cameras.items():
        # everything but whether the camera is there needs the camera, too
        there = {"availability": [{"topic": topics.availability}, {"topic": topics.camera_availability(camera)}]}
        found[f"{camera}.online"] = _online(topics, camera)
        seen = _of_camera(node, topics, camera, watching)
        found |= {f"{camera}.{key}": component | there for key, component in seen.items()}
    return {
        key: {"platform": component.pop("platform"), "unique_id": f"edge-fer.{node.name}.{key}", **component}
        for key, component in found.items()
    }


def _of_node(node: Announced, topics: Topics) -> dict[str, Component]:
    told = {"state_topic": topics.health, **_expiry(node)}

    def sensor(name: str, icon: str, template: str, **more: Any) -> Component:
        return _sensor(name, icon, template, **told, **_DIAGNOSTIC, **more)

    def problem(name: str, icon: str, template: str) -> Component:
        return _binary(name, template, device_class="problem", icon=icon, **told, **_DIAGNOSTIC)

    return {
        "temperature": sensor(
            "temperature",
            "mdi:thermometer",
            "{{ value_json.temperature_c }}",
            device_class="temperature",
            unit_of_measurement="°C",
            suggested_display_precision=0,
            **_MEASURED,
        ),
        "throttled": problem(
            "throttled",
            "mdi:speedometer-slow",
            "{{ None if value_json.throttling is none else 'ON' if value_json.throttling else 'OFF' }}",
        ),
        "clock": problem("clock", "mdi:clock-alert-outline", "{{ 'OFF' if value_json.clock_synced else 'ON' }}"),
        "backlog": sensor(
            "backlog",
            "mdi:tray-full",
            "{{ value_json.outbox.depth }}",
            unit_of_measurement="messages",
            **_MEASURED,
        ),
        "backlog_age": sensor(
            "backlog age",
            "mdi:tray-alert",
            "{{ value_json.outbox.oldest_s }}",
            device_class="duration",
            unit_of_measurement="s",
            **_OPTIONAL,
            **_MEASURED,
        ),
        "given_up": sensor(
            "messages given up",
            "mdi:tray-remove",
            "{{ value_json.outbox.dropped.values() | sum }}",
            unit_of_measurement="messages",
            state_class="total_increasing",
        ),
        "memory": sensor(
            "memory",
            "mdi:memory",
            "{{ (value_json.rss_bytes / 1000000) | round(1) }}",
            device_class="data_size",
            unit_of_measurement="MB",
            **_OPTIONAL,
            **_MEASURED,
        ),
        "uptime": sensor(
            "uptime",
            "mdi:timer-outline",
            "{{ value_json.uptime_s | round }}",
            device_class="duration",
            unit_of_measurement="s",
            **_OPTIONAL,
        ),
    }


def _of_camera(node: Announced, topics: Topics, camera: str, watching: Watching) -> dict[str, Component]:
    found = {
        "fps": _sensor(
            f"{camera} frame rate",
            "mdi:filmstrip",
            f"{{{{ value_json.cameras['{camera}'].fps }}}}",
            unit_of_measurement="fps",
            suggested_display_precision=1,
            state_topic=topics.health,
            **_expiry(node),
            **_DIAGNOSTIC,
            **_MEASURED,
        )
    }
    if node.window:
        found |= _summed_up(node, topics, camera, *node.window)
    if node.events:
        found |= _at_present(topics, camera, watching)
        found |= {f"alert.{rule}": _alert(topics, camera, rule) for rule in watching.alerts}
        found |= _events(topics, camera, watching)
    return found


def _online(topics: Topics, camera: str) -> Component:
    return {
        "platform": "binary_sensor",
        "name": f"{camera} camera",
        "state_topic": topics.camera_availability(camera),
        "payload_on": "online",
        "payload_off": "offline",
        "device_class": "connectivity",
        **_DIAGNOSTIC,
    }


def _at_present(topics: Topics, camera: str, watching: Watching) -> dict[str, Component]:
    """What the camera's state says."""

    def sensor(name: str, icon: str, template: str, **more: Any) -> Component:
        return _sensor(f"{camera} {name}", icon, template, state_topic=topics.state(camera), **more)

    return {
        "mood": sensor(
            "mood", "mdi:emoticon-outline", "{{ value_json.mood }}", **_one_of([*watching.labels, UNCERTAIN])
        ),
        "people": sensor(
            "people", "mdi:account-group", "{{ value_json.people }}", unit_of_measurement="people", **_MEASURED
        ),
        "confidence": sensor(
            "confidence",
            "mdi:percent-outline",
            "{{ (value_json.confidence * 100) | round }}",
            unit_of_measurement="%",
            **_OPTIONAL,
            **_MEASURED,
        ),
        "satisfaction": sensor(
            "satisfaction", "mdi:emoticon-happy-outline", "{{ value_json.satisfaction }}", **_INDEX, **_MEASURED
        ),
        "view": sensor("view", "mdi:eye-outline", "{{ value_json.view }}", **_one_of(list(View)), **_DIAGNOSTIC),
    }


def _summed_up(node: Announced, topics: Topics, camera: str, window: str, seconds: float) -> dict[str, Component]:
    """What summaries say: of the shortest window, and of none that was kept for long."""
    fresh = f"value_json.window == '{window}' and not value_json.replayed"
    told = {"state_topic": topics.summary(camera), "expire_after": int(2 * seconds + 30)}

    def number(name: str, icon: str, key: str, **more: Any) -> Component:
        # no text at all leaves a number as it is
        template = f"{{{{ value_json.{key} if {fresh} }}}}"
        return _sensor(f"{camera} {name}", icon, template, **told, **_MEASURED, **more)

    levels = list(Distress)
    # but not one of a few words, which must be said again
    kept = f"this.state if this.state in {[str(level) for level in levels]} else None"
    template = f"{{{{ value_json.distress if {fresh} else {kept} }}}}"
    found = {"distress": _sensor(f"{camera} distress", "mdi:emoticon-sad-outline", template, **told, **_one_of(levels))}
    if not node.events:
        found |= {
            "visits": number("visits", "mdi:account-group", "people", unit_of_measurement="visits"),
            "satisfaction": number("satisfaction", "mdi:emoticon-happy-outline", "satisfaction", **_INDEX),
        }
    return found


def _alert(topics: Topics, camera: str, rule: str) -> Component:
    """Whether a rule fires; who for and since when is in the attributes."""
    topic = topics.alert(camera, rule)
    template = "{{ 'ON' if value_json.state == 'firing' else 'OFF' }}"
    return _binary(f"{camera} {rule}", template, device_class="problem", state_topic=topic, json_attributes_topic=topic)


def _events(topics: Topics, camera: str, watching: Watching) -> dict[str, Component]:
    """What happens. Alerts that are told late are told all the same, and say so; other events are not."""
    return {
        "event": {
            "platform": "event",
            "name": f"{camera} event",
            "icon": "mdi:account-arrow-right",
            "state_topic": topics.event(camera),
            "value_template": "{{ '' if value_json.replayed else value }}",
            "event_types": [kind for kind in EventKind if watching.attributes or kind is not EventKind.CHANGED],
            **_SURE,
        },
        "alert_event": {
            "platform": "event",
            "name": f"{camera} alert",
            "icon": "mdi:bell-outline",
            "state_topic": topics.alert_event(camera),
            "event_types": _ALERT_EVENTS,
            **_SURE,
        },
    }


_INDEX = {"suggested_display_precision": 0}


def _sensor(name: str, icon: str, template: str, **more: Any) -> Component:
    return {"platform": "sensor", "name": name, "icon": icon, "value_template": template, **more}


def _binary(name: str, template: str, **more: Any) -> Component:
    return {"platform": "binary_sensor", "name": name, "value_template": template, **more}


def _one_of(values: Sequence[str]) -> Component:
    return {"device_class": "enum", "options": list(values)}


def _expiry(node: Announced) -> Component:
    """What comes regularly is unknown once it stayed out three times."""
    return {"expire_after": int(3 * node.health_every + 5)}
