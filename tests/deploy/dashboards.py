"""The dashboards that come with edge-fer, and what they ask for."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


TELEGRAF = tomllib.loads((DEPLOY / "grafana" / "telegraf.conf").read_text())


GRAFANA = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text())


def flattened(value, name=""):
    """Numbers by name, as Telegraf's `json` format makes fields of them; everything else it leaves out."""
    if isinstance(value, bool) or value is None:
        return {}
    if isinstance(value, int | float):
        return {name: float(value)}
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = {}
    for key, part in parts:
        found |= flattened(part, f"{name}_{key}" if name else str(key))
    return found


def all_values(tree, key):
    """Every value of a key, anywhere in a tree."""
    if isinstance(tree, dict):
        return [value for name, value in tree.items() if name == key] + [
            found for value in tree.values() for found in all_values(value, key)
        ]
    return [found for item in tree for found in all_values(item, key)] if isinstance(tree, list) else []
