"""From the config to objects: the one place that knows every maker."""

from __future__ import annotations

from edge_fer.wiring.broker import broker_settings
from edge_fer.wiring.camera import find_source
from edge_fer.wiring.meaning import alerts_alone_differ, build_rules, build_scale, build_summaries, longest_gap
from edge_fer.wiring.remote import Remote
from edge_fer.wiring.service import build_service
from edge_fer.wiring.source import overview_of, play
from edge_fer.wiring.vision import build_pipeline, build_stages, make_smoother

__all__ = [
    "Remote",
    "alerts_alone_differ",
    "broker_settings",
    "build_pipeline",
    "build_rules",
    "build_scale",
    "build_service",
    "build_stages",
    "build_summaries",
    "find_source",
    "longest_gap",
    "make_smoother",
    "overview_of",
    "play",
]
