"""Messages as rows of the file: added, read in the order of sending, and deleted."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from edge_fer.outbox.checksums import checksum, mark_of
from edge_fer.outbox.kind import MessageKind
from edge_fer.outbox.numbers import next_number, numbering, set_numbers
from edge_fer.outbox.queued import Captured
from edge_fer.outbox.sink import OutboxSink

__all__ = [
    "ALL",
    "END_OF_TIME",
    "FROM",
    "Waiting",
    "as_json",
    "band",
    "count_all",
    "delete",
    "front",
    "id_in_memory",
    "insert",
    "of_topics",
    "sorted_out",
    "take_over",
    "waiting",
]

#: A message's id has the rank of its kind above so many bits, and the order of arrival below: one tree, in the
#: order of sending, which is read from the front to send and from the back to give up.
_RANK = 48
#: The last second that Python can name.
END_OF_TIME = 253_402_300_799
#: Everything that is known of a message. The last one is when its boot began, where that was an earlier one in which
#: the clock was synchronised later on. What was captured in this boot, the present clock puts right.
ALL = "messages.id, name, seq, body, messages.boot, mono, utc, synced, messages.crc, began"
FROM = (
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


def count_all(connection: sqlite3.Connection) -> int:
    """How many messages wait."""
    return int(connection.execute("SELECT count(*) FROM messages").fetchone()[0])


def insert(
    connection: sqlite3.Connection, sink: OutboxSink, topic: str, kind: MessageKind, body: str, *, captured: Captured
) -> int | None:
    """Adds a message.

    Returns:
        Where it began a block of sequence numbers, the last of them; the block must be durable before any is sent.
    """
    number, seq, reserved = next_number(connection, sink.name, topic)
    _insert(connection, kind, (number, topic, seq, body), captured)
    return reserved


def take_over(
    connection: sqlite3.Connection, sink: OutboxSink, messages: Iterable[Waiting], numbers: Mapping[str, int]
) -> dict[int, int]:
    """Adds messages that were in memory, with the numbers they have, and notes for each topic which number is next.

    Returns:
        For the id that each had in memory, the one that it has now.
    """
    ids = {topic: numbering(connection, sink.name, topic)[0] for topic in numbers}
    for topic, upcoming in numbers.items():
        set_numbers(connection, ids[topic], (sink.name, topic), upcoming, upcoming - 1)
    return {
        one.id: _insert(connection, one.kind, (ids[one.topic], one.topic, one.seq, one.body), one.captured)
        for one in messages
    }


def id_in_memory(kind: MessageKind, count: int) -> int:
    """The id of a message that is not on the disk: behind all of its kind that are."""
    return band(kind)[0] + (1 << _RANK - 1) + count


def waiting(
    connection: sqlite3.Connection, sink: OutboxSink, count: int, *, but: Collection[int], held: Collection[str]
) -> tuple[list[Waiting], dict[int, str]]:
    """The first messages in the order of sending, without those of some ids and topics.

    Returns:
        The messages; and of those among them that are damaged, the ids and what is wrong.
    """
    found = connection.execute(
        f"SELECT {ALL} FROM {FROM}"  # noqa: S608 - our own words
        " WHERE messages.id NOT IN (SELECT value FROM json_each(?))"
        " AND ifnull(name, '') NOT IN (SELECT value FROM json_each(?)) ORDER BY messages.id LIMIT ?",
        (as_json(but), as_json(held), count),
    )
    return sorted_out(found, sink)


def sorted_out(rows: Iterable[Sequence[Any]], sink: OutboxSink) -> tuple[list[Waiting], dict[int, str]]:
    """Rows as messages; and of those that are damaged, the ids and what is wrong."""
    whole: list[Waiting] = []
    broken: dict[int, str] = {}
    for row in rows:
        try:
            whole.append(_waiting(sink, *row))
        except (ValueError, TypeError, OverflowError) as error:
            broken[row[0]] = str(error)
    return whole, broken


def _waiting(sink: OutboxSink, row: int, name: Any, seq: Any, body: Any, *rest: Any) -> Waiting:
    """A row as a message; ValueError where it is damaged."""
    *captured, crc, began = rest
    if crc is not None and crc != checksum(row, name, seq, body, *captured):
        msg = "its checksum does not fit"
        raise ValueError(msg)
    # what was written before there were checksums has to stand for itself
    if not (0 <= row >> _RANK < len(MessageKind) and sink.has(name) and isinstance(body, str)):
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
    if abs(utc) > END_OF_TIME:
        msg = "its time of capture is none"
        raise ValueError(msg)
    return Captured(boot, float(mono), float(utc), bool(synced))


def front(
    connection: sqlite3.Connection, sink: OutboxSink, kind: MessageKind, count: int, *, but: Collection[int]
) -> dict[int, Captured]:
    """The oldest messages of a kind, without some; damaged ones are of no age."""
    found = connection.execute(
        f"SELECT {ALL} FROM {FROM} WHERE messages.id BETWEEN ? AND ?"  # noqa: S608
        " AND messages.id NOT IN (SELECT value FROM json_each(?)) ORDER BY messages.id LIMIT ?",
        (*band(kind), as_json(but), count),
    ).fetchall()
    whole, _ = sorted_out(found, sink)
    times = {message.id: message.captured for message in whole}
    return {row[0]: times.get(row[0], Captured("", 0.0, 0.0, synced=False)) for row in found}


def of_topics(connection: sqlite3.Connection, names: Collection[str]) -> set[int]:
    """The ids of all messages to these topics."""
    found = connection.execute(
        f"SELECT messages.id FROM {FROM} WHERE name IN (SELECT value FROM json_each(?))",  # noqa: S608
        (as_json(names),),
    )
    return {row for (row,) in found}


def delete(connection: sqlite3.Connection, rows: Iterable[int]) -> int:
    """Deletes messages.

    Returns:
        How many there were.
    """
    return connection.executemany("DELETE FROM messages WHERE id = ?", [(row,) for row in rows]).rowcount


def _insert(
    connection: sqlite3.Connection, kind: MessageKind, topic_seq_body: tuple[int, str, int, str], captured: Captured
) -> int:
    first, last = band(kind)
    (newest,) = connection.execute("SELECT max(id) FROM messages WHERE id <= ?", (last,)).fetchone()
    row = max(first, newest or 0) + 1
    topic, name, seq, body = topic_seq_body
    when = (captured.boot, captured.mono, captured.utc, int(captured.synced))
    mark = mark_of(synced=captured.synced, crc=checksum(row, name, seq, body, *when))
    connection.execute(
        "INSERT INTO messages (id, topic, seq, body, boot, mono, utc, mark) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (row, topic, seq, body, *when[:-1], mark),
    )
    return row


def band(kind: MessageKind) -> tuple[int, int]:
    """The ids that messages of a kind have, first to last."""
    rank = list(MessageKind).index(kind)
    return rank << _RANK, ((rank + 1) << _RANK) - 1


def as_json(values: Iterable[object]) -> str:
    """A list for `json_each`, because SQL has no parameter for one."""
    return json.dumps(list(values))
