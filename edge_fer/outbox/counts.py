"""How many messages were given up or damaged, over all runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from edge_fer.outbox.kind import MessageKind

__all__ = ["DAMAGED", "count_damaged", "count_dropped", "count_losses", "damaged", "dropped"]

#: In the table of what was given up, the row that counts damaged messages.
DAMAGED = "damaged"


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
    _count(connection, DAMAGED, count)


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
    found = connection.execute("SELECT count FROM dropped WHERE kind = ?", (DAMAGED,)).fetchone()
    return int(found[0]) if found else 0
