"""A real Home Assistant with nothing but its MQTT integration, run by its own Python with: PORT FOLDER AUTOMATIONS.

AUTOMATIONS is a list of them as YAML. With each line on its standard input, it prints what it knows, as one line of
JSON; it ends with its standard input. Knows nothing of ours.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path

from homeassistant import bootstrap, config_entries, const, core, loader, setup
from homeassistant.helpers import device_registry, entity_registry
from homeassistant.util import yaml


class Complaints(logging.Handler):
    """Warnings and errors, as people would find them in the log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = f"{record.levelname} {record.name}: {record.getMessage()}"
        self.said.append(text if record.exc_info is None else f"{text} ({record.exc_info[1]!r})")


def mqtt_entry(port: int) -> config_entries.ConfigEntry:
    """What somebody has entered on the page of the MQTT integration."""
    from types import MappingProxyType

    from homeassistant.components.mqtt.config_flow import CONFIG_ENTRY_MINOR_VERSION, CONFIG_ENTRY_VERSION

    return config_entries.ConfigEntry(
        data={"broker": "127.0.0.1", "port": port, "protocol": "5"},
        discovery_keys=MappingProxyType({}),
        domain="mqtt",
        minor_version=CONFIG_ENTRY_MINOR_VERSION,
        options={"discovery": True},
        source="user",
        subentries_data=None,
        title="MQTT",
        unique_id=None,
        version=CONFIG_ENTRY_VERSION,
    )


async def main(port: int, folder: str, automations: str) -> None:
    complaints = Complaints()
    logging.getLogger().addHandler(complaints)
    hass = core.HomeAssistant(folder)
    loader.async_setup(hass)
    hass.config_entries = config_entries.ConfigEntries(hass, {})
    await bootstrap.async_load_base_functionality(hass)
    # its pages are not needed here
    hass.config.components |= {"homeassistant", "http", "file_upload"}
    await hass.async_start()
    if not hass.config_entries.async_entries("mqtt"):
        await hass.config_entries.async_add(mqtt_entry(port))
    else:
        await hass.config_entries.async_setup(hass.config_entries.async_entries("mqtt")[0].entry_id)
    if automations:
        await setup.async_setup_component(hass, "persistent_notification", {})
        await setup.async_setup_component(hass, "automation", {"automation": yaml.parse_yaml(automations)})
    tell({"version": const.__version__})
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while await lines.readline():
        tell(seen(hass, complaints))
    await hass.async_stop(force=True)


def seen(hass: core.HomeAssistant, complaints: Complaints) -> dict[str, object]:
    entities = entity_registry.async_get(hass).entities.values()
    devices = device_registry.async_get(hass).devices.values()
    return {
        "states": {
            state.entity_id: {"state": state.state, "attributes": dict(state.attributes)}
            for state in hass.states.async_all()
        },
        "entities": {
            entity.entity_id: {"unique_id": entity.unique_id, "disabled": entity.disabled} for entity in entities
        },
        "devices": [{"name": device.name, "sw_version": device.sw_version} for device in devices],
        "notifications": [
            {"title": one["title"], "message": one["message"]}
            for one in hass.data.get("persistent_notification", {}).values()
        ],
        "complaints": complaints.said,
    }


def tell(what: dict[str, object]) -> None:
    print("> " + json.dumps(what, default=str), flush=True)


if __name__ == "__main__":
    Path(sys.argv[2], "configuration.yaml").touch()
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
