"""`edge-fer version`: what this is, for bug reports."""

from __future__ import annotations

import argparse
import platform
from importlib.metadata import version

from edge_fer import __version__
from edge_fer.cli._say import say
from edge_fer.cli._verbs import Subparsers, add_verb
from edge_fer.emotion.classifier import packaged_model
from edge_fer.emotion.sidecar import Sidecar, beside
from edge_fer.inference.runtime import available

__all__ = ["add_parser"]


def add_parser(subparsers: Subparsers) -> None:
    """Adds the verb."""
    description = "Shows the version of edge-fer and its parts."
    add_verb(subparsers, "version", help="show versions, for bug reports", description=description, handler=_version)


def _version(_: argparse.Namespace) -> int:
    sidecar = Sidecar.load(beside(packaged_model()))
    rows = {
        "edge-fer": __version__,
        "model": f"{sidecar.name} (sha256 {sidecar.sha256[:12]})",
        "TFLite runtime": ", ".join(f"{name} {version(name.replace('_', '-'))}" for name in available()) or "none",
        "Python": platform.python_version(),
        "system": platform.platform(),
    }
    for name, value in rows.items():
        say(f"{name:15} {value}")
    return 0
