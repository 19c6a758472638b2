"""`edge-fer acknowledge`: says that somebody knows of alerts that fire."""

from __future__ import annotations

import argparse

from edge_fer.cli._control import EXIT, add_socket_argument, carried_out
from edge_fer.cli._say import say
from edge_fer.cli._verbs import Subparsers, add_verb

__all__ = ["add_parser"]

_DESCRIPTION = f"""\
Tells the running daemon that somebody knows of alerts that fire: all, those of a rule or a camera, or one by its id
(`edge-fer status` shows them). They are marked so in their state and in the event that ends them. {EXIT}
"""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the verb."""
    parser = add_verb(
        subparsers,
        "acknowledge",
        help="say that you know of alerts that fire",
        description=_DESCRIPTION,
        handler=_acknowledge,
    )
    parser.add_argument("rule", metavar="RULE", nargs="?", help="the alert rule; left out, all of them")
    parser.add_argument("--camera", metavar="CAMERA", help="the camera; left out, all of them")
    parser.add_argument("--alert", metavar="ID", help="the one alert with this id")
    add_socket_argument(parser)


def _acknowledge(args: argparse.Namespace) -> int:
    asked = {"rule": args.rule, "camera": args.camera, "alert_id": args.alert}
    alerts = carried_out(args, "acknowledge", asked)["alerts"]
    for alert in alerts:
        say(f"{alert['camera']}  {alert['rule']}  {alert['alert_id']}  acknowledged")
    if not alerts:
        say("No alert fires.")
    return 0
