"""The thread that owns the outbox and the connection, so that no pipeline waits for disk or broker."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import socket
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep

from edge_fer.contract.link_status import LinkStatus, MqttVersion
from edge_fer.contract.messages import OFFLINE, ONLINE, Message, MessageKind
from edge_fer.contract.topics import Topics, is_publishable
from edge_fer.contract.trouble import Setback, Trouble
from edge_fer.mqtt.engine import Engine, Queues, Retry
from edge_fer.mqtt.inbound import ListenerPort
from edge_fer.mqtt.pace import Pace
from edge_fer.mqtt.protocol import ProtocolChoice
from edge_fer.mqtt.refusals import Refusals
from edge_fer.mqtt.settings import BrokerSettings
from edge_fer.outbox.database import HeldError
from edge_fer.outbox.intake import PostedMessage
from edge_fer.outbox.limits import Limits
from edge_fer.outbox.losses import Losses
from edge_fer.outbox.outbox import Outbox
from edge_fer.outbox.sink import OutboxSink
from edge_fer.support.backoff import Backoff
from edge_fer.types import Instant

__all__ = ["MQTT", "Link", "LinkOptions", "boot_id"]

_log = logging.getLogger(__name__)

#: By what the outbox knows us.
MQTT = OutboxSink("mqtt", is_publishable)

#: Seconds between looks whether the link before us has let go of the outbox.
_HELD = 0.2
#: Seconds without a turn after which the thread hangs, most likely in the disk.
_HANGS = 10.0
#: Seconds that a note of what is lost may take at the end.
_NOTING = 1.0
#: Seconds to send what waits when the link is closed, unless it is given more than so many in all.
_FLUSH, _PATIENT = 1.5, 10.0
#: Seconds for `offline` to arrive.
_FAREWELL = 2.0

#: Links that were closed and whose threads had not ended then.
_left_behind: list[Link] = []


def boot_id() -> str:
    """The kernel's id of this boot; one of our own, which never comes again, where it has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return os.urandom(16).hex()


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """How a link goes about it.

    Attributes:
        limits: how much is kept for a broker that is away.
        boot: the kernel's boot id; within one boot, `Instant.mono` can be compared.
        backoff: when to try again.
        protocol: version of MQTT to try first.
        refusals: what to do about topics that the broker does not take.
        pace: how fast a backlog is sent.
    """

    limits: Limits = field(default_factory=Limits)
    boot: str = field(default_factory=boot_id)
    backoff: Backoff = field(default_factory=Backoff)
    protocol: MqttVersion = MqttVersion.V5
    refusals: Refusals = field(default_factory=Refusals)
    pace: Pace = field(default_factory=Pace)


class Link:
    """Carries messages to the broker, by way of the outbox, in a thread of its own.

    Args:
        broker: where it is, and how to get in.
        others: brokers to turn to where that one cannot be reached, the one that is preferred first.
        topics: the node's topics.
        outbox: path of the outbox's file.
        clock: the time, as stamped on frames; called from the link's thread.
        options: how it goes about it.
        inbound: what is to be subscribed to, and takes what comes.
    """

    def __init__(
        self,
        *,
        broker: BrokerSettings,
        others: Sequence[BrokerSettings] = (),
        topics: Topics,
        outbox: Path,
        clock: Callable[[], Instant],
        options: LinkOptions | None = None,
        inbound: ListenerPort | None = None,
    ) -> None:
        self._brokers = (broker, *others)
        self._topics = topics
        self._path = outbox
        self._losses = Losses(outbox.with_name(f"{outbox.name}-losses"))
        self._clock = clock
        self._options = options or LinkOptions()
        self._inbound = inbound
        self._queues = Queues()
        self._queues.retained.set(topics.availability, ONLINE, clock())
        self._engine: Engine | None = None
        #: wakes the thread while it waits: read end and write end, from `start` to the thread's end
        self._waker: tuple[socket.socket, socket.socket] | None = None
        self._opened = Event()
        self._error: Exception | None = None
        #: set by `close`: when to give up what is left, and when to be gone
        self._flush_until: float | None = None
        self._gone_by = 0.0
        self._redial = Event()
        self._moved_at = monotonic()
        self._thread = Thread(target=self._run, name="mqtt-link", daemon=True)

    def start(self) -> None:
        """Opens the outbox and begins to connect; retain what is known beforehand, or it is cleared for a moment.

        Raises:
            OutboxError: the outbox cannot be opened.
        """
        self._waker = socket.socketpair()
        for end in self._waker:
            end.setblocking(False)
        self._thread.start()
        self._opened.wait()
        if self._error is not None:
            self._hang_up()
            raise self._error

    def post(self, topic: str, kind: MessageKind, message: Message, at: Instant) -> None:
        """Tells something that must arrive. Returns at once; from any thread, before `start`, too.

        Args:
            topic: where to.
            kind: what it is: what is sent first, and given up last.
            message: the draft of what is told.
            at: when it was captured.
        """
        self._queues.intake.put(PostedMessage(topic, kind, message, at))
        self._rouse()

    def retain(self, topic: str, content: Message | str, at: Instant) -> None:
        """Keeps the broker's retained value of a topic at this one. Returns at once; from any thread."""
        self._queues.retained.set(topic, content, at)
        self._rouse()

    def reply(self, topic: str, message: Message) -> None:
        """Sends an answer, once, while there is a connection. Returns at once; from any thread."""
        self._queues.replies.put(topic, message)
        self._rouse()

    def clear(self, topic: str) -> None:
        """Clears the broker's retained value of a topic. Returns at once; from any thread."""
        self._queues.retained.clear(topic)
        self._rouse()

    def redial(self) -> None:
        """Connects anew, for example with another certificate. Returns at once; from any thread."""
        self._redial.set()
        self._rouse()

    def status(self) -> LinkStatus:
        """How the link is doing."""
        status = self._engine.status if self._engine else LinkStatus()
        dropped = {kind: status.dropped[kind] + count for kind, count in self._queues.intake.dropped.items()}
        connected = status.connected and self.moving(_HANGS)
        return replace(status, connected=connected, depth=status.depth + len(self._queues.intake), dropped=dropped)

    def moving(self, within: float) -> bool:
        """Whether the thread that carries everything has made a turn in so many seconds; one that has ended has."""
        return not self._thread.is_alive() or monotonic() - self._moved_at < within

    def close(self, timeout: float = 3.0, *, last: bool = True) -> None:
        """Keeps what was posted, sends what can be sent, publishes `offline` and ends.

        Args:
            timeout: seconds that it may take, half of them to send what waits; what is left is sent next time.
            last: whether the process ends now; else a thread that hangs goes on keeping what it has.
        """
        now = monotonic()
        self._gone_by = now + 0.9 * timeout
        # a broker that hangs is no reason to wait for long; a disk that is slow is
        self._flush_until = now + min(0.5 * timeout, _FLUSH if timeout < _PATIENT else inf)
        self._rouse()
        if self._thread.is_alive():
            self._thread.join(timeout)
        if self._thread.is_alive():
            _log.warning("the link to the broker has not ended within %g s; it is left behind", timeout)
            _left_behind.append(self)
        else:
            self._hang_up()
        if last:
            self._note_losses()

    def abandon(self) -> Mapping[MessageKind, int]:
        """What the thread can no longer keep, where it has not ended: messages, by kind, which it no longer gets."""
        lost: Counter[MessageKind] = Counter()
        if self._thread.is_alive():
            lost.update(mail.kind for mail in self._queues.intake.take_all())
            lost.update(self._queues.intake.take_dropped())
            lost.update(self._engine.unsaved if self._engine else {})
        return lost

    def _note_losses(self) -> None:
        """Counts what threads that hang, most likely in the disk, can no longer keep, for the next run to tell."""
        lost: Counter[MessageKind] = Counter()
        for link in _left_behind:
            lost.update(link.abandon())
        _left_behind.clear()
        if not lost.total():
            return
        _log.error("%d messages are lost: the disk did not take them before the end", lost.total())
        # the disk may hang for this, too
        noting = Thread(target=self._losses.note, args=(lost,), name="mqtt-losses", daemon=True)
        noting.start()
        noting.join(_NOTING)

    def _rouse(self) -> None:
        # a full pipe rouses as well, and a closed one has nobody behind it
        if self._waker:
            with contextlib.suppress(OSError):
                self._waker[1].send(b"!")

    def _hang_up(self) -> None:
        for end in self._waker or ():
            end.close()

    def _run(self) -> None:
        try:
            outbox = self._open_outbox()
            if outbox is None:
                return
            self._engine = Engine(
                brokers=self._brokers,
                availability=self._topics.availability,
                outbox=outbox,
                queues=self._queues,
                clock=self._clock,
                retry=Retry(self._options.backoff, ProtocolChoice(self._options.protocol), self._options.refusals),
                pace=self._options.pace,
                woken=self._rouse,
                inbound=self._inbound,
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, `start` raises it
            self._error = error
            return
        finally:
            self._opened.set()
        self._carry(self._engine)

    def _open_outbox(self) -> Outbox | None:
        """Opens it, once the link before us has let go of it, which takes long where the disk does; None: too late."""
        while True:
            try:
                return Outbox(self._path, sink=MQTT, boot=self._options.boot, limits=self._options.limits)
            except HeldError as error:
                if not self._opened.is_set():
                    _log.warning("%s; what there is to tell waits in memory until then", error)
                self._opened.set()
            if self._flush_until is not None and monotonic() >= self._gone_by:
                lost = Counter(mail.kind for mail in self._queues.intake.take_all())
                lost.update(self._queues.intake.take_dropped())
                if lost.total():
                    _log.error("%d messages are lost: the outbox was in use until the end", lost.total())
                    self._losses.note(lost)
                return None
            self._moved_at = monotonic()
            sleep(_HELD)

    def _carry(self, engine: Engine) -> None:
        self._turns(engine, lambda: self._flush_until is not None, by=inf)
        self._turns(engine, lambda: engine.is_idle or not engine.is_hopeful, by=self._flush_until or 0.0)
        self._queues.retained.set(self._topics.availability, OFFLINE, self._clock())
        engine.finishing = True
        self._turns(engine, lambda: engine.is_idle or not engine.is_up, by=min(self._gone_by, monotonic() + _FAREWELL))
        engine.close()

    def _turns(self, engine: Engine, done: Callable[[], bool], *, by: float) -> None:
        """Turns and waits, until it is done or late."""
        while True:
            self._moved_at = monotonic()
            try:
                if self._redial.is_set():
                    self._redial.clear()
                    engine.redial()
                seconds = engine.turn()
            except Exception:  # noqa: BLE001 - told in the log, with all there is to know
                # the thread must not die, whatever happens: it carries everything the node has to tell
                _log.exception("the link to the broker has an error of its own; it begins anew")
                engine.drop(Setback(Trouble.OTHER, "an error in this program"))
                seconds = 1.0
            left = by - monotonic()
            if done() or left <= 0:
                return
            self._wait(engine, min(seconds, left))

    def _wait(self, engine: Engine, seconds: float) -> None:
        """Waits until the socket can be used, somebody rouses us, or the time is up."""
        poll = select.poll()
        waker = self._waker[0] if self._waker else None
        if waker:
            poll.register(waker, select.POLLIN)
        if engine.socket is not None and engine.socket.fileno() >= 0:
            poll.register(engine.socket, select.POLLIN | (select.POLLOUT if engine.wants_write else 0))
        # rounded up, because a wait that ends too early is a turn for nothing
        poll.poll(int(seconds * 1000) + 1)
        if waker:
            with contextlib.suppress(BlockingIOError):
                waker.recv(4096)
