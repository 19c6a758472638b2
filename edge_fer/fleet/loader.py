"""Stores alerts, summaries and audit of all nodes in PostgreSQL: each message once, whatever is killed meanwhile.

The broker keeps a session for the loader, and a message until the loader has acknowledged it, which it does once the
database has it. What comes twice is stored once, by its key.
"""

from __future__ import annotations

import logging
import ssl
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Event
from time import monotonic
from typing import Any, Final

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge_fer.errors import BrokerError, FleetError
from edge_fer.fleet.folder import FleetFolder
from edge_fer.fleet.rows import TABLES, StoredRow, row_of
from edge_fer.support.backoff import Backoff

try:
    import psycopg
except ImportError as error:  # pragma: no cover - the tests have it
    _message = "`edge-fer fleet load` needs the package psycopg, which is not installed"
    raise FleetError(_message, remedy="Install it with: pip install 'edge-fer[fleet]'") from error

__all__ = ["Loader", "LoaderCounts"]

log = logging.getLogger(__name__)

#: By which the broker knows the loader's session, and seconds for which it keeps it.
_CLIENT, _SESSION = "edge-fer-loader", 14 * 86_400
#: Messages that one transaction takes at most, and seconds that it waits for more.
_BATCH, _PATIENCE = 500, 0.1
_UNREADABLE: Final = "insert into edge_fer.rejected (topic, payload, problem) values (%s, %s, %s)"


@dataclass(slots=True)
class LoaderCounts:
    """What was stored since the start.

    Attributes:
        stored: rows by table; `rejected` among them.
        again: messages that were there already.
    """

    stored: Counter[str] = field(default_factory=Counter)
    again: int = 0


class Loader:
    """Reads from the broker and writes into the database, until it is stopped.

    Args:
        folder: of the fleet.
        database: where to, as PostgreSQL's library takes it; empty: as its environment says.
        broker: host to connect to; the first of the fleet's, if left out.
    """

    def __init__(self, folder: FleetFolder, database: str, broker: str | None = None) -> None:
        self.counts = LoaderCounts()
        self._database = database
        self._where = (broker or folder.settings.brokers[0], folder.settings.port)
        prefix = folder.settings.prefix
        self._topics = [f"{prefix}/+/camera/+/alert_event", f"{prefix}/+/camera/+/summary", f"{prefix}/+/audit"]
        self._came: SimpleQueue[tuple[int, MQTTMessage]] = SimpleQueue()
        #: how often it has connected: what came before must not be acknowledged to another session
        self._connections = 0
        ca, certificate, key = folder.files_of("collector")
        client = Client(CallbackAPIVersion.VERSION2, client_id=_CLIENT, protocol=MQTTProtocolVersion.MQTTv5)
        # a message is acknowledged once the database has it
        client.manual_ack_set(True)
        client.on_connect = self._connected
        client.on_message = lambda _client, _data, message: self._came.put((self._connections, message))
        client.on_disconnect = self._lost
        client.reconnect_delay_set(1, 30)
        try:
            context = ssl.create_default_context(cafile=ca)
            context.load_cert_chain(certificate, key, password="")
        except OSError as error:
            msg = f"{certificate} or its key {key} cannot be used: {error.strerror or error}"
            raise FleetError(msg, remedy="Bring back secrets/ from where you keep it") from error
        client.tls_set_context(context)
        self._client = client

    def run(self, stopped: Event) -> None:
        """Runs until it is stopped.

        Raises:
            FleetError: the database has not the tables, or lets nobody in.
        """
        connection = self._open(stopped, first=True)
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # as paho has it
        properties.SessionExpiryInterval = _SESSION
        host, port = self._where
        try:
            self._client.connect_async(host, port, keepalive=30, clean_start=False, properties=properties)
        except ValueError as error:
            msg = f"the broker's name {host!r} cannot be right"
            raise BrokerError(msg, remedy="Look at `brokers` in fleet.yaml") from error
        self._client.loop_start()
        try:
            while not stopped.is_set():
                batch = self._batch()
                if batch:
                    connection = self._store(batch, connection, stopped)
        finally:
            self._client.disconnect()
            self._client.loop_stop()
            if connection:
                connection.close()

    def _batch(self) -> list[tuple[int, MQTTMessage]]:
        """What has come; of much, a part."""
        found: list[tuple[int, MQTTMessage]] = []
        until = monotonic() + _PATIENCE
        while len(found) < _BATCH:
            try:
                found.append(self._came.get(timeout=max(0.0, until - monotonic()) if found else 0.5))
            except Empty:
                break
        return found

    def _store(
        self, batch: Sequence[tuple[int, MQTTMessage]], connection: psycopg.Connection | None, stopped: Event
    ) -> psycopg.Connection | None:
        """Stores messages, however long the database is away, and acknowledges them then."""
        rows = [row_of(message.topic, bytes(message.payload)) for _, message in batch]
        while not stopped.is_set():
            try:
                if connection is None or connection.closed:
                    connection = self._open(stopped)
                    if connection is None:
                        return None
                counts = _insert(connection, rows)
            except psycopg.OperationalError as error:
                log.warning("the database takes nothing: %s", _words(error))
                if connection:
                    connection.close()
                connection = None
                stopped.wait(1.0)
            else:
                self.counts.stored.update(counts)
                self.counts.again += len(rows) - sum(counts.values())
                for connected, message in batch:
                    # the broker sends again what was not acknowledged before it was away
                    if connected == self._connections:
                        self._client.ack(message.mid, message.qos)
                break
        return connection

    def _open(self, stopped: Event, *, first: bool = False) -> psycopg.Connection | None:
        backoff = Backoff(first=0.5, most=30.0)
        while not stopped.is_set():
            try:
                connection = psycopg.connect(self._database, connect_timeout=10, application_name=_CLIENT)
                connection.execute("select 1 from edge_fer.alert_event limit 1")
                connection.commit()
            except psycopg.OperationalError as error:
                if first and "database system is starting up" not in str(error):
                    msg = f"the database cannot be reached: {_words(error)}"
                    raise FleetError(msg, remedy="Name it with --database, such as `dbname=fleet`") from error
                log.warning("the database cannot be reached: %s", _words(error))
                stopped.wait(backoff.failed())
            except psycopg.Error as error:
                msg = f"the database has not our tables, or not for this user: {_words(error)}"
                raise FleetError(msg, remedy="Make them with: psql -f deploy/fleet/schema.sql") from error
            else:
                return connection
        return None

    def _connected(self, client: Client, _data: Any, flags: Any, code: ReasonCode, _properties: Any) -> None:
        if code.is_failure:
            log.error("the broker refuses the loader: %s", code)
            return
        self._connections += 1
        log.info("connected to the broker; its session was %s", "kept" if flags.session_present else "new")
        client.subscribe([(topic, 1) for topic in self._topics])

    def _lost(self, _client: Client, _data: Any, _flags: Any, code: Any, _properties: Any) -> None:
        if getattr(code, "is_failure", False):
            log.warning("the connection to the broker is lost: %s", code)


def _insert(connection: psycopg.Connection, rows: Sequence[Any]) -> Counter[str]:
    """Stores rows in one transaction, in their order; how many of each table were new."""
    counts: Counter[str] = Counter()
    with connection.transaction(), connection.cursor() as cursor:
        for row in rows:
            if isinstance(row, StoredRow):
                cursor.execute(_STATEMENTS[row.table], row.values)
                counts[row.table] += cursor.rowcount
            else:
                cursor.execute(_UNREADABLE, (row.topic, row.payload, row.problem))
                counts["rejected"] += 1
    return counts


def _statement(table: str, columns: Sequence[str]) -> str:
    names = ["topic", "seq", "content", *columns, "body"]
    listed = ", ".join(f'"{name}"' for name in names)
    # all of it is ours
    return f"insert into edge_fer.{table} ({listed}) values ({', '.join(['%s'] * len(names))}) on conflict do nothing"  # noqa: S608


_STATEMENTS: Final[Mapping[str, Any]] = {table: _statement(table, columns) for table, columns in TABLES.items()}


def _words(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
