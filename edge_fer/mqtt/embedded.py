"""A small broker inside the daemon, for trying things out on one device."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import suppress
from threading import Event, Thread
from typing import Any
from weakref import WeakSet

from edge_fer.errors import BrokerError

__all__ = ["EmbeddedBroker"]

_log = logging.getLogger(__name__)

_HOST = "127.0.0.1"

#: Seconds that each of the two steps of an orderly end may take.
_ENDING = 1.0


class EmbeddedBroker:
    """A broker in a thread, for this device alone: it listens on loopback and asks for no password.

    It speaks MQTT 3.1.1 only, and leaves clients that begin with MQTT 5 without an answer: give a `Link` to it
    `protocol=Protocol.V311`, which saves it the five seconds until it finds out.

    Args:
        port: where it listens; 0: any free one.
    """

    def __init__(self, port: int = 1883) -> None:
        self._port = port
        self._ready = Event()
        self._error: Exception | None = None
        self._stop: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None
        self._thread = Thread(target=self._run, name="embedded-broker", daemon=True)

    def start(self) -> int:
        """Starts it.

        Returns:
            The port, on which it listens by then.

        Raises:
            BrokerError: the port is taken, or amqtt is not installed.
        """
        try:
            import amqtt.broker  # noqa: F401, PLC0415 - an extra that most installations do without
        except ImportError as error:
            msg = f"the embedded broker needs amqtt: {error}"
            remedy = "Install it with `pip install amqtt`, or name another broker in `mqtt.broker`"
            raise BrokerError(msg, remedy=remedy) from None
        self._port = _free_port(self._port)
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            msg = f"the embedded broker cannot be started on port {self._port}: {self._error}"
            raise BrokerError(msg, remedy="Choose another port in `embedded_port`")
        return self._port

    def stop(self, timeout: float = 3.0) -> None:
        """Ends it, with all its connections, within `timeout` seconds."""
        if self._stop is not None:
            loop, stopping = self._stop
            loop.call_soon_threadsafe(stopping.set)
            self._thread.join(timeout)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001 - whatever it is, `start` tells it
            self._error = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        from amqtt.broker import Broker  # noqa: PLC0415 - see `start`

        writers: WeakSet[asyncio.StreamWriter] = WeakSet()

        class Tidy(Broker):  # type: ignore[misc]  # it comes without types
            """Knows its connections, of which amqtt forgets those that never got as far as a session."""

            async def stream_connected(
                self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
            ) -> None:
                writers.add(writer)
                await super().stream_connected(reader, writer, listener_name)

        asyncio.get_running_loop().set_exception_handler(_tell_of)
        _quieten()
        config: dict[str, Any] = {
            "listeners": {"default": {"type": "tcp", "bind": f"{_HOST}:{self._port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
        broker = Tidy(config)
        await broker.start()
        stopping = asyncio.Event()
        self._stop = asyncio.get_running_loop(), stopping
        self._ready.set()
        await stopping.wait()
        # a client that it is busy with may keep it from ending for ever
        with suppress(TimeoutError):
            await asyncio.wait_for(broker.shutdown(), _ENDING)
        for writer in list(writers):
            writer.close()
        # whatever they say to that, they are closed
        closed = asyncio.gather(*(writer.wait_closed() for writer in list(writers)), return_exceptions=True)
        with suppress(TimeoutError):
            await asyncio.wait_for(closed, _ENDING)


def _free_port(port: int) -> int:
    """The port, or a free one for 0, after making sure that nobody listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            msg = f"the embedded broker cannot listen on port {port}: {error.strerror}"
            remedy = "Choose another port in `embedded_port`, or use the broker that runs there"
            raise BrokerError(msg, remedy=remedy) from None
        free: int = probe.getsockname()[1]
        return free


def _tell_of(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """The broker leaves behind tasks that fail when a client goes away; nobody can do anything about them."""
    _log.debug("embedded broker: %s (%s)", context.get("message"), context.get("exception"))


def _quieten() -> None:
    """It logs every connection and every clumsy goodbye; what matters of that, our own end of the link says."""
    for name in ("amqtt", "transitions"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
