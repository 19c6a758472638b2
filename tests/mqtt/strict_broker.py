"""A broker of MQTT 5 that says no in every way there is, and as few brokers that can be had here do."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Self

from tests.broker import HOST

__all__ = ["StrictBroker"]


class StrictBroker:
    """Lets everybody in, grants every subscription, sends nobody anything, and answers each message as it is told to.

    Args:
        answer: the reason code for a message's topic: of a PUBACK, or, negative, of a DISCONNECT.
        properties: of its CONNACK.
        most: bytes of a message, beyond which it ends the session with 0x95, without having said so before.
    """

    def __init__(self, answer: Callable[[str], int], *, properties: bytes = b"", most: int = 1 << 20) -> None:
        self._most = most
        self._greeting = bytes([0x20, 3 + len(properties), 0, 0, len(properties)]) + properties
        self.taken: list[str] = []
        self.payloads: list[tuple[str, bytes]] = []
        self._answer = answer
        self._ended = False
        self._listener = socket.create_server((HOST, 0))
        self.url = f"mqtt://{HOST}:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                if self._ended:  # nobody else would close it
                    connection.close()
                    return
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as stream:
            while header := stream.read(1):
                body = stream.read(_length(stream))
                match header[0] >> 4:
                    case 1:
                        connection.sendall(self._greeting)
                    case 3:
                        if not self._judge(connection, body):
                            return
                    case 8:
                        granted = bytes(_filters(body))
                        connection.sendall(bytes([0x90, 3 + len(granted)]) + body[:2] + b"\0" + granted)
                    case 12:
                        connection.sendall(b"\xd0\0")

    def _judge(self, connection: socket.socket, body: bytes) -> bool:
        """Answers a PUBLISH; whether the connection lives on."""
        end = 2 + int.from_bytes(body[:2])
        topic, number = body[2:end].decode(), body[end : end + 2]
        code = self._answer(topic) if len(body) <= self._most else -0x95
        if code < 0:
            connection.sendall(bytes([0xE0, 2, -code, 0]))
            return False
        if code < 0x80:
            self.taken.append(topic)
            # behind the id, the length of no properties
            self.payloads.append((topic, body[end + 3 :]))
        connection.sendall(bytes([0x40, 4]) + number + bytes([code, 0]))
        return True


def _filters(body: bytes) -> int:
    """How many topic filters a SUBSCRIBE without properties holds."""
    count, at = 0, 3
    while at < len(body):
        at += 2 + int.from_bytes(body[at : at + 2]) + 1
        count += 1
    return count


def _length(stream) -> int:
    """MQTT's variable byte integer."""
    value, shift = 0, 0
    while True:
        (byte,) = stream.read(1)
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value
        shift += 7
