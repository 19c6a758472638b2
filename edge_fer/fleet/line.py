"""The operator's connection to the broker: reads what is retained, publishes, and waits for what comes."""

from __future__ import annotations

import ssl
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from time import monotonic, sleep
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge_fer.errors import BrokerError, FleetError
from edge_fer.fleet.folder import FleetFolder

__all__ = ["OperatorLine"]

#: Seconds for the broker to accept a connection, to send all that is retained, and to take a message.
_CONNECT, _RETAINED, _PUBLISH = 15.0, 120.0, 60.0
#: Seconds between two looks at what has come.
_LOOK = 0.2


class OperatorLine:
    """A connection with the certificate of `operator` or `collector`. Use it in a `with`.

    Args:
        folder: of the fleet.
        user: whose certificate.
        broker: host to connect to; the first of the fleet's, if left out.

    Attributes:
        values: the newest payload of each topic that was subscribed to.
        counts: how many messages of each came.
    """

    def __init__(self, folder: FleetFolder, user: str = "operator", broker: str | None = None) -> None:
        self.values: dict[str, bytes] = {}
        self.counts: Counter[str] = Counter()
        self._topics: list[str] = []
        self._where = (broker or folder.settings.brokers[0], folder.settings.port)
        self._news = threading.Condition()
        self._answered: set[int] = set()
        self._refused: str | None = None
        self._up = False
        ca, certificate, key = folder.files_of(user)
        context = ssl.create_default_context()
        try:
            context = ssl.create_default_context(cafile=ca)
            context.load_cert_chain(certificate, key, password="")
        except OSError as error:
            msg = f"{certificate} or its key {key} cannot be used: {error.strerror or error}"
            raise FleetError(msg, remedy="Bring back secrets/ from where you keep it") from error
        client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        client.tls_set_context(context)
        client.on_connect = self._connected
        client.on_connect_fail = self._failed
        client.on_disconnect = self._lost
        client.on_message = self._take
        client.on_subscribe = self._subscribed
        client.on_unsubscribe = self._unsubscribed
        client.max_queued_messages_set(0)
        self._client = client

    def __enter__(self) -> Self:
        host, port = self._where
        remedy = "See that the broker runs and can be reached from here, and that its files are those of this fleet"
        try:
            self._client.connect(host, port, keepalive=30)
        except (OSError, ValueError) as error:
            msg = f"no connection to the broker at {host}:{port}: {getattr(error, 'strerror', None) or error}"
            raise BrokerError(msg, remedy=remedy) from error
        self._client.loop_start()
        with self._news:
            self._news.wait_for(lambda: self._up or self._refused, _CONNECT)
            if not self._up:
                self._client.loop_stop()
                msg = f"no connection to the broker at {host}:{port}: {self._refused or 'it does not answer'}"
                raise BrokerError(msg, remedy=remedy)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def subscribe(self, topics: Sequence[str]) -> None:
        """Subscribes, and waits until everything that is retained has come.

        Raises:
            BrokerError: it does not come.
        """
        self._topics = [*topics]
        _, number = self._client.subscribe([(topic, 1) for topic in topics])
        self._await(number or 0)
        # the broker answers this after all that the subscription brings
        _, number = self._client.unsubscribe("$none")
        self._await(number or 0)

    def publish(self, messages: Mapping[str, str]) -> None:
        """Publishes retained messages by topic, and waits until the broker has taken them.

        Raises:
            BrokerError: it does not take them.
        """
        sent = [(topic, self._client.publish(topic, text, qos=1, retain=True)) for topic, text in messages.items()]
        for topic, one in sent:
            try:
                one.wait_for_publish(_PUBLISH)
                done = one.is_published()
            except (RuntimeError, ValueError):
                done = False
            if not done:
                msg = f"the broker did not take a message to {topic}"
                raise BrokerError(msg, remedy="See that it runs the access list of this fleet: edge-fer fleet broker")

    def wait(self, done: Callable[[Mapping[str, bytes]], bool], seconds: float) -> bool:
        """Waits until what has come is as it should be; whether it is, within so many seconds."""
        until = monotonic() + seconds
        while not done(self.values):
            left = until - monotonic()
            if left <= 0:
                return False
            # not for each message: there may be a thousand in a second
            sleep(min(_LOOK, left))
        return True

    def _await(self, number: int) -> None:
        with self._news:
            if not self._news.wait_for(lambda: number in self._answered, _RETAINED):
                msg = f"the broker at {self._where[0]}:{self._where[1]} does not send what it has retained"
                raise BrokerError(msg, remedy="See its log")

    def _connected(self, client: Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any) -> None:
        with self._news:
            self._up = not code.is_failure
            self._refused = str(code) if code.is_failure else None
            if self._topics:
                # after a connection that was lost
                client.subscribe([(topic, 1) for topic in self._topics])
            self._news.notify_all()

    def _failed(self, _client: Client, _data: Any) -> None:
        with self._news:
            self._refused = "it cannot be reached"
            self._news.notify_all()

    def _lost(
        self, _client: Client, _data: Any, _flags: Any, code: ReasonCode | MQTTErrorCode, _properties: Any
    ) -> None:
        with self._news:
            if not self._up:
                self._refused = f"it hung up ({code}), as it does where it does not trust our certificate"
            self._news.notify_all()

    def _take(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        with self._news:
            self.values[message.topic] = bytes(message.payload)
            self.counts[message.topic] += 1
            self._news.notify_all()

    def _subscribed(self, _c: Client, _d: Any, number: int, _codes: Any, _properties: Properties | None) -> None:
        with self._news:
            self._answered.add(number)
            self._news.notify_all()

    def _unsubscribed(self, _c: Client, _d: Any, number: int, _codes: Any, _properties: Properties | None) -> None:
        with self._news:
            self._answered.add(number)
            self._news.notify_all()
