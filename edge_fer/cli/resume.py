"""`edge-fer resume`: ends a pause."""

from __future__ import annotations

import argparse

from edge_fer.cli._control import EXIT, add_socket_argument, carried_out
from edge_fer.cli._say import say
from edge_fer.cli._verbs import Subparsers, add_verb

__all__ = ["add_parser"]

_DESCRIPTION = f"""\
Has the running daemon look again at a camera that was paused. {EXIT}
"""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the verb."""
    parser = add_verb(subparsers, "resume", help="look again", description=_DESCRIPTION, handler=_resume)
    parser.add_argument("camera", metavar="CAMERA", nargs="?", help="the camera; left out, all of them")
    add_socket_argument(parser)


def _resume(args: argparse.Namespace) -> int:
    result = carried_out(args, "resume", {"camera": args.camera})
    say(f"Looked at again: {', '.join(result['cameras'])}.")
    return 0
