"""`edge-fer reload`: has the running daemon read the config again, and says whether it did."""

from __future__ import annotations

import argparse
import os
import secrets
import signal

from edge_fer.cli._config_arguments import add_config_arguments, load_from
from edge_fer.cli._say import say
from edge_fer.cli._verbs import Subparsers, add_verb
from edge_fer.daemon.reload_answer import ReloadAnswer, folder_of, leave_word
from edge_fer.errors import EdgeFerError

__all__ = ["add_parser"]

#: Seconds for the daemon's answer; systemd gives 90 in all.
_PATIENCE = 75.0

_DESCRIPTION = """\
What `systemctl reload edge-fer` runs: checks the config, has the daemon (the process $MAINPID) read it again, and
waits for what becomes of it. Exit status: 0 once the daemon goes on by the new config, 78 if the config is not valid,
1 if the daemon did not take it over; it then goes on by the old one.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the verb."""
    add_config_arguments(
        add_verb(
            subparsers,
            "reload",
            help="have the service read the config again, and wait for it",
            description=_DESCRIPTION,
            handler=_reload,
        )
    )


def _reload(args: argparse.Namespace) -> int:
    load_from(args)
    process = _process()
    folder = folder_of(os.environ)
    word = secrets.token_hex(8)
    try:
        if folder:
            leave_word(folder, word)
    except OSError as error:
        say(
            f"The disk takes nothing ({error.strerror}), so nobody waits for the daemon: its journal says what it does."
        )
        folder = None
    try:
        os.kill(process, signal.SIGHUP)
    except OSError as error:
        msg = f"process {process} (MAINPID) cannot be told to read the config again: {error.strerror}"
        raise EdgeFerError(msg, remedy="Start the service: sudo systemctl start edge-fer") from error
    refused = ReloadAnswer.wait(folder, word, process=process, seconds=_PATIENCE) if folder else None
    if refused is not None:
        msg = f"the config was not taken over: {refused}"
        raise EdgeFerError(msg, remedy="Put it right, and reload again; `journalctl -u edge-fer` has the rest")
    return 0


def _process() -> int:
    """The daemon's process, as systemd tells it.

    Raises:
        EdgeFerError: it does not.
    """
    told = os.environ.get("MAINPID", "")
    # 0 and 1 would be all processes of the group, and the system's first
    if not told.isdecimal() or int(told) <= 1:
        msg = f"MAINPID={told!r} in the environment is no process of the service"
        raise EdgeFerError(msg, remedy="Let systemd run this: sudo systemctl reload edge-fer")
    return int(told)
