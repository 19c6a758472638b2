"""What waits to be told, on disk, between the daemon that puts it there and the sender that takes it.

One SQLite file, opened for each step and closed again, so that either process may end at any moment. A message is made
of what waits, and written with an id of its own, before it is sent: if the sender is killed before it could note that
the message was taken, the same message goes out again with the same id. What was taken is deleted.

Beside it lies `wake`, a file that is there while the sender should run.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import stat
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from edge_fer.errors import NotifyError
from edge_fer.notify.items import ItemKind, NotifyItem
from edge_fer.notify.pace import TargetQueue
from edge_fer.notify.texts import NotifyMessage

__all__ = ["FILE", "MAX_AGE", "Prepared", "Spool", "TargetStatus"]

_log = logging.getLogger(__name__)

FILE = "notify.sqlite"
#: Seconds after which something is no news any more, and is given up.
MAX_AGE = 86_400.0
#: Things that wait at most, for all targets together, and things in one message.
_MOST, _IN_ONE = 10_000, 500
#: Pages that wait at most for each target.
_PAGES = 4
#: Sent messages that are remembered for each target, for the rate limit.
_REMEMBERED = 1000
#: Seconds to wait for the other process.
_PATIENCE = 5.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS items (
    id INTEGER PRIMARY KEY AUTOINCREMENT, target TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL,
    severity TEXT NOT NULL, at REAL NOT NULL, not_before REAL NOT NULL, urgent INTEGER NOT NULL, camera TEXT NOT NULL,
    facts TEXT NOT NULL, ended REAL, put REAL NOT NULL, boot TEXT NOT NULL, mono REAL NOT NULL, message TEXT);
CREATE INDEX IF NOT EXISTS items_by_key ON items (key);
CREATE TABLE IF NOT EXISTS messages (
    id TEXT PRIMARY KEY, target TEXT NOT NULL UNIQUE, made REAL NOT NULL, urgent INTEGER NOT NULL, title TEXT NOT NULL,
    body TEXT NOT NULL, severity TEXT NOT NULL, kind TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sent (target TEXT NOT NULL, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS targets (
    name TEXT PRIMARY KEY, failures INTEGER NOT NULL DEFAULT 0, retry_at REAL NOT NULL DEFAULT 0,
    last_try REAL NOT NULL DEFAULT 0, last_sent REAL, problem TEXT NOT NULL DEFAULT '', lost INTEGER NOT NULL DEFAULT 0,
    untold INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT NOT NULL);
PRAGMA user_version = 1;
"""
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Prepared:
    """A message that is written down and is to be sent.

    Attributes:
        id: never used for another message.
        message: what it says.
        urgent: whether something urgent is in it.
        failures: how often in a row its target has not taken a message.
        page: name and HTML of a page that is attached; None: nothing is.
    """

    id: str
    message: NotifyMessage
    urgent: bool
    failures: int
    page: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """How a target is doing.

    Attributes:
        waiting: things that wait for it.
        failures: how often in a row it has not taken a message.
        problem: why; empty where it takes them.
        last_sent: when it took one, in seconds since 1970; None: never.
        lost: things given up for it, over all runs.
    """

    waiting: int = 0
    failures: int = 0
    problem: str = ""
    last_sent: float | None = None
    lost: int = 0


@dataclass(slots=True)
class _Rows:
    waiting: list[tuple[float, bool]] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)
    newest_urgent: float = 0.0


class Spool:
    """What waits to be told. May be used from any thread and from several processes.

    Args:
        folder: where its files are; exists, or is made.
        boot: the kernel's boot id, within which `mono` can be compared.
        mono: monotonic seconds, by which ages are right when the clock was set meanwhile.
    """

    def __init__(self, folder: Path, *, boot: str | None = None, mono: Callable[[], float] = monotonic) -> None:
        self.folder = folder
        self._boot = _boot_id() if boot is None else boot
        self._mono = mono
        self._file = folder / FILE
        self._wake = folder / "wake"

    # what the daemon does

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Hands the sender its settings."""
        self.note("settings", settings)

    def add(self, items: Sequence[NotifyItem], now: float) -> None:
        """Keeps things until they were told; where there are too many, the oldest that are not urgent are given up.

        Raises:
            NotifyError: it cannot be written.
        """
        with self._change() as connection:
            self._insert(connection, items, now)

    def add_page(self, item: NotifyItem, now: float) -> None:
        """Keeps a page until it was told. It takes the place of an older one of the same week.

        Raises:
            NotifyError: it cannot be written.
        """
        waits = (item.target, ItemKind.PAGE)
        with self._change() as connection:
            connection.execute(
                "DELETE FROM items WHERE target = ? AND kind = ? AND message IS NULL AND key = ?", (*waits, item.key)
            )
            self._insert(connection, [item], now)
            surplus = connection.execute(
                "SELECT id FROM items WHERE target = ? AND kind = ? AND message IS NULL"
                " ORDER BY id DESC LIMIT -1 OFFSET ?",
                (*waits, _PAGES),
            ).fetchall()
            if surplus:
                connection.executemany("DELETE FROM items WHERE id = ?", surplus)
                _lose(connection, item.target, len(surplus))

    def end_alert(self, key: str, ended: float, *, calm: bool, items: Sequence[NotifyItem], now: float) -> None:
        """Notes that an alert is over with what was not told yet.

        Args:
            key: the alert's id.
            ended: when, in seconds since 1970.
            calm: whether its condition was seen to be over, so that nobody need be told that it was not acknowledged.
            items: what is to be told of it.
            now: the time.

        Raises:
            NotifyError: it cannot be written.
        """
        with self._change() as connection:
            connection.execute("UPDATE items SET ended = ? WHERE key = ? AND message IS NULL", (ended, key))
            if calm:
                _do_not_escalate(connection, key)
            self._insert(connection, items, now)

    def count_lost(self, targets: Iterable[str], count: int) -> None:
        """Notes that things were given up before they came here, so that the next message to each target says so.

        Raises:
            NotifyError: it cannot be written.
        """
        with self._change() as connection:
            for target in targets:
                _lose(connection, target, count)

    def acknowledge(self, keys: Iterable[str]) -> None:
        """Somebody knows of these alerts: they are not escalated.

        Raises:
            NotifyError: it cannot be written.
        """
        with self._change() as connection:
            for key in keys:
                _do_not_escalate(connection, key)

    def wake(self) -> None:
        """Asks for the sender.

        Raises:
            NotifyError: the file cannot be made.
        """
        try:
            os.close(os.open(self._wake, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o660))
        except FileExistsError:
            pass
        except OSError as error:
            raise _unusable(self._wake, error.strerror or str(error)) from None

    @property
    def is_woken(self) -> bool:
        """Whether the sender is asked for."""
        return self._wake.exists()

    # what the sender does

    def clear_wake(self) -> None:
        """The sender is about to look; what is put afterwards asks for it again."""
        with suppress(OSError):
            self._wake.unlink()

    def queues(self, now: float) -> dict[str, TargetQueue]:
        """What waits, by target; targets for which nothing does are left out.

        Raises:
            NotifyError: it cannot be read.
        """
        with self._change() as connection:
            rows: dict[str, _Rows] = {}
            for target, at, urgent, put in connection.execute(
                "SELECT target, not_before, urgent, put FROM items WHERE message IS NULL ORDER BY id"
            ):
                if not isinstance(at, float) or not isinstance(put, float):
                    # damaged: it is given up when its target's message is made
                    at = put = now  # noqa: PLW2901 - as if it were due
                row = rows.setdefault(target, _Rows())
                row.waiting.append((min(at, put + 8 * MAX_AGE), bool(urgent)))
                if urgent and at <= now:
                    row.newest_urgent = max(row.newest_urgent, put)
            made = {target for (target,) in connection.execute("SELECT target FROM messages")}
            for target in made:
                rows.setdefault(target, _Rows())
            for target, at in connection.execute("SELECT target, at FROM sent"):
                if target in rows:
                    rows[target].sent.append(at)
            tries = {
                name: (retry, last)
                for name, retry, last in connection.execute("SELECT name, retry_at, last_try FROM targets")
            }
        found = {}
        for name, row in rows.items():
            retry_at, last_try = tries.get(name, (0.0, 0.0))
            found[name] = TargetQueue(
                row.waiting, name in made, row.sent, retry_at, last_try, row.newest_urgent > last_try
            )
        return found

    def prepare(
        self, target: str, now: float, make: Callable[[Sequence[NotifyItem], int], NotifyMessage]
    ) -> Prepared | None:
        """The message for a target: the one that was made and not taken, else one of all that may be told now.

        Args:
            target: its name.
            now: the time.
            make: makes a message of things, and of how many were lost before them.

        Returns:
            The message; None where there is nothing to tell.

        Raises:
            NotifyError: it cannot be written.
        """
        with self._change() as connection:
            (failures, untold) = connection.execute(
                "SELECT max(failures), max(untold) FROM (SELECT failures, untold FROM targets WHERE name = ?"
                " UNION ALL SELECT 0, 0)",
                (target,),
            ).fetchone()
            row = connection.execute(
                "SELECT id, title, body, severity, kind, urgent FROM messages WHERE target = ?", (target,)
            ).fetchone()
            page = None
            if row is not None and row[4] == ItemKind.PAGE:
                page = _page_of(connection, row[0])
                if page is None or _has_other(connection, target, now):
                    # a page that is not taken holds up no alert
                    connection.execute("UPDATE items SET message = NULL WHERE message = ?", (row[0],))
                    connection.execute("DELETE FROM messages WHERE id = ?", (row[0],))
                    row = page = None
            if row is None:
                due = _due(connection, target, now)
                items = [item for item in due if item.kind is not ItemKind.PAGE] or due[:1]
                if not items:
                    return None
                message, number = make(items, untold), _number_of(items[0])
                if items[0].kind is ItemKind.PAGE:
                    page = _page_in(items[0].facts)
                urgent = any(item.urgent for item in items)
                connection.execute(
                    "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (number, target, now, urgent, message.title, message.text, message.severity, message.kind),
                )
                connection.executemany("UPDATE items SET message = ? WHERE id = ?", [(number, one.id) for one in items])
            else:
                number, title, body, severity, kind, urgent = row
                known = kind if kind in list(ItemKind) else ItemKind.FIRING
                message = NotifyMessage(str(title), str(body), str(severity), ItemKind(known))
            _target(connection, target)
            connection.execute("UPDATE targets SET last_try = ? WHERE name = ?", (now, target))
        return Prepared(number, message, bool(urgent), failures, page)

    def taken(self, target: str, message: str, now: float) -> None:
        """The target has taken a message.

        Raises:
            NotifyError: it cannot be written.
        """
        with self._change() as connection:
            connection.execute("DELETE FROM items WHERE message = ?", (message,))
            connection.execute("DELETE FROM messages WHERE id = ?", (message,))
            connection.execute("INSERT INTO sent VALUES (?, ?)", (target, now))
            connection.execute(
                "DELETE FROM sent WHERE target = ? AND rowid NOT IN"
                " (SELECT rowid FROM sent WHERE target = ? ORDER BY rowid DESC LIMIT ?)",
                (target, target, _REMEMBERED),
            )
            connection.execute("DELETE FROM sent WHERE at < ?", (now - MAX_AGE,))
            _target(connection, target)
            connection.execute(
                "UPDATE targets SET failures = 0, retry_at = 0, problem = '', untold = 0, last_sent = ? WHERE name = ?",
                (now, target),
            )

    def refused(self, target: str, retry_at: float, problem: str) -> None:
        """The target has not taken a message, which is to be tried again.

        Raises:
            NotifyError: it cannot be written.
        """
        with self._change() as connection:
            _target(connection, target)
            connection.execute(
                "UPDATE targets SET failures = failures + 1, retry_at = ?, problem = ? WHERE name = ?",
                (retry_at, problem[:500], target),
            )

    def expire(self, now: float, targets: Iterable[str]) -> None:
        """Gives up what is too old, and what is for a target that is there no more.

        Raises:
            NotifyError: it cannot be written.
        """
        known = json.dumps(list(targets))
        with self._change() as connection:
            gone = " FROM items WHERE target NOT IN (SELECT value FROM json_each(?))"
            connection.execute(f"DELETE{gone}", (known,))
            connection.execute("DELETE FROM targets WHERE name NOT IN (SELECT value FROM json_each(?))", (known,))
            # by both clocks, where both can be compared: one that was set is no reason to give anything up
            old = "put < ? AND not_before < ? AND (boot <> ? OR mono < ?)"
            limits = (now - MAX_AGE, now - MAX_AGE, self._boot, self._mono() - MAX_AGE)
            for target, count in connection.execute(
                f"SELECT target, count(*) FROM items WHERE {old} GROUP BY target",  # noqa: S608 - our own words
                limits,
            ).fetchall():
                _lose(connection, target, count)
            connection.execute(f"DELETE FROM items WHERE {old}", limits)  # noqa: S608 - likewise
            connection.execute(
                "DELETE FROM messages WHERE id NOT IN (SELECT message FROM items WHERE message NOT NULL)"
            )

    # what both do

    def note(self, name: str, value: Any) -> None:
        """Keeps a small thing under a name.

        Raises:
            NotifyError: it cannot be written.
        """
        with self._change() as connection:
            connection.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, json.dumps(value)))

    def noted(self, name: str) -> Any:
        """What was kept under a name; None where nothing was.

        Raises:
            NotifyError: it cannot be read.
        """
        with self._change() as connection:
            row = connection.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
        try:
            return json.loads(row[0]) if row else None
        except (ValueError, TypeError, RecursionError):
            # written anew by the daemon at its next start or reload
            return None

    def status(self) -> dict[str, TargetStatus]:
        """How each target is doing for which there was ever something to tell.

        Raises:
            NotifyError: it cannot be read.
        """
        with self._change() as connection:
            waiting = dict(connection.execute("SELECT target, count(*) FROM items GROUP BY target").fetchall())
            rows = connection.execute("SELECT name, failures, problem, last_sent, lost FROM targets").fetchall()
        found = {name: TargetStatus(count) for name, count in waiting.items()}
        for name, failures, problem, last_sent, lost in rows:
            found[name] = TargetStatus(waiting.get(name, 0), failures, problem, last_sent, lost)
        return found

    def _insert(self, connection: sqlite3.Connection, items: Sequence[NotifyItem], now: float) -> None:
        for one in items:
            connection.execute(
                "INSERT INTO items"
                " (target, kind, key, severity, at, not_before, urgent, camera, facts, put, boot, mono)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(one.target, one.kind, one.key, one.severity, one.at, one.not_before, one.urgent, one.camera),
                    *(json.dumps(dict(one.facts)), now, self._boot, self._mono()),
                ),
            )
        (count,) = connection.execute("SELECT count(*) FROM items").fetchone()
        if count > _MOST:
            surplus = connection.execute(
                "SELECT id, target FROM items WHERE message IS NULL ORDER BY urgent, id LIMIT ?", (count - _MOST,)
            ).fetchall()
            for row, target in surplus:
                connection.execute("DELETE FROM items WHERE id = ?", (row,))
                _lose(connection, target, 1)

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """One transaction; a damaged file is moved aside, and the transaction done to a new one is the next."""
        try:
            with closing(self._opened()) as connection:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    with suppress(sqlite3.Error):
                        connection.execute("ROLLBACK")
                    raise
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            # our own words are right, so one that does not know its tables is none of ours
            if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}:
                self._move_aside(error)
            raise _unusable(self._file, str(error)) from None

    def _opened(self) -> sqlite3.Connection:
        is_new = not self._file.exists()
        if is_new:
            self._create()
        connection = sqlite3.connect(self._file, isolation_level=None, timeout=_PATIENCE)
        try:
            connection.execute("PRAGMA journal_mode = PERSIST")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            self._check(version)
            if version < _VERSION:
                connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        except BaseException:
            connection.close()
            raise
        return connection

    def _check(self, version: int) -> None:
        if version > _VERSION:
            msg = f"{self._file} was written by a newer edge-fer (version {version}, known is {_VERSION})"
            raise NotifyError(msg, remedy="Install that version again, or move the file away")

    def _create(self) -> None:
        """Makes an empty file; where the folder is shared with the sender's user, its group may write it."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            shared = self.folder.stat().st_mode & stat.S_ISGID
            handle = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                if shared:
                    os.fchmod(handle, 0o660)
            finally:
                os.close(handle)
        except OSError as error:
            raise _unusable(self._file, error.strerror or str(error)) from None

    def _move_aside(self, error: sqlite3.DatabaseError) -> None:
        aside = self._file.with_name(f"{FILE}.corrupt")
        with suppress(OSError):
            self._file.replace(aside)
            self._file.with_name(f"{FILE}-journal").unlink(missing_ok=True)
            _log.error(
                "%s is damaged (%s). It is kept as %s and a new one begun; what waited in it is not told",
                *(self._file, error, aside.name),
            )


def _boot_id() -> str:
    """The kernel's id of this boot; empty where it has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _due(connection: sqlite3.Connection, target: str, now: float) -> list[NotifyItem]:
    rows = connection.execute(
        "SELECT target, kind, key, severity, at, not_before, urgent, camera, facts, id, ended FROM items"
        " WHERE target = ? AND message IS NULL AND (not_before <= ? OR typeof(not_before) <> 'real')"
        " ORDER BY id LIMIT ?",
        (target, now, _IN_ONE),
    )
    found, damaged = [], []
    for name, kind, key, severity, at, after, urgent, camera, facts, row, ended in rows.fetchall():
        try:
            known = dict(json.loads(facts))
            times = (float(at), float(after), None if ended is None else float(ended))
            if kind == ItemKind.PAGE:
                _page_in(known)
            one = NotifyItem(
                name, ItemKind(kind), key, severity, *times[:2], bool(urgent), camera, known, row, times[2]
            )
        except (ValueError, TypeError, KeyError, RecursionError):
            damaged.append((row,))
        else:
            found.append(one)
    if damaged:
        # one that cannot be read holds up no other
        connection.executemany("DELETE FROM items WHERE id = ?", damaged)
        _lose(connection, target, len(damaged))
        _log.error("%d things to be told to %s are damaged, and given up", len(damaged), target)
    return found


def _number_of(item: NotifyItem) -> str:
    """An id for a message; that of a page stays, should alerts be sent before it."""
    if item.kind is ItemKind.PAGE:
        return uuid.uuid5(uuid.NAMESPACE_OID, f"{item.target} {item.key} {item.id} {item.at}").hex
    return uuid.uuid4().hex


def _has_other(connection: sqlite3.Connection, target: str, now: float) -> bool:
    """Whether there is anything but pages to tell now."""
    row = connection.execute(
        "SELECT 1 FROM items WHERE target = ? AND kind <> ? AND message IS NULL AND not_before <= ? LIMIT 1",
        (target, ItemKind.PAGE, now),
    ).fetchone()
    return row is not None


def _page_of(connection: sqlite3.Connection, message: str) -> tuple[str, str] | None:
    """The page that belongs to a message; None where it is damaged."""
    row = connection.execute("SELECT facts FROM items WHERE message = ?", (message,)).fetchone()
    try:
        return _page_in(json.loads(row[0])) if row else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _page_in(facts: Mapping[str, Any]) -> tuple[str, str]:
    return Path(str(facts["name"])).name, str(facts["html"])


def _do_not_escalate(connection: sqlite3.Connection, key: str) -> None:
    connection.execute("DELETE FROM items WHERE key = ? AND kind = ? AND message IS NULL", (key, ItemKind.ESCALATED))


def _target(connection: sqlite3.Connection, name: str) -> None:
    connection.execute("INSERT OR IGNORE INTO targets (name) VALUES (?)", (name,))


def _lose(connection: sqlite3.Connection, target: str, count: int) -> None:
    _target(connection, target)
    connection.execute("UPDATE targets SET lost = lost + ?, untold = untold + ? WHERE name = ?", (count, count, target))


def _unusable(file: Path, reason: str) -> NotifyError:
    msg = f"what is to be told cannot be kept in {file}: {reason.rstrip('.')}"
    return NotifyError(msg, remedy="Make sure that its folder is there, can be written, and has room")
