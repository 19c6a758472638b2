"""`edge-fer status`: shows how the running daemon is."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from edge_fer.cli._control import add_socket_argument, reached
from edge_fer.cli._say import draw, say, say_json
from edge_fer.cli._status_screen import screen
from edge_fer.cli._verbs import Subparsers, add_verb
from edge_fer.control.client import ControlClient
from edge_fer.support.harmless import harmless

__all__ = ["add_parser"]

_DESCRIPTION = """\
Shows how the running daemon is: cameras, people in view and what their faces show, alerts and why, broker, outbox. In a
terminal it goes on until Ctrl-C; else it shows all once. It shows nothing about people that the config keeps from
leaving the device (`privacy`). Exit status: 0, or 1 if edge-fer does not run.
"""
#: A screen of its own without a cursor, and back; to its top, and away with what is below.
_BEGIN, _END, _HOME, _REST = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l", "\x1b[H", "\x1b[J"
_REST_OF_LINE = "\x1b[K"


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
        elif args.once or not sys.stdout.isatty():
            for line in screen(client.ask("state")):
                say(line)
        else:
            _live(client)
    return 0


def _live(client: ControlClient) -> None:
    """Shows each new state in the place of the one before."""
    state = client.ask("subscribe")
    try:
        draw(_BEGIN)
        _show(state)
        for event in client.events():
            if event["event"] == "state":
                _show(event["state"])
    except KeyboardInterrupt:
        pass
    finally:
        draw(_END)


def _show(state: Mapping[str, Any]) -> None:
    size = shutil.get_terminal_size()
    draw(_HOME + _fitted([*screen(state), "Ctrl-C ends this."], size.columns, size.lines) + _REST)


def _fitted(lines: Sequence[str], columns: int, rows: int) -> str:
    """As much of the lines as the terminal has room for."""
    shown = [harmless(line)[: columns - 1] + _REST_OF_LINE for line in lines[: rows - 1]]
    return "\r\n".join(shown)
