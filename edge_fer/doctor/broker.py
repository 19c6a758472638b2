"""Checks of the broker: whether it is there, trusted, lets us in, takes our messages, and grants us signals."""

from __future__ import annotations

import select
import ssl
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic

from edge_fer.doctor.finding import Finding, State, fault, good, skipped, warning
from edge_fer.mqtt.connection import Connection
from edge_fer.mqtt.reasons import Setback, Trouble, problem_and_remedy, remedy_for_refusal
from edge_fer.mqtt.retry import Protocol, ProtocolChoice
from edge_fer.mqtt.settings import BrokerSettings
from edge_fer.mqtt.topics import Topics

__all__ = ["broker"]

#: Seconds in which a session must begin, and in which the broker must answer within it.
OPENING, ANSWER = 25.0, 4.0
#: Days before its end at which a certificate is worth a word.
SOON = 21
PAYLOAD = b"edge-fer doctor"

TLS = {Trouble.TLS, Trouble.TLS_NOT_TRUSTED, Trouble.TLS_WRONG_HOST, Trouble.TLS_NOT_YET_VALID}
LOGIN = {Trouble.LOGIN, Trouble.NOT_AUTHORISED, Trouble.TLS_CLIENT_REFUSED}


def broker(
    settings: BrokerSettings, topics: Topics, cameras: Iterable[str], signals: Collection[str] = ()
) -> list[Finding]:
    """Everything about the broker, by a session of its own, which disturbs no daemon and leaves nothing behind.

    Args:
        settings: where it is and how to get in; a client id of its own is used.
        topics: of the node; `doctor` below them is published to, and not retained.
        cameras: the cameras' names.
        signals: topics of other devices that alerts ask for.
    """
    settings = replace(settings, client_id=f"{settings.client_id}-doctor")
    session = _Session(settings)
    try:
        setback = session.open()
        if setback is not None:
            return _refused(setback, settings)
        found = [good("broker", f"{settings.address} speaks MQTT {session.protocol.text}")]
        found += [good("login", _login(settings)), _encryption(settings, session.certificate)]
        found += _permissions(session, settings, topics, cameras)
        return [*found, _signals(session, settings, signals)] if signals else found
    finally:
        session.close()


class _Session:
    """One session, turned by its caller."""

    def __init__(self, settings: BrokerSettings) -> None:
        self._settings = settings
        self._connection: Connection | None = None
        self.protocol = Protocol.V5
        self.answers: dict[int, int] = {}
        self.received: set[str] = set()

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
                woken=lambda: None,
                received=lambda topic, _payload, _retained: self.received.add(topic),
            )
            if self.turn(lambda: self.connection.is_up, deadline - monotonic()):
                return None
            refused = self.connection.refused_version or self.connection.is_ignored
            if not (refused and choice.ignored()):
                return self.connection.setback or Setback(Trouble.TIMED_OUT)
            self.close()

    @property
    def connection(self) -> Connection:
        """The session with the broker."""
        if self._connection is None:
            msg = "the session was not opened"
            raise RuntimeError(msg)
        return self._connection

    @property
    def certificate(self) -> dict[str, object]:
        """What the broker's certificate says; empty where there is none."""
        line = self.connection.socket
        return dict(line.getpeercert() or {}) if isinstance(line, ssl.SSLSocket) else {}

    def turn(self, done: Callable[[], bool], seconds: float) -> bool:
        """Lets the session go on until it is done or over, or the time is up; whether it is done."""
        deadline = monotonic() + seconds
        while monotonic() < deadline:
            self.answers |= dict(self.connection.turn())
            if done():
                return True
            if self.connection.setback is not None:
                return False
            line = self.connection.socket
            select.select([line] if line else [], [line] if line and self.connection.wants_write else [], [], 0.05)
        return False

    def subscribe(self, topic: str) -> int | None:
        """The broker's answer to a subscription."""
        number = self.connection.subscribe(topic)
        return self._answer(number)

    def publish(self, topic: str) -> int | None:
        """The broker's answer to a message; None where it gives none."""
        return self._answer(self.connection.publish(topic, PAYLOAD, retain=False))

    def close(self) -> None:
        """Ends it."""
        if self._connection is not None:
            self._connection.close()

    def _answer(self, number: int) -> int | None:
        self.turn(lambda: number in self.answers, ANSWER)
        return self.answers.get(number)


def _refused(setback: Setback, settings: BrokerSettings) -> list[Finding]:
    """The findings where no session came about."""
    what, remedy = problem_and_remedy(setback, settings)
    reached = good("broker", f"{settings.address} accepts connections")
    if setback.trouble in TLS:
        return [reached, fault("encryption", what, remedy)]
    if setback.trouble in LOGIN:
        return [reached, fault("login", what, remedy)]
    if setback.trouble is Trouble.FILE:
        return [fault("login", what, remedy.replace("; it is read again at the next try", ""))]
    if setback.trouble is Trouble.HUNG_UP and settings.tls:
        return [reached, fault("login", what, remedy)]
    return [fault("broker", what, remedy)]


def _login(settings: BrokerSettings) -> str:
    if settings.username is None:
        return "the broker lets us in without one"
    return f"the broker lets {settings.username} in{'' if settings.password_file else ' without a password'}"


def _encryption(settings: BrokerSettings, certificate: dict[str, object]) -> Finding:
    if not settings.tls:
        if settings.password_file is not None and settings.allow_insecure:
            remedy = "Let `mqtt.broker` begin with `mqtts://`, if the broker can do that"
            return warning("encryption", "none, and the password can be read by others in the network", remedy)
        return skipped("encryption", "`mqtt.broker` begins with mqtt://")
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    days = (ends - datetime.now(UTC)).days
    what = f"the broker's certificate is trusted, for {days} more days (until {ends:%Y-%m-%d})"
    if days < SOON:
        return warning("encryption", what, "Have it renewed in time")
    return good("encryption", what)


def _permissions(session: _Session, settings: BrokerSettings, topics: Topics, cameras: Iterable[str]) -> list[Finding]:
    own = topics.doctor
    asked = session.subscribe(own)
    refused, unanswered = [], []
    for topic in [own, *map(topics.camera_doctor, cameras)]:
        code = session.publish(topic)
        if code is None:
            unanswered.append(topic)
            break
        if code >= 0x80:
            refused.append((topic, code))
    if refused:
        told = ", ".join(f"{topic} (0x{code:02X})" for topic, code in refused)
        published = fault("publishing", f"the broker refuses {told}", remedy_for_refusal(refused[0][1])[0])
    elif unanswered:
        setback = session.connection.setback or Setback(Trouble.SILENT, "no acknowledgement of a message")
        what, remedy = problem_and_remedy(setback, settings)
        published = fault("publishing", f"after a message to {unanswered[0]}, {what}", remedy)
    else:
        published = good("publishing", f"the broker takes messages below {own.rpartition('/')[0]}")
    came_back = not refused and session.turn(lambda: own in session.received, ANSWER / 2)
    if came_back:
        return [published, good("subscribing", "a message to ourselves came back")]
    if published.state is State.GOOD and session.protocol is Protocol.V311:
        published = warning(
            "publishing",
            "the broker does not say whether it passes messages on, as MQTT 3.1.1 cannot",
            f"Watch {own} with another client while you run this",
        )
    refusal = "was refused" if asked is not None and asked >= 0x80 else "was granted, but no message came"
    remedy = f"Allow {settings.username or 'this client'} to read {own}; the daemon reads signals alone"
    return [published, warning("subscribing", f"the subscription to {own} {refusal}", remedy)]


def _signals(session: _Session, settings: BrokerSettings, topics: Collection[str]) -> Finding:
    """Whether the broker lets us listen to what alerts ask for; what it grants, it need not deliver."""
    answers = {topic: session.subscribe(topic) for topic in sorted(topics)}
    refused = [topic for topic, code in answers.items() if code is None or code >= 0x80]
    if refused:
        who = settings.username or "this client"
        what = f"the broker does not grant {', '.join(refused)}, so that alerts on it never know anything"
        return fault("signals", what, f"Allow {who} to read it, in the broker's access list")
    session.turn(lambda: session.received.issuperset(topics), ANSWER / 2)
    silent = [topic for topic in answers if topic not in session.received]
    if not silent:
        return good("signals", f"the broker grants {', '.join(answers)}, and a message came on each")
    # nothing more can be known: a sensor may be slow, and Mosquitto's access list grants what it never delivers
    what = f"the broker grants {', '.join(answers)}; nothing came on {', '.join(silent)} within {ANSWER / 2:g} s"
    return good("signals", f"{what}, which a slow sensor explains as well as an access list")
