"""A short session with the broker for a command: open it, ask something, wait for the answer."""

from __future__ import annotations

import select
from collections.abc import Callable
from datetime import datetime
from time import monotonic

from edge_fer.contract.link_status import MqttVersion
from edge_fer.contract.trouble import Setback, Trouble
from edge_fer.mqtt.connection import Connection
from edge_fer.mqtt.protocol import ProtocolChoice
from edge_fer.mqtt.settings import BrokerSettings

__all__ = ["ANSWER", "Session"]

#: Seconds in which a session must begin, and in which the broker must answer within it.
OPENING, ANSWER = 25.0, 4.0


class Session:
    """One session, turned by its caller.

    Args:
        settings: where the broker is, and how to get in.
        now: the time by the wall clock.

    Attributes:
        protocol: version of MQTT that is spoken.
        answers: reason codes of what the broker has acknowledged, by id.
        received: the last payload of each topic on which something came.
    """

    def __init__(self, settings: BrokerSettings, *, now: datetime) -> None:
        self._settings = settings
        self._now = now
        self._connection: Connection | None = None
        self.protocol = MqttVersion.V5
        self.answers: dict[int, int] = {}
        self.received: dict[str, bytes] = {}

    def open(self) -> Setback | None:
        """Begins it, by the newest version of MQTT that the broker speaks; why not, where it does not."""
        choice = ProtocolChoice()
        deadline = monotonic() + OPENING
        while True:
            self.protocol = choice.current
            self._connection = Connection(
                self._settings,
                availability=None,
                protocol=choice.current,
                now=self._now,
                woken=lambda: None,
                received=lambda topic, payload, _retained: self.received.update({topic: payload}),
            )
            if self.turn(lambda: self.connection.is_up, deadline - monotonic()):
                return None
            again = self.connection.refused_version and choice.refused()
            again = again or (self.connection.is_ignored and (choice.ignored() or choice.is_patient))
            if not again:
                return self.connection.setback or Setback(Trouble.TIMED_OUT)
            self.close()

    @property
    def connection(self) -> Connection:
        """The session with the broker."""
        if self._connection is None:
            msg = "the session was not opened"
            raise RuntimeError(msg)
        return self._connection

    def turn(self, done: Callable[[], bool], seconds: float) -> bool:
        """Lets the session go on until it is done or over, or the time is up; whether it is done."""
        deadline = monotonic() + seconds
        while monotonic() < deadline:
            self.answers |= dict(self.connection.turn())
            if done():
                return True
            if self.connection.setback is not None:
                return False
            self._wait(0.05)
        return False

    def _wait(self, seconds: float) -> None:
        """Until there is something to read or room to write, for so long at most."""
        # poll() takes files of any number, select() those below 1024 alone
        waiting = select.poll()
        if line := self.connection.socket:
            waiting.register(line, select.POLLIN | (select.POLLOUT if self.connection.wants_write else 0))
        waiting.poll(1000 * seconds)

    def subscribe(self, topic: str) -> int | None:
        """The broker's answer to a subscription."""
        number = self.connection.subscribe(topic)
        return self._answer(number)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int | None:
        """The broker's answer to a message; None where it gives none."""
        return self._answer(self.connection.publish(topic, payload, retain=retain))

    def close(self) -> None:
        """Ends it."""
        if self._connection is not None:
            self._connection.close()

    def _answer(self, number: int) -> int | None:
        self.turn(lambda: number in self.answers, ANSWER)
        return self.answers.get(number)
