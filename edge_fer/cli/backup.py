"""`edge-fer backup`: config, settings and history in one file."""

from __future__ import annotations

import argparse
import base64
import getpass
import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from edge_fer.backup.sealing import see_that_it_will_do
from edge_fer.cli._config_arguments import add_config_arguments, load_from
from edge_fer.cli._control import add_socket_argument, reached
from edge_fer.cli._say import say
from edge_fer.cli._verbs import Subparsers, add_verb
from edge_fer.errors import BackupError

__all__ = ["add_parser", "asked_for"]

_DESCRIPTION = """\
Writes a backup of the running daemon: its config, what was set by command, and the history. Passwords and user names in
the config are left out, unless --secrets asks for them: then a passphrase is asked for, or read from a pipe, and the
backup is encrypted. It then also has the files of passwords and keys that the config names, as far as the daemon may
read them.

As root, or the daemon's own user. `edge-fer restore` brings it back.
"""
_EPILOG = """\
examples:
  sudo edge-fer backup counter-1.backup
  sudo edge-fer backup --secrets counter-1.sealed
  sudo edge-fer backup --local counter-1.backup    # where no daemon runs
"""
#: Bytes of a piece that is asked for at once.
_PIECE = 1 << 19


def add_parser(subparsers: Subparsers) -> None:
    """Adds the verb."""
    parser = add_verb(
        subparsers,
        "backup",
        help="save config, settings and history",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        handler=_backup,
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="where to; it must not exist")
    parser.add_argument("--secrets", action="store_true", help="with secrets, and encrypted")
    parser.add_argument("--local", action="store_true", help="make it here, without asking the daemon")
    add_config_arguments(parser)
    add_socket_argument(parser)


def asked_for(*, twice: bool) -> str:
    """The passphrase: from whoever sits at the terminal, or from a pipe."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    given = getpass.getpass("Passphrase of the backup: ")
    if twice and getpass.getpass("Once more: ") != given:
        msg = "the two were not the same"
        raise BackupError(msg, remedy="Begin again")
    return given


def _backup(args: argparse.Namespace) -> int:
    passphrase = asked_for(twice=True) if args.secrets else None
    if passphrase is not None:
        see_that_it_will_do(passphrase)
    if args.local and str(args.file) == "-":
        # for the daemon, which keeps what is written in a file of its own
        _make(args, passphrase, sys.stdout.buffer)
        return 0
    with _new_file(args.file) as file:
        if args.local:
            _make(args, passphrase, file)
        else:
            _fetch(args, passphrase, file)
    say(f"{args.file}: {args.file.stat().st_size / 1e3:.1f} kB, {'encrypted' if args.secrets else 'without secrets'}")
    return 0


def _make(args: argparse.Namespace, passphrase: str | None, out: BinaryIO) -> None:
    from edge_fer.backup.making import BackupWish, make_backup  # noqa: PLC0415 - not needed to ask the daemon

    loaded = load_from(args)
    hide: Callable[[str], str] = str
    if passphrase is None:
        from edge_fer.cli._secrets import Secrets  # noqa: PLC0415

        hide = Secrets.of(loaded.root).taken_out_of
    make_backup(loaded, BackupWish(config=args.config, hide=hide, passphrase=passphrase), out, datetime.now(UTC))


def _fetch(args: argparse.Namespace, passphrase: str | None, out: BinaryIO) -> None:
    """Has the daemon make it, and takes it over piece by piece."""
    with reached(args) as client:
        begun = client.ask("read", what="backup", with_={} if passphrase is None else {"passphrase": passphrase})
        client.command("note", {"event": "backup", "about": "with secrets" if passphrase else "without secrets"})
        seen, offset = hashlib.sha256(), 0
        while offset < begun["size"]:
            asked = {"token": begun["token"], "offset": offset, "length": _PIECE}
            data = base64.b64decode(client.ask("read", what="backup", with_=asked)["data"])
            seen.update(data)
            offset += len(data)
            out.write(data)
    if seen.hexdigest() != begun["sha256"]:
        msg = "the backup did not arrive as it was made"
        raise BackupError(msg, remedy="Try again")


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """A new file, for its owner alone; taken away again where nothing comes of it."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        raise BackupError(msg, remedy="Name a file that can be made new") from error
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError) and not isinstance(error, BackupError) and error.strerror:
            msg = f"{path}: {error.strerror}"
            raise BackupError(msg, remedy="Make room, or name another place") from error
        raise
