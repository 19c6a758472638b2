"""`edge-fer silence`: has alert rules send nothing for a while."""

from __future__ import annotations

import argparse

from edge_fer.cli._control import EXIT, add_socket_argument, carried_out
from edge_fer.cli._say import say
from edge_fer.cli._verbs import Subparsers, add_verb

__all__ = ["add_parser"]

_DESCRIPTION = f"""\
Has alert rules of the running daemon send no alert events for a while, over restarts, too. They go on watching, and one
that still fires when that is over is told then. {EXIT}
"""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the verb."""
    parser = add_verb(
        subparsers, "silence", help="have alerts send nothing for a while", description=_DESCRIPTION, handler=_silence
    )
    parser.add_argument("rule", metavar="RULE", nargs="?", help="the alert rule; left out, all of them")
    parser.add_argument("--camera", metavar="CAMERA", help="the camera; left out, all of them")
    how_long = parser.add_mutually_exclusive_group()
    how_long.add_argument(
        "--for", dest="duration", metavar="TIME", default="1h", help="for how long, such as 30m, at most 7d (1h)"
    )
    how_long.add_argument("--end", action="store_true", help="end a silence")
    add_socket_argument(parser)


def _silence(args: argparse.Namespace) -> int:
    duration = "0s" if args.end else args.duration
    result = carried_out(args, "silence", {"rule": args.rule, "camera": args.camera, "for": duration})
    for rule in result["rules"]:
        until = f" until {rule['silenced_until']}" if rule["silenced_until"] else ""
        say(f"{rule['camera']}  {rule['rule']}  {f'silenced{until}' if rule['silenced'] else 'not silenced'}")
    return 0
