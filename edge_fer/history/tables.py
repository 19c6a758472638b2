"""The tables of the history's file: what is written, given up, erased and read, within a transaction of the caller's.

Each row has a checksum. A row that does not fit its checksum is left out when it is read, and counted.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from edge_fer.history.records import (
    MINUTELY,
    AlertBegan,
    AlertEnded,
    HealthHour,
    HistoryWindow,
    Keep,
    Record,
    SignalWindow,
)
from edge_fer.outbox.checksums import checksum

__all__ = [
    "SCHEMA",
    "VERSION",
    "Found",
    "cameras_in",
    "count_lost",
    "erase",
    "insert",
    "lost_in",
    "make_room",
    "prune",
    "read_alerts",
    "read_health",
    "read_signals",
    "read_windows",
]

#: The version of the tables, in SQLite's `user_version`.
VERSION = 1
_WINDOW = """(
    since INTEGER, camera TEXT, until INTEGER NOT NULL, watched REAL NOT NULL, synced INTEGER NOT NULL, people INTEGER,
    arrived INTEGER NOT NULL, attention REAL NOT NULL, seconds TEXT NOT NULL, sure REAL NOT NULL,
    crc INTEGER NOT NULL, PRIMARY KEY (since, camera)) WITHOUT ROWID;"""
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS minutes {_WINDOW}
CREATE TABLE IF NOT EXISTS hours {_WINDOW}
CREATE TABLE IF NOT EXISTS alerts (
    began REAL, id TEXT, camera TEXT NOT NULL, rule TEXT NOT NULL, severity TEXT NOT NULL, labels TEXT NOT NULL,
    of_faces INTEGER NOT NULL, ended REAL, seconds REAL, reason TEXT, crc INTEGER NOT NULL,
    PRIMARY KEY (began, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS alert_ids ON alerts (id);
CREATE TABLE IF NOT EXISTS signals (
    since INTEGER, camera TEXT, signal TEXT, until INTEGER NOT NULL, count INTEGER NOT NULL, low REAL NOT NULL,
    mean REAL NOT NULL, high REAL NOT NULL, crc INTEGER NOT NULL, PRIMARY KEY (since, camera, signal)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS health (
    since INTEGER PRIMARY KEY, looks INTEGER NOT NULL, connected INTEGER NOT NULL, losses INTEGER NOT NULL,
    temperature REAL, memory INTEGER NOT NULL, waiting INTEGER NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS erased (camera TEXT, since REAL NOT NULL, until REAL NOT NULL);
CREATE TABLE IF NOT EXISTS lost (why TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
"""
_COLUMNS = "since, camera, until, watched, synced, people, arrived, attention, seconds, sure"
_ALERT_COLUMNS = "began, id, camera, rule, severity, labels, of_faces, ended, seconds, reason"
_SIGNAL_COLUMNS = "since, camera, signal, until, count, low, mean, high"
_HEALTH_COLUMNS = "since, looks, connected, losses, temperature, memory, waiting"
#: What is given up where there is no room: a day of the least important, as long as there is any.
_GIVEN_UP = (("minutes", "since"), ("signals", "since"), ("hours", "since"), ("alerts", "began"), ("health", "since"))
_DAY = 86_400
#: For so long, what comes late of a time that was erased is refused: longer than anything waits in memory.
_REFUSES = 2 * _DAY


@dataclass(frozen=True, slots=True)
class Found:
    """How many rows there were of each kind."""

    minutes: int = 0
    hours: int = 0
    alerts: int = 0
    signals: int = 0
    health: int = 0


def insert(connection: sqlite3.Connection, records: Iterable[Record]) -> None:
    """Writes records; a minute or hour that is told twice, as after the clock was set back, is added up."""
    erased = connection.execute("SELECT camera, since, until FROM erased").fetchall()
    for record in records:
        match record:
            case AlertEnded():
                _end(connection, record)
            case AlertBegan() if not _was_erased(erased, record.camera, record.began, record.began):
                _put(connection, "alerts", _ALERT_COLUMNS, _of_alert(record))
            case HistoryWindow() if not _was_erased(erased, record.camera, record.since, record.until):
                _add(connection, record)
            case SignalWindow() if not _was_erased(erased, record.camera, record.since, record.until):
                _add_signal(connection, record)
            case HealthHour():
                _add_health(connection, record)


def prune(connection: sqlite3.Connection, keep: Keep, now: datetime) -> None:
    """Deletes what is older than it may be."""
    minutes, hours = (now.timestamp() - seconds for seconds in (keep.minutes, keep.hours))
    connection.execute("DELETE FROM minutes WHERE until <= ?", (minutes,))
    connection.execute("DELETE FROM signals WHERE until <= ?", (minutes if keep.minutes else hours,))
    connection.execute("DELETE FROM hours WHERE until <= ?", (hours,))
    connection.execute("DELETE FROM alerts WHERE began <= ?", (hours,))
    connection.execute("DELETE FROM health WHERE since <= ?", (hours - 3600,))
    connection.execute("DELETE FROM erased WHERE until <= ?", (now.timestamp() - _REFUSES,))


def make_room(connection: sqlite3.Connection) -> bool:
    """Gives up the oldest day of the least important rows that there are, and counts them; whether there were any."""
    for table, column in _GIVEN_UP:
        (oldest,) = connection.execute(f"SELECT min({column}) FROM {table}").fetchone()  # noqa: S608 - our own words
        if oldest is not None:
            gone = connection.execute(f"DELETE FROM {table} WHERE {column} < ?", (oldest + _DAY,)).rowcount  # noqa: S608
            count_lost(connection, "room", gone)
            return True
    return False


def count_lost(connection: sqlite3.Connection, why: str, count: int) -> None:
    """Counts rows that were given up, over all runs."""
    connection.execute(
        "INSERT INTO lost VALUES (?, ?) ON CONFLICT (why) DO UPDATE SET count = count + excluded.count", (why, count)
    )


def lost_in(connection: sqlite3.Connection) -> dict[str, int]:
    """How many rows were given up, by reason: `room` in the file, or a `disk` that could not be written."""
    return dict(connection.execute("SELECT why, count FROM lost"))


def erase(connection: sqlite3.Connection, camera: str | None, since: datetime, until: datetime) -> Found:
    """Deletes everything of a camera, or of all, that overlaps a time, and refuses what comes late of it."""
    span = (since.timestamp(), until.timestamp())
    counts = {}
    overlaps, of_camera = "since < ? AND until > ?", "AND (? IS NULL OR camera = ?)"
    for table in ("minutes", "hours", "signals"):
        sql = f"DELETE FROM {table} WHERE {overlaps} {of_camera}"  # noqa: S608 - our own words
        counts[table] = connection.execute(sql, (span[1], span[0], camera, camera)).rowcount
    # an alert is of the hour that it began in, where only that is known
    sql = f"DELETE FROM alerts WHERE began < ? AND coalesce(ended, began) >= ? {of_camera}"  # noqa: S608
    counts["alerts"] = connection.execute(sql, (span[1], span[0] - 3600, camera, camera)).rowcount
    if camera is None:
        sql = "DELETE FROM health WHERE since < ? AND since > ?"
        counts["health"] = connection.execute(sql, (span[1], span[0] - 3600)).rowcount
    connection.execute("INSERT INTO erased VALUES (?, ?, ?)", (camera, *span))
    return Found(**counts)


def cameras_in(connection: sqlite3.Connection) -> list[str]:
    """The names of all cameras there is anything of."""
    found = connection.execute(
        "SELECT camera FROM hours UNION SELECT camera FROM minutes UNION SELECT camera FROM alerts"
    )
    return sorted(name for (name,) in found)


def read_windows(
    connection: sqlite3.Connection, length: int, since: datetime, until: datetime, *, camera: str | None = None
) -> tuple[list[HistoryWindow], int]:
    """The minutes or hours that begin within a time, the earliest first; and how many are damaged and left out."""
    table = "minutes" if length == MINUTELY else "hours"
    rows = _rows(connection, table, _COLUMNS, "since", (since, until, camera))
    whole = [row for row in rows if row is not None]
    return [_as_window(length, row) for row in whole], len(rows) - len(whole)


def read_alerts(
    connection: sqlite3.Connection, since: datetime, until: datetime, *, camera: str | None = None
) -> tuple[list[AlertBegan], int]:
    """The alerts that began to fire within a time, likewise."""
    rows = _rows(connection, "alerts", _ALERT_COLUMNS, "began", (since, until, camera))
    whole = [row for row in rows if row is not None]
    return [_as_alert(row) for row in whole], len(rows) - len(whole)


def read_signals(
    connection: sqlite3.Connection, since: datetime, until: datetime, *, camera: str | None = None
) -> tuple[list[SignalWindow], int]:
    """What was known of outside numbers within a time, likewise."""
    rows = _rows(connection, "signals", _SIGNAL_COLUMNS, "since", (since, until, camera))
    whole = [row for row in rows if row is not None]
    found = [SignalWindow(row[1], row[2], _moment(row[0]), _moment(row[3]), *row[4:]) for row in whole]
    return found, len(rows) - len(whole)


def read_health(connection: sqlite3.Connection, since: datetime, until: datetime) -> tuple[list[HealthHour], int]:
    """How the device was within a time, likewise."""
    sql = f"SELECT {_HEALTH_COLUMNS}, crc FROM health WHERE since >= ? AND since < ? ORDER BY since"  # noqa: S608
    rows = connection.execute(sql, (since.timestamp(), until.timestamp())).fetchall()
    whole = [row[:-1] for row in rows if row[-1] == checksum(*row[:-1])]
    return [HealthHour(_moment(row[0]), *row[1:]) for row in whole], len(rows) - len(whole)


def _rows(
    connection: sqlite3.Connection, table: str, columns: str, key: str, where: tuple[datetime, datetime, str | None]
) -> list[tuple[Any, ...] | None]:
    since, until, camera = where
    sql = (
        f"SELECT {columns}, crc FROM {table} WHERE {key} >= ? AND {key} < ?"  # noqa: S608 - our own words
        f" AND (? IS NULL OR camera = ?) ORDER BY {key}, camera"
    )
    rows = connection.execute(sql, (since.timestamp(), until.timestamp(), camera, camera))
    return [row[:-1] if row[-1] == checksum(*row[:-1]) else None for row in rows]


def _put(connection: sqlite3.Connection, table: str, columns: str, values: Sequence[Any]) -> None:
    marks = ", ".join("?" * (len(values) + 1))
    connection.execute(
        f"INSERT OR REPLACE INTO {table} ({columns}, crc) VALUES ({marks})",  # noqa: S608 - our own words
        (*values, checksum(*values)),
    )


def _add(connection: sqlite3.Connection, record: HistoryWindow) -> None:
    table = "minutes" if record.length == MINUTELY else "hours"
    known, _ = read_windows(
        connection, record.length, record.since, record.since + timedelta(seconds=1), camera=record.camera
    )
    for before in known:
        record = _added(before, record)
    seconds = json.dumps({label: round(spent, 3) for label, spent in record.seconds.items()}, separators=(",", ":"))
    values = (
        _number(record.since),
        record.camera,
        _number(record.until),
        float(round(record.watched, 3)),
        int(record.synced),
        record.people,
        record.arrived,
        float(round(record.attention, 3)),
        seconds,
        float(round(record.sure, 3)),
    )
    _put(connection, table, _COLUMNS, values)


def _added(one: HistoryWindow, other: HistoryWindow) -> HistoryWindow:
    common = (one.camera, one.length, one.since, max(one.until, other.until), one.watched + other.watched)
    synced = one.synced and other.synced
    if one.people is None or other.people is None:
        return HistoryWindow(*common, synced, None)
    seconds = {
        label: one.seconds.get(label, 0.0) + other.seconds.get(label, 0.0)
        for label in dict.fromkeys([*one.seconds, *other.seconds])
    }
    return HistoryWindow(
        *common,
        synced,
        one.people + other.people,
        one.arrived + other.arrived,
        one.attention + other.attention,
        seconds,
        one.sure + other.sure,
    )


def _as_window(length: int, row: Sequence[Any]) -> HistoryWindow:
    since, camera, until, watched, synced, people, arrived, attention, seconds, sure = row
    return HistoryWindow(
        camera,
        length,
        _moment(since),
        _moment(until),
        watched,
        bool(synced),
        people,
        arrived,
        attention,
        json.loads(seconds),
        sure,
    )


def _of_alert(alert: AlertBegan) -> tuple[Any, ...]:
    ended = None if alert.ended is None else round(alert.ended.timestamp(), 3)
    seconds = None if alert.seconds is None else float(round(alert.seconds, 3))
    began = float(round(alert.began.timestamp(), 3))
    named = (alert.id, alert.camera, alert.rule, alert.severity, ",".join(alert.labels), int(alert.of_faces))
    return (began, *named, None if ended is None else float(ended), seconds, alert.reason)


def _as_alert(row: Sequence[Any]) -> AlertBegan:
    began, number, camera, rule, severity, labels, of_faces, ended, seconds, reason = row
    return AlertBegan(
        number,
        camera,
        rule,
        severity,
        tuple(filter(None, labels.split(","))),
        bool(of_faces),
        _moment(began),
        None if ended is None else _moment(ended),
        seconds,
        reason,
    )


def _end(connection: sqlite3.Connection, record: AlertEnded) -> None:
    for row in connection.execute(f"SELECT {_ALERT_COLUMNS} FROM alerts WHERE id = ?", (record.id,)).fetchall():  # noqa: S608
        alert = _as_alert(row)
        seconds = record.seconds
        if seconds is None and (took := (record.ended - alert.began).total_seconds()) > 0:
            seconds = took
        ended = replace(alert, ended=record.ended, seconds=seconds, reason=record.reason)
        _put(connection, "alerts", _ALERT_COLUMNS, _of_alert(ended))


def _add_signal(connection: sqlite3.Connection, record: SignalWindow) -> None:
    known, _ = read_signals(connection, record.since, record.since + timedelta(seconds=1), camera=record.camera)
    count, low, mean, high = record.count, record.low, record.mean, record.high
    for before in known:
        if before.signal == record.signal:
            mean = (mean * count + before.mean * before.count) / (count + before.count)
            count, low, high = count + before.count, min(low, before.low), max(high, before.high)
    numbers = (count, float(low), float(mean), float(high))
    named = (_number(record.since), record.camera, record.signal, _number(record.until))
    _put(connection, "signals", _SIGNAL_COLUMNS, (*named, *numbers))


def _add_health(connection: sqlite3.Connection, record: HealthHour) -> None:
    known, _ = read_health(connection, record.since, record.since + timedelta(seconds=1))
    before = known[0] if known else HealthHour(record.since, 0, 0, 0, None, 0, 0)
    degrees = [float(one) for one in (before.temperature, record.temperature) if one is not None]
    values = (
        _number(record.since),
        before.looks + record.looks,
        before.connected + record.connected,
        before.losses + record.losses,
        max(degrees, default=None),
        max(before.memory, record.memory),
        max(before.waiting, record.waiting),
    )
    _put(connection, "health", _HEALTH_COLUMNS, values)


def _was_erased(erased: Iterable[Sequence[Any]], camera: str, since: datetime, until: datetime) -> bool:
    begin, end = since.timestamp(), max(until.timestamp(), since.timestamp() + 1e-3)
    return any(whose in {None, camera} and begin < upto and end > after for whose, after, upto in erased)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _number(moment: datetime) -> int:
    return round(moment.timestamp())
