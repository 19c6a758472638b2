"""The SQLite file of the history: outlives kills, power cuts, full disks and its own damage.

The daemon writes it, and commands read and erase it meanwhile (write-ahead log). Whatever is deleted is overwritten
with zeros (`secure_delete`). A power cut may take the last minutes, and leaves a file that opens. A damaged file is
moved aside by the daemon, and a new one begun; the last such file is kept.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, TypeVar

from edge_fer.errors import HistoryError
from edge_fer.history.tables import SCHEMA, VERSION

__all__ = ["NAME", "DamagedError", "HistoryFile", "NoRoomError", "damaged_files", "reading", "see_that_it_is_there"]

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

#: The file's name in `state_dir`.
NAME = "history.sqlite"
_PAGE = 4096
#: Pages of the log that are written back to the file; the log has room beside the file in `history.keep.size`.
_LOG_PAGES = 64
_LOG_BYTES = 1_000_000
#: Seconds to wait for another user of the file.
_PATIENCE = 10.0


class DamagedError(HistoryError):
    """The file is not a database, or a damaged one."""


class NoRoomError(HistoryError):
    """The file may not grow, or the disk has no room."""


class HistoryFile:
    """The file, for the thread that opened it.

    Args:
        path: of the file; made where there is none.
        max_size: bytes that file and log may have together.
        mend: whether a damaged file is moved aside, and a new one begun.

    Raises:
        HistoryError: it cannot be opened.
    """

    def __init__(self, path: Path, *, max_size: int, mend: bool = False) -> None:
        self.path = path
        self.pages = max(64, (max_size - _LOG_BYTES) // _PAGE)
        self._mend = mend
        self._connection = self._open_or_mend()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """All or nothing of what `work` does; where the file turns out to be damaged, it is done to a new one.

        Raises:
            HistoryError: it cannot be done.
        """
        try:
            return self._run(work)
        except DamagedError as error:
            if not self._mend:
                raise
            self.close()
            _set_aside(self.path, error)
            self._connection = self._open()
            return self._run(work)

    def used(self) -> float:
        """The share of the room that is taken, 0 to 1."""

        def taken(connection: sqlite3.Connection) -> int:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            (free,) = connection.execute("PRAGMA freelist_count").fetchone()
            return int(pages) - int(free)

        return self.run(taken) / self.pages

    def compact(self) -> None:
        """Writes the file anew without what was deleted, and empties its log.

        Raises:
            HistoryError: it cannot be done, as where the disk has no room for it.
        """
        with _errors_as_ours(self.path):
            self._connection.execute("VACUUM")
            (busy, _, _) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            msg = f"somebody else reads the history {self.path}, so that its log cannot be emptied"
            raise HistoryError(msg, remedy="Try again in a moment")

    def close(self) -> None:
        """Lets go of the file."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    def _run(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        with _errors_as_ours(self.path):
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                result = work(self._connection)
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise
            return result

    def _open_or_mend(self) -> sqlite3.Connection:
        try:
            return self._open()
        except DamagedError as error:
            if not self._mend:
                raise
            _set_aside(self.path, error)
            return self._open()

    def _open(self) -> sqlite3.Connection:
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        _see_that_it_is_a_file(self.path)
        with _errors_as_ours(self.path):
            connection = sqlite3.connect(self.path, isolation_level=None, timeout=_PATIENCE, check_same_thread=False)
            try:
                connection.execute("PRAGMA cache_size = -128")
                connection.execute("PRAGMA secure_delete = ON")
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
                connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
                connection.execute(f"PRAGMA max_page_count = {self.pages}")
                _see_version(connection, self.path)
                connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
            except BaseException:
                connection.close()
                raise
            with contextlib.suppress(OSError):
                self.path.chmod(0o640)
        return connection


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """The file to read from, as it is at one moment.

    Raises:
        HistoryError: there is none, or it cannot be read.
    """
    see_that_it_is_there(path)
    _see_that_it_is_a_file(path)
    # where nobody writes and we may not, there is no log to make either
    alone = not path.with_name(f"{path.name}-wal").exists() and not os.access(path.parent, os.W_OK)
    with _errors_as_ours(path):
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if alone else ''}",
            uri=True,
            isolation_level=None,
            timeout=_PATIENCE,
        )
        try:
            connection.execute("BEGIN")
            if _see_version(connection, path) == 0:
                msg = f"the history {path} is empty"
                raise HistoryError(msg, remedy="Try again once a minute, or on a ward an hour, is over")
            yield connection
        finally:
            connection.close()


def see_that_it_is_there(path: Path) -> None:
    """Looks whether there is a file.

    Raises:
        HistoryError: there is none, or its folder may not be looked into.
    """
    try:
        path.stat()
    except PermissionError:
        msg = f"the history {path} may not be read by this user"
        raise HistoryError(msg, remedy="Use sudo") from None
    except OSError:
        msg = f"there is no history: {path} does not exist"
        remedy = (
            "Set `history: {record: on}` (docs/history.md), and start the daemon; of a daemon of your own, name its "
            "folder: -o state_dir=DIR; for the installed service, use sudo"
        )
        raise HistoryError(msg, remedy=remedy) from None


def _see_that_it_is_a_file(path: Path) -> None:
    if path.is_dir():
        msg = f"the history {path} is no file"
        raise HistoryError(msg, remedy="Move away what is there")


def damaged_files(path: Path) -> list[Path]:
    """The damaged files that were moved aside, with their logs."""
    return sorted(path.parent.glob(f"{path.name}.corrupt-*"))


def _see_version(connection: sqlite3.Connection, path: Path) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        msg = f"the history {path} was written by a newer edge-fer (version {version} of its tables, known: {VERSION})"
        raise HistoryError(msg, remedy="Install that version again, or move the file away to begin a new one")
    return int(version)


def _set_aside(path: Path, error: DamagedError) -> None:
    # a disk that fails again and again is not to be filled as well
    for older in damaged_files(path):
        with contextlib.suppress(OSError):
            older.unlink()
    aside = path.with_name(f"{path.name}.corrupt-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    try:
        path.replace(aside)
        for end in ("-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                path.with_name(f"{path.name}{end}").replace(f"{aside}{end}")
    except OSError as refused:
        msg = f"the damaged history {path} cannot be moved aside: {refused.strerror}"
        raise HistoryError(msg, remedy="Delete it, or make its folder writable") from None
    _log.error("%s. It is kept as %s, and a new one is begun", error, aside.name)


@contextmanager
def _errors_as_ours(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise _as_ours(error, path) from None


def _as_ours(error: sqlite3.DatabaseError, path: Path) -> HistoryError:
    """SQLite's errors are of one class and differ in a number; ours say what they mean."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return NoRoomError(f"the history {path} or its disk is full", remedy="Make room on the disk")
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return DamagedError(f"the history {path} is damaged: {error}", remedy="Move it away to begin a new one")
    if code == sqlite3.SQLITE_ERROR:
        # our own words are right, so a file that does not know its tables is none of ours
        return HistoryError(f"{path} is no history of edge-fer: {error}", remedy="Move it away to begin a new one")
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return HistoryError(f"the history {path} is in use by somebody else", remedy="Try again in a moment")
    if code in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}:
        remedy = "Use sudo, or make sure that its folder exists and can be written to"
        return HistoryError(f"the history {path} may not be used by this user", remedy=remedy)
    return HistoryError(
        f"the history {path} cannot be used: {str(error).rstrip('.')}", remedy="Make sure that its disk works"
    )
