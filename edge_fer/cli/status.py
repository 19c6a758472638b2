"""`edge-fer status`: shows how the running daemon is."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from edge_fer.cli._control import add_socket_argument, reached
from edge_fer.cli._live import LiveScreen, bars, can_draw
from edge_fer.cli._say import say, say_json
from edge_fer.cli._status_screen import screen
from edge_fer.cli._verbs import Subparsers, add_verb
from edge_fer.control.client import ControlClient

__all__ = ["add_parser"]

_DESCRIPTION = """\
Shows how the running daemon is: cameras, people in view and what their faces show, alerts and why, broker, outbox. In a
terminal it goes on until Ctrl-C; else it shows all once. It shows nothing about people that the config keeps from
leaving the device (`privacy`). Exit status: 0, or 1 if edge-fer does not run.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the verb."""
    parser = add_verb(
        subparsers, "status", help="show cameras, people, alerts, broker", description=_DESCRIPTION, handler=_status
    )
    parser.add_argument("--once", action="store_true", help="show it once, also in a terminal")
    parser.add_argument("--json", action="store_true", help="print it once, as JSON (docs/control.md)")
    add_socket_argument(parser)


def _status(args: argparse.Namespace) -> int:
    with reached(args) as client:
        if args.json:
            say_json(client.ask("state"))
        elif args.once or not can_draw():
            for line in screen(client.ask("state"), bars()):
                say(line)
        else:
            _live(client)
    return 0


def _live(client: ControlClient) -> None:
    """Shows each new state in the place of the one before."""
    state = client.ask("subscribe")
    with LiveScreen() as shown, suppress(KeyboardInterrupt):
        _show(shown, state)
        for event in client.events():
            if event["event"] == "state":
                _show(shown, event["state"])


def _show(shown: LiveScreen, state: Mapping[str, Any]) -> None:
    shown.show([*screen(state, bars()), "Ctrl-C ends this."])
