"""One session with the broker, from dialling to its end. Never used twice, so that nothing of it lives on.

paho keeps unsent messages in memory without bound and sends them again on its own, and an exception in one of
its callbacks ends its thread unseen. So there is one client for each session here, run by our thread, and given
no more than it may send at once; what was not acknowledged when the session ends is the outbox's to send again.
"""

from __future__ import annotations

import contextlib
import logging
import select
import ssl
from collections.abc import Callable, Sequence
from datetime import datetime
from time import monotonic
from typing import Any, TypeAlias

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, LogLevel, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge_fer.contract.link_status import MqttVersion
from edge_fer.contract.messages import OFFLINE
from edge_fer.contract.trouble import Setback, Trouble
from edge_fer.mqtt.certificates import end_in_file, end_of
from edge_fer.mqtt.dial import AnySocket, Dialling, Line, has_decrypted
from edge_fer.mqtt.failures import of_code, of_disconnect, of_tls_text
from edge_fer.mqtt.inbound import LARGEST_PAYLOAD, Subscription
from edge_fer.mqtt.settings import BrokerSettings

__all__ = ["Connection", "Received"]

_log = logging.getLogger(__name__)

#: Takes a message: topic, payload, and whether the broker had kept it for newcomers.
Received: TypeAlias = Callable[[str, bytes, bool], None]

#: Messages sent and not acknowledged yet, at most; brokers allow at least so many unless they say otherwise.
_WINDOW = 20
#: Seconds that the broker has to answer our CONNECT.
_GREETING = 5.0
#: Packets that are read in one turn, so that a flood of them does not keep ours from being sent.
_READS = 200
#: Bytes of a packet that a broker of MQTT 5 may send us; a larger one it keeps to itself.
_LARGEST_PACKET = LARGEST_PAYLOAD + 1024
#: What a broker may say when it hangs up on a message that it does not like.
_UNEXPLAINED = {Trouble.CLOSED, Trouble.TOPIC_REFUSED, Trouble.QUOTA, Trouble.OTHER}
#: What a broker may do to a client whose certificate has expired: most say so, some hang up.
_REFUSES_CERTIFICATE = {Trouble.TLS_CLIENT_REFUSED, Trouble.TLS_CLIENT_EXPIRED, Trouble.HUNG_UP}


#: Where the reason code of a PUBACK is, and the one for "unspecified".
_CODE_AT, _UNSPECIFIED = 2, b"\x80"


class _Client(paho.Client):
    """paho's client on a socket that is open already, for which it has no public way."""

    def __init__(self, line: AnySocket, **options: Any) -> None:
        super().__init__(CallbackAPIVersion.VERSION2, **options)
        self._line = line
        #: reason codes that paho does not know, by id of the message
        self.odd_codes: dict[int, int] = {}

    def _create_socket(self) -> Any:
        return self._line

    def _sock_send(self, buf: Any) -> int:
        try:
            return super()._sock_send(buf)
        except (ConnectionError, ssl.SSLEOFError) as error:
            # what the broker said before it hung up is still to be read, and after it, paho reads that it has
            raise BlockingIOError from error

    def _handle_pubackcomp(self, cmd: Any) -> MQTTErrorCode:
        # Mosquitto 2.0 says here that a message is too large; paho would take that for an error of the protocol
        packet = self._in_packet["packet"]
        if self._protocol == MQTTProtocolVersion.MQTTv5 and len(packet) > _CODE_AT:
            code = packet[_CODE_AT]
            try:
                ReasonCode(PacketTypes.PUBACK, identifier=code)
            except (KeyError, ValueError):
                self.odd_codes[int.from_bytes(packet[:_CODE_AT])] = code
                self._in_packet["packet"] = bytearray(packet[:_CODE_AT] + _UNSPECIFIED + packet[_CODE_AT + 1 :])
        return super()._handle_pubackcomp(cmd)


def _connect_properties() -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.MaximumPacketSize = _LARGEST_PACKET
    return properties


class Connection:
    """One session with the broker. For one thread, which calls `turn` whenever there may be something to do.

    Args:
        settings: where the broker is, and how to get in.
        availability: the topic of the Last Will; None: without one.
        protocol: version of MQTT to speak.
        now: the time by the wall clock, by which our own certificate may have expired.
        woken: called from another thread when `turn` is to be called.
        subscriptions: what to subscribe to; nothing for most.
        retains: whether the broker may keep retained messages; without, the Last Will is none either.
        qos: the highest quality of service that the broker takes, as far as is known.
        received: called from within `turn` with the topic and payload of each message, and whether it was retained.

    Attributes:
        is_up: whether the broker has accepted us.
        setback: why the session ended or never began; None while it lives.
        window: messages that may be sent and not acknowledged yet.
        max_packet: bytes of the longest packet that the broker takes, as far as it said.
        retains: whether it keeps retained messages.
        qos: the quality of service that messages are sent at: 1, or 0 where the broker takes no more.
        reason_code: with which the broker refused or ended the session; None: it gave none.
        broker_certificate_end: when the broker's certificate ends; None: not encrypted, or no line yet.
        client_certificate_end: when our own ends; None: there is none, or it cannot be read.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        *,
        availability: str | None,
        protocol: MqttVersion,
        now: datetime,
        woken: Callable[[], None],
        subscriptions: Sequence[Subscription] = (),
        received: Received | None = None,
        retains: bool = True,
        qos: int = 1,
    ) -> None:
        self.is_up = False
        self.setback: Setback | None = None
        self.window = _WINDOW
        self.max_packet: int | None = None
        self.retains = retains
        self.qos = qos
        self.reason_code: int | None = None
        self.broker_certificate_end: datetime | None = None
        self.client_certificate_end = end_in_file(settings.own_certificate[0])
        self._began = now
        self._settings = settings
        self._availability = availability
        self._protocol = protocol
        self._subscriptions = subscriptions
        self._received = received
        self._dialling = Dialling(settings, woken)
        self._line: AnySocket | None = None
        self._client: _Client | None = None
        self._closing = False
        self._greeted = 0.0
        self._tls_error = ""
        #: id of the request for `subscriptions`
        self._subscription: int | None = None
        #: when each message was sent that is not acknowledged yet, in order
        self._sent: dict[int, float] = {}
        self._acknowledged: list[tuple[int, int]] = []

    def turn(self) -> list[tuple[int, int]]:
        """Does what is due, without waiting.

        Returns:
            Id and reason code of each message and subscription that the broker acknowledged; 0x80 and up are
            refusals.
        """
        if self.setback is None:
            if self._client is None:
                self._answer(self._dialling.take())
            else:
                self._exchange(self._client)
            self._look_at_expiry()
        acknowledged, self._acknowledged = self._acknowledged, []
        return acknowledged

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> int:
        """Sends a message, at QoS 1 where the broker takes that.

        Returns:
            Its id, which `turn` gives back once it is acknowledged.
        """
        if self._client is None:
            msg = "there is no session to publish in"
            raise RuntimeError(msg)
        info = self._client.publish(topic, payload, qos=self.qos, retain=retain)
        if self.qos:
            self._sent[info.mid] = monotonic()
        if info.rc is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._fail(Setback(Trouble.CLOSED, paho.error_string(info.rc)))
        return info.mid

    def subscribe(self, topic: str) -> int:
        """Asks for messages, at QoS 1.

        Args:
            topic: what about; may have wildcards.

        Returns:
            Its id, which `turn` gives back once it is acknowledged.
        """
        if self._client is None:
            msg = "there is no session to subscribe in"
            raise RuntimeError(msg)
        code, mid = self._client.subscribe(topic, qos=1)
        if code is not MQTTErrorCode.MQTT_ERR_SUCCESS or mid is None:
            self._fail(Setback(Trouble.CLOSED, paho.error_string(code)))
        return mid or 0

    @property
    def socket(self) -> AnySocket | None:
        """What to wait for, if there is one."""
        return self._line if self.setback is None else None

    @property
    def wants_write(self) -> bool:
        """Whether to wait until the socket can be written, too."""
        return self._client is not None and self._client.want_write()

    @property
    def refused_version(self) -> bool:
        """Whether the broker said that it does not speak our version of MQTT."""
        return self.setback is not None and self.setback.trouble is Trouble.PROTOCOL_REFUSED

    @property
    def was_hung_up(self) -> bool:
        """Whether the broker ended the session, and gave no reason that explains it."""
        return self.is_up and self.setback is not None and self.setback.trouble in _UNEXPLAINED

    @property
    def may_have_minded(self) -> bool:
        """Whether the broker may have ended the session because of what was published last.

        In MQTT 5 it says so, and a connection that just ends is the network's fault, or the broker's own.
        """
        closed = self.setback is not None and self.setback.trouble is Trouble.CLOSED
        return self.was_hung_up and not (closed and self._protocol is MqttVersion.V5)

    @property
    def is_ignored(self) -> bool:
        """Whether the broker closed the connection, or said nothing, instead of answering our CONNECT."""
        return not self.is_up and self.setback is not None and self.setback.trouble in {Trouble.HUNG_UP, Trouble.SILENT}

    def close(self) -> None:
        """Takes leave of the broker, so that it does not publish the Last Will, and lets go."""
        self._closing = True
        self._dialling.abandon()
        if self._client is not None and self.setback is None:
            with contextlib.suppress(OSError, ValueError):
                self._client.disconnect()
        self._let_go()

    def _answer(self, result: Line | Setback | None) -> None:
        if isinstance(result, Setback):
            self.setback = result
        elif result is not None:
            self._line = result.socket
            if result.certificate is not None:
                self.broker_certificate_end = end_of(result.certificate)
            self._greet(result)

    def _look_at_expiry(self) -> None:
        """Where we are not let in and our certificate has expired, that is why, most likely."""
        end, setback = self.client_certificate_end, self.setback
        if self.is_up or setback is None or end is None or end > self._began:
            return
        if setback.trouble in _REFUSES_CERTIFICATE:
            self.setback = Setback(Trouble.TLS_CLIENT_EXPIRED, f"it ended at {end:%Y-%m-%d %H:%M} UTC")

    def _greet(self, line: Line) -> None:
        """Sends our CONNECT: a clean start, with the Last Will."""
        is_v5 = self._protocol is MqttVersion.V5
        client = _Client(
            line.socket,
            client_id=self._settings.client_id,
            protocol=MQTTProtocolVersion(self._protocol),
            clean_session=None if is_v5 else True,
            reconnect_on_failure=False,
        )
        client.max_inflight_messages_set(0)  # the bound is ours, so that nothing waits in there
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_log = self._on_log
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        if self._availability is not None:
            client.will_set(self._availability, OFFLINE, qos=self.qos, retain=self.retains)
        if self._settings.username is not None:
            client.username_pw_set(self._settings.username, line.password)
        self._client = client
        self._greeted = monotonic()
        # a silent broker is asked after half the time, and has the other half to answer; a second of each goes to
        # whole seconds and to our turns
        keepalive = max(1, int(self._settings.keepalive / 2 - 1))
        options: dict[str, Any] = {"clean_start": True, "properties": _connect_properties()} if is_v5 else {}
        # paho wants a name, and goes by the socket that is open already
        client.connect(self._settings.host or "localhost", self._settings.port, keepalive, **options)

    def _exchange(self, client: _Client) -> None:
        # everything there is, before anything is written: a broker that hangs up may have said why, and a failed
        # write would lose that
        reads = 0
        while self.setback is None and reads < _READS and self._can_read():
            client.loop_read()
            reads += 1
        if self.setback is None and client.want_write():
            client.loop_write()
        if self.setback is None:
            client.loop_misc()
        if self.setback is None:
            self._check_answers(monotonic())

    def _can_read(self) -> bool:
        if self._line is None or self._line.fileno() < 0:
            return False
        if has_decrypted(self._line):
            return True
        # not `select`, which knows no more than 1024 files
        poll = select.poll()
        poll.register(self._line, select.POLLIN)
        return bool(poll.poll(0))

    def _check_answers(self, now: float) -> None:
        """A broker may answer pings and yet hang."""
        if not self.is_up:
            if now - self._greeted > _GREETING:
                self._fail(Setback(Trouble.SILENT, "no answer to our CONNECT"))
        elif self._sent and now - next(iter(self._sent.values())) > self._settings.keepalive:
            self._fail(Setback(Trouble.SILENT, "no acknowledgement of a message"))

    def _fail(self, setback: Setback) -> None:
        if self.setback is None:
            self.setback = setback
        self._let_go()

    def _let_go(self) -> None:
        if self._line is not None:
            self._line.close()

    def _on_connect(
        self, client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self.reason_code = reason.value
            self.setback = of_code(reason.value, str(reason))
            return
        self.is_up = True
        self.window = min(_WINDOW, getattr(properties, "ReceiveMaximum", _WINDOW))
        self.max_packet = getattr(properties, "MaximumPacketSize", None)
        self.qos = min(self.qos, getattr(properties, "MaximumQoS", 1))
        self.retains = self.retains and bool(getattr(properties, "RetainAvailable", 1))
        if self._subscriptions:
            _, self._subscription = client.subscribe([self._asked(wanted) for wanted in self._subscriptions])

    def _asked(self, wanted: Subscription) -> Any:
        """A subscription as paho wants it for our version of MQTT."""
        if self._protocol is not MqttVersion.V5:
            return wanted.topic, wanted.qos
        return wanted.topic, SubscribeOptions(qos=wanted.qos, retainAsPublished=wanted.tell_retained)

    def _on_disconnect(
        self, _client: paho.Client, _data: Any, flags: paho.DisconnectFlags, reason: ReasonCode, _properties: Any
    ) -> None:
        if self._closing or self.setback is not None:
            return
        if flags.is_disconnect_packet_from_server:
            self.reason_code = reason.value
            self.setback = of_disconnect(reason.value, str(reason))
        elif self._tls_error:
            self.setback = of_tls_text(self._tls_error)
        elif reason == "Keep alive timeout":
            self.setback = Setback(Trouble.SILENT, "no answer to our ping")
        elif reason == "Protocol error" and not self.is_up:
            # this is how paho puts it that a broker refuses MQTT 3.1.1
            self.setback = Setback(Trouble.PROTOCOL_REFUSED)
        else:
            self.setback = Setback(Trouble.CLOSED if self.is_up else Trouble.HUNG_UP)

    def _on_publish(self, _client: paho.Client, _data: Any, mid: int, reason: ReasonCode, _properties: Any) -> None:
        self._sent.pop(mid, None)
        code = self._client.odd_codes.pop(mid, reason.value) if self._client else reason.value
        self._acknowledged.append((mid, code))

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        if self._received is not None:
            self._received(message.topic, bytes(message.payload), message.retain)

    def _on_subscribe(
        self, _client: paho.Client, _data: Any, mid: int, reasons: list[ReasonCode], _properties: Any
    ) -> None:
        if mid != self._subscription:
            self._acknowledged += [(mid, reason.value) for reason in reasons]
            return
        for wanted, reason in zip(self._subscriptions, reasons, strict=False):
            if reason.is_failure:
                _log.error(
                    "the broker does not let us subscribe to %s (%s), so what is published there is missed."
                    " Allow this user to read it, in the broker's access list",
                    wanted.topic,
                    reason,
                )

    def _on_log(self, _client: paho.Client, _data: Any, level: int, text: str) -> None:
        # paho tells errors of the socket nowhere else; the broker refuses a certificate only after the handshake
        if level == LogLevel.MQTT_LOG_ERR and "alert" in text.lower():
            self._tls_error = text
