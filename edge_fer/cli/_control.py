"""What the verbs share that speak to the running daemon."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge_fer.config.engine.places import default_state_dir
from edge_fer.control.client import ControlClient
from edge_fer.control.place import usual_paths

__all__ = ["EXIT", "add_socket_argument", "carried_out", "reached"]

#: For the help of each of these verbs.
EXIT = "Exit status: 0, or 1 if it was not carried out or edge-fer does not run."
#: Seconds for which a daemon that begins anew is asked again.
_PATIENCE = 10.0


def add_socket_argument(parser: argparse.ArgumentParser) -> None:
    """Adds `--socket PATH`."""
    parser.add_argument(
        "--socket",
        metavar="PATH",
        type=Path,
        help="the control socket of the daemon; left out, that of the installed service, else that of a daemon of your "
        "own (control.sock in its state_dir)",
    )


def reached(args: argparse.Namespace) -> ControlClient:
    """The daemon that is meant.

    Raises:
        EdgeFerError: it does not run, or we may not ask it.
    """
    paths = [args.socket] if args.socket else usual_paths(default_state_dir(), os.environ)
    return ControlClient(paths, patience=_PATIENCE)


def carried_out(args: argparse.Namespace, name: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The result of a command.

    Args:
        args: of a parser with `add_socket_argument`.
        name: of the command.
        fields: of the request; what is left out of them is None, but for `value`, where None means something.

    Raises:
        EdgeFerError: it was not carried out.
    """
    given = {field: value for field, value in fields.items() if value is not None or field == "value"}
    with reached(args) as client:
        return client.command(name, given) or {}
