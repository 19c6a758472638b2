"""`edge-fer set`: sets one key of the config of the running daemon."""

from __future__ import annotations

import argparse
import json
from typing import Any

from edge_fer.cli._control import EXIT, add_socket_argument, carried_out
from edge_fer.cli._say import say
from edge_fer.cli._verbs import Subparsers, add_verb

__all__ = ["add_parser"]

_DESCRIPTION = f"""\
Sets one key of the config of the running daemon, over restarts, too: a threshold, by its key in the config file. The
value is written as there and checked as there. Zones and the hours of alerts can be set as well, by root
alone, as JSON. What is set stands above the config files, and `edge-fer config explain` shows it.
{EXIT}
"""
_EPILOG = """\
examples:
  edge-fer set alerts.unhappy-guest.for 6s
  edge-fer set cameras.front.emotion.min_confidence 0.5
  edge-fer set alerts.unhappy-guest.for --default
  sudo edge-fer set alerts.queue.schedule '["mon-fri 08:00-18:00"]'
  sudo edge-fer set cameras.front.zones.door '{"polygon": [[0, 0], [0.4, 0], [0.4, 1], [0, 1]]}'
"""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the verb."""
    parser = add_verb(
        subparsers, "set", help="set one key of the config", description=_DESCRIPTION, epilog=_EPILOG, handler=_set
    )
    parser.add_argument("key", metavar="KEY", help="its key, such as alerts.unhappy-guest.for")
    value = parser.add_mutually_exclusive_group(required=True)
    value.add_argument("value", metavar="VALUE", nargs="?", help="its value, as in the config file")
    value.add_argument("--default", action="store_true", help="leave it to the config files again")
    add_socket_argument(parser)


def _set(args: argparse.Namespace) -> int:
    value = None if args.default else _value(args.value)
    name = "configure" if _is_structured(args.key, value) else "set"
    result = carried_out(args, name, {"key": args.key, "value": value})
    say(f"{result['key']}: {json.dumps(result['old'])} -> {json.dumps(result['new'])}")
    return 0


def _is_structured(key: str, value: Any) -> bool:
    """Whether the key is a part of the config with several values, for which there is another command."""
    return isinstance(value, dict | list) or ".zones." in key or key.endswith(".schedule")


def _value(text: str) -> Any:
    """What a value means: numbers, switches and lists as in JSON, everything else as text."""
    try:
        return json.loads(text)
    except ValueError:
        return text
