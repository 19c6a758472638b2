"""Checks of the broker: whether it is there, trusted, lets us in, takes our messages, and grants us signals."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import UTC, datetime

from edge_fer.contract.link_status import MqttVersion, is_near
from edge_fer.contract.messages import ONLINE
from edge_fer.contract.topics import Topics
from edge_fer.contract.trouble import Setback, Trouble
from edge_fer.doctor.finding import CheckResult, State, fault, good, skipped, warning
from edge_fer.mqtt.certificates import days_left, end_in_file
from edge_fer.mqtt.failures import problem_and_remedy, remedy_for_refusal
from edge_fer.mqtt.session import ANSWER, Session
from edge_fer.mqtt.settings import BrokerSettings
from edge_fer.support.json_text import read_json

__all__ = ["broker"]

#: Seconds for what the broker has retained.
RETAINED = 1.0
PAYLOAD = b"edge-fer doctor"

TLS = {Trouble.TLS, Trouble.TLS_NOT_TRUSTED, Trouble.TLS_WRONG_HOST, Trouble.TLS_NOT_YET_VALID}
LOGIN = {Trouble.LOGIN, Trouble.NOT_AUTHORISED, Trouble.TLS_CLIENT_REFUSED, Trouble.TLS_CLIENT_EXPIRED}


def broker(
    settings: BrokerSettings,
    topics: Topics,
    cameras: Iterable[str],
    signals: Collection[str] = (),
    *,
    daemon: bool,
    now: datetime | None = None,
) -> list[CheckResult]:
    """Everything about the broker, by a session of its own, which disturbs no daemon and leaves nothing behind.

    Args:
        settings: where it is and how to get in; a client id of its own is used.
        topics: of the node; `doctor` below them is published to, and not retained.
        cameras: the cameras' names.
        signals: topics of other devices that alerts ask for.
        daemon: whether one runs on this machine.
        now: the time by the wall clock; None: that of this machine.
    """
    own_id = settings.client_id
    settings = replace(settings, client_id=f"{settings.client_id}-doctor")
    now = now or datetime.now(UTC)
    own = _own_certificate(settings, now)
    session = Session(settings, now=now)
    try:
        setback = session.open()
        if setback is not None:
            return [*_refused(setback, settings), *own]
        found = [_protocol(settings, session.protocol)]
        found += [good("login", _login(settings)), _encryption(settings, session, now), *own]
        found += _permissions(session, settings, topics, cameras)
        if signals:
            found.append(_signals(session, settings, signals))
        found.append(_twin(session, replace(settings, client_id=own_id), topics, daemon=daemon))
        return found + _outbox(session.received.get(topics.health, b""))
    finally:
        session.close()


def _refused(setback: Setback, settings: BrokerSettings) -> list[CheckResult]:
    """The findings where no session came about."""
    what, remedy = problem_and_remedy(setback, settings)
    remedy = remedy.replace("; it is read again at the next try", "")
    reached = good("broker", f"{settings.address} accepts connections")
    if setback.trouble in TLS:
        return [reached, fault("encryption", what, remedy)]
    if setback.trouble in LOGIN:
        return [reached, fault("login", what, remedy)]
    if setback.trouble is Trouble.FILE:
        return [fault("login", what, remedy)]
    if setback.trouble is Trouble.HUNG_UP and settings.tls:
        return [reached, fault("login", what, remedy)]
    return [fault("broker", what, remedy)]


def _protocol(settings: BrokerSettings, protocol: MqttVersion) -> CheckResult:
    what = f"{settings.address} speaks MQTT {protocol.text}"
    if protocol is MqttVersion.V5:
        return good("broker", what)
    remedy = "Use a broker of MQTT 5, or check its access list with care"
    return warning("broker", f"{what} only, in which it cannot say that it refuses a message", remedy)


def _outbox(health: bytes) -> list[CheckResult]:
    """What the daemon says of messages that it could not send; nothing, where there were none."""
    try:
        damaged = int(read_json(health)["outbox"]["damaged"])
    except (ValueError, KeyError, TypeError):
        return []
    if not damaged:
        return []
    what = f"{damaged} messages were damaged on the disk and could not be sent"
    return [warning("outbox", what, "A worn memory card is the usual cause: replace it")]


def _login(settings: BrokerSettings) -> str:
    if settings.username is None:
        return f"the broker lets us in without one{', and with our certificate' if settings.cert_file else ''}"
    return f"the broker lets {settings.username} in{'' if settings.password_file else ' without a password'}"


def _encryption(settings: BrokerSettings, session: Session, now: datetime) -> CheckResult:
    if not settings.tls:
        if settings.password_file is not None and settings.allow_insecure:
            remedy = "Let `mqtt.broker` begin with `mqtts://`, if the broker can do that"
            return warning("encryption", "none, and the password can be read by others in the network", remedy)
        return skipped("encryption", "`mqtt.broker` begins with mqtt://")
    end = session.connection.broker_certificate_end
    if end is None:
        remedy = "Look at it with `openssl x509`, and have it issued anew"
        return warning("encryption", "the broker's certificate is trusted, but its end cannot be read", remedy)
    what = f"the broker's certificate is trusted, {days_left(end, now)}"
    return warning("encryption", what, "Have it renewed in time") if is_near(end, now) else good("encryption", what)


def _own_certificate(settings: BrokerSettings, now: datetime) -> list[CheckResult]:
    """How long our own certificate holds; nothing where there is none, or where it cannot be read."""
    if (end := end_in_file(settings.own_certificate[0])) is None:
        return []
    what = f"{settings.own_certificate[0]} is our certificate: {days_left(end, now)}"
    if end <= now:
        return [fault("own certificate", what, "Renew it; the daemon reads it at its next connection")]
    if is_near(end, now):
        return [warning("own certificate", what, "Renew it in time; the daemon reads it at its next connection")]
    return [good("own certificate", what)]


def _permissions(
    session: Session, settings: BrokerSettings, topics: Topics, cameras: Iterable[str]
) -> list[CheckResult]:
    own = topics.doctor
    asked = session.subscribe(own)
    refused, unanswered = [], []
    for topic in [own, *map(topics.camera_doctor, cameras)]:
        code = session.publish(topic, PAYLOAD)
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
    if published.state is State.GOOD and session.protocol is MqttVersion.V311:
        published = warning(
            "publishing",
            "the broker does not say whether it passes messages on, as MQTT 3.1.1 cannot",
            f"Watch {own} with another client while you run this",
        )
    refusal = "was refused" if asked is not None and asked >= 0x80 else "was granted, but no message came"
    remedy = f"Allow {settings.username or 'this client'} to read {own}; the daemon reads signals alone"
    return [published, warning("subscribing", f"the subscription to {own} {refusal}", remedy)]


def _twin(session: Session, settings: BrokerSettings, topics: Topics, *, daemon: bool) -> CheckResult:
    """Whether another node goes by our name, from what the broker has retained of ours.

    A session of our own by the daemon's id would tell for sure, but would throw the daemon out.
    """
    asked = [session.subscribe(topic) for topic in (topics.availability, topics.health)]
    if session.connection.setback is not None or any(code is None or code >= 0x80 for code in asked):
        return skipped("client id", f"what {settings.username or 'this client'} told before cannot be read")
    session.turn(lambda: {topics.availability, topics.health} <= session.received.keys(), RETAINED)
    if _last_setback(session.received.get(topics.health, b"")) == Trouble.TAKEN_OVER:
        return fault("client id", *problem_and_remedy(Setback(Trouble.TAKEN_OVER), settings))
    if session.received.get(topics.availability) == ONLINE.encode() and not daemon:
        node = topics.node
        remedy = f"If another device is called {node}, too, give each a `node.id` of its own"
        return warning("client id", f"{node} is online, but no daemon is seen to run on this machine", remedy)
    return good("client id", f"no other client goes by {settings.client_id}, as far as can be seen")


def _last_setback(health: bytes) -> object:
    """Why the daemon lost its connection last, as it says itself."""
    try:
        return read_json(health)["mqtt"]["last_setback"]
    except (ValueError, KeyError, TypeError):
        return None


def _signals(session: Session, settings: BrokerSettings, topics: Collection[str]) -> CheckResult:
    """Whether the broker lets us listen to what alerts ask for; what it grants, it need not deliver."""
    answers = {topic: session.subscribe(topic) for topic in sorted(topics)}
    refused = [topic for topic, code in answers.items() if code is None or code >= 0x80]
    if refused:
        who = settings.username or "this client"
        what = f"the broker does not grant {', '.join(refused)}, so that alerts on it never know anything"
        return fault("signals", what, f"Allow {who} to read it, in the broker's access list")
    session.turn(lambda: session.received.keys() >= set(topics), ANSWER / 2)
    silent = [topic for topic in answers if topic not in session.received]
    if not silent:
        return good("signals", f"the broker grants {', '.join(answers)}, and a message came on each")
    # nothing more can be known: a sensor may be slow, and Mosquitto's access list grants what it never delivers
    what = f"the broker grants {', '.join(answers)}; nothing came on {', '.join(silent)} within {ANSWER / 2:g} s"
    return good("signals", f"{what}, which a slow sensor explains as well as an access list")
