"""The tables of an outbox's file, their version, and how older files become files of this version.

Going back must be possible, too: 0.1.0 reads and writes a file of this version as if it were its own. It inserts
messages by position, into exactly eight columns, and leaves `user_version` alone. So a message's checksum shares the
column `mark` with what 0.1.0 takes for `synced`. Whatever else is read by name is in generated columns, which such an
insertion passes over. A trigger notices that an earlier release has opened the file: that release does not keep the
checksums of topics, so they are cleared, and made anew the next time that this release opens it.
"""

from __future__ import annotations

import sqlite3

from edge_fer.errors import OutboxError
from edge_fer.outbox.checksums import checksum
from edge_fer.outbox.numbers import copy_name, set_numbers
from edge_fer.outbox.sink import OutboxSink

__all__ = ["SCHEMA", "VERSION", "migrate", "move_some"]

#: The version of the tables, in SQLite's `user_version`. Files of 0.1.0 have 0.
VERSION = 2

#: Messages moved at a time, so that a file that is full needs no more room.
_BATCH = 500

_MESSAGES = """
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY, topic INTEGER NOT NULL, seq INTEGER NOT NULL, body TEXT NOT NULL,
    boot TEXT NOT NULL, mono REAL NOT NULL, utc REAL NOT NULL, mark INTEGER NOT NULL,
    synced INTEGER AS (mark & 1) VIRTUAL, crc INTEGER AS (CASE WHEN mark & 2 THEN mark >> 2 END) VIRTUAL);
"""

SCHEMA = (
    _MESSAGES
    + """
CREATE TABLE IF NOT EXISTS topics (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, next INTEGER NOT NULL, reserved INTEGER NOT NULL, crc INTEGER,
    sink TEXT NOT NULL DEFAULT 'mqtt');
CREATE TABLE IF NOT EXISTS dead (
    id INTEGER PRIMARY KEY, at REAL, why TEXT, message INTEGER, topic, seq, body, boot, mono, utc, synced, crc);
CREATE TABLE IF NOT EXISTS boots (boot TEXT PRIMARY KEY, began REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dropped (kind TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS retained (topic TEXT PRIMARY KEY) WITHOUT ROWID;
INSERT OR IGNORE INTO meta VALUES ('boot', NULL);
"""
)

#: An earlier release marks the file as in use by an update; this one replaces the row, which fires no such trigger.
_EARLIER_RELEASE = """
CREATE TRIGGER IF NOT EXISTS earlier_release AFTER UPDATE ON meta WHEN new.name = 'boot' AND new.value IS NOT NULL
BEGIN UPDATE topics SET crc = NULL; END
"""


def migrate(connection: sqlite3.Connection, sink: OutboxSink) -> None:
    """Brings the tables to the present version; the messages of version 1 are then still to be moved by `move_some`.

    Raises:
        OutboxError: the file was made by a newer version.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        msg = f"the outbox was written by a newer edge-fer (version {version} of its tables, known is {VERSION})"
        raise OutboxError(msg, remedy="Install that version again, or move the outbox's file away to begin a new one")
    if version == VERSION:
        return
    if "sink" not in _columns(connection, "topics"):
        _migrate_topics(connection, sink)
    if "mark" not in _columns(connection, "messages"):
        if "crc" in _columns(connection, "messages"):
            connection.execute("ALTER TABLE messages RENAME TO messages_1")
            connection.execute(_MESSAGES)
        else:
            connection.execute("ALTER TABLE messages RENAME COLUMN synced TO mark")
            connection.execute("ALTER TABLE messages ADD COLUMN synced INTEGER AS (mark & 1) VIRTUAL")
            connection.execute(
                "ALTER TABLE messages ADD COLUMN crc INTEGER AS (CASE WHEN mark & 2 THEN mark >> 2 END) VIRTUAL"
            )
    connection.execute(_EARLIER_RELEASE)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _migrate_topics(connection: sqlite3.Connection, sink: OutboxSink) -> None:
    """Gives each topic its sink; a checksum that does not fit is not made to fit."""
    if "crc" not in _columns(connection, "topics"):
        connection.execute("ALTER TABLE topics ADD COLUMN crc INTEGER")
    connection.execute("ALTER TABLE topics ADD COLUMN sink TEXT NOT NULL DEFAULT 'mqtt'")
    for number, name, upcoming, reserved, crc in connection.execute(
        "SELECT id, name, next, reserved, crc FROM topics"
    ).fetchall():
        if crc is None or crc == checksum(name, upcoming, reserved):
            connection.execute("UPDATE topics SET sink = ? WHERE id = ?", (sink.name, number))
            set_numbers(connection, number, (sink.name, name), upcoming, reserved)
            copy_name(connection, number, name)


def move_some(connection: sqlite3.Connection) -> bool:
    """Moves some messages out of the table of version 1, if there is one; whether there may be more."""
    if not _columns(connection, "messages_1"):
        return False
    ids = [row for (row,) in connection.execute("SELECT id FROM messages_1 ORDER BY id LIMIT ?", (_BATCH,)).fetchall()]
    if not ids:
        connection.execute("DROP TABLE messages_1")
        return False
    batch = (ids[0], ids[-1])
    # within SQL, because what is in them may be nothing that Python can hold; damage stays to be found by the checksum
    connection.execute("CREATE TEMP TABLE moved AS SELECT * FROM messages_1 WHERE id BETWEEN ? AND ?", batch)
    connection.execute("DELETE FROM messages_1 WHERE id BETWEEN ? AND ?", batch)
    connection.execute(
        "INSERT INTO messages (id, topic, seq, body, boot, mono, utc, mark)"
        " SELECT id, ifnull(topic, 0), ifnull(seq, 0), ifnull(body, ''), ifnull(boot, ''),"
        " ifnull(mono, ''), ifnull(utc, ''),"
        " CASE WHEN crc IS NULL THEN synced & 1 ELSE (synced & 1) | 2 | (crc << 2) END FROM moved"
    )
    connection.execute("DROP TABLE moved")
    return True


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    """Names of a table's columns, generated ones included; none where there is no such table."""
    return {column[1] for column in connection.execute(f"PRAGMA table_xinfo({table})")}
