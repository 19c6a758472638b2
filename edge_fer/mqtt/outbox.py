"""What waits for the broker, on disk.

Each message is committed at once, so that killing the process loses none. Once a second, and for alert events
at once, the disk is made to keep them too, so that a power cut takes at most the last second of the others. A
message that was acknowledged may come back after a power cut; it then has the sequence number that it had.

Sequence numbers count up within a topic for ever. They are handed out of blocks that were reserved durably
beforehand: a power cut may take the record of numbers that were already sent, so counting then goes on behind
the reserved block. A kill leaves no such gap.

Alert events are sent first, then events, then summaries, each in the order they came. Where there is no room,
the oldest are given up in the opposite order, and counted.

Each message carries a checksum. One that is damaged, or cannot be made into what is sent, is set aside among the dead
letters and counted, so that it stops none of those behind it.

A disk that cannot be written, such as a memory card that has gone read-only, keeps no message from a broker that is
there: those that it does not take wait in memory, a bounded number, and go to the disk once it takes them. Their
numbers are made of the time, because the disk cannot be told which ones are taken.
"""

from __future__ import annotations

import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import TypeVar

from edge_fer.contract.messages import MessageKind
from edge_fer.errors import OutboxError
from edge_fer.mqtt import tables
from edge_fer.mqtt.aside import Aside
from edge_fer.mqtt.ceiling import Ceiling
from edge_fer.mqtt.database import Database, FullError
from edge_fer.mqtt.letter import Captured, Letter
from edge_fer.mqtt.losses import Losses
from edge_fer.types import Instant

__all__ = ["Limits", "Outbox"]

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_U = TypeVar("_U")

#: Messages given up at a time where there is no room, and looked at for their age.
_DROP, _LOOK = 20, 100
#: Messages that are looked at to find one of each topic.
_AHEAD = 64
#: Messages that wait in memory, where the disk does not take them.
_IN_MEMORY = 1000
#: Seconds that messages in memory wait for those on a disk that cannot be read, which are older and go first.
_UNREAD = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is kept for a broker that is away.

    Attributes:
        size: bytes of disk.
        age: seconds after which a message is given up.
        late: seconds after which one is sent as `replayed`.
    """

    size: int = 256_000_000
    age: float = 14 * 86400.0
    late: float = 60.0


class Outbox:
    """What waits for the broker, on disk. For the thread that made it, and no other.

    Once it is open, nothing that the disk does raises an error here: what it does not take is kept in memory, what
    could not be kept is counted, and the trouble is told in the log, once.

    Args:
        path: the database file.
        boot: the kernel's boot id; within one boot, `Instant.mono` can be compared.
        limits: how much is kept.

    Raises:
        HeldError: this process has the file open already.
        OutboxError: the file cannot be used, and is not likely to be later.
    """

    def __init__(self, path: Path, *, boot: str, limits: Limits | None = None) -> None:
        self._boot = boot
        self._limits = limits or Limits()
        self._aside = Aside(size=_IN_MEMORY)
        self._under_way: set[int] = set()
        #: ids by which messages under way are known to the sender, and those that they have got on the disk since
        self._moved: dict[int, int] = {}
        #: acknowledged, but not deleted yet
        self._done: set[int] = set()
        #: given up, but not counted on disk yet
        self._uncounted = dict.fromkeys(MessageKind, 0)
        self._counted = dict.fromkeys(MessageKind, 0)
        self._told, self._told_at = "", 0
        #: whether this boot's time is on disk, since the clock was synchronised last
        self._clock_noted = False
        #: damaged: what is wrong with each that is still among the others, and how many were found, on disk and since
        self._broken: dict[int, str] = {}
        self._damaged = 0
        self._begun, self._depth = False, 0
        #: whether what waits on disk is counted in the depth
        self._known = False
        #: since when the disk could not be read, and the topics that were sent to from memory meanwhile
        self._unread_since: float | None = None
        self._overtaken: set[str] = set()
        #: names of retained topics that the disk has not taken yet
        self._unremembered: set[str] = set()
        #: whether alert events came that the disk has not been made to keep yet
        self._urgent = False
        self._ceiling = Ceiling(path.with_name(f"{path.name}-numbers"))
        self._losses = Losses(path.with_name(f"{path.name}-losses"))
        self._db = Database(
            path, tables.SCHEMA, max_size=self._limits.size, begun=self._fresh_number, renewed=self._renewed
        )
        try:
            self._begin()
        except FullError as error:
            self._tell(error)
        except OutboxError as error:
            if not self._db.may_recover(error):
                self._db.close()
                raise
            self._tell(error)
        except BaseException:
            self._db.close()
            raise
        self._is_known()

    def _begin(self) -> None:
        """Makes the file ours, which it is not yet where its disk was full at the start."""
        now = time()
        for what in self._db.run(lambda c: tables.begin(c, self._boot, self._fresh_number(), now=now), durable=True):
            _log.error("the outbox: %s", what)
        if misplaced := self._db.run(tables.misplaced):
            self._db.run(lambda c: tables.set_aside(c, misplaced, now))
            self._tell_damage(misplaced)
        self._begun = self._known = True
        self._take_over_losses()
        self._counted = self._db.run(tables.dropped)
        self._damaged = self._db.run(tables.damaged) + len(self._broken)
        self._depth = self._db.run(tables.count) - len(self._done) - len(self._broken) + len(self._aside.messages)

    def _take_over_losses(self) -> None:
        """Counts what an earlier run could not keep at its end, and tells it."""
        self._losses.prepare()
        if loss := self._losses.read():
            self._db.run(lambda c: tables.count_losses(c, loss.id, loss.counts), durable=True)
            self._losses.clear()
            _log.error(
                "%d messages of an earlier run are lost: its disk did not take them before it ended",
                sum(loss.counts.values()),
            )

    def _is_begun(self) -> bool:
        if not self._begun:
            try:
                self._begin()
            except OutboxError as error:
                self._tell(error)
        return self._begun

    def _is_known(self) -> bool:
        """Whether it is known what waits on disk, which a full disk does not keep us from reading."""
        if not self._known:
            found = self._read(lambda c: (tables.count(c), tables.dropped(c), tables.damaged(c)), None)
            if found is not None:
                self._known = True
                waiting, self._counted, self._damaged = found
                self._depth += waiting
        return self._known

    def _fresh_number(self) -> int:
        return max(int(time()), self._ceiling.free)

    def put(self, topic: str, kind: MessageKind, body: str, at: Instant) -> bool:
        """Keeps a message until it is acknowledged, giving up others where there is no room.

        Args:
            topic: where to; a topic has one kind of message.
            kind: what it is.
            body: the draft, as JSON.
            at: when it was captured.

        Returns:
            Whether it is kept; if not, it is counted as given up.
        """
        captured = Captured(self._boot, float(at.mono), at.utc.timestamp(), at.synced)
        if not (self._is_begun() and self._disk_has_all()):
            return self._put_aside(topic, kind, body, captured)
        try:
            reserved = self._insert(topic, kind, body, captured)
        except OutboxError as error:
            if isinstance(error, FullError) and self._depth > len(self._under_way):
                # what waits is more important
                self._tell(error)
                self._uncounted[kind] += 1
                self._count()
                return False
            self._tell(error, in_memory=True)
            return self._put_aside(topic, kind, body, captured)
        self._depth += 1
        if reserved is not None:
            self._ceiling.reach(reserved)
            self.sync()
        self._all_is_well()
        return True

    def take(
        self,
        count: int,
        now: Instant,
        *,
        held: Collection[str] = (),
        busy: Collection[str] | None = None,
        spare: int | None = None,
    ) -> list[Letter]:
        """The next messages to send, which are then under way: neither taken again nor given up.

        Args:
            count: at most so many.
            now: the time.
            held: topics to leave out.
            busy: topics that have a message under way, where each may have but one; None: each may have several.
            spare: of messages other than alert events, at most so many; None: no such limit.
        """
        if self._is_known() and self._depth == len(self._under_way):
            return []
        self.secure()
        found = self._next(count if busy is None else max(count, _AHEAD), now, held)
        if busy is not None:
            firsts: dict[str, tables.Waiting] = {}
            for message in found:
                firsts.setdefault(message.topic, message)
            found = [message for topic, message in firsts.items() if topic not in busy]
        found = found[:count]
        if spare is not None:
            urgent = sum(message.kind is MessageKind.ALERT_EVENT for message in found)
            found = found[: urgent + spare]
        self._under_way.update(message.id for message in found)
        if self._unread_since is not None:
            self._overtaken |= {message.topic for message in found}
        return [self._letter(message, now) for message in found]

    def _next(self, count: int, now: Instant, held: Collection[str]) -> list[tables.Waiting]:
        """The next messages, on disk and in memory, in the order of sending.

        Of each topic, those in memory are the newer ones, so they have to wait until all on disk are known.
        """
        found = self._whole(count, held) if self._is_known() else None
        if found is None:
            return self._next_unread(now, held)
        self._unread_since = None
        if self._overtaken:
            self._bury_overtaken()
            found = self._whole(count, held)
            if self._overtaken or found is None:
                return []
        if self._aside:
            in_memory = self._aside.waiting(but=self._under_way | self._done, held=held)
            if len(found) >= count:
                # there may be more on disk behind these
                in_memory = [message for message in in_memory if message.id < found[-1].id]
            found = sorted([*found, *in_memory], key=lambda message: message.id)
        return found

    def _next_unread(self, now: Instant, held: Collection[str]) -> list[tables.Waiting]:
        """The next messages in memory, where the disk cannot be read for long."""
        if self._unread_since is None:
            self._unread_since = now.mono
        if self._db.has_file and now.mono - self._unread_since < _UNREAD:
            return []
        in_memory = self._aside.waiting(but=self._under_way | self._done, held=held)
        return sorted(in_memory, key=lambda message: message.id)

    def _bury_overtaken(self) -> None:
        """Sets aside what the disk had for topics that were sent to from memory: sent now, it would be out of order."""
        rows = self._read(lambda c: tables.of_topics(c, self._overtaken), None) if self._is_known() else None
        if rows is not None:
            self._overtaken.clear()
            if late := rows - self._under_way - self._done - self._broken.keys():
                self._bury(dict.fromkeys(late, "newer ones of its topic were sent while the disk could not be read"))

    def _whole(self, count: int, held: Collection[str]) -> list[tables.Waiting] | None:
        """The next messages on disk that are not damaged; those that are, are set aside. None: it cannot be read."""
        while True:
            but = self._under_way | self._done | self._broken.keys()
            read = self._read(lambda c: tables.waiting(c, count, but=but, held=held), None)  # noqa: B023
            if read is None:
                return None
            found, broken = read
            if not broken:
                return found
            self._bury(broken)

    def set_aside(self, letter: Letter, why: str) -> None:
        """Sets a message that is under way aside: it cannot be sent, and would stop all those behind it."""
        row = self._moved.pop(letter.id, letter.id)
        self._under_way.discard(row)
        if self._aside.remove([row]):
            self._damaged += 1
            self._depth -= 1
            self._tell_damage({row: why})
        else:
            self._bury({row: why})

    def _bury(self, broken: Mapping[int, str]) -> None:
        self._broken |= broken
        self._damaged += len(broken)
        self._depth -= len(broken)
        self._tell_damage(broken)
        self._bury_broken()

    def _bury_broken(self) -> None:
        """Moves damaged messages out of the way, as soon as the disk lets us; until then they are passed over."""
        if self._broken and self._begun:
            now = time()
            if self._try(lambda c: tables.set_aside(c, self._broken, now)):
                self._broken.clear()

    @staticmethod
    def _tell_damage(broken: Mapping[int, str]) -> None:
        row, why = next(iter(broken.items()))
        _log.error(
            "%d messages in the outbox cannot be sent and are set aside; the others go on. The first is %d: %s."
            " A worn memory card is the usual cause",
            *(len(broken), row, why),
        )

    def acknowledge(self, ids: Iterable[int]) -> None:
        """Forgets messages that the broker has; what cannot be deleted now is deleted with the next ones."""
        arrived = self._under_way.intersection(self._now_at(ids))
        self._under_way -= arrived
        self._done |= arrived - self._aside.remove(arrived)
        self._depth -= len(arrived)
        if self._delete_done():
            self._all_is_well()

    def give_up(self, letter: Letter) -> None:
        """Forgets and counts a message that the broker will never take."""
        self._uncounted[letter.kind] += 1
        self.acknowledge([letter.id])

    def count_lost(self, counts: Mapping[MessageKind, int]) -> None:
        """Counts messages that were given up before they came here."""
        for kind, count in counts.items():
            self._uncounted[kind] += count

    @property
    def unsaved(self) -> Mapping[MessageKind, int]:
        """What the disk does not know, by kind: messages in memory, and counts of those given up; from any thread."""
        waiting = Counter(message.kind for message in list(self._aside.messages.values()))
        return {kind: waiting[kind] + self._uncounted[kind] for kind in MessageKind}

    def put_back(self, ids: Iterable[int] | None = None) -> None:
        """Messages under way, all of them or those given, have not arrived and are to be taken again."""
        if ids is None:
            self._moved.clear()
            self._under_way.clear()
        else:
            self._under_way -= self._now_at(ids)

    def _now_at(self, ids: Iterable[int]) -> set[int]:
        """The ids that messages have now, which the sender knows by those that they had; it asks once for each."""
        return {self._moved.pop(row, row) for row in ids}

    def expire(self, now: Instant) -> None:
        """Gives up what is older than the limit, as far as its age is known."""
        for kind in MessageKind:
            while True:
                ages = {row: captured.age(now, self._boot) for row, captured in self._front(kind, _LOOK).items()}
                if not self._drop(kind, [row for row, age in ages.items() if age and age > self._limits.age]):
                    break
        for message in self._aside.waiting(but=self._under_way, held=()):
            if (message.captured.age(now, self._boot) or 0.0) > self._limits.age:
                self._drop_aside(message)

    def note_clock(self, now: Instant) -> None:
        """Notes the time once the clock is right, so that what was captured before is put right after a reboot, too."""
        if now.synced and not self._clock_noted:
            began = now.utc.timestamp() - now.mono
            if not self._try(lambda c: tables.set_clock(c, self._boot, began)):
                return
        self._clock_noted = now.synced

    def secure(self) -> None:
        """Makes alert events outlive a power cut, all that came since the last time at once: a slow disk takes long."""
        if self._urgent:
            self.sync()

    def sync(self) -> None:
        """Makes what was put so far outlive a power cut."""
        self._urgent = False
        self._is_begun()
        self._disk_has_all()
        self._bury_broken()
        self._remember_rest()
        self._count()
        try:
            self._db.sync()
        except OutboxError as error:
            self._tell(error)

    def remember(self, topic: str) -> None:
        """Keeps the name of a retained topic, durably; to be called before anything is published to it."""
        self._unremembered.add(topic)
        self._remember_rest()

    def _remember_rest(self) -> None:
        """Keeps the names that the disk did not take before, too."""
        rows = [(name,) for name in self._unremembered]
        if rows and self._try(lambda c: c.executemany("INSERT OR IGNORE INTO retained VALUES (?)", rows), durable=True):
            self._unremembered.clear()

    def forget(self, topic: str) -> None:
        """The retained topic has been cleared."""
        self._unremembered.discard(topic)
        self._try(lambda c: c.execute("DELETE FROM retained WHERE topic = ?", (topic,)))

    def remembered(self) -> set[str]:
        """Names of the retained topics that were published to and not cleared, in this run or an earlier one."""
        none: tuple[set[str], list[object]] = set(), []
        names, broken = self._read(tables.retained, none)
        if broken:
            _log.error("%d names of retained topics in the outbox are damaged, and are forgotten", len(broken))
            self._try(tables.forget_broken)
        return names | self._unremembered

    @property
    def depth(self) -> int:
        """Messages waiting, those under way included."""
        return self._depth

    @property
    def size(self) -> int:
        """Bytes of disk in use; 0 where the disk does not say."""
        try:
            return self._db.size
        except OutboxError as error:
            self._tell(error)
            return 0

    @property
    def dropped(self) -> Mapping[MessageKind, int]:
        """How many were given up, over all runs, by kind."""
        return {kind: self._counted[kind] + self._uncounted[kind] for kind in MessageKind}

    @property
    def damaged(self) -> int:
        """How many could not be sent because they are damaged, over all runs."""
        return self._damaged

    def oldest(self, now: Instant) -> float | None:
        """Age in seconds of the oldest message; None where there is none, or its age is not known."""
        if not self._depth:
            return None
        fronts = (self._front(kind, 1, under_way=True) for kind in MessageKind)
        captured = [captured for front in fronts for captured in front.values()]
        captured += [message.captured for message in self._aside.messages.values()]
        ages = [one.age(now, self._boot) for one in captured]
        # a recording that is played fast is ahead of the clock
        return max((max(0.0, age) for age in ages if age is not None), default=None)

    def close(self) -> None:
        """Makes everything durable and closes the file, so that the next run counts on without a gap."""
        self._under_way.clear()
        self._delete_done()
        if not (self._begun and self._disk_has_all()) and (lost := len(self._aside.messages)):
            _log.error("the outbox is closed, and %d messages that its disk did not take are lost", lost)
        self._count()
        self._losses.note(self.unsaved)
        if self._begun:
            self._try(tables.end, durable=True)
        self._db.close()

    def _insert(self, topic: str, kind: MessageKind, body: str, captured: Captured) -> int | None:
        """Adds a message, with the room of others where there is none else; the end of a new block of numbers."""
        while True:
            try:
                self._db.make_room()
                self._urgent = self._urgent or kind is MessageKind.ALERT_EVENT
                return self._write(lambda c: tables.insert(c, topic, kind, body, captured))
            except FullError as error:
                if not self._drop_for(kind):
                    raise
                self._tell(error)

    def _put_aside(self, topic: str, kind: MessageKind, body: str, captured: Captured) -> bool:
        """Keeps a message in memory, giving up others, or this one, where there are too many."""
        behind = self._read(lambda c: tables.number_behind(c, topic), self._ceiling.free)
        first = max(behind, tables.number_in_memory(captured.utc))
        self._ceiling.reach(max(first, self._aside.numbers.get(topic, first)))
        row = self._aside.put(topic, kind, body, captured, first=first)
        self._depth += 1
        surplus = self._aside.surplus(but=self._under_way)
        if surplus is None:
            return True
        self._drop_aside(surplus)
        return surplus.id != row

    def _drop_aside(self, message: tables.Waiting) -> None:
        self._aside.remove([message.id])
        self._uncounted[message.kind] += 1
        self._depth -= 1

    def _disk_has_all(self) -> bool:
        """Has the disk take what it did not take before; whether nothing of that is left in memory."""
        if self._overtaken:
            self._bury_overtaken()
        if self._overtaken or not self._aside:
            return not self._overtaken
        messages, numbers = list(self._aside.messages.values()), self._aside.numbers
        try:
            self._db.make_room()
            rows = self._write(lambda c: tables.take_over(c, messages, numbers), durable=True)
        except OutboxError as error:
            self._tell(error)
            return False
        for row in self._under_way.intersection(rows):
            self._moved[row] = rows[row]
        self._under_way = {rows.get(row, row) for row in self._under_way}
        self._aside.clear()
        self._all_is_well()
        return True

    def _renewed(self) -> None:
        """The file is a new one: what was under way is known to nobody any more, but the counts are to us."""
        self._under_way.clear()
        self._moved.clear()
        self._done.clear()
        self._uncounted = dict(self.dropped)
        self._counted = dict.fromkeys(MessageKind, 0)
        self._clock_noted = False
        self._broken.clear()
        found = self._damaged
        self._begin()
        self._damaged = found
        self._try(lambda c: tables.count_damaged(c, found))

    def _count(self) -> None:
        """Counts on disk what was given up and is not counted there yet."""
        if any(self._uncounted.values()):
            self._try(lambda _: None)

    def _try(self, work: Callable[[sqlite3.Connection], object], *, durable: bool = False) -> bool:
        """Runs `work`; whether the disk let it, which is told where not."""
        try:
            self._write(work, durable=durable)
        except OutboxError as error:
            self._tell(error)
            return False
        return True

    def _write(self, work: Callable[[sqlite3.Connection], _T], *, durable: bool = False) -> _T:
        """Runs `work`, and counts on disk what was given up before."""

        def both(connection: sqlite3.Connection) -> _T:
            for kind, count in self._uncounted.items():
                if count:
                    tables.count_dropped(connection, kind, count)
            return work(connection)

        result = self._db.run(both, durable=durable)
        self._counted = dict(self.dropped)
        self._uncounted = dict.fromkeys(MessageKind, 0)
        return result

    def _read(self, work: Callable[[sqlite3.Connection], _T], otherwise: _U) -> _T | _U:
        try:
            return self._db.run(work)
        except OutboxError as error:
            self._tell(error)
            return otherwise

    def _front(self, kind: MessageKind, count: int, *, under_way: bool = False) -> dict[int, Captured]:
        but = self._broken.keys() | self._done if under_way else self._under_way | self._done | self._broken.keys()
        return self._read(lambda c: tables.front(c, kind, count, but=but), {})

    def _drop_for(self, kind: MessageKind) -> bool:
        """Gives up the oldest of the least important messages, those of `kind` last; False if there are none."""
        for victim in reversed(list(MessageKind)):
            if self._drop(victim, list(self._front(victim, _DROP))):
                return True
            if victim is kind:
                return False
        return False

    def _drop(self, kind: MessageKind, rows: list[int]) -> bool:
        def delete(connection: sqlite3.Connection) -> int:
            deleted = tables.delete(connection, rows)
            tables.count_dropped(connection, kind, deleted)
            return deleted

        if not rows:
            return False
        try:
            deleted = self._write(delete)
        except OutboxError as error:
            self._tell(error)
            return False
        self._counted[kind] += deleted
        self._depth -= deleted
        return True

    def _delete_done(self) -> bool:
        if self._done and not self._try(lambda c: tables.delete(c, self._done)):
            return False
        self._done.clear()
        return True

    def _letter(self, message: tables.Waiting, now: Instant) -> Letter:
        age = message.captured.age(now, self._boot)
        late = age is None or age > self._limits.late
        at = message.captured.at(now, self._boot)
        return Letter(message.id, message.topic, message.kind, message.seq, message.body, at, late)

    def _tell(self, error: OutboxError, *, in_memory: bool = False) -> None:
        """Logs the trouble, once."""
        if str(error) != self._told:
            self._told, self._told_at = str(error), self._depth
            full = isinstance(error, FullError) and not in_memory
            what = "messages" if full else f"messages wait in memory, and beyond {_IN_MEMORY}"
            _log.error("%s; %s are given up, the least important and oldest first", error, what)

    def _all_is_well(self) -> None:
        """Logs that the trouble is over, which it is not while messages go in only because others went."""
        if self._told and not self._aside and self._depth <= self._told_at // 2 + 1:
            self._told = ""
            _log.info("the outbox has room again")
