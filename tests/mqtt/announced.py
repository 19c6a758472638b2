"""What a node announces to Home Assistant."""

from __future__ import annotations

from edge_fer.config import Layer, load
from edge_fer.wiring.discovery import build_discovery


def announced(config: str):
    settings = load([Layer("test", f"node: {{id: counter-1}}\n{config}")], settings=False).config
    return build_discovery(settings)[1]
