"""What Home Assistant accepts in a device discovery payload, read out of its source and documentation.

From `homeassistant/components/mqtt/` of Home Assistant 2026.2.3: `schemas.py` (device, origin, availability, what all
entities share), `sensor.py`, `binary_sensor.py`, `event.py`; the units from `components/sensor/const.py`. Only what we
use is listed, so that anything new must be looked up first. `test_homeassistant.py` asks a real one.
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["complaints_about"]

ROOT = {"device", "origin", "availability", "availability_mode", "components"}
DEVICE = {"identifiers", "name", "manufacturer", "model", "sw_version", "suggested_area"}
ORIGIN = {"name", "sw_version"}
#: Any entity.
ENTITY = {"platform", "unique_id", "name", "icon", "state_topic", "value_template", "qos"}
ENTITY |= {"availability", "availability_mode", "entity_category", "enabled_by_default", "device_class"}
ENTITY |= {"json_attributes_topic"}
MORE = {
    "sensor": {"expire_after", "options", "state_class", "suggested_display_precision", "unit_of_measurement"},
    "binary_sensor": {"expire_after", "payload_on", "payload_off"},
    "event": {"event_types"},
}
#: Of those classes that we use: what they may be measured in; None: without a unit.
UNITS = {
    "temperature": {"°C", "°F", "K"},
    "duration": {"d", "h", "min", "s", "ms", "μs"},
    "data_size": {"B", "kB", "MB", "GB"},
    "enum": {None},
}
BINARY = {"problem", "connectivity"}
STATE_CLASSES = {"measurement", "total", "total_increasing"}


def complaints_about(payload: dict[str, Any]) -> list[str]:
    """What is wrong with a payload."""
    found = [f"root: {key}" for key in payload.keys() ^ ROOT]
    device, origin = payload["device"], payload["origin"]
    found += [f"device: {key}" for key in device.keys() - DEVICE] + [f"origin: {key}" for key in origin.keys() - ORIGIN]
    found += [
        f"{part} is missing" for part, given in (("identifiers", device), ("name", origin)) if not given.get(part)
    ]
    found += _availability("root", payload["availability"])
    if payload["availability_mode"] not in {"all", "any", "latest"}:
        found.append("availability_mode")
    ids = [component["unique_id"] for component in payload["components"].values() if len(component) > 1]
    found += [f"{one} is no unique id" for one in ids if ids.count(one) > 1]
    for key, component in payload["components"].items():
        found += [f"{key}: {complaint}" for complaint in _component(component)]
    return found


def _component(given: dict[str, Any]) -> list[str]:
    platform = given["platform"]
    if len(given) == 1:
        return [] if platform in MORE else ["no platform of ours"]
    found = [f"{key} is not known" for key in given.keys() - ENTITY - MORE[platform]]
    found += [f"{key} is missing" for key in {"unique_id", "state_topic"} - given.keys()]
    found += [f"{key} is no topic" for key in given if key.endswith("_topic") and not _topic(given[key])]
    found += _availability("its own", given.get("availability", []))
    if "icon" in given and not re.fullmatch(r"mdi:[a-z0-9-]+", given["icon"]):
        found.append("icon")
    if given.get("entity_category", "diagnostic") not in {"config", "diagnostic"}:
        found.append("entity_category")
    if platform == "sensor":
        found += _sensor(given)
    elif platform == "binary_sensor" and given.get("device_class", "problem") not in BINARY:
        found.append("device_class")
    elif platform == "event" and not (given.get("event_types") and all(map(str.strip, given["event_types"]))):
        found.append("event_types")
    return found


def _sensor(given: dict[str, Any]) -> list[str]:
    found = []
    device_class, unit = given.get("device_class"), given.get("unit_of_measurement")
    if device_class is not None and unit not in UNITS.get(device_class, set()):
        found.append(f"{unit} does not go with {device_class}")
    if (device_class == "enum") != ("options" in given) or given.get("options") == []:
        found.append("options go with enum")
    if device_class == "enum" and "state_class" in given:
        found.append("enum has no state_class")
    if given.get("state_class", "measurement") not in STATE_CLASSES:
        found.append("state_class")
    return found


def _availability(whose: str, given: list[dict[str, str]]) -> list[str]:
    return [f"availability of {whose}: {one}" for one in given if one.keys() != {"topic"} or not _topic(one["topic"])]


def _topic(topic: str) -> bool:
    return bool(topic) and not re.search(r"[+#\0]", topic)
