"""The outbox's tables, and every statement that is run on them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from edge_fer.mqtt.letter import Captured
from edge_fer.mqtt.messages import Kind

__all__ = [
    "SCHEMA",
    "Waiting",
    "begin",
    "count_dropped",
    "delete",
    "dropped",
    "end",
    "front",
    "id_in_memory",
    "insert",
    "number_behind",
    "set_clock",
    "take_over",
    "waiting",
]

SCHEMA = """
CREATE TABLE IF NOT EXISTS topics (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, next INTEGER NOT NULL, reserved INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY, topic INTEGER NOT NULL, seq INTEGER NOT NULL, body TEXT NOT NULL,
    boot TEXT NOT NULL, mono REAL NOT NULL, utc REAL NOT NULL, synced INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS boots (boot TEXT PRIMARY KEY, began REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dropped (kind TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS retained (topic TEXT PRIMARY KEY) WITHOUT ROWID;
INSERT OR IGNORE INTO meta VALUES ('boot', NULL);
"""

#: Sequence numbers reserved at a time, for each topic.
_BLOCK = 100
#: A message's id has the rank of its kind above so many bits, and the order of arrival below: one tree, in the
#: order of sending, which is read from the front to send and from the back to give up.
_RANK = 48
#: When a message was captured; put right where it was in an earlier boot, in which the clock was synchronised later on.
#: What was captured in this boot, the present clock puts right.
_WHEN = "messages.boot, mono, iif(synced, utc, ifnull(began + mono, utc)), synced OR began IS NOT NULL"
_EARLIER = (
    "LEFT JOIN boots ON boots.boot = messages.boot AND boots.boot <> (SELECT value FROM meta WHERE name = 'boot')"
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
    def kind(self) -> Kind:
        """What it is."""
        return list(Kind)[self.id >> _RANK]


def begin(connection: sqlite3.Connection, boot: str) -> int:
    """Marks the file as in use in this boot.

    Returns:
        How many messages wait in it.
    """
    (left_open_in,) = connection.execute("SELECT value FROM meta WHERE name = 'boot'").fetchone()
    if left_open_in not in {None, boot}:
        # the power may have been cut, and numbers beyond those on record been sent
        connection.execute("UPDATE topics SET next = reserved + 1")
    connection.execute("UPDATE meta SET value = ? WHERE name = 'boot'", (boot,))
    connection.execute("DELETE FROM boots WHERE boot NOT IN (SELECT boot FROM messages)")
    count: int = connection.execute("SELECT count(*) FROM messages").fetchone()[0]
    return count


def set_clock(connection: sqlite3.Connection, boot: str, began: float) -> None:
    """Notes when a boot began, in seconds since 1970, now that its clock is right."""
    connection.execute("INSERT OR REPLACE INTO boots VALUES (?, ?)", (boot, began))


def end(connection: sqlite3.Connection) -> None:
    """Marks the file as properly closed, so that the next run counts on without a gap."""
    connection.execute("UPDATE meta SET value = NULL WHERE name = 'boot'")


def insert(connection: sqlite3.Connection, topic: str, kind: Kind, body: str, captured: Captured) -> bool:
    """Adds a message.

    Returns:
        Whether it began a block of sequence numbers, which must be durable before any of them is sent.
    """
    number, seq, fresh_block = _next_number(connection, topic)
    _insert(connection, kind, (number, seq, body), captured)
    return fresh_block


def take_over(connection: sqlite3.Connection, messages: Iterable[Waiting], numbers: Mapping[str, int]) -> None:
    """Adds messages that were in memory, with the numbers they have, and notes for each topic which number is next."""
    ids = {topic: _numbering(connection, topic)[0] for topic in numbers}
    for topic, upcoming in numbers.items():
        connection.execute("UPDATE topics SET next = ?1, reserved = ?1 - 1 WHERE id = ?2", (upcoming, ids[topic]))
    for message in messages:
        _insert(connection, message.kind, (ids[message.topic], message.seq, message.body), message.captured)


def number_behind(connection: sqlite3.Connection, topic: str) -> int:
    """The first number of a topic that is not reserved."""
    found = connection.execute("SELECT reserved + 1 FROM topics WHERE name = ?", (topic,)).fetchone()
    return int(found[0]) if found else 1


def id_in_memory(kind: Kind, count: int) -> int:
    """The id of a message that is not on the disk: behind all of its kind that are."""
    return _band(kind)[0] + (1 << _RANK - 1) + count


def waiting(
    connection: sqlite3.Connection, count: int, *, but: Collection[int], held: Collection[str]
) -> list[Waiting]:
    """The first messages in the order of sending, without those of some ids and topics."""
    found = connection.execute(
        f"SELECT messages.id, name, seq, body, {_WHEN}"  # noqa: S608 - our own words
        f" FROM messages JOIN topics ON topics.id = topic {_EARLIER}"
        " WHERE messages.id NOT IN (SELECT value FROM json_each(?))"
        " AND name NOT IN (SELECT value FROM json_each(?)) ORDER BY messages.id LIMIT ?",
        (_as_json(but), _as_json(held), count),
    )
    return [Waiting(row, name, seq, body, Captured(*when)) for row, name, seq, body, *when in found]


def front(connection: sqlite3.Connection, kind: Kind, count: int, *, but: Collection[int]) -> dict[int, Captured]:
    """The oldest messages of a kind, without some."""
    found = connection.execute(
        f"SELECT id, {_WHEN} FROM messages {_EARLIER}"  # noqa: S608
        " WHERE id BETWEEN ? AND ?"
        " AND id NOT IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?",
        (*_band(kind), _as_json(but), count),
    )
    return {row: Captured(*when) for row, *when in found}


def delete(connection: sqlite3.Connection, rows: Iterable[int]) -> int:
    """Deletes messages.

    Returns:
        How many there were.
    """
    return connection.executemany("DELETE FROM messages WHERE id = ?", [(row,) for row in rows]).rowcount


def count_dropped(connection: sqlite3.Connection, kind: Kind, count: int) -> None:
    """Adds to the number of messages given up."""
    connection.execute(
        "INSERT INTO dropped VALUES (?, ?) ON CONFLICT (kind) DO UPDATE SET count = count + excluded.count",
        (kind, count),
    )


def dropped(connection: sqlite3.Connection) -> dict[Kind, int]:
    """How many messages were given up, over all runs."""
    counts = dict(connection.execute("SELECT kind, count FROM dropped"))
    return {kind: counts.get(kind, 0) for kind in Kind}


def _insert(
    connection: sqlite3.Connection, kind: Kind, topic_seq_body: tuple[int, int, str], captured: Captured
) -> None:
    first, last = _band(kind)
    (newest,) = connection.execute("SELECT max(id) FROM messages WHERE id <= ?", (last,)).fetchone()
    row = max(first, newest or 0) + 1
    values = (row, *topic_seq_body, captured.boot, captured.mono, captured.utc, captured.synced)
    connection.execute("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)


def _next_number(connection: sqlite3.Connection, topic: str) -> tuple[int, int, bool]:
    """The topic's id, its next sequence number, and whether that begins a new block."""
    number, seq, reserved = _numbering(connection, topic)
    fresh_block = seq > reserved
    if fresh_block:
        reserved = seq + _BLOCK - 1
    connection.execute("UPDATE topics SET next = ?, reserved = ? WHERE id = ?", (seq + 1, reserved, number))
    return number, seq, fresh_block


def _numbering(connection: sqlite3.Connection, topic: str) -> tuple[int, int, int]:
    """The topic's id, its next sequence number, and the last one that is reserved."""
    connection.execute(
        "INSERT INTO topics (name, next, reserved) SELECT ?1, value, value - 1 FROM meta WHERE name = 'begun'"
        " AND NOT EXISTS (SELECT 1 FROM topics WHERE name = ?1)",
        (topic,),
    )
    found = connection.execute("SELECT id, next, reserved FROM topics WHERE name = ?", (topic,)).fetchone()
    return int(found[0]), int(found[1]), int(found[2])


def _band(kind: Kind) -> tuple[int, int]:
    """The ids that messages of a kind have, first to last."""
    rank = list(Kind).index(kind)
    return rank << _RANK, ((rank + 1) << _RANK) - 1


def _as_json(values: Iterable[object]) -> str:
    """A list for `json_each`, because SQL has no parameter for one."""
    return json.dumps(list(values))
