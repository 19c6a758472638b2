"""What Home Assistant is told of this node: one message, from which it makes a device with all its entities.

The form is Home Assistant's "device discovery payload" (https://www.home-assistant.io/integrations/mqtt/), written with
whole words rather than their abbreviations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edge_fer.contract.topics import Topics
from edge_fer.homeassistant.entities import Announced, components_of

__all__ = ["discovery_payload", "discovery_topic"]


def discovery_topic(prefix: str, node: str) -> str:
    """Where the node is announced; retained.

    Args:
        prefix: what Home Assistant's discovery topics begin with.
        node: the node's name.
    """
    return f"{prefix}/device/{node}/config"


def discovery_payload(node: Announced, *, announced: Mapping[str, str]) -> dict[str, Any]:
    """The whole message.

    Args:
        node: what there is.
        announced: platforms of all components that were ever announced, by key; those that are no longer there are
            named with their platform alone, which has Home Assistant remove them.
    """
    components = components_of(node)
    gone = {key: {"platform": platform} for key, platform in announced.items() if key not in components}
    return {
        "device": {
            "identifiers": [f"edge-fer.{node.name}"],
            "name": node.name,
            "manufacturer": "edge-fer",
            "model": "Facial-emotion sensor",
            "sw_version": node.version,
            # a hint for a new device; where somebody has moved it, it stays
            **({"suggested_area": node.site} if node.site else {}),
        },
        "origin": {"name": "edge-fer", "sw_version": node.version},
        "availability": [{"topic": Topics(node.name, node.prefix).availability}],
        "availability_mode": "all",
        "components": components | gone,
    }
