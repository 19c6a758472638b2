"""Has the sender run while there is something to send: a unit of systemd does, or a child of this process."""

from __future__ import annotations

import grp
import logging
import os
import stat
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from edge_fer.notify.spool import FILE, Spool

__all__ = [
    "INSTALLED",
    "SPOOL_VARIABLE",
    "SenderWaker",
    "runs_by_unit",
    "seen_spool",
    "spool_closed_to_us",
    "spool_folder",
]

log = logging.getLogger(__name__)

#: Set by the units of the installed service: the folder that daemon and sender share. `edge-fer-notify.path` then
#: starts the sender.
SPOOL_VARIABLE = "EDGE_FER_NOTIFY_SPOOL"
#: That folder.
INSTALLED = Path("/var/lib/edge-fer-notify")
#: Seconds between two starts of a child, should it end at once.
_AGAIN = 5.0
#: Seconds that a child is given to end what is under way.
_GOODBYE = 3.0


def spool_folder(state_dir: Path, environ: Mapping[str, str]) -> Path:
    """Where what is to be told waits."""
    given = environ.get(SPOOL_VARIABLE)
    return Path(given) if given else state_dir / "notify"


def seen_spool(state_dir: Path, environ: Mapping[str, str]) -> Path:
    """Where a command looks for what waits: where the service is installed, in the service's folder."""
    installed = {SPOOL_VARIABLE: str(INSTALLED)} if INSTALLED.is_dir() else {}
    return spool_folder(state_dir, {**installed, **environ})


def spool_closed_to_us(folder: Path) -> str:
    """Why this user may not look at what waits, and how to; empty where they may, or nothing is there."""
    try:
        told = folder.stat()
    except FileNotFoundError:
        return ""
    except OSError:
        return f"{folder} is not for you to read. Use sudo"
    file = folder / FILE
    # looking at it is a transaction, which SQLite does not begin without a right to write
    may = os.R_OK | os.W_OK
    if os.access(folder, may | os.X_OK) and (not file.exists() or os.access(file, may)):
        return ""
    group = ""
    with suppress(KeyError):
        group = grp.getgrgid(told.st_gid).gr_name if told.st_mode & stat.S_IWGRP else ""
    become = f", or become a member of the group {group} (`sudo usermod -aG {group} $USER`, then log in anew)"
    return f"{folder} is not for you to read. Use sudo{become if group else ''}"


class SenderWaker:
    """Asks for the sender. For one thread.

    Args:
        spool: what waits.
        by_unit: whether a unit of systemd starts it; else this process does.
    """

    def __init__(self, spool: Spool, *, by_unit: bool) -> None:
        self._spool = spool
        self._by_unit = by_unit
        self._child: subprocess.Popen[bytes] | None = None
        self._started = float("-inf")

    def wake(self) -> None:
        """Something is due.

        Raises:
            NotifyError: the sender cannot be asked for.
        """
        self._spool.wake()
        self.look()

    def look(self) -> None:
        """Starts a child where one is asked for and none runs."""
        if self._child is not None and self._child.poll() is not None:
            self._child = None
        if self._by_unit or self._child is not None or not self._spool.is_woken:
            return
        if time.monotonic() - self._started < _AGAIN:
            return
        self._started = time.monotonic()
        command = [sys.executable, "-m", "edge_fer.notify", str(self._spool.folder)]
        try:
            self._child = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - our own
        except OSError as error:
            log.error("the sender of notifications cannot be started: %s", error.strerror)  # noqa: TRY400

    def close(self) -> None:
        """Has a child end, once what is under way has come to an end."""
        if self._child is None:
            return
        self._child.terminate()
        try:
            self._child.wait(_GOODBYE)
        except subprocess.TimeoutExpired:
            # it ends by itself; should it be killed, what is under way goes out again with the same id
            log.info("the sender of notifications (process %d) is still at work", self._child.pid)


def runs_by_unit(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a unit of systemd starts the sender."""
    return bool(environ.get(SPOOL_VARIABLE))
