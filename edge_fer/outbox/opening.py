"""What is done to the file when it is opened and closed: mended, and marked as in use."""

from __future__ import annotations

import sqlite3
from typing import Any

from edge_fer.errors import OutboxError
from edge_fer.outbox.checksums import checksum
from edge_fer.outbox.counts import DAMAGED
from edge_fer.outbox.kind import MessageKind
from edge_fer.outbox.numbers import IN_MEMORY, copy_name, number_in_memory, set_numbers
from edge_fer.outbox.rows import END_OF_TIME
from edge_fer.outbox.sink import OutboxSink

__all__ = ["begin", "end", "set_clock"]


def begin(connection: sqlite3.Connection, sink: OutboxSink, boot: str, floor: int, *, now: float) -> list[str]:
    """Mends what can be mended, and marks the file as in use in this boot; the tables are of the present version.

    Args:
        connection: to the file.
        sink: whose messages are in it.
        boot: the kernel's boot id.
        floor: a number that no topic has used, nor any higher one.
        now: the time, in seconds since 1970.

    Returns:
        What was damaged and is mended, for the log.

    Raises:
        OutboxError: it is another sink's.
    """
    _adopt(connection, sink)
    _see_whose_it_is(connection, sink)
    mended = _mend(connection, sink, floor)
    (left_open_in,) = connection.execute("SELECT value FROM meta WHERE name = 'boot'").fetchone() or (None,)
    if left_open_in not in {None, boot}:
        # the power may have been cut, and numbers beyond those on record been sent
        for number, name, _, reserved in _topics(connection):
            set_numbers(connection, number, (sink.name, name), reserved + 1, reserved)
    if left_open_in is not None:
        # the end may have come while messages were sent from memory
        behind = max(floor, number_in_memory(now))
        for number, name, upcoming, _ in _topics(connection):
            if IN_MEMORY <= upcoming < behind:
                set_numbers(connection, number, (sink.name, name), behind, behind - 1)
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('boot', ?)", (boot,))
    connection.execute("DELETE FROM boots WHERE boot NOT IN (SELECT boot FROM messages)")
    return mended


def _topics(connection: sqlite3.Connection) -> list[tuple[Any, Any, Any, Any]]:
    return connection.execute("SELECT id, name, next, reserved FROM topics").fetchall()


def _adopt(connection: sqlite3.Connection, sink: OutboxSink) -> None:
    """Makes the checksums of topics that an earlier release has counted on, which keeps none."""
    found = connection.execute("SELECT id, name, next, reserved FROM topics WHERE crc IS NULL").fetchall()
    for number, name, upcoming, reserved in found:
        if sink.has(name) and isinstance(upcoming, int) and isinstance(reserved, int) and 0 < upcoming <= reserved + 1:
            connection.execute("UPDATE topics SET sink = ? WHERE id = ?", (sink.name, number))
            set_numbers(connection, number, (sink.name, name), upcoming, reserved)
            copy_name(connection, number, name)


def _see_whose_it_is(connection: sqlite3.Connection, sink: OutboxSink) -> None:
    """Refuses a file that is another sink's, as its topics say; where their checksums do not fit, they are damaged."""
    found = connection.execute("SELECT sink, name, next, reserved, crc FROM topics").fetchall()
    others = sorted({row[0] for row in found if row[0] != sink.name and row[4] == checksum(*row[:4])})
    if others:
        msg = f"the outbox holds messages for {', '.join(others)}, and not for {sink.name}"
        raise OutboxError(msg, remedy="Give each sink a file of its own")


def _mend(connection: sqlite3.Connection, sink: OutboxSink, floor: int) -> list[str]:
    """Puts right what single damaged rows of the small tables would spoil; says what was."""
    mended = []
    (begun,) = connection.execute("SELECT value FROM meta WHERE name = 'begun'").fetchone() or (None,)
    found = connection.execute("SELECT id, sink, name, next, reserved, crc FROM topics").fetchall()
    for number, owner, name, upcoming, reserved, crc in found:
        if crc == checksum(owner, name, upcoming, reserved):
            continue
        (copy,) = connection.execute("SELECT value FROM meta WHERE name = ?", (f"topic {number}",)).fetchone() or (
            None,
        )
        known: Any = copy if sink.has(copy) else name
        mended.append(f"the numbers of topic {known!a} are damaged; they go on from {floor}")
        begun = None
        connection.execute("DELETE FROM topics WHERE id = ?", (number,))
        if sink.has(known):
            connection.execute("DELETE FROM topics WHERE name = ?", (known,))
            connection.execute("INSERT INTO topics VALUES (?, ?, 0, 0, 0, ?)", (number, known, sink.name))
            set_numbers(connection, number, (sink.name, known), floor, floor - 1)
    if not isinstance(begun, int) or begun < 1:
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('begun', ?)", (floor,))
    syncs = connection.execute("SELECT value FROM meta WHERE name = 'syncs'").fetchone()
    if syncs is None or not isinstance(syncs[0], int):
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('syncs', 0)")
    for kind, counted in connection.execute("SELECT kind, count FROM dropped").fetchall():
        if kind not in {*MessageKind, DAMAGED} or not isinstance(counted, int) or counted < 0:
            mended.append(f"the count of messages given up of kind {kind!a} is damaged; it begins anew")
            connection.execute("DELETE FROM dropped WHERE kind = ?", (kind,))
    for boot, began in connection.execute("SELECT boot, began FROM boots").fetchall():
        if not (isinstance(began, float) and abs(began) < END_OF_TIME):
            mended.append("a note of when the device was started is damaged, and is forgotten")
            connection.execute("DELETE FROM boots WHERE boot IS ?", (boot,))
    return mended


def set_clock(connection: sqlite3.Connection, boot: str, began: float) -> None:
    """Notes when a boot began, in seconds since 1970, now that its clock is right."""
    connection.execute("INSERT OR REPLACE INTO boots VALUES (?, ?)", (boot, began))


def end(connection: sqlite3.Connection) -> None:
    """Marks the file as properly closed, so that the next run counts on without a gap."""
    connection.execute("UPDATE meta SET value = NULL WHERE name = 'boot'")
