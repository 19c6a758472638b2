"""Names that a sink wants to find again after a restart, such as topics at which a broker retains a value."""

from __future__ import annotations

import logging
import sqlite3

from edge_fer.outbox.disk import Disk
from edge_fer.outbox.sink import OutboxSink

__all__ = ["Retained"]

_log = logging.getLogger(__name__)


class Retained:
    """Names that were kept and not forgotten, in this run or an earlier one.

    Args:
        disk: the outbox's file.
        sink: whose names they are.
    """

    def __init__(self, disk: Disk, sink: OutboxSink) -> None:
        self._disk = disk
        self._sink = sink
        #: names that the disk has not taken yet
        self._unkept: set[str] = set()

    def keep(self, name: str) -> None:
        """Keeps a name, durably."""
        self._unkept.add(name)
        self.keep_rest()

    def keep_rest(self) -> None:
        """Keeps the names that the disk did not take before, too."""
        rows = [(name,) for name in self._unkept]
        insert = "INSERT OR IGNORE INTO retained VALUES (?)"
        if rows and self._disk.attempt(lambda c: c.executemany(insert, rows), durable=True):
            self._unkept.clear()

    def forget(self, name: str) -> None:
        """Forgets a name."""
        self._unkept.discard(name)
        self._disk.attempt(lambda c: c.execute("DELETE FROM retained WHERE topic = ?", (name,)))

    def names(self) -> set[str]:
        """All of them."""
        none: tuple[set[str], list[object]] = set(), []
        names, broken = self._disk.read(lambda c: _retained(c, self._sink), none)
        if broken:
            _log.error("%d names of retained topics in the outbox are damaged, and are forgotten", len(broken))
            self._disk.attempt(lambda c: _forget_broken(c, self._sink))
        return names | self._unkept


def _retained(connection: sqlite3.Connection, sink: OutboxSink) -> tuple[set[str], list[object]]:
    """Names of the retained topics that were published to; and of those, what is no name."""
    found = [name for (name,) in connection.execute("SELECT topic FROM retained")]
    return {name for name in found if sink.has(name)}, [name for name in found if not sink.has(name)]


def _forget_broken(connection: sqlite3.Connection, sink: OutboxSink) -> None:
    """Forgets what is in the place of a retained topic's name and is none."""
    if _retained(connection, sink)[1]:
        names = _retained(connection, sink)[0]
        connection.execute("DELETE FROM retained")
        connection.executemany("INSERT INTO retained VALUES (?)", [(name,) for name in names])
