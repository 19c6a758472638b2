"""Sequence numbers: they count up within a topic for ever, and none is used twice.

They are handed out of blocks that were reserved durably beforehand. A power cut may take the record of numbers that
were already sent, so counting then goes on behind the reserved block.
"""

from __future__ import annotations

import sqlite3

from edge_fer.outbox.checksums import checksum

__all__ = [
    "IN_MEMORY",
    "copy_name",
    "next_number",
    "number_behind",
    "number_in_memory",
    "numbering",
    "set_numbers",
]

#: Sequence numbers reserved at a time, for each topic.
_BLOCK = 100
#: Numbers from here on are those of topics that were sent to from memory; see `number_in_memory`.
IN_MEMORY = 1 << 40


def number_in_memory(utc: float) -> int:
    """A number for the first message of a topic that the disk does not take, by the time of its capture.

    The disk cannot be told which numbers are used meanwhile, and may not be told afterwards either. So they lie far
    above those that are counted, and further up with each later time, unless a topic has a thousand messages a second.
    """
    return int(1024 * utc)


def number_behind(connection: sqlite3.Connection, topic: str) -> int:
    """The first number of a topic that is not reserved."""
    found = connection.execute("SELECT reserved + 1 FROM topics WHERE name = ?", (topic,)).fetchone()
    return int(found[0]) if found else 1


def next_number(connection: sqlite3.Connection, sink: str, topic: str) -> tuple[int, int, int | None]:
    """The topic's id, its next sequence number, and where that begins a new block, the last one of it."""
    number, seq, reserved = numbering(connection, sink, topic)
    fresh_block = seq > reserved
    if fresh_block:
        reserved = seq + _BLOCK - 1
    set_numbers(connection, number, (sink, topic), seq + 1, reserved)
    return number, seq, reserved if fresh_block else None


def numbering(connection: sqlite3.Connection, sink: str, topic: str) -> tuple[int, int, int]:
    """The topic's id, its next sequence number, and the last one that is reserved."""
    found = connection.execute("SELECT id, next, reserved FROM topics WHERE name = ?", (topic,)).fetchone()
    if found is None:
        (begun,) = connection.execute("SELECT value FROM meta WHERE name = 'begun'").fetchone()
        number = connection.execute(
            "INSERT INTO topics (name, next, reserved, sink) VALUES (?, ?, ?, ?)", (topic, begun, begun - 1, sink)
        ).lastrowid
        copy_name(connection, number or 0, topic)
        found = (number, begun, begun - 1)
    return int(found[0]), int(found[1]), int(found[2])


def set_numbers(
    connection: sqlite3.Connection, number: int, topic: tuple[str, str], upcoming: int, reserved: int
) -> None:
    """Notes the next number of a topic, and the last one that is reserved; `topic`: the sink's name, and its own."""
    connection.execute(
        "UPDATE topics SET next = ?, reserved = ?, crc = ? WHERE id = ?",
        (upcoming, reserved, checksum(*topic, upcoming, reserved), number),
    )


def copy_name(connection: sqlite3.Connection, number: int, name: str) -> None:
    """Keeps a second copy of a topic's name: one damaged byte in it would cost all its messages."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (f"topic {number}", name))
