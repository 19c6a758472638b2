"""Messages that cannot be sent because they are damaged: moved out of the way, so that they stop none of the others."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Mapping
from time import time

from edge_fer.outbox.counts import count_damaged
from edge_fer.outbox.disk import Disk
from edge_fer.outbox.kind import MessageKind
from edge_fer.outbox.rows import ALL, FROM, as_json, band, delete, sorted_out
from edge_fer.outbox.sink import OutboxSink

__all__ = ["DeadLetters", "misplaced"]

_log = logging.getLogger(__name__)

#: Damaged messages that are kept, the newest ones.
_DEAD = 100


class DeadLetters:
    """Sets damaged messages aside, as soon as the disk lets us; until then they are passed over.

    Args:
        disk: the outbox's file.

    Attributes:
        waiting: what is wrong with each that is still among the others, by id.
        count: how many were found, over all runs.
    """

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self.waiting: dict[int, str] = {}
        self.count = 0

    def begin_with(self, misplaced: Mapping[int, str]) -> None:
        """Sets aside what was found in a wrong place when the file was opened.

        Raises:
            OutboxError: the disk does not let us.
        """
        if misplaced:
            now = time()
            self._disk.run(lambda c: _set_aside(c, misplaced, now))
            self.tell(misplaced)

    def bury(self, broken: Mapping[int, str], *, may_write: bool) -> None:
        """Counts damaged messages on disk, and sets them aside; what is wrong with each, by id."""
        self.waiting |= broken
        self.count += len(broken)
        self.tell(broken)
        self.bury_rest(may_write=may_write)

    def bury_rest(self, *, may_write: bool) -> None:
        """Sets aside those that the disk did not let us before."""
        if self.waiting and may_write:
            now = time()
            if self._disk.attempt(lambda c: _set_aside(c, self.waiting, now)):
                self.waiting.clear()

    @staticmethod
    def tell(broken: Mapping[int, str]) -> None:
        """Says in the log that these cannot be sent."""
        row, why = next(iter(broken.items()))
        _log.error(
            "%d messages in the outbox cannot be sent and are set aside; the others go on. The first is %d: %s."
            " A worn memory card is the usual cause",
            *(len(broken), row, why),
        )


def misplaced(connection: sqlite3.Connection, sink: OutboxSink) -> dict[int, str]:
    """Damaged messages that would put new ones in a wrong place: the last of each kind, and those of no kind."""
    last = band(list(MessageKind)[-1])[1]
    found = dict.fromkeys(
        (row for (row,) in connection.execute("SELECT id FROM messages WHERE id < 1 OR id > ?", (last,))),
        "it is of no kind",
    )
    for kind in MessageKind:
        while True:
            row = connection.execute(
                f"SELECT {ALL} FROM {FROM} WHERE messages.id BETWEEN ? AND ?"  # noqa: S608
                " AND messages.id NOT IN (SELECT value FROM json_each(?)) ORDER BY messages.id DESC LIMIT 1",
                (*band(kind), as_json(found)),
            ).fetchone()
            broken = sorted_out([row] if row else [], sink)[1]
            if not broken:
                break
            found |= broken
    return found


def _set_aside(connection: sqlite3.Connection, broken: Mapping[int, str], at: float) -> None:
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
