"""`edge-fer config`: check the config, show its defaults, what is in force and why, and a schema for editors."""

from __future__ import annotations

import argparse

from edge_fer.cli._config_arguments import add_config_arguments, load_from
from edge_fer.cli._say import say, say_json, say_ours
from edge_fer.cli._verbs import Subparsers, add_verb
from edge_fer.config.engine.plain_secrets import REMEDY, cameras_with_secrets
from edge_fer.config.output.default import default_yaml
from edge_fer.config.output.explain import explain
from edge_fer.config.output.schema import json_schema

__all__ = ["add_parser"]

_CONFIG = "Check the config, show what is in force and why, its defaults, and a schema for editors."
_CHECK = """\
Reads all layers of the config and tells every fault at once, each with file, line, key, value and remedy.
Exit status: 0 if the config is valid, 78 if not.
"""
_EXPLAIN = """\
Lists every setting in force: its key, its value, and where that came from (default, profile, file and line, -o).
A value out of the environment shows as ${NAME}. Of a camera's faces, emotion and alerts, only what differs from
the global ones is listed. Exit status: 0, or 78 if the config is not valid.
"""
_DEFAULT = """\
Prints the default config as YAML, with a sentence above every setting.
"""
_SCHEMA = """\
Prints a JSON Schema of the config, with which an editor helps while you type.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Add the verb and its own verbs."""
    parser = subparsers.add_parser("config", help="check, explain and show the config", description=_CONFIG)
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)

    for name, summary, description, handler in (
        ("check", "tell all that is wrong with the config", _CHECK, _check),
        ("explain", "show what is in force, and why", _EXPLAIN, _explain),
    ):
        add_config_arguments(add_verb(verbs, name, help=summary, description=description, handler=handler))
    default = add_verb(
        verbs, "default", help="print the default config, with comments", description=_DEFAULT, handler=_default
    )
    default.add_argument(
        "--commented", action="store_true", help="comment every setting out, as in the file that is installed"
    )
    add_verb(verbs, "schema", help="print a JSON Schema for editors", description=_SCHEMA, handler=_schema)


def _check(args: argparse.Namespace) -> int:
    loaded = load_from(args)
    say("The config is valid. Its layers, the lowest first:")
    for layer in loaded.layers:
        say(f"  {layer}")
    for fault in loaded.set_aside:
        say(f"What was set over MQTT and no longer fits is set aside: {fault}")
    for camera in cameras_with_secrets(loaded):
        say(f"A password or key is written in cameras.{camera}.source. {REMEDY}.")
    return 0


def _explain(args: argparse.Namespace) -> int:
    rows = explain(load_from(args))
    path_width = max(len(row.path) for row in rows)
    value_width = min(40, max(len(row.value) for row in rows))
    for row in rows:
        say(f"{row.path:{path_width}}  {row.value:{value_width}}  {row.origin}")
    return 0


def _default(args: argparse.Namespace) -> int:
    say_ours(default_yaml(commented=args.commented).removesuffix("\n"))
    return 0


def _schema(_: argparse.Namespace) -> int:
    say_json(json_schema())
    return 0
