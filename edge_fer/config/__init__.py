"""The config: one typed tree (`tree`), loaded from layers of YAML (`engine/`), every fault told at once."""

from __future__ import annotations

from edge_fer.config.engine.faults import ConfigFaults, Fault
from edge_fer.config.engine.layers import Layer
from edge_fer.config.engine.loading import (
    BOOT_COPY,
    BOOT_FILE,
    SETTINGS_NAME,
    SYSTEM_FILE,
    Loaded,
    load,
    standard_files,
)
from edge_fer.config.tree import Config

__all__ = [
    "BOOT_COPY",
    "BOOT_FILE",
    "SETTINGS_NAME",
    "SYSTEM_FILE",
    "Config",
    "ConfigFaults",
    "Fault",
    "Layer",
    "Loaded",
    "load",
    "standard_files",
]
