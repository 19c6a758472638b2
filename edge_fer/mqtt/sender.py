"""What goes over a connection: answers and retained values first, then the outbox, a bounded number at a time."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from math import inf
from typing import Protocol

from edge_fer.contract.messages import MessageKind, seal
from edge_fer.mqtt.failures import remedy_for_refusal
from edge_fer.mqtt.pace import Pace
from edge_fer.mqtt.refusals import Refusals
from edge_fer.mqtt.remembered import RememberedTopics
from edge_fer.mqtt.replies import Replies
from edge_fer.mqtt.retained import RetainedValues
from edge_fer.outbox.outbox import Outbox
from edge_fer.outbox.queued import QueuedMessage
from edge_fer.types import Instant

__all__ = ["Sender"]

_log = logging.getLogger(__name__)

#: Reason codes of this and up are refusals.
_REFUSED = 0x80
_PACKET_TOO_LARGE = 0x95
#: Seconds in which a broker hangs up on a message that it does not like, and between messages sent one by one.
_BLAME, _VERDICT = 0.2, 0.25
#: Messages that may be under way at a time, below which none of them is kept for one kind.
_NARROW = 4


class SessionPort(Protocol):
    """The part of a connection that is needed here."""

    @property
    def window(self) -> int: ...
    @property
    def max_packet(self) -> int | None: ...
    @property
    def setback(self) -> object: ...
    @property
    def retains(self) -> bool: ...
    def publish(self, topic: str, payload: bytes, *, retain: bool) -> int: ...


@dataclass(frozen=True, slots=True)
class _Retained:
    topic: str
    size: int
    clears: bool


@dataclass(frozen=True, slots=True)
class _Reply:
    topic: str
    size: int


class Sender:
    """Sends what is due, and takes note of what the broker says to it. Times are on a clock that never jumps.

    A message that the broker refuses for now (not authorised, quota) is kept, and its topic is left alone for a
    while, so that it does not stop the others. One that it will never take (too large, not valid) is given up.

    Args:
        outbox: what waits on disk.
        retained: the retained values.
        refusals: topics that the broker does not take.
        pace: how fast events and summaries are sent; alert events need not wait.
        replies: answers, which are sent once or not at all.
    """

    def __init__(
        self, outbox: Outbox, retained: RetainedValues, refusals: Refusals, pace: Pace, replies: Replies
    ) -> None:
        self._outbox = outbox
        self._retained = retained
        self._refusals = refusals
        self._pace = pace
        self._replies = replies
        self._under_way: dict[int, QueuedMessage | _Retained | _Reply] = {}
        self._remembered = RememberedTopics(outbox)
        #: reason codes that were told, by topic
        self._told: dict[str, int] = {}
        #: what was published to last, and when something was sent or acknowledged
        self._last: str | None = None
        self._last_at = 0.0
        self._refused_at = -inf
        self._one_of_each = True
        #: bytes of each letter under way, by its id, and what the broker was found to take at most
        self._sizes: dict[int, int] = {}
        self._limit: int | None = None
        #: whether it was not the outbox that something was sent of last
        self._stated = False

    def begin(self, *, may_refuse: bool) -> None:
        """A new connection is up: it gets all retained values, and what no longer holds is cleared.

        Args:
            may_refuse: whether the broker can say that it refuses a message. Then each topic has one message under way
                at a time: the next one must not arrive before one that is refused and tried again later.
        """
        self._one_of_each = may_refuse
        self._stated = False
        self._retained.renew(self._remembered.read())
        self._replies.clear()
        self._last = None

    def turn_to(self, mark: str, marks: Collection[str]) -> None:
        """It is another broker from now on, of which nothing is known.

        Args:
            mark: of that one, as of `RememberedTopics.turn_to`.
            marks: of all.
        """
        self._remembered.turn_to(mark, marks)
        self._refusals.forget()
        self._told.clear()
        self._limit = None

    def say_again(self, topic: str) -> None:
        """Publishes the retained value of a topic once more."""
        self._retained.due_again(topic)

    def was_quiet(self, mono: float) -> bool:
        """Whether nothing was sent or acknowledged for a while."""
        return mono - self._last_at >= _BLAME

    def end(self, mono: float, *, hung_up: bool) -> None:
        """The connection is gone: what was not acknowledged has to be sent again.

        Args:
            mono: the time.
            hung_up: whether the broker ended it without a reason that we know.
        """
        self._under_way.clear()
        self._sizes.clear()
        self._outbox.put_back()
        # where it has just refused something, that is why
        guilty = hung_up and mono - self._last_at < _BLAME and mono - self._refused_at > 1.0
        culprit = self._refusals.hung_up(self._last if guilty else None, mono)
        if culprit is not None:
            _log.error(
                "the broker hangs up when something is published to %s; it is left alone for a while."
                " Allow this user to publish to it, in the broker's access list",
                culprit,
                extra={"topic": culprit},
            )

    def is_idle(self, *, outbox: bool = True) -> bool:
        """Whether everything was sent and acknowledged; `outbox`: what waits on disk, too."""
        return (
            not self._under_way
            and not self._replies
            and self._retained.is_clean
            and not (outbox and self._outbox.depth)
        )

    def fill(self, session: SessionPort, now: Instant, mono: float, *, outbox: bool = True) -> float:
        """Sends as much as may be under way; `outbox`: of what waits on disk, too.

        Returns:
            Seconds until there may be more to send without anything happening; infinite if only then.
        """
        window = session.window
        wait = inf
        if self._refusals.is_careful(mono):
            if self._under_way or mono - self._last_at < _VERDICT:
                return _VERDICT
            if self._last is not None:
                self._refusals.passed(self._last)
            window, wait = 1, _VERDICT
        held = self._refusals.held(mono)
        if window < _NARROW and self._stated and outbox and session.setback is None:
            # where there is room for few, they take turns
            wait = min(wait, self._send_waiting(session, window - len(self._under_way), now, mono, held))
        while len(self._under_way) < window and session.setback is None and (reply := self._replies.take()):
            self._send_reply(session, *reply, held, mono)
        # retained values may change without end, and a backlog may be long: each leaves the other some room
        room = self._room(_Retained, window, max(1, window // 2))
        while room > 0 and session.setback is None and (due := self._retained.take(now, held=held)):
            self._send_retained(session, *due, mono)
            room -= 1
        room = self._room(QueuedMessage, window, window - window // 4)
        if outbox and room > 0 and session.setback is None:
            wait = min(wait, self._send_waiting(session, room, now, mono, held))
        return wait

    def _room(self, kind: type, window: int, share: int) -> int:
        """How many more of a kind may be under way."""
        of_kind = sum(isinstance(sent, kind) for sent in self._under_way.values())
        return min(window - len(self._under_way), share - of_kind)

    def _send_waiting(self, session: SessionPort, room: int, now: Instant, mono: float, held: Collection[str]) -> float:
        """Sends what waits on disk, as far as its pace allows; seconds until there may be more."""
        spare = self._pace.allowed(mono, room)
        busy = {sent.topic for sent in self._under_way.values() if isinstance(sent, QueuedMessage)}
        letters = self._outbox.take(room, now, held=held, busy=busy if self._one_of_each else None, spare=spare)
        for letter in letters:
            self._send(session, letter, mono)
        self._pace.spend(sum(letter.kind is not MessageKind.ALERT_EVENT for letter in letters))
        return self._pace.wait if spare < room and self._outbox.depth else inf

    def settle(self, acknowledged: list[tuple[int, int]], mono: float) -> bool:
        """Takes note of what the broker has acknowledged or refused, by id and reason code.

        Returns:
            Whether the outbox got shorter by it.
        """
        arrived = []
        for mid, code in acknowledged:
            sent = self._under_way.pop(mid, None)
            if sent is None:
                continue
            self._last_at = mono
            if code >= _REFUSED:
                self._refused(sent, code, mono)
                continue
            self._told.pop(sent.topic, None)
            if isinstance(sent, QueuedMessage):
                self._sizes.pop(sent.id, None)
                arrived.append(sent.id)
            elif isinstance(sent, _Retained) and sent.clears and not self._retained.holds(sent.topic):
                self._remembered.discard(sent.topic)
        if arrived:
            self._outbox.acknowledge(arrived)
        return bool(arrived)

    def learn_limit(self) -> None:
        """The broker ended the session because a packet was too large for it; it was one of those under way."""
        self._lower_limit([self._size_of(sent) for sent in self._under_way.values()])

    def _size_of(self, sent: QueuedMessage | _Retained | _Reply) -> int:
        return self._sizes.get(sent.id, 0) if isinstance(sent, QueuedMessage) else sent.size

    def _lower_limit(self, sizes: Collection[int]) -> None:
        """The largest of these was too large, whatever the others are."""
        if most := max(sizes, default=0):
            self._limit = min(self._limit or most, most - 1)

    def _fits(self, session: SessionPort, topic: str, payload: bytes, *, letter: bool) -> bool:
        """Whether the broker takes a packet of this size; told where not, once for each topic."""
        limits = [limit for limit in (session.max_packet, self._limit) if limit is not None]
        size = _packet_size(topic, payload)
        if not limits or size <= min(limits):
            return True
        if self._told.get(topic) != _PACKET_TOO_LARGE:
            self._told[topic] = _PACKET_TOO_LARGE
            _log.error(
                "a message to %s has %d bytes, and the broker takes %d at most (0x95); it is %s."
                " Raise the broker's limit for the size of a packet",
                *(topic, size, min(limits), "given up" if letter else "not sent"),
                extra={"topic": topic},
            )
        return False

    def _send_reply(self, session: SessionPort, topic: str, payload: str, held: Collection[str], mono: float) -> None:
        if topic in held or not self._fits(session, topic, payload.encode(), letter=False):
            return
        self._last, self._last_at, self._stated = topic, mono, True
        mid = session.publish(topic, payload.encode(), retain=False)
        self._under_way[mid] = _Reply(topic, _packet_size(topic, payload.encode()))

    def _send_retained(self, session: SessionPort, topic: str, text: str, mono: float) -> None:
        payload = text.encode()
        if payload and not self._fits(session, topic, payload, letter=False):
            if topic not in self._remembered:
                return
            # better none than an old one
            payload = b""
        if not (payload or session.retains):
            return
        if payload:
            self._remembered.add(topic)
        self._last, self._last_at, self._stated = topic, mono, True
        mid = session.publish(topic, payload, retain=session.retains)
        self._under_way[mid] = _Retained(topic, _packet_size(topic, payload), clears=not text)

    def _send(self, session: SessionPort, letter: QueuedMessage, mono: float) -> None:
        try:
            payload = seal(letter.body, seq=letter.seq, replayed=letter.late, at=letter.at).encode()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one message, the others are sent
            self._outbox.set_aside(letter, f"{type(error).__name__}: {error}")
            return
        if not self._fits(session, letter.topic, payload, letter=True):
            self._outbox.give_up(letter)
        elif session.setback is None:
            self._last, self._last_at, self._stated = letter.topic, mono, False
            self._under_way[session.publish(letter.topic, payload, retain=False)] = letter
            self._sizes[letter.id] = _packet_size(letter.topic, payload)

    def _refused(self, sent: QueuedMessage | _Retained | _Reply, code: int, mono: float) -> None:
        remedy, keep = remedy_for_refusal(code)
        if code == _PACKET_TOO_LARGE:
            # Mosquitto 2.0 hangs up as well, and would do so again with the next connection
            self._lower_limit([self._size_of(sent)])
        if self._told.get(sent.topic) != code:
            self._told[sent.topic] = code
            again = keep and not isinstance(sent, _Reply)
            outcome = "it is kept and tried again later" if again else "it is given up"
            _log.error(
                "the broker refuses a message to %s (reason code 0x%02X); %s. %s",
                *(sent.topic, code, outcome, remedy),
                extra={"topic": sent.topic},
            )
        self._refused_at = mono
        if keep:
            self._refusals.hold(sent.topic, mono)
        if isinstance(sent, QueuedMessage):
            self._sizes.pop(sent.id, None)
            if keep:
                self._outbox.put_back([sent.id])
            else:
                self._outbox.give_up(sent)
        elif keep and isinstance(sent, _Retained):
            self._retained.due_again(sent.topic)


def _packet_size(topic: str, payload: bytes) -> int:
    """Bytes of a PUBLISH at QoS 1 in MQTT 5, without properties."""
    rest = 2 + len(topic.encode()) + 2 + 1 + len(payload)
    return 1 + max(1, (rest.bit_length() + 6) // 7) + rest
