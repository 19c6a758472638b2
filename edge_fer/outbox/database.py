"""One SQLite file that outlives kills, power cuts, full disks and its own corruption.

Durability: every transaction is handed to the operating system at once, so that killing the process loses
nothing; a power cut may take what was committed since the last `sync` or durable transaction. SQLite's
write-ahead log keeps what is left consistent, in the order of commits.

Room: the file grows a chunk at a time, ahead of need, and SQLite gets the chunk as free pages. So a disk that
fills up is noticed while there are pages left to work with: those, and the log, which is made as long as a chunk
beforehand, are written in place, which needs no room on the disk. Where the disk has no room for the log, the file
takes nothing new.

Corruption: a damaged file is moved aside and a new one begun. What was in it is lost to us, and so is the
count of it; the last such file is kept for whoever can read it.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISREG
from time import monotonic
from typing import TypeVar

from edge_fer.errors import OutboxError

__all__ = ["Database", "FullError", "HeldError"]

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_PAGE = 4096
#: Pages that the file grows by; half as many in the log are written back to it, so that a transaction fits in after.
_CHUNK = 256

#: `begun` is 1, or in a file that replaces a damaged one, a number that was not used before.
_META = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
INSERT OR IGNORE INTO meta VALUES ('syncs', 0), ('begun', 1);
"""


#: Seconds between tries to open a file that could not be opened.
_AGAIN = 5.0
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FAILING = {errno.EROFS, errno.EIO}
#: Files that this process has open: closing any descriptor of one takes the locks of all others away.
_open: set[Path] = set()


class FullError(OutboxError):
    """The file may not grow, or the disk has no room."""


class HeldError(OutboxError):
    """Another user of this very process has the file open, such as a link that is still closing."""


class _UnwritableError(OutboxError):
    """The disk does not take it now: it has gone read-only, or fails."""


class _CorruptError(OutboxError):
    """The file is not a database, or a damaged one."""


class Database:
    """One SQLite file, for the thread that opened it, and for this process alone.

    A file that cannot be opened because its disk is full or takes nothing is tried again later on, with each `run`.

    Args:
        path: the file; made where there is none.
        schema: SQL that makes the tables where there are none, beside `meta (name, value)`, which is always there.
        max_size: bytes that the file may have, apart from about a megabyte of log.
        begun: the number that a new file begins with in the place of a damaged one.
        renewed: called after a damaged file was replaced by an empty one later on.

    Raises:
        HeldError: this process has it open already.
        OutboxError: it cannot be opened, and is not likely to be later.
    """

    def __init__(
        self, path: Path, schema: str, *, max_size: int, begun: Callable[[], int], renewed: Callable[[], None]
    ) -> None:
        self._path = path
        self._key = path.absolute()
        self._begun = begun
        self._renewed = renewed
        self._schema = f"BEGIN IMMEDIATE; {_META} {schema} COMMIT;"
        self._pages = max(16, max_size // _PAGE)
        self._chunk = min(_CHUNK, self._pages // 8)
        self._dirty = False
        #: whether the log has all the room that it needs
        self._has_log = False
        self._file = -1
        #: None where it could not be opened yet
        self._connection: sqlite3.Connection | None = None
        self._why: OutboxError | None = None
        self._tried = 0.0
        if self._key in _open:
            msg = f"the outbox {path} is still in use by this process"
            raise HeldError(msg, remedy="Wait until it is closed")
        _open.add(self._key)
        try:
            self._try_to_open()
        except BaseException:
            _open.discard(self._key)
            raise

    def _try_to_open(self) -> None:
        self._tried, self._why = monotonic(), None
        try:
            try:
                self._connection = self._open()
            except _CorruptError as error:
                self._connection = self._begin_anew(error)
        except (FullError, _UnwritableError) as error:
            self._why = error

    def run(self, work: Callable[[sqlite3.Connection], _T], *, durable: bool = False) -> _T:
        """All or nothing of what `work` does; where the file turns out to be damaged, it is done to a new one.

        Args:
            work: reads and writes; may be called twice.
            durable: whether a power cut right afterwards may not take it, nor anything before it.

        Raises:
            FullError: there is no room.
            OutboxError: it cannot be written.
        """
        if self._why is not None and monotonic() - self._tried >= _AGAIN:
            self._try_to_open()
        if self._why is not None:
            raise self._why
        try:
            return self._run(work, durable=durable)
        except FullError:
            # the log may have come to its end where it cannot grow; written back, it begins anew
            self._write_back()
            return self._run(work, durable=durable)
        except _CorruptError as error:
            self._let_go()
            self._connection = self._begin_anew(error)
            self._renewed()
            return self._run(work, durable=durable)

    def sync(self) -> None:
        """Makes all that was committed so far outlive a power cut.

        Raises:
            OutboxError: it cannot be written.
        """
        if self._dirty:
            # a transaction that writes nothing would not be synchronised
            self.run(lambda c: c.execute("UPDATE meta SET value = value + 1 WHERE name = 'syncs'"), durable=True)

    def make_room(self) -> None:
        """Grows the file by a chunk where its free pages run low.

        Raises:
            FullError: it may not grow, or the disk has no room; what is free can still be used with care.
            OutboxError: it cannot be written, or the disk has no room for its log: giving messages up would not help.
        """
        self._extend_log()
        if self._pragma("freelist_count") >= max(2, self._chunk // 4):
            return

        def grow(connection: sqlite3.Connection) -> None:
            connection.execute("CREATE TABLE chunk (room BLOB)")
            connection.execute("INSERT INTO chunk VALUES (zeroblob(?))", (self._chunk * _PAGE,))

        try:
            # the file first: what is committed to the log, but has no room in the file, can never leave the log
            os.posix_fallocate(self._file, 0, (self._pragma("page_count") + self._chunk + 8) * _PAGE)
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise _full(self._path) from None
            _log.debug("no room can be set aside for %s: %s", self._path, error)
        self.run(grow)
        self.run(lambda connection: connection.execute("DROP TABLE chunk"))
        self._write_back()

    def _extend_log(self) -> None:
        """Sets room aside for the log, which begins at nothing with each start."""
        if self._has_log:
            return
        frame = 24 + _PAGE
        try:
            log = os.open(f"{self._path}-wal", os.O_RDWR | os.O_CLOEXEC)
            try:
                os.posix_fallocate(log, 0, 32 + (self._chunk + 8) * frame)
            finally:
                os.close(log)
        except OSError as error:
            if error.errno in _NO_ROOM:
                msg = f"the disk is full: it has no room for the log of the outbox {self._path}"
                raise _UnwritableError(msg, remedy="Make room on the disk") from None
            _log.debug("no room can be set aside for the log of %s: %s", self._path, error)
        self._has_log = True

    @property
    def size(self) -> int:
        """Bytes of the file that are in use."""
        return (self._pragma("page_count") - self._pragma("freelist_count")) * _PAGE

    @staticmethod
    def may_recover(error: OutboxError) -> bool:
        """Whether it is the disk's state, and may pass; else it is for a person to put right."""
        return isinstance(error, FullError | _UnwritableError)

    @property
    def has_file(self) -> bool:
        """Whether there is anything that might be read, as far as can be told."""
        try:
            return self._path.lstat().st_size > 0
        except FileNotFoundError:
            return False
        except OSError:
            return True

    def close(self) -> None:
        """Writes the log back and lets go of the file."""
        self._let_go()
        _open.discard(self._key)

    def _let_go(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
        # only now: closing any descriptor of the file takes SQLite's locks away
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _open(self) -> sqlite3.Connection:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # a pipe would keep us waiting
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o640)
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise _full(self._path) from None
            msg = f"the outbox {self._path} cannot be opened: {error.strerror}"
            kind = _UnwritableError if error.errno in _FAILING else OutboxError
            raise kind(msg, remedy="Make sure that its folder can be made and written to") from None
        if not S_ISREG(os.fstat(self._file).st_mode):
            os.close(self._file)
            self._file = -1
            msg = f"the outbox {self._path} is no file"
            raise OutboxError(msg, remedy="Move away what is there, or name another folder in `state_dir`")
        self._has_log = False
        # autocommit, so that transactions are ours; the wait is for a predecessor that is still closing
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=1.0)
        # a damaged text is to be found by its checksum, and not to keep the rest from being read
        connection.text_factory = lambda text: text.decode(errors="surrogateescape")
        try:
            with _errors_as_ours(self._path):
                # alone, SQLite needs no shared memory, and a second daemon on the same file is refused
                connection.execute("PRAGMA locking_mode = EXCLUSIVE")
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute("PRAGMA secure_delete = OFF")
                connection.execute(f"PRAGMA wal_autocheckpoint = {_CHUNK // 2}")
                connection.execute(f"PRAGMA max_page_count = {self._pages}")
                connection.executescript(self._schema)
        except OutboxError:
            connection.close()
            os.close(self._file)
            self._file = -1
            raise
        # as soon as may be: a disk that fills up later on does not matter then
        with contextlib.suppress(OutboxError):
            self._extend_log()
        return connection

    def _begin_anew(self, error: _CorruptError) -> sqlite3.Connection:
        now = datetime.now(UTC)
        # a disk that fails again and again is not to be filled as well
        for older in self._path.parent.glob(f"{self._path.name}.corrupt-*"):
            with contextlib.suppress(OSError):
                older.unlink()
        aside = self._path.with_name(f"{self._path.name}.corrupt-{now:%Y%m%dT%H%M%S.%fZ}")
        try:
            self._path.replace(aside)
            with contextlib.suppress(FileNotFoundError):
                self._path.with_name(f"{self._path.name}-wal").replace(f"{aside}-wal")
        except OSError as refused:
            msg = f"the damaged outbox {self._path} cannot be moved aside: {refused.strerror}"
            raise OutboxError(msg, remedy="Delete it, or make its folder writable") from None
        _log.error(
            "%s. It is kept as %s and a new one begun; the messages in it are lost, and it is not known how many",
            error,
            aside.name,
        )
        connection = self._open()
        with _errors_as_ours(self._path):
            connection.execute("UPDATE meta SET value = ? WHERE name = 'begun'", (self._begun(),))
        return connection

    def _run(self, work: Callable[[sqlite3.Connection], _T], *, durable: bool) -> _T:
        connection = self._connection
        assert connection is not None  # noqa: S101 - `run` has seen to it
        with _errors_as_ours(self._path):
            before = connection.total_changes
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            try:
                connection.execute("BEGIN IMMEDIATE")
                result = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise
            if connection.total_changes != before:
                self._dirty = not durable
            return result

    def _write_back(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            assert self._connection is not None  # noqa: S101 - `run` has seen to it
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def _pragma(self, name: str) -> int:
        return self.run(lambda connection: int(connection.execute(f"PRAGMA {name}").fetchone()[0]))


@contextmanager
def _errors_as_ours(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise _as_ours(error, path) from None


def _as_ours(error: sqlite3.DatabaseError, path: Path) -> OutboxError:
    """SQLite's errors are of one class and differ in a number; ours say what they mean."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return _full(path)
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return _CorruptError(f"the outbox {path} is damaged: {error}")
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        remedy = "End the other edge-fer that has it open, or give each its own state folder"
        return OutboxError(f"the outbox {path} is in use by another process", remedy=remedy)
    remedy = "Make sure that its folder exists, is writable and has room"
    kind = _UnwritableError if code == sqlite3.SQLITE_IOERR or not _is_writable(path.parent) else OutboxError
    return kind(f"the outbox {path} cannot be used: {str(error).rstrip('.')}", remedy=remedy)


def _is_writable(folder: Path) -> bool:
    """Whether the file system as a whole can be written and has room."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return True
    return not found.f_flag & os.ST_RDONLY and found.f_bavail > 0


def _full(path: Path) -> FullError:
    return FullError(f"the outbox {path} or its disk is full", remedy="Make room on the disk")
