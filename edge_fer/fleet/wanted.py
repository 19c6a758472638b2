"""The configs that are wanted of nodes: as they stand in the folder, and as they are published. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from edge_fer.contract.messages.fleet import desired_text, revision_of
from edge_fer.fleet.folder import FleetFolder
from edge_fer.fleet.nodes import FleetNode

__all__ = ["message_for", "revisions_wanted", "wanted_of"]


def wanted_of(folder: FleetFolder, node: FleetNode) -> dict[str, dict[str, Any]]:
    """The configs that are wanted of a node by scope, the lowest first; without those that want nothing.

    The node's own ring and groups are part of its own scope: so a node moves to others without a new card.
    """
    found = {scope: folder.desired(scope) for scope in folder.topics_of(node)}
    found[node.name] = {**found[node.name], "fleet": {"ring": node.ring, "groups": list(node.groups)}}
    return {scope: config for scope, config in found.items() if config}


def revisions_wanted(folder: FleetFolder, node: FleetNode) -> dict[str, str]:
    """The revisions of those configs, by scope."""
    return {scope: revision_of(config) for scope, config in wanted_of(folder, node).items()}


def message_for(config: Mapping[str, Any], by: str) -> str:
    """What is published of a wanted config."""
    return json.dumps(desired_text(config, by), ensure_ascii=False)
