"""What waits for a sink, on disk.

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

A disk that cannot be written, such as a memory card that has gone read-only, keeps no message from a sink that
can send: those that it does not take wait in memory, a bounded number, and go to the disk once it takes them. Their
numbers are made of the time, because the disk cannot be told which ones are taken.
"""

from __future__ import annotations

import logging
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from time import time

from edge_fer.errors import OutboxError
from edge_fer.outbox.ceiling import Ceiling
from edge_fer.outbox.counts import count_damaged, count_dropped, count_losses, damaged, dropped
from edge_fer.outbox.database import FullError
from edge_fer.outbox.dead_letters import DeadLetters, misplaced
from edge_fer.outbox.disk import Disk
from edge_fer.outbox.kind import MessageKind
from edge_fer.outbox.limits import AHEAD, AT_A_TIME, IN_MEMORY, LOOKED_AT, UNREAD, Limits
from edge_fer.outbox.losses import Losses
from edge_fer.outbox.memory import MemoryQueue
from edge_fer.outbox.numbers import number_behind, number_in_memory
from edge_fer.outbox.opening import begin, end, set_clock
from edge_fer.outbox.queued import Captured, QueuedMessage
from edge_fer.outbox.retained import Retained
from edge_fer.outbox.rows import Waiting, count_all, delete, front, insert, of_topics, take_over, waiting
from edge_fer.outbox.schema import migrate, move_some
from edge_fer.outbox.sink import OutboxSink
from edge_fer.types import Instant

__all__ = ["Outbox"]

_log = logging.getLogger(__name__)


class Outbox:
    """What waits for a sink, on disk. For the thread that made it, and no other.

    Once it is open, nothing that the disk does raises an error here: what it does not take is kept in memory, what
    could not be kept is counted, and the trouble is told in the log, once.

    Args:
        path: the database file; each sink has its own.
        sink: for which the messages wait.
        boot: the kernel's boot id; within one boot, `Instant.mono` can be compared.
        limits: how much is kept.

    Raises:
        HeldError: this process has the file open already.
        OutboxError: the file cannot be used, and is not likely to be later.
    """

    def __init__(self, path: Path, *, sink: OutboxSink, boot: str, limits: Limits | None = None) -> None:
        self._sink = sink
        self._boot = boot
        self._limits = limits or Limits()
        self._memory = MemoryQueue(size=IN_MEMORY)
        self._under_way: set[int] = set()
        #: ids by which messages under way are known to the sender, and those that they have got on the disk since
        self._moved: dict[int, int] = {}
        #: acknowledged, but not deleted yet
        self._done: set[int] = set()
        #: whether this boot's time is on disk, since the clock was synchronised last
        self._clock_noted = False
        self._begun, self._depth = False, 0
        #: whether what waits on disk is counted in the depth
        self._known = False
        #: since when the disk could not be read, and the topics that were sent to from memory meanwhile
        self._unread_since: float | None = None
        self._overtaken: set[str] = set()
        #: whether alert events came that the disk has not been made to keep yet
        self._urgent = False
        self._ceiling = Ceiling(path.with_name(f"{path.name}-numbers"))
        self._losses = Losses(path.with_name(f"{path.name}-losses"))
        self._disk = Disk(
            path,
            size=self._limits.size,
            begun=self._fresh_number,
            renewed=self._renewed,
            depth=lambda: self._depth,
        )
        self._dead = DeadLetters(self._disk)
        self._retained = Retained(self._disk, sink)
        try:
            self._begin()
        except FullError as error:
            self._disk.tell(error)
        except OutboxError as error:
            if not self._disk.may_recover(error):
                self._disk.close()
                raise
            self._disk.tell(error)
        except BaseException:
            self._disk.close()
            raise
        self._is_known()

    def _begin(self) -> None:
        """Makes the file ours, which it is not yet where its disk was full at the start."""
        now = time()
        self._disk.run(lambda c: migrate(c, self._sink))
        while self._disk.run(move_some):
            pass
        floor = self._fresh_number()
        for what in self._disk.run(lambda c: begin(c, self._sink, self._boot, floor, now=now), durable=True):
            _log.error("the outbox: %s", what)
        self._dead.begin_with(self._disk.run(lambda c: misplaced(c, self._sink)))
        self._begun = self._known = True
        self._take_over_losses()
        self._disk.knows_of(self._disk.run(dropped))
        self._dead.count = self._disk.run(damaged) + len(self._dead.waiting)
        on_disk = self._disk.run(count_all) - len(self._done) - len(self._dead.waiting)
        self._depth = on_disk + len(self._memory.messages)

    def _take_over_losses(self) -> None:
        """Counts what an earlier run could not keep at its end, and tells it."""
        self._losses.prepare()
        if loss := self._losses.read():
            self._disk.run(lambda c: count_losses(c, loss.id, loss.counts), durable=True)
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
                self._disk.tell(error)
        return self._begun

    def _is_known(self) -> bool:
        """Whether it is known what waits on disk, which a full disk does not keep us from reading."""
        if not self._known:
            found = self._disk.read(lambda c: (count_all(c), dropped(c), damaged(c)), None)
            if found is not None:
                self._known = True
                on_disk, counted, self._dead.count = found
                self._disk.knows_of(counted)
                self._depth += on_disk
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
            return self._put_in_memory(topic, kind, body, captured)
        try:
            reserved = self._insert(topic, kind, body, captured)
        except OutboxError as error:
            if isinstance(error, FullError) and self._depth > len(self._under_way):
                # what waits is more important
                self._disk.tell(error)
                self._disk.give_up(kind)
                self._disk.count()
                return False
            self._disk.tell(error, in_memory=True)
            return self._put_in_memory(topic, kind, body, captured)
        self._depth += 1
        if reserved is not None:
            self._ceiling.reach(reserved)
            self.sync()
        self._see_whether_all_is_well()
        return True

    def take(
        self,
        count: int,
        now: Instant,
        *,
        held: Collection[str] = (),
        busy: Collection[str] | None = None,
        spare: int | None = None,
    ) -> list[QueuedMessage]:
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
        found = self._next(count if busy is None else max(count, AHEAD), now, held)
        if busy is not None:
            firsts: dict[str, Waiting] = {}
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

    def _next(self, count: int, now: Instant, held: Collection[str]) -> list[Waiting]:
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
        if self._memory:
            in_memory = self._memory.waiting(but=self._under_way | self._done, held=held)
            if len(found) >= count:
                # there may be more on disk behind these
                in_memory = [message for message in in_memory if message.id < found[-1].id]
            found = sorted([*found, *in_memory], key=lambda message: message.id)
        return found

    def _next_unread(self, now: Instant, held: Collection[str]) -> list[Waiting]:
        """The next messages in memory, where the disk cannot be read for long."""
        if self._unread_since is None:
            self._unread_since = now.mono
        if self._disk.has_file and now.mono - self._unread_since < UNREAD:
            return []
        in_memory = self._memory.waiting(but=self._under_way | self._done, held=held)
        return sorted(in_memory, key=lambda message: message.id)

    def _bury_overtaken(self) -> None:
        """Sets aside what the disk had for topics that were sent to from memory: sent now, it would be out of order."""
        rows = self._disk.read(lambda c: of_topics(c, self._overtaken), None) if self._is_known() else None
        if rows is not None:
            self._overtaken.clear()
            if late := rows - self._under_way - self._done - self._dead.waiting.keys():
                self._bury(dict.fromkeys(late, "newer ones of its topic were sent while the disk could not be read"))

    def _whole(self, count: int, held: Collection[str]) -> list[Waiting] | None:
        """The next messages on disk that are not damaged; those that are, are set aside. None: it cannot be read."""
        while True:
            but = self._under_way | self._done | self._dead.waiting.keys()
            read = self._disk.read(lambda c: waiting(c, self._sink, count, but=but, held=held), None)  # noqa: B023
            if read is None:
                return None
            found, broken = read
            if not broken:
                return found
            self._bury(broken)

    def set_aside(self, letter: QueuedMessage, why: str) -> None:
        """Sets a message that is under way aside: it cannot be sent, and would stop all those behind it."""
        row = self._moved.pop(letter.id, letter.id)
        self._under_way.discard(row)
        if self._memory.remove([row]):
            self._dead.count += 1
            self._depth -= 1
            self._dead.tell({row: why})
        else:
            self._bury({row: why})

    def _bury(self, broken: Mapping[int, str]) -> None:
        self._depth -= len(broken)
        self._dead.bury(broken, may_write=self._begun)

    def acknowledge(self, ids: Iterable[int]) -> None:
        """Forgets messages that the sink has sent; what cannot be deleted now is deleted with the next ones."""
        arrived = self._under_way.intersection(self._now_at(ids))
        self._under_way -= arrived
        self._done |= arrived - self._memory.remove(arrived)
        self._depth -= len(arrived)
        if self._delete_done():
            self._see_whether_all_is_well()

    def give_up(self, letter: QueuedMessage) -> None:
        """Forgets and counts a message that will never be taken."""
        self._disk.give_up(letter.kind)
        self.acknowledge([letter.id])

    def count_lost(self, counts: Mapping[MessageKind, int]) -> None:
        """Counts messages that were given up before they came here."""
        for kind, lost in counts.items():
            self._disk.give_up(kind, lost)

    @property
    def unsaved(self) -> Mapping[MessageKind, int]:
        """What the disk does not know, by kind: messages in memory, and counts of those given up; from any thread."""
        in_memory = Counter(message.kind for message in list(self._memory.messages.values()))
        return {kind: in_memory[kind] + self._disk.uncounted[kind] for kind in MessageKind}

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
                ages = {row: captured.age(now, self._boot) for row, captured in self._front(kind, LOOKED_AT).items()}
                if not self._drop(kind, [row for row, age in ages.items() if age and age > self._limits.age]):
                    break
        for message in self._memory.waiting(but=self._under_way, held=()):
            if (message.captured.age(now, self._boot) or 0.0) > self._limits.age:
                self._drop_from_memory(message)

    def note_clock(self, now: Instant) -> None:
        """Notes the time once the clock is right, so that what was captured before is put right after a reboot, too."""
        if now.synced and not self._clock_noted:
            began = now.utc.timestamp() - now.mono
            if not self._disk.attempt(lambda c: set_clock(c, self._boot, began)):
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
        self._dead.bury_rest(may_write=self._begun)
        self._retained.keep_rest()
        self._disk.count()
        self._disk.sync()

    def remember(self, name: str) -> None:
        """Keeps a name that the sink wants to find after a restart, durably."""
        self._retained.keep(name)

    def forget(self, name: str) -> None:
        """The sink need not find it any more."""
        self._retained.forget(name)

    def remembered(self) -> set[str]:
        """The names that were kept and not forgotten, in this run or an earlier one."""
        return self._retained.names()

    @property
    def depth(self) -> int:
        """Messages waiting, those under way included."""
        return self._depth

    @property
    def size(self) -> int:
        """Bytes of disk in use; 0 where the disk does not say."""
        return self._disk.size

    @property
    def dropped(self) -> Mapping[MessageKind, int]:
        """How many were given up, over all runs, by kind."""
        return self._disk.dropped

    @property
    def damaged(self) -> int:
        """How many could not be sent because they are damaged, over all runs."""
        return self._dead.count

    def oldest(self, now: Instant) -> float | None:
        """Age in seconds of the oldest message; None where there is none, or its age is not known."""
        if not self._depth:
            return None
        fronts = (self._front(kind, 1, under_way=True) for kind in MessageKind)
        captured = [captured for front in fronts for captured in front.values()]
        captured += [message.captured for message in self._memory.messages.values()]
        ages = [one.age(now, self._boot) for one in captured]
        # a recording that is played fast is ahead of the clock
        return max((max(0.0, age) for age in ages if age is not None), default=None)

    def close(self) -> None:
        """Makes everything durable and closes the file, so that the next run counts on without a gap."""
        self._under_way.clear()
        self._delete_done()
        if not (self._begun and self._disk_has_all()) and (lost := len(self._memory.messages)):
            _log.error("the outbox is closed, and %d messages that its disk did not take are lost", lost)
        self._disk.count()
        self._losses.note(self.unsaved)
        if self._begun:
            self._disk.attempt(end, durable=True)
        self._disk.close()

    def _insert(self, topic: str, kind: MessageKind, body: str, captured: Captured) -> int | None:
        """Adds a message, with the room of others where there is none else; the end of a new block of numbers."""
        while True:
            try:
                self._disk.make_room()
                self._urgent = self._urgent or kind is MessageKind.ALERT_EVENT
                return self._disk.write(lambda c: insert(c, self._sink, topic, kind, body, captured=captured))
            except FullError as error:
                if not self._drop_for(kind):
                    raise
                self._disk.tell(error)

    def _put_in_memory(self, topic: str, kind: MessageKind, body: str, captured: Captured) -> bool:
        """Keeps a message in memory, giving up others, or this one, where there are too many."""
        behind = self._disk.read(lambda c: number_behind(c, topic), self._ceiling.free)
        first = max(behind, number_in_memory(captured.utc))
        self._ceiling.reach(max(first, self._memory.numbers.get(topic, first)))
        row = self._memory.put(topic, kind, body, captured, first=first)
        self._depth += 1
        surplus = self._memory.surplus(but=self._under_way)
        if surplus is None:
            return True
        self._drop_from_memory(surplus)
        return surplus.id != row

    def _drop_from_memory(self, message: Waiting) -> None:
        self._memory.remove([message.id])
        self._disk.give_up(message.kind)
        self._depth -= 1

    def _disk_has_all(self) -> bool:
        """Has the disk take what it did not take before; whether nothing of that is left in memory."""
        if self._overtaken:
            self._bury_overtaken()
        if self._overtaken or not self._memory:
            return not self._overtaken
        messages, numbers = list(self._memory.messages.values()), self._memory.numbers
        try:
            self._disk.make_room()
            rows = self._disk.write(lambda c: take_over(c, self._sink, messages, numbers), durable=True)
        except OutboxError as error:
            self._disk.tell(error)
            return False
        for row in self._under_way.intersection(rows):
            self._moved[row] = rows[row]
        self._under_way = {rows.get(row, row) for row in self._under_way}
        self._memory.clear()
        self._see_whether_all_is_well()
        return True

    def _renewed(self) -> None:
        """The file is a new one: what was under way is known to nobody any more, but the counts are to us."""
        self._under_way.clear()
        self._moved.clear()
        self._done.clear()
        self._disk.forgot_counts()
        self._clock_noted = False
        self._dead.waiting.clear()
        found = self._dead.count
        self._begin()
        self._dead.count = found
        self._disk.attempt(lambda c: count_damaged(c, found))

    def _front(self, kind: MessageKind, count: int, *, under_way: bool = False) -> dict[int, Captured]:
        but = self._dead.waiting.keys() | self._done
        but = but if under_way else but | self._under_way
        return self._disk.read(lambda c: front(c, self._sink, kind, count, but=but), {})

    def _drop_for(self, kind: MessageKind) -> bool:
        """Gives up the oldest of the least important messages, those of `kind` last; False if there are none."""
        for victim in reversed(list(MessageKind)):
            if self._drop(victim, list(self._front(victim, AT_A_TIME))):
                return True
            if victim is kind:
                return False
        return False

    def _drop(self, kind: MessageKind, rows: list[int]) -> bool:
        def give_up(connection: sqlite3.Connection) -> int:
            deleted = delete(connection, rows)
            count_dropped(connection, kind, deleted)
            return deleted

        if not rows:
            return False
        try:
            deleted = self._disk.write(give_up)
        except OutboxError as error:
            self._disk.tell(error)
            return False
        self._disk.has_counted(kind, deleted)
        self._depth -= deleted
        return True

    def _delete_done(self) -> bool:
        if self._done and not self._disk.attempt(lambda c: delete(c, self._done)):
            return False
        self._done.clear()
        return True

    def _letter(self, message: Waiting, now: Instant) -> QueuedMessage:
        age = message.captured.age(now, self._boot)
        late = age is None or age > self._limits.late
        at = message.captured.at(now, self._boot)
        return QueuedMessage(message.id, message.topic, message.kind, message.seq, message.body, at, late)

    def _see_whether_all_is_well(self) -> None:
        if not self._memory:
            self._disk.works()
