"""A TCP proxy that misbehaves on request, as networks do: it stalls, cuts, tears packets apart, and half-opens."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Self

__all__ = ["Proxy"]

HOST = "127.0.0.1"
#: Closing with this, TCP sends a reset instead of a farewell.
RESET = struct.pack("ii", 1, 0)


class _Pair:
    """A connection through the proxy."""

    def __init__(self, client: socket.socket, broker: socket.socket) -> None:
        self.client = client
        #: None: it is gone, and the client has not been told
        self.broker: socket.socket | None = broker

    def end(self, *, reset: bool) -> None:
        for side in (self.client, self.broker):
            if side is not None:
                if reset:
                    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                side.close()


class Proxy:
    """Stands between a node and its broker, on a port that stays the same.

    Args:
        target: the broker's port on loopback.

    Attributes:
        port: where it listens.
        opened: when each connection was opened, by the clock that never jumps.
    """

    def __init__(self, target: int) -> None:
        self.opened: list[float] = []
        self._target = target
        self._listener: socket.socket | None = socket.create_server((HOST, 0), backlog=50)
        self.port: int = self._listener.getsockname()[1]
        self._pairs: list[_Pair] = []
        self._stalled = False
        #: bytes that the node may still send before it is cut off
        self._allowance: int | None = None
        #: connections that are hung up on before the broker hears of them
        self._unanswered = 0
        self._orders: list[Callable[[], None]] = []
        self._bell, self._rope = os.pipe()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._order(self._end)
        self._thread.join(5)
        os.close(self._bell)
        os.close(self._rope)

    def stall(self) -> None:
        """Nothing comes through any more, either way, and nobody is told."""
        self._order(lambda: setattr(self, "_stalled", True))

    def resume(self) -> None:
        """Everything comes through again, also what was held up."""
        self._order(lambda: setattr(self, "_stalled", False))

    def cut(self) -> None:
        """All connections are reset."""
        self._order(self._cut)

    def hang_up(self) -> None:
        """All connections are closed as if the other side had ended."""
        self._order(lambda: self._cut(reset=False))

    def tear(self, after: int) -> None:
        """The connection is reset once the node has sent so many bytes more, which may be within a packet."""
        self._order(lambda: setattr(self, "_allowance", after))

    def half_open(self) -> None:
        """The broker's side of all connections is gone; what the node sends is swallowed, and it is not told."""
        self._order(self._half_open)

    def greet_none(self, times: int) -> None:
        """So many connections are accepted, and closed once the node has said something."""
        self._order(lambda: setattr(self, "_unanswered", times))

    def refuse(self) -> None:
        """Nobody listens any more, and all connections are reset."""
        self._order(self._refuse)

    def listen(self) -> None:
        """Connections are accepted again."""
        self._order(self._listen)

    def _order(self, what: Callable[[], None]) -> None:
        """Lets the proxy's thread do it, and waits until it has."""
        done = threading.Event()

        def do() -> None:
            what()
            done.set()

        self._orders.append(do)
        os.write(self._rope, b"!")
        assert done.wait(60), "the proxy hangs"

    def _cut(self, *, reset: bool = True) -> None:
        for pair in self._pairs:
            pair.end(reset=reset)
        self._pairs.clear()
        self._allowance = None

    def _half_open(self) -> None:
        for pair in self._pairs:
            if pair.broker is not None:
                pair.broker.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                pair.broker.close()
                pair.broker = None

    def _refuse(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self._cut()

    def _listen(self) -> None:
        if self._listener is None:
            self._listener = socket.create_server((HOST, self.port), backlog=50)

    def _end(self) -> None:
        self._refuse()
        self._ended = True

    def _run(self) -> None:
        while not self._ended:
            readable = self._wait()
            if self._bell in readable:
                os.read(self._bell, 100)
            while self._orders:
                self._orders.pop(0)()
            if self._stalled or self._ended:
                continue
            if self._listener is not None and self._listener.fileno() in readable:
                self._accept(self._listener)
            for pair in list(self._pairs):
                self._carry(pair, readable)

    def _wait(self) -> set[int]:
        with selectors.DefaultSelector() as selector:
            selector.register(self._bell, selectors.EVENT_READ)
            if not self._stalled:
                watched = [self._listener, *(pair.client for pair in self._pairs), *(p.broker for p in self._pairs)]
                for side in watched:
                    if side is not None:
                        selector.register(side, selectors.EVENT_READ)
            return {key.fd for key, _ in selector.select(1.0)}

    def _accept(self, listener: socket.socket) -> None:
        client, _ = listener.accept()
        if self._unanswered:
            self._unanswered -= 1
            client.settimeout(5)
            with contextlib.suppress(OSError):
                client.recv(10)
            client.close()
            return
        try:
            broker = socket.create_connection((HOST, self._target), timeout=30)
        except OSError:
            # to the node it looks as if the broker's host refuses
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            client.close()
            return
        self.opened.append(time.monotonic())
        for side in (client, broker):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._pairs.append(_Pair(client, broker))

    def _carry(self, pair: _Pair, readable: set[int]) -> None:
        """Brings what has come from either side to the other."""
        client, broker = pair.client, pair.broker
        try:
            alive = client.fileno() not in readable or self._forward(client, broker, from_node=True)
            if alive and broker is not None and broker.fileno() in readable:
                alive = self._forward(broker, client, from_node=False)
        except OSError:
            alive = False
        if not alive:
            self._drop(pair)

    def _forward(self, source: socket.socket, sink: socket.socket | None, *, from_node: bool) -> bool:
        """Whether the connection lives on."""
        data = source.recv(65536)
        if not data:
            return False
        torn = from_node and self._allowance is not None and len(data) >= self._allowance
        if from_node and self._allowance is not None:
            data, self._allowance = data[: self._allowance], self._allowance - len(data)
        if sink is not None:
            sink.sendall(data)
        if torn:
            self._allowance = None
        return not torn

    def _drop(self, pair: _Pair) -> None:
        with contextlib.suppress(ValueError):
            self._pairs.remove(pair)
        pair.end(reset=False)
