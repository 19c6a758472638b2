"""Carries mail to the outbox, and the outbox to the broker: everything the link does, one turn at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from time import monotonic

from edge_fer.contract.link_status import CertificateEnds, LinkStatus, MqttVersion
from edge_fer.contract.messages import MessageKind
from edge_fer.contract.trouble import Setback, Trouble
from edge_fer.mqtt.brokers import BrokerChoice, KnownBroker
from edge_fer.mqtt.certificates import EndWatch, days_left, end_in_file
from edge_fer.mqtt.connection import Connection
from edge_fer.mqtt.dial import AnySocket
from edge_fer.mqtt.failures import explain
from edge_fer.mqtt.inbound import ListenerPort
from edge_fer.mqtt.pace import Pace
from edge_fer.mqtt.protocol import ProtocolChoice
from edge_fer.mqtt.refusals import Refusals
from edge_fer.mqtt.replies import Replies
from edge_fer.mqtt.retained import RetainedValues
from edge_fer.mqtt.sender import Sender
from edge_fer.mqtt.settings import BrokerSettings
from edge_fer.outbox.intake import Intake, PostedMessage
from edge_fer.outbox.outbox import Outbox
from edge_fer.support.backoff import Backoff
from edge_fer.types import Instant

__all__ = ["Engine", "Queues", "Retry"]

_log = logging.getLogger(__name__)

#: Seconds between the syncs of the disk and looks at the outbox, and between looks for what is too old.
_TICK, _EXPIRY = 1.0, 60.0
#: Seconds after which a connection has been of use, even where nothing was sent; longer where messages go one by one.
_PROVEN, _PROVEN_CAREFULLY = 5.0, 60.0
#: Reason codes with which a broker ends a session.
_TOO_LARGE, _NO_RETAIN, _NO_QOS = 0x95, 0x9A, 0x9B
#: So often in a row the broker may hang up without a reason before we come back more slowly, as two clients of one id
#: would throw each other out for ever; and seconds after which that is forgotten.
_KICKS, _UNDISTURBED = 3, 60.0


@dataclass(frozen=True, slots=True)
class Queues:
    """What others hand over to be sent; from any thread.

    Attributes:
        intake: what is to be put into the outbox.
        retained: the retained values.
        replies: answers to send.
    """

    intake: Intake = field(default_factory=Intake)
    retained: RetainedValues = field(default_factory=RetainedValues)
    replies: Replies = field(default_factory=Replies)


@dataclass(frozen=True, slots=True)
class Retry:
    """What is done when the broker is away, or does not take something.

    Attributes:
        backoff: when to try again.
        choice: with which version of MQTT.
        refusals: topics that the broker does not take.
    """

    backoff: Backoff
    choice: ProtocolChoice
    refusals: Refusals


class Engine:
    """What the link does, one turn at a time. For one thread.

    Args:
        brokers: where they are, and how to get in; the one that is preferred first.
        availability: topic of the Last Will.
        outbox: what waits on disk.
        queues: what others hand over.
        clock: the time, as stamped on frames.
        retry: what is done when the broker is away, or does not take something.
        pace: how fast a backlog is sent.
        woken: called from another thread when there is something to do.
        inbound: what is to be subscribed to, and takes what comes.

    Attributes:
        finishing: set to leave what waits for the next run.
    """

    def __init__(
        self,
        *,
        brokers: Sequence[BrokerSettings],
        availability: str,
        outbox: Outbox,
        queues: Queues,
        clock: Callable[[], Instant],
        retry: Retry,
        pace: Pace,
        woken: Callable[[], None],
        inbound: ListenerPort | None = None,
    ) -> None:
        self.finishing = False
        self._availability = availability
        self._outbox = outbox
        self._intake = queues.intake
        self._clock = clock
        self._backoff = retry.backoff
        self._woken = woken
        self._refusals = retry.refusals
        self._inbound = inbound
        self._sender = Sender(outbox, queues.retained, retry.refusals, pace, queues.replies)
        self._fill_in = inf
        self._brokers = BrokerChoice(brokers, retry.choice)
        self._connection: Connection | None = None
        self._connections = 0
        self._acknowledges = True
        self._up_since: float | None = None
        self._kicked = 0
        self._retry_at = self._tick_at = self._expire_at = monotonic()
        #: which broker was connected last, and when that others may have gone on to say of us that we are gone is over
        self._reached: KnownBroker | None = None
        self._say_again_at = inf
        self._last_trouble: Trouble | None = None
        self._ends = CertificateEnds()
        self._end_watch = EndWatch()
        self.status = LinkStatus()
        self._look()

    @property
    def socket(self) -> AnySocket | None:
        """What to wait for, if there is one."""
        return self._connection.socket if self._connection else None

    @property
    def wants_write(self) -> bool:
        """Whether to wait until the socket can be written, too."""
        return self._connection is not None and self._connection.wants_write

    @property
    def is_hopeful(self) -> bool:
        """Whether there is a connection, or one in the making."""
        return self._connection is not None

    @property
    def is_up(self) -> bool:
        """Whether the broker has accepted us."""
        return self._up_since is not None

    @property
    def is_idle(self) -> bool:
        """Whether everything was sent and acknowledged that there is to send."""
        return not len(self._intake) and self._sender.is_idle(outbox=not self.finishing)

    def turn(self) -> float:
        """Does what is due, without waiting for disk or broker longer than one write takes.

        Returns:
            Seconds until something will be due, unless the socket or a waking comes first.
        """
        self._outbox.count_lost(self._intake.take_dropped())
        # one at a time, so that a disk that hangs holds up no more than one
        for _ in range(len(self._intake)):
            if (mail := self._intake.take()) is None:
                break
            self._keep(mail)
        self._outbox.secure()
        now = monotonic()
        if self._connection is not None and self._up_since is not None and self._current.choice.is_due(now):
            _log.info("MQTT 5 is tried again with the broker at %s", self._address)
            self._begin_anew(self._connection, now)
        if self._connection is None and now >= self._retry_at and not self.finishing:
            self._connection = Connection(
                self._current.settings,
                availability=self._availability,
                protocol=self._current.choice.current,
                now=self._clock().utc,
                woken=self._woken,
                subscriptions=self._inbound.subscriptions if self._inbound else (),
                received=self._received,
                retains=self._current.retains,
                qos=self._current.qos,
            )
            self._ends = replace(self._ends, client=self._connection.client_certificate_end)
        if self._connection is not None:
            self._serve(self._connection, now)
        if now >= self._tick_at:
            self._tick_at = now + _TICK
            self._outbox.note_clock(self._clock())
            self._outbox.sync()
            self._look()
            self._watch_ends()
            if now >= self._say_again_at:
                self._say_again_at = inf
                self._sender.say_again(self._availability)
        if now >= self._expire_at:
            self._expire_at = now + _EXPIRY
            self._outbox.expire(self._clock())
            # a new one counts for the next connection, and nobody need be told of the old one any more
            self._ends = replace(self._ends, client=end_in_file(self._current.settings.own_certificate[0]))
        if self.status.depth != self._outbox.depth:
            oldest = self.status.oldest if self._outbox.depth else None
            self.status = replace(self.status, depth=self._outbox.depth, oldest=oldest, dropped=self._outbox.dropped)
            self.status = replace(self.status, damaged=self._outbox.damaged)
        next_try = self._retry_at if self._connection is None else inf
        return max(0.0, min(next_try, self._tick_at, now + self._fill_in) - monotonic())

    def _keep(self, mail: PostedMessage) -> None:
        try:
            self._outbox.put(mail.topic, mail.kind, mail.message.model_dump_json(), mail.at)
        except Exception:  # noqa: BLE001 - told in the log, with all there is to know
            # whatever it is, it is counted, and holds up none of those behind it
            _log.exception("a message for %s could not be kept", mail.topic)
            self._outbox.count_lost({mail.kind: 1})

    @property
    def unsaved(self) -> Mapping[MessageKind, int]:
        """What the disk does not know, by kind; from any thread."""
        return self._outbox.unsaved

    def drop(self, reason: Setback) -> None:
        """Ends the connection, if there is one, and tries again later."""
        if self._connection is not None:
            self._connection.close()
            self._sender.end(monotonic(), hung_up=False)
            self._lost(reason)

    def redial(self) -> None:
        """Ends a session that is well, for another one; nothing that waits is lost."""
        if self._connection is not None:
            self._begin_anew(self._connection, monotonic())
        self._retry_at = monotonic()

    def close(self) -> None:
        """Takes leave of the broker and closes the outbox."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._up_since = None
        self._outbox.close()

    @property
    def _current(self) -> KnownBroker:
        return self._brokers.current

    @property
    def _address(self) -> str:
        return self._brokers.current.settings.address

    def _received(self, topic: str, payload: bytes, retained: bool) -> None:  # noqa: FBT001 - handed on as it comes
        if self._inbound:
            self._inbound.take(topic, payload, retained=retained)

    def _serve(self, connection: Connection, now: float) -> None:
        acknowledged = connection.turn()
        if connection.broker_certificate_end is not None:
            self._ends = replace(self._ends, broker=connection.broker_certificate_end)
        if connection.is_up and self._up_since is None:
            if not self._current.choice.accepted(now):
                self._begin_anew(connection, now)
                return
            self._greeted(connection, now)
        self._fill_in = inf
        if self._sender.settle(acknowledged, now) and self._kicked < _KICKS:
            self._backoff.succeeded()
        if connection.setback is None and self._up_since is not None:
            if now - self._up_since > (_PROVEN_CAREFULLY if self._refusals.is_careful(now) else _PROVEN):
                if self._kicked < _KICKS:
                    self._backoff.succeeded()
                self._refusals.survived()
            if now - self._up_since > _UNDISTURBED:
                self._kicked = 0
            self._fill_in = self._sender.fill(connection, self._clock(), now, outbox=not self.finishing)
        if connection.setback is not None:
            self._end(connection, connection.setback, now)

    def _end(self, connection: Connection, setback: Setback, now: float) -> None:
        """Ends a session that the broker or the network has ended, and learns from it."""
        connection.close()
        if connection.reason_code == _TOO_LARGE:
            self._sender.learn_limit()
        if connection.reason_code == _NO_RETAIN and self._current.retains:
            self._current.retains = False
            _log.warning("the broker at %s keeps no retained messages; we do without", self._address)
            self._begin_anew(connection, now)
            return
        if connection.reason_code == _NO_QOS and self._current.qos:
            self._current.qos = 0
            self._begin_anew(connection, now)
            return
        self._count_kicks(connection, setback, now)
        self._sender.end(now, hung_up=connection.may_have_minded)
        self._lost(setback, try_other_version=self._is_other_version_worth_a_try(connection))

    def _greeted(self, connection: Connection, now: float) -> None:
        self._up_since = now
        self._connections += 1
        self._acknowledges = bool(connection.qos)
        current, version = self._current, self._current.choice.current
        if current is not self._reached:
            if self._reached is not None:
                # it says that we are gone once it has noticed, which may reach those that listen here
                self._say_again_at = now + 2 * current.settings.keepalive
            self._sender.turn_to(current.mark, self._brokers.marks)
            self._reached = current
        self._sender.begin(may_refuse=version is MqttVersion.V5 and self._acknowledges)
        current.setback = None
        self._look()
        _log.info(
            "connected to the broker at %s (MQTT %s)",
            *(self._address, version.text),
            extra={"broker": self._address},
        )
        if version is not MqttVersion.V5 and not current.choice.is_wanted:
            _log.warning(
                "in MQTT %s the broker at %s cannot say that it refuses a message: one that its access list forbids is"
                " lost unnoticed",
                *(version.text, self._address),
            )
        if not connection.qos:
            _log.warning(
                "the broker at %s takes messages at QoS 0 only: it acknowledges none, so what is lost on the way, or"
                " forbidden by its access list, is lost unnoticed. Have it take QoS 1",
                self._address,
            )

    def _begin_anew(self, connection: Connection, now: float) -> None:
        """Ends a session that is well, for one by another version of MQTT."""
        connection.close()
        self._sender.end(now, hung_up=False)
        self._connection = self._up_since = None
        self._retry_at = now
        self._look()

    def _count_kicks(self, connection: Connection, setback: Setback, now: float) -> None:
        """Counts how often the broker has hung up on us in the midst of silence, without a reason.

        A network or a proxy that is restarted does so once or twice. A broker may do so time and again, each time that
        another client takes our place.
        """
        if not connection.was_hung_up:
            self._kicked = 0
        elif setback.trouble is Trouble.CLOSED and self._sender.was_quiet(now):
            self._kicked += 1

    def _is_other_version_worth_a_try(self, connection: Connection) -> bool:
        if connection.refused_version:
            return self._current.choice.refused()
        return connection.is_ignored and self._current.choice.ignored()

    def _lost(self, setback: Setback, *, try_other_version: bool = False) -> None:
        now, was_up, current = monotonic(), self._up_since is not None, self._current
        lasted = None if self._up_since is None else now - self._up_since
        if not was_up:
            self._refusals.release(now)
        self._connection = self._up_since = None
        if try_other_version:
            if current.setback is None:
                _log.info("the broker at %s seems not to speak MQTT 5; trying MQTT 3.1.1", self._address)
            self._retry_at = now
        else:
            if setback != current.setback:
                lost = "the connection to the broker is lost" if was_up else "no connection to the broker"
                told = explain(setback, current.settings)
                _log.warning("%s: %s", lost, told, extra={"broker": self._address})
            current.setback, self._last_trouble = setback, setback.trouble
            # before we turn to another one, because it is about this one
            self._look()
            if self._brokers.lost(lasted):
                self._retry_at = now
                return
            at_once = was_up and not setback.trouble.slow
            wait = self._backoff.lost() if at_once else self._backoff.failed(slow=setback.trouble.slow)
            self._retry_at = now + wait
        self._look()

    def _watch_ends(self) -> None:
        """Says in the log which certificates end soon, or have ended."""
        now = self._clock().utc
        for whose, end in self._end_watch.due(self._ends, now):
            named = f"the certificate of the broker at {self._address}"
            remedy = "Have it renewed; it is looked at with the next connection"
            if whose == "client":
                named = f"our certificate {self._current.settings.own_certificate[0]}"
                remedy = "Renew it; it is read at the next connection"
            said = "is no longer good" if end <= now else "ends soon"
            level = logging.ERROR if end <= now else logging.WARNING
            told = days_left(end, now)
            _log.log(level, "%s %s: %s. %s", named, said, told, remedy, extra={"broker": self._address})

    def _look(self) -> None:
        """Brings the status up to date."""
        self.status = LinkStatus(
            connected=self._up_since is not None,
            connections=self._connections,
            address=self._address,
            protocol=self._current.choice.current,
            acknowledges=self._acknowledges,
            setback=self._current.setback,
            last_trouble=self._last_trouble,
            depth=self._outbox.depth,
            size=self._outbox.size,
            oldest=self._outbox.oldest(self._clock()),
            dropped=self._outbox.dropped,
            damaged=self._outbox.damaged,
            certificates=self._ends,
        )
