"""The outbox's file, as the outbox uses it: what the disk refuses is told once, and what was given up is counted."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from edge_fer.errors import OutboxError
from edge_fer.outbox.counts import count_dropped
from edge_fer.outbox.database import Database, FullError
from edge_fer.outbox.kind import MessageKind
from edge_fer.outbox.limits import IN_MEMORY
from edge_fer.outbox.schema import SCHEMA

__all__ = ["Disk"]

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_U = TypeVar("_U")


class Disk:
    """Runs statements on the file. Counts of what was given up go to the file with whatever is written next.

    Args:
        path: the file.
        size: bytes that it may have.
        begun: the number that a new file begins with in the place of a damaged one.
        renewed: called after a damaged file was replaced by an empty one later on.
        depth: how many messages wait.

    Raises:
        HeldError: this process has the file open already.
        OutboxError: it cannot be opened, and is not likely to be later.
    """

    def __init__(
        self,
        path: Path,
        *,
        size: int,
        begun: Callable[[], int],
        renewed: Callable[[], None],
        depth: Callable[[], int],
    ) -> None:
        self._depth = depth
        #: given up, but not counted on disk yet
        self._uncounted = dict.fromkeys(MessageKind, 0)
        self._counted = dict.fromkeys(MessageKind, 0)
        self._told, self._told_at = "", 0
        self._db = Database(path, SCHEMA, max_size=size, begun=begun, renewed=renewed)

    @property
    def has_file(self) -> bool:
        """Whether there is anything that might be read, as far as can be told."""
        return self._db.has_file

    @property
    def size(self) -> int:
        """Bytes in use; 0 where the disk does not say."""
        try:
            return self._db.size
        except OutboxError as error:
            self.tell(error)
            return 0

    @property
    def dropped(self) -> Mapping[MessageKind, int]:
        """How many were given up, over all runs, by kind."""
        return {kind: self._counted[kind] + self._uncounted[kind] for kind in MessageKind}

    @property
    def uncounted(self) -> Mapping[MessageKind, int]:
        """How many were given up that are not counted on disk yet, by kind."""
        return self._uncounted

    def give_up(self, kind: MessageKind, count: int = 1) -> None:
        """Counts messages that are given up; on disk with what is written next."""
        self._uncounted[kind] += count

    def knows_of(self, counted: Mapping[MessageKind, int]) -> None:
        """What the file says was given up so far."""
        self._counted = dict(counted)

    def has_counted(self, kind: MessageKind, count: int) -> None:
        """Messages were given up and counted on disk in one step."""
        self._counted[kind] += count

    def forgot_counts(self) -> None:
        """The file is a new one: what was counted on it is to be counted again."""
        self._uncounted = dict(self.dropped)
        self._counted = dict.fromkeys(MessageKind, 0)

    def make_room(self) -> None:
        """Grows the file where it runs low.

        Raises:
            OutboxError: as of `Database.make_room`.
        """
        self._db.make_room()

    def run(self, work: Callable[[sqlite3.Connection], _T], *, durable: bool = False) -> _T:
        """All or nothing of what `work` does.

        Raises:
            OutboxError: as of `Database.run`.
        """
        return self._db.run(work, durable=durable)

    def write(self, work: Callable[[sqlite3.Connection], _T], *, durable: bool = False) -> _T:
        """Runs `work`, and counts on disk what was given up before.

        Raises:
            OutboxError: as of `Database.run`.
        """

        def both(connection: sqlite3.Connection) -> _T:
            for kind, count in self._uncounted.items():
                if count:
                    count_dropped(connection, kind, count)
            return work(connection)

        result = self._db.run(both, durable=durable)
        self._counted = dict(self.dropped)
        self._uncounted = dict.fromkeys(MessageKind, 0)
        return result

    def attempt(self, work: Callable[[sqlite3.Connection], object], *, durable: bool = False) -> bool:
        """Runs `work`; whether the disk let it, which is told where not."""
        try:
            self.write(work, durable=durable)
        except OutboxError as error:
            self.tell(error)
            return False
        return True

    def read(self, work: Callable[[sqlite3.Connection], _T], otherwise: _U) -> _T | _U:
        """What `work` reads; `otherwise` where the disk does not let it, which is told."""
        try:
            return self._db.run(work)
        except OutboxError as error:
            self.tell(error)
            return otherwise

    def count(self) -> None:
        """Counts on disk what was given up and is not counted there yet."""
        if any(self._uncounted.values()):
            self.attempt(lambda _: None)

    def sync(self) -> None:
        """Makes what was written so far outlive a power cut."""
        try:
            self._db.sync()
        except OutboxError as error:
            self.tell(error)

    def close(self) -> None:
        """Lets go of the file."""
        self._db.close()

    def may_recover(self, error: OutboxError) -> bool:
        """Whether it is the disk's state, and may pass; else it is for a person to put right."""
        return self._db.may_recover(error)

    def tell(self, error: OutboxError, *, in_memory: bool = False) -> None:
        """Logs the trouble, once."""
        if str(error) != self._told:
            self._told, self._told_at = str(error), self._depth()
            full = isinstance(error, FullError) and not in_memory
            what = "messages" if full else f"messages wait in memory, and beyond {IN_MEMORY}"
            _log.error("%s; %s are given up, the least important and oldest first", error, what)

    def works(self) -> None:
        """Logs that the trouble is over, which it is not while messages go in only because others went."""
        if self._told and self._depth() <= self._told_at // 2 + 1:
            self._told = ""
            _log.info("the outbox has room again")
