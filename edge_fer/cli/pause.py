"""`edge-fer pause`: has a camera looked at no more, until `edge-fer resume`."""

from __future__ import annotations

import argparse

from edge_fer.cli._control import EXIT, add_socket_argument, carried_out
from edge_fer.cli._say import say
from edge_fer.cli._verbs import Subparsers, add_verb

__all__ = ["add_parser"]

_DESCRIPTION = f"""\
Has the running daemon look at no frame of a camera until `edge-fer resume`, or for the time that --for gives, over
restarts, too. A live camera is let go of. Whoever was in view is given up, and alerts end. {EXIT}
"""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the verb."""
    parser = add_verb(subparsers, "pause", help="look no more, until resume", description=_DESCRIPTION, handler=_pause)
    parser.add_argument("camera", metavar="CAMERA", nargs="?", help="the camera; left out, all of them")
    parser.add_argument("--for", dest="duration", metavar="TIME", help="for how long, such as 2h, at most 7d")
    parser.add_argument(
        "--reason", metavar="TEXT", help="why, for those who look after it; others may read it, so name nobody"
    )
    add_socket_argument(parser)


def _pause(args: argparse.Namespace) -> int:
    result = carried_out(args, "pause", {"camera": args.camera, "for": args.duration, "reason": args.reason})
    until = f" until {result['until']}" if result["until"] else ""
    say(f"Paused{until}: {', '.join(result['cameras'])}. `edge-fer resume` ends it.")
    return 0
