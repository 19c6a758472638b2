"""The sink that keeps the history: makes records in the cameras' threads, and writes them in a thread of its own."""

from __future__ import annotations

import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from threading import Condition, Thread
from time import monotonic

from edge_fer.clock.system import Clock
from edge_fer.errors import HistoryError
from edge_fer.history.file import HistoryFile, NoRoomError
from edge_fer.history.recorder import DeviceLook, Recorder
from edge_fer.history.records import Keep, Record
from edge_fer.history.tables import count_lost, insert, make_room, prune
from edge_fer.pipeline.step import Told
from edge_fer.sinks.base import BaseSink, SinkHealth
from edge_fer.types import Instant, SignalKey, SignalValue

__all__ = ["HistorySink"]

log = logging.getLogger(__name__)

#: Records that wait for the disk; the oldest are given up, and counted.
MOST_WAITING = 500
#: Seconds between two looks at how the device is, between two tries of a disk that fails, and between two times that
#: what is too old is deleted.
LOOK_EVERY, RETRY_EVERY, PRUNE_EVERY = 60.0, 30.0, 3600.0
#: The share of the file's room from which on the oldest is given up.
FULL = 0.95
#: Seconds after which a clock is believed of which nobody says that it is right.
BELIEVED = 86_400.0
#: Seconds that closing may take.
CLOSES = 5.0


class HistorySink(BaseSink):
    """Keeps what cameras saw in one file. Where the disk takes nothing, it tries again, and counts what it gives up.

    Args:
        path: of the file.
        keep: for how long, and how much.
        recorder: makes records.
        clock: the machine's.
        samples: gives the newest of outside numbers.
        look: says how the device is.
    """

    def __init__(
        self,
        path: Path,
        keep: Keep,
        recorder: Recorder,
        *,
        clock: Clock,
        samples: Callable[[], Mapping[SignalKey, SignalValue]],
        look: Callable[[], DeviceLook],
    ) -> None:
        self._path = path
        self._keep = keep
        self._recorder = recorder
        self._clock = clock
        self._samples = samples if recorder.wants_signals else None
        self._look = look
        self._online: set[str] = set()
        self._waiting: deque[Record] = deque()
        self._lost = 0
        self._closing = self._failing = self._broken = False
        self._news = Condition()
        self._thread = Thread(target=self._run, name="history", daemon=True)
        self._file: HistoryFile | None = None
        self._looked = self._pruned = float("-inf")
        self._began = monotonic()

    def open(self) -> None:
        """Begins to write; the file is opened by the thread that writes it."""
        self._thread.start()

    def tell(self, camera: str, told: Told) -> None:
        """Takes what is to be kept of it."""
        if not (told.summaries or told.changes or told.events or self._samples):
            return
        samples = self._samples() if self._samples else None
        with self._news:
            self._add(
                self._recorder.tell(
                    camera,
                    told.at,
                    summaries=told.summaries,
                    changes=told.changes,
                    events=told.events,
                    samples=samples,
                )
            )

    def online(self, camera: str, online: bool, at: Instant) -> None:  # noqa: ARG002, FBT001 - as a sink is told
        """Counts how often a camera is lost."""
        with self._news:
            if online:
                self._online.add(camera)
            elif camera in self._online:
                self._online.discard(camera)
                self._recorder.lost()

    def health(self) -> SinkHealth:
        """Whether it can write."""
        return SinkHealth(working=not self._failing)

    def close(self) -> None:
        """Writes what waits, and ends."""
        with self._news:
            self._add(self._recorder.finish())
            self._closing = True
            self._news.notify()
        if self._thread.ident is not None:
            self._thread.join(CLOSES)

    def _add(self, records: Iterable[Record]) -> None:
        """Lets records wait; called with the lock."""
        for record in records:
            if len(self._waiting) >= MOST_WAITING:
                self._waiting.popleft()
                self._lost += 1
            self._waiting.append(record)
            self._news.notify()

    def _run(self) -> None:
        while True:
            with self._news:
                pause = RETRY_EVERY if self._failing else max(0.0, self._looked + LOOK_EVERY - monotonic())
                self._news.wait_for(lambda: self._closing or (self._waiting and not self._failing), pause)
                closing = self._closing
            try:
                if not closing and monotonic() >= self._looked + LOOK_EVERY:
                    self._look_at_device()
                self._write_waiting()
            except Exception:
                # whatever is wrong here, the thread goes on, and `health` says that nothing is kept
                if not self._broken:
                    log.exception("the history failed. This is a fault of edge-fer: please report it")
                self._failing = self._broken = True
            if closing:
                break
        self._let_go()

    def _look_at_device(self) -> None:
        self._looked = monotonic()
        device = self._look()
        with self._news:
            self._add(self._recorder.look(device, self._clock()))

    def _let_go(self) -> None:
        if self._file:
            self._file.close()
        self._file = None

    def _write_waiting(self) -> None:
        with self._news:
            records, lost = list(self._waiting), self._lost
        try:
            self._write(records, lost)
        except (HistoryError, OSError) as error:
            if not self._failing:
                log.warning("what cameras saw is not kept for now, and the rest goes on: %s", error)
            self._failing = True
            # a file that somebody has moved or mended meanwhile is opened anew
            self._let_go()
            return
        if self._failing:
            log.warning("the history is kept again; %d records of the time between are lost", lost)
        self._failing = False
        with self._news:
            self._lost -= lost
            # some of them may have been given up meanwhile
            written = set(map(id, records))
            while self._waiting and id(self._waiting[0]) in written:
                self._waiting.popleft()

    def _write(self, records: list[Record], lost: int) -> None:
        if self._file is None:
            self._file = HistoryFile(self._path, max_size=self._keep.size, mend=True)
        if records or lost:
            self._within_room(records, lost)
        if monotonic() >= self._pruned + PRUNE_EVERY:
            now = self._clock()
            # with a clock that may be far ahead, everything would be too old; where nobody ever sets it, it is believed
            if now.synced or monotonic() >= self._began + BELIEVED:
                self._file.run(lambda connection: prune(connection, self._keep, now.utc))
                self._pruned = monotonic()

    def _within_room(self, records: list[Record], lost: int) -> None:
        assert self._file is not None  # noqa: S101 - the caller has opened it
        file = self._file

        def write(connection: sqlite3.Connection) -> None:
            insert(connection, records)
            if lost:
                count_lost(connection, "disk", lost)

        while file.used() > FULL and file.run(make_room):
            pass
        try:
            file.run(write)
        except NoRoomError:
            # the file's own limit, unless it is the disk's
            if not file.run(make_room):
                raise
            file.run(write)
