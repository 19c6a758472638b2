"""The outbox's tables, and every statement that is run on them."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from edge_fer.contract.messages import MessageKind
from edge_fer.contract.topics import is_publishable
from edge_fer.errors import OutboxError
from edge_fer.mqtt.letter import Captured

__all__ = [
    "SCHEMA",
    "Waiting",
    "begin",
    "count",
    "count_damaged",
    "count_dropped",
    "count_losses",
    "damaged",
    "delete",
    "dropped",
    "end",
    "forget_broken",
    "front",
    "id_in_memory",
    "insert",
    "misplaced",
    "number_behind",
    "of_topics",
    "retained",
    "set_aside",
    "set_clock",
    "take_over",
    "waiting",
]

#: The version of the tables, in SQLite's `user_version`. Files from before there was one have 0.
VERSION = 1

SCHEMA = """
CREATE TABLE IF NOT EXISTS topics (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, next INTEGER NOT NULL, reserved INTEGER NOT NULL, crc INTEGER);
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY, topic INTEGER NOT NULL, seq INTEGER NOT NULL, body TEXT NOT NULL,
    boot TEXT NOT NULL, mono REAL NOT NULL, utc REAL NOT NULL, synced INTEGER NOT NULL, crc INTEGER);
CREATE TABLE IF NOT EXISTS dead (
    id INTEGER PRIMARY KEY, at REAL, why TEXT, message INTEGER, topic, seq, body, boot, mono, utc, synced, crc);
CREATE TABLE IF NOT EXISTS boots (boot TEXT PRIMARY KEY, began REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dropped (kind TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS retained (topic TEXT PRIMARY KEY) WITHOUT ROWID;
INSERT OR IGNORE INTO meta VALUES ('boot', NULL);
"""

#: Sequence numbers reserved at a time, for each topic.
_BLOCK = 100
#: Damaged messages that are kept, the newest ones.
_DEAD = 100
#: In the table of what was given up, the row that counts damaged messages.
_DAMAGED = "damaged"
#: A message's id has the rank of its kind above so many bits, and the order of arrival below: one tree, in the
#: order of sending, which is read from the front to send and from the back to give up.
_RANK = 48
#: The last second that Python can name.
_END_OF_TIME = 253_402_300_799
#: Everything that is known of a message. The last one is when its boot began, where that was an earlier one in which
#: the clock was synchronised later on. What was captured in this boot, the present clock puts right.
_ALL = "messages.id, name, seq, body, messages.boot, mono, utc, synced, messages.crc, began"
_FROM = (
    "messages LEFT JOIN topics ON topics.id = topic"
    " LEFT JOIN boots ON boots.boot = messages.boot AND boots.boot <> (SELECT value FROM meta WHERE name = 'boot')"
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that waits.

    Attributes:
        id: its place in the order of sending.
        topic: where to.
        seq: its number within the topic.
        body: the draft, as JSON.
        captured: when it was captured, by which clock.
    """

    id: int
    topic: str
    seq: int
    body: str
    captured: Captured

    @property
    def kind(self) -> MessageKind:
        """What it is."""
        return list(MessageKind)[self.id >> _RANK]


#: Numbers from here on are those of topics that were sent to from memory; see `number_in_memory`.
_IN_MEMORY = 1 << 40


def number_in_memory(utc: float) -> int:
    """A number for the first message of a topic that the disk does not take, by the time of its capture.

    The disk cannot be told which numbers are used meanwhile, and may not be told afterwards either. So they lie far
    above those that are counted, and further up with each later time, unless a topic has a thousand messages a second.
    """
    return int(1024 * utc)


def begin(connection: sqlite3.Connection, boot: str, floor: int, *, now: float) -> list[str]:
    """Brings the tables to the present version, mends what can be mended, and marks the file as in use in this boot.

    Args:
        connection: to the file.
        boot: the kernel's boot id.
        floor: a number that no topic has used, nor any higher one.
        now: the time, in seconds since 1970.

    Returns:
        What was damaged and is mended, for the log.

    Raises:
        OutboxError: the file was made by a newer version.
    """
    _migrate(connection)
    mended = _mend(connection, floor)
    (left_open_in,) = connection.execute("SELECT value FROM meta WHERE name = 'boot'").fetchone() or (None,)
    if left_open_in not in {None, boot}:
        # the power may have been cut, and numbers beyond those on record been sent
        for number, name, _, reserved, _ in connection.execute("SELECT * FROM topics").fetchall():
            _set_numbers(connection, number, name, reserved + 1, reserved)
    if left_open_in is not None:
        # the end may have come while messages were sent from memory
        behind = max(floor, number_in_memory(now))
        for number, name, upcoming, *_ in connection.execute("SELECT * FROM topics").fetchall():
            if _IN_MEMORY <= upcoming < behind:
                _set_numbers(connection, number, name, behind, behind - 1)
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('boot', ?)", (boot,))
    connection.execute("DELETE FROM boots WHERE boot NOT IN (SELECT boot FROM messages)")
    return mended


def _migrate(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        msg = f"the outbox was written by a newer edge-fer (version {version} of its tables, known is {VERSION})"
        raise OutboxError(msg, remedy="Install that version again, or move the outbox's file away to begin a new one")
    if version < VERSION:
        for table in ("topics", "messages"):
            if "crc" not in {column[1] for column in connection.execute(f"PRAGMA table_info({table})")}:
                connection.execute(f"ALTER TABLE {table} ADD COLUMN crc INTEGER")
        for number, name, upcoming, reserved, _ in connection.execute("SELECT * FROM topics").fetchall():
            _set_numbers(connection, number, name, upcoming, reserved)
            _copy_name(connection, number, name)
        connection.execute(f"PRAGMA user_version = {VERSION}")


def _mend(connection: sqlite3.Connection, floor: int) -> list[str]:
    """Puts right what single damaged rows of the small tables would spoil; says what was."""
    mended = []
    (begun,) = connection.execute("SELECT value FROM meta WHERE name = 'begun'").fetchone() or (None,)
    for number, name, upcoming, reserved, crc in connection.execute("SELECT * FROM topics").fetchall():
        if crc == _checksum(name, upcoming, reserved):
            continue
        (copy,) = connection.execute("SELECT value FROM meta WHERE name = ?", (f"topic {number}",)).fetchone() or (
            None,
        )
        known: Any = copy if _is_name(copy) else name
        mended.append(f"the numbers of topic {known!a} are damaged; they go on from {floor}")
        begun = None
        connection.execute("DELETE FROM topics WHERE id = ?", (number,))
        if _is_name(known):
            connection.execute("DELETE FROM topics WHERE name = ?", (known,))
            connection.execute("INSERT INTO topics VALUES (?, ?, 0, 0, 0)", (number, known))
            _set_numbers(connection, number, known, floor, floor - 1)
    if not isinstance(begun, int) or begun < 1:
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('begun', ?)", (floor,))
    syncs = connection.execute("SELECT value FROM meta WHERE name = 'syncs'").fetchone()
    if syncs is None or not isinstance(syncs[0], int):
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('syncs', 0)")
    for kind, found in connection.execute("SELECT kind, count FROM dropped").fetchall():
        if kind not in {*MessageKind, _DAMAGED} or not isinstance(found, int) or found < 0:
            mended.append(f"the count of messages given up of kind {kind!a} is damaged; it begins anew")
            connection.execute("DELETE FROM dropped WHERE kind = ?", (kind,))
    for boot, began in connection.execute("SELECT boot, began FROM boots").fetchall():
        if not (isinstance(began, float) and abs(began) < _END_OF_TIME):
            mended.append("a note of when the device was started is damaged, and is forgotten")
            connection.execute("DELETE FROM boots WHERE boot IS ?", (boot,))
    return mended


def set_clock(connection: sqlite3.Connection, boot: str, began: float) -> None:
    """Notes when a boot began, in seconds since 1970, now that its clock is right."""
    connection.execute("INSERT OR REPLACE INTO boots VALUES (?, ?)", (boot, began))


def end(connection: sqlite3.Connection) -> None:
    """Marks the file as properly closed, so that the next run counts on without a gap."""
    connection.execute("UPDATE meta SET value = NULL WHERE name = 'boot'")


def count(connection: sqlite3.Connection) -> int:
    """How many messages wait."""
    return int(connection.execute("SELECT count(*) FROM messages").fetchone()[0])


def insert(connection: sqlite3.Connection, topic: str, kind: MessageKind, body: str, captured: Captured) -> int | None:
    """Adds a message.

    Returns:
        Where it began a block of sequence numbers, the last of them; the block must be durable before any is sent.
    """
    number, seq, reserved = _next_number(connection, topic)
    _insert(connection, kind, (number, topic, seq, body), captured)
    return reserved


def take_over(
    connection: sqlite3.Connection, messages: Iterable[Waiting], numbers: Mapping[str, int]
) -> dict[int, int]:
    """Adds messages that were in memory, with the numbers they have, and notes for each topic which number is next.

    Returns:
        For the id that each had in memory, the one that it has now.
    """
    ids = {topic: _numbering(connection, topic)[0] for topic in numbers}
    for topic, upcoming in numbers.items():
        _set_numbers(connection, ids[topic], topic, upcoming, upcoming - 1)
    return {
        one.id: _insert(connection, one.kind, (ids[one.topic], one.topic, one.seq, one.body), one.captured)
        for one in messages
    }


def number_behind(connection: sqlite3.Connection, topic: str) -> int:
    """The first number of a topic that is not reserved."""
    found = connection.execute("SELECT reserved + 1 FROM topics WHERE name = ?", (topic,)).fetchone()
    return int(found[0]) if found else 1


def id_in_memory(kind: MessageKind, count: int) -> int:
    """The id of a message that is not on the disk: behind all of its kind that are."""
    return _band(kind)[0] + (1 << _RANK - 1) + count


def waiting(
    connection: sqlite3.Connection, count: int, *, but: Collection[int], held: Collection[str]
) -> tuple[list[Waiting], dict[int, str]]:
    """The first messages in the order of sending, without those of some ids and topics.

    Returns:
        The messages; and of those among them that are damaged, the ids and what is wrong.
    """
    found = connection.execute(
        f"SELECT {_ALL} FROM {_FROM}"  # noqa: S608 - our own words
        " WHERE messages.id NOT IN (SELECT value FROM json_each(?))"
        " AND ifnull(name, '') NOT IN (SELECT value FROM json_each(?)) ORDER BY messages.id LIMIT ?",
        (_as_json(but), _as_json(held), count),
    )
    return _sorted_out(found)


def _sorted_out(rows: Iterable[Sequence[Any]]) -> tuple[list[Waiting], dict[int, str]]:
    whole: list[Waiting] = []
    broken: dict[int, str] = {}
    for row in rows:
        try:
            whole.append(_waiting(*row))
        except (ValueError, TypeError, OverflowError) as error:
            broken[row[0]] = str(error)
    return whole, broken


def _waiting(row: int, name: Any, seq: Any, body: Any, *rest: Any) -> Waiting:
    """A row as a message; ValueError where it is damaged."""
    *captured, crc, began = rest
    if crc is not None and crc != _checksum(row, name, seq, body, *captured):
        msg = "its checksum does not fit"
        raise ValueError(msg)
    # what was written before there were checksums has to stand for itself
    if not (0 <= row >> _RANK < len(MessageKind) and _is_name(name) and isinstance(body, str)):
        msg = "it has no topic, or no text"
        raise ValueError(msg)
    if not isinstance(seq, int) or seq < 1:
        msg = "it has no number"
        raise ValueError(msg)
    boot, mono, utc, synced = captured
    return Waiting(row, name, seq, body, _captured(boot, mono, utc, synced, began))


def _captured(boot: Any, mono: Any, utc: Any, synced: Any, began: Any) -> Captured:
    """When a message was captured, put right where it was in an earlier boot; ValueError where that is damaged."""
    numbers = (mono, utc, *(() if began is None else (began,)))
    if not (isinstance(boot, str) and all(isinstance(one, float | int) and isfinite(one) for one in numbers)):
        msg = "it has no time of capture"
        raise ValueError(msg)
    if not synced and began is not None:
        utc, synced = began + mono, True
    if abs(utc) > _END_OF_TIME:
        msg = "its time of capture is none"
        raise ValueError(msg)
    return Captured(boot, float(mono), float(utc), bool(synced))


def front(
    connection: sqlite3.Connection, kind: MessageKind, count: int, *, but: Collection[int]
) -> dict[int, Captured]:
    """The oldest messages of a kind, without some; damaged ones are of no age."""
    found = connection.execute(
        f"SELECT {_ALL} FROM {_FROM} WHERE messages.id BETWEEN ? AND ?"  # noqa: S608
        " AND messages.id NOT IN (SELECT value FROM json_each(?)) ORDER BY messages.id LIMIT ?",
        (*_band(kind), _as_json(but), count),
    ).fetchall()
    whole, _ = _sorted_out(found)
    times = {message.id: message.captured for message in whole}
    return {row[0]: times.get(row[0], Captured("", 0.0, 0.0, synced=False)) for row in found}


def of_topics(connection: sqlite3.Connection, names: Collection[str]) -> set[int]:
    """The ids of all messages to these topics."""
    found = connection.execute(
        f"SELECT messages.id FROM {_FROM} WHERE name IN (SELECT value FROM json_each(?))",  # noqa: S608
        (_as_json(names),),
    )
    return {row for (row,) in found}


def misplaced(connection: sqlite3.Connection) -> dict[int, str]:
    """Damaged messages that would put new ones in a wrong place: the last of each kind, and those of no kind."""
    last = _band(list(MessageKind)[-1])[1]
    found = dict.fromkeys(
        (row for (row,) in connection.execute("SELECT id FROM messages WHERE id < 1 OR id > ?", (last,))),
        "it is of no kind",
    )
    for kind in MessageKind:
        while True:
            row = connection.execute(
                f"SELECT {_ALL} FROM {_FROM} WHERE messages.id BETWEEN ? AND ?"  # noqa: S608
                " AND messages.id NOT IN (SELECT value FROM json_each(?)) ORDER BY messages.id DESC LIMIT 1",
                (*_band(kind), _as_json(found)),
            ).fetchone()
            broken = _sorted_out([row] if row else [])[1]
            if not broken:
                break
            found |= broken
    return found


def delete(connection: sqlite3.Connection, rows: Iterable[int]) -> int:
    """Deletes messages.

    Returns:
        How many there were.
    """
    return connection.executemany("DELETE FROM messages WHERE id = ?", [(row,) for row in rows]).rowcount


def set_aside(connection: sqlite3.Connection, broken: Mapping[int, str], at: float) -> None:
    """Moves damaged messages to where they stop nobody, and counts them; of all of them the newest are kept.

    Args:
        connection: to the file.
        broken: what is wrong with each, by id.
        at: the time, in seconds since 1970.
    """
    columns = "topic, seq, body, boot, mono, utc, synced, crc"
    for row, why in broken.items():
        # within SQL, because what is in them may be nothing that Python can hold
        connection.execute(
            f"INSERT INTO dead (at, why, message, {columns}) SELECT ?, ?, id, {columns}"  # noqa: S608
            " FROM messages WHERE id = ?",
            (at, why, row),
        )
    delete(connection, broken)
    connection.execute("DELETE FROM dead WHERE id <= (SELECT max(id) FROM dead) - ?", (_DEAD,))
    count_damaged(connection, len(broken))


def retained(connection: sqlite3.Connection) -> tuple[set[str], list[object]]:
    """Names of the retained topics that were published to; and of those, what is no name."""
    found = [name for (name,) in connection.execute("SELECT topic FROM retained")]
    return {name for name in found if _is_name(name)}, [name for name in found if not _is_name(name)]


def forget_broken(connection: sqlite3.Connection) -> None:
    """Forgets what is in the place of a retained topic's name and is none."""
    if retained(connection)[1]:
        names = retained(connection)[0]
        connection.execute("DELETE FROM retained")
        connection.executemany("INSERT INTO retained VALUES (?)", [(name,) for name in names])


def count_dropped(connection: sqlite3.Connection, kind: MessageKind, count: int) -> None:
    """Adds to the number of messages given up."""
    _count(connection, kind, count)


def count_losses(connection: sqlite3.Connection, number: str, counts: Mapping[MessageKind, int]) -> None:
    """Counts what an earlier run has lost, once; `number` is what that loss is known by."""
    known = connection.execute("SELECT value FROM meta WHERE name = 'losses'").fetchone()
    if known != (number,):
        for kind, lost in counts.items():
            count_dropped(connection, kind, lost)
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('losses', ?)", (number,))


def count_damaged(connection: sqlite3.Connection, count: int) -> None:
    """Adds to the number of damaged messages."""
    _count(connection, _DAMAGED, count)


def _count(connection: sqlite3.Connection, what: str, count: int) -> None:
    connection.execute(
        "INSERT INTO dropped VALUES (?, ?) ON CONFLICT (kind) DO UPDATE SET count = count + excluded.count",
        (what, count),
    )


def dropped(connection: sqlite3.Connection) -> dict[MessageKind, int]:
    """How many messages were given up, over all runs."""
    counts = dict(connection.execute("SELECT kind, count FROM dropped"))
    return {kind: counts.get(kind, 0) for kind in MessageKind}


def damaged(connection: sqlite3.Connection) -> int:
    """How many messages were found damaged, over all runs."""
    found = connection.execute("SELECT count FROM dropped WHERE kind = ?", (_DAMAGED,)).fetchone()
    return int(found[0]) if found else 0


def _insert(
    connection: sqlite3.Connection, kind: MessageKind, topic_seq_body: tuple[int, str, int, str], captured: Captured
) -> int:
    first, last = _band(kind)
    (newest,) = connection.execute("SELECT max(id) FROM messages WHERE id <= ?", (last,)).fetchone()
    row = max(first, newest or 0) + 1
    topic, name, seq, body = topic_seq_body
    when = (captured.boot, captured.mono, captured.utc, int(captured.synced))
    values = (row, topic, seq, body, *when, _checksum(row, name, seq, body, *when))
    connection.execute(
        "INSERT INTO messages (id, topic, seq, body, boot, mono, utc, synced, crc) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        values,
    )
    return row


def _next_number(connection: sqlite3.Connection, topic: str) -> tuple[int, int, int | None]:
    """The topic's id, its next sequence number, and where that begins a new block, the last one of it."""
    number, seq, reserved = _numbering(connection, topic)
    fresh_block = seq > reserved
    if fresh_block:
        reserved = seq + _BLOCK - 1
    _set_numbers(connection, number, topic, seq + 1, reserved)
    return number, seq, reserved if fresh_block else None


def _numbering(connection: sqlite3.Connection, topic: str) -> tuple[int, int, int]:
    """The topic's id, its next sequence number, and the last one that is reserved."""
    found = connection.execute("SELECT id, next, reserved FROM topics WHERE name = ?", (topic,)).fetchone()
    if found is None:
        (begun,) = connection.execute("SELECT value FROM meta WHERE name = 'begun'").fetchone()
        number = connection.execute(
            "INSERT INTO topics (name, next, reserved) VALUES (?, ?, ?)", (topic, begun, begun - 1)
        ).lastrowid
        _copy_name(connection, number or 0, topic)
        found = (number, begun, begun - 1)
    return int(found[0]), int(found[1]), int(found[2])


def _set_numbers(connection: sqlite3.Connection, number: int, name: str, upcoming: int, reserved: int) -> None:
    connection.execute(
        "UPDATE topics SET next = ?, reserved = ?, crc = ? WHERE id = ?",
        (upcoming, reserved, _checksum(name, upcoming, reserved), number),
    )


def _copy_name(connection: sqlite3.Connection, number: int, name: str) -> None:
    """Keeps a second copy of a topic's name: one damaged byte in it would cost all its messages."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (f"topic {number}", name))


def _checksum(*values: object) -> int:
    """Of values as SQLite gives them back."""
    return zlib.crc32(repr(values).encode(errors="surrogateescape"))


def _is_name(value: object) -> bool:
    """Whether it can be the name of a topic."""
    return isinstance(value, str) and is_publishable(value)


def _band(kind: MessageKind) -> tuple[int, int]:
    """The ids that messages of a kind have, first to last."""
    rank = list(MessageKind).index(kind)
    return rank << _RANK, ((rank + 1) << _RANK) - 1


def _as_json(values: Iterable[object]) -> str:
    """A list for `json_each`, because SQL has no parameter for one."""
    return json.dumps(list(values))
