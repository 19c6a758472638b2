"""Where the control socket is, and how to listen there and connect to it."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from edge_fer.errors import EdgeFerError

__all__ = ["NAME", "SERVICE_FOLDER", "connected", "listening", "listening_path", "usual_paths"]

NAME: Final = "control.sock"
#: The folder of the installed service (`RuntimeDirectory=`).
SERVICE_FOLDER: Final = Path("/run/edge-fer")
#: Bytes that the path of a Unix socket may have.
_LONGEST_PATH: Final = 100


def listening_path(state_dir: Path, environ: Mapping[str, str]) -> Path:
    """Where the daemon listens: in the folder that systemd has given it, else in its `state_dir`."""
    given = environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    return Path(given or state_dir, NAME)


def usual_paths(state_dir: Path, environ: Mapping[str, str]) -> list[Path]:
    """Where to look for a daemon: the installed service, one with the default `state_dir`, and the demo."""
    home = Path(environ.get("XDG_STATE_HOME") or Path("~/.local/state").expanduser())
    return [SERVICE_FOLDER / NAME, state_dir / NAME, home / "edge-fer-demo" / NAME]


def connected(path: Path, *, timeout: float | None) -> socket.socket:
    """A connection to a socket.

    Raises:
        OSError: there is none.
    """
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(timeout)
        with _short(path) as short:
            connection.connect(short)
    except BaseException:
        connection.close()
        raise
    return connection


def listening(path: Path, group: int | None, *, backlog: int) -> socket.socket:
    """A socket that listens at a path; it appears there ready, in the place of one that a dead daemon has left.

    Its mode is 0660 where it belongs to the group, and 0600 where it cannot.

    Raises:
        EdgeFerError: another daemon listens there.
        OSError: it cannot be made.
    """
    try:
        connected(path, timeout=1.0).close()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        if error.errno != errno.ECONNREFUSED or not path.is_socket():
            raise
    else:
        msg = f"another edge-fer answers at {path}"
        raise EdgeFerError(msg, remedy="End one of the two, or give this one a `state_dir` of its own")
    listener = socket.socket(socket.AF_UNIX)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.unlink(missing_ok=True)
        with _short(fresh) as short:
            listener.bind(short)
        fresh.chmod(0o660 if _belongs_to(fresh, group) else 0o600)
        listener.listen(backlog)
        fresh.replace(path)
    except BaseException:
        listener.close()
        fresh.unlink(missing_ok=True)
        raise
    return listener


def _belongs_to(path: Path, group: int | None) -> bool:
    """Gives a file to a group, where that can be done."""
    if group is None:
        return False
    if path.stat().st_gid != group:
        with suppress(OSError):
            os.chown(path, -1, group)
    return path.stat().st_gid == group


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """The path, or one to the same file that is short enough for a socket."""
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
