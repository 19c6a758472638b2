"""`edge-fer restore`: brings a backup back."""

from __future__ import annotations

import argparse
import os
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from edge_fer.backup.archive import HISTORY, BackupContent, read_archive
from edge_fer.backup.restoring import RestorePlan, plan_restore, put_in_place
from edge_fer.backup.sealing import MAGIC, unseal
from edge_fer.cli._say import say
from edge_fer.cli._verbs import Subparsers, add_verb
from edge_fer.cli.backup import asked_for
from edge_fer.control.place import NAME, SERVICE_FOLDER, connected
from edge_fer.doctor.service import environment_of_the_service
from edge_fer.errors import BackupError
from edge_fer.support.files import open_file

__all__ = ["add_parser"]

_DESCRIPTION = """\
Brings a backup of `edge-fer backup` back: config, settings and history. Everything in it is looked at first; nothing is
written if anything is wrong. What is replaced is kept beside the new file. The daemon must be stopped meanwhile, and
nothing is started: the last line says what to do. As root.
"""
_EPILOG = """\
examples:
  sudo edge-fer restore --check counter-1.backup
  sudo systemctl stop edge-fer; sudo edge-fer restore counter-1.backup
"""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the verb."""
    parser = add_verb(
        subparsers,
        "restore",
        help="bring a backup back",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        handler=_restore,
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="the backup")
    parser.add_argument("--check", action="store_true", help="look at it, and change nothing")
    parser.add_argument("--without-history", action="store_true", help="leave the history as it is")
    parser.add_argument("--config", metavar="FILE", type=Path, help="where the config goes, if not to its usual place")


def _restore(args: argparse.Namespace) -> int:
    # what is in it is nobody else's to read
    os.umask(0o077)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edge-fer-restore-")))
        content = _content(args.file, folder)
        if args.without_history:
            wanted = {name: path for name, path in content.files.items() if name != HISTORY}
            content = replace(content, files=wanted)
        plan = plan_restore(content, args.config, {**environment_of_the_service(), **os.environ})
        about = content.about
        say(f"A backup of {about['node']}, made {about['made']} by edge-fer {about['version']}.")
        for _, place in plan.moves:
            say(f"  {place}")
        if args.check:
            _say_gaps(plan)
            say("Nothing is wrong with it. Nothing was changed.")
            return 0
        _see_that_nothing_runs(plan)
        done = put_in_place(plan, f".before-{datetime.now(UTC):%Y%m%d-%H%M%S}")
    for one in done:
        if one.kept:
            say(f"What was there before is {one.kept}")
    _say_gaps(plan)
    say("Restored. Look at it and start edge-fer: sudo edge-fer config check && sudo systemctl start edge-fer")
    return 0


def _content(path: Path, folder: Path) -> BackupContent:
    """What is in a backup, encrypted or not; its files are in the folder then."""
    try:
        with open_file(path) as source:
            is_sealed = source.read(len(MAGIC)) == MAGIC
            source.seek(0)
            if not is_sealed:
                return read_archive(source, folder)
            with tempfile.TemporaryFile(dir=folder) as plain:
                _unseal(source, plain)
                return read_archive(plain, folder)
    except OSError as error:
        if isinstance(error, BackupError):
            raise
        msg = f"{error.filename or path}: {error.strerror}"
        raise BackupError(msg, remedy="Name a backup that this user may read, and see that /tmp has room") from error


def _unseal(source: BinaryIO, plain: BinaryIO) -> None:
    unseal(source, plain, asked_for(twice=False))
    plain.seek(0)


def _see_that_nothing_runs(plan: RestorePlan) -> None:
    for path in (plan.state_dir / NAME, SERVICE_FOLDER / NAME):
        try:
            connected(path, timeout=1.0).close()
        except OSError:
            continue
        msg = f"edge-fer runs, and answers at {path}; nothing has changed"
        raise BackupError(msg, remedy="Stop it first: sudo systemctl stop edge-fer")


def _say_gaps(plan: RestorePlan) -> None:
    if plan.left_out:
        say("Secrets were left out of this backup. Write them in where it says SECRET-LEFT-OUT:")
        for where in plan.left_out:
            say(f"  {where}")
    if plan.missing:
        say("The config names files that are not here, and not in the backup. Bring them back, too:")
        for path in plan.missing:
            say(f"  {path}")
