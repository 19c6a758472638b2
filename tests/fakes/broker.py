"""A broker that answers as it is told, and speaks as little MQTT as that takes."""

from __future__ import annotations

import contextlib
import socket
import threading

from edge_fer.contract.link_status import MqttVersion
from tests.broker import HOST


class FakeBroker:
    """Accepts 3.1.1 and does to MQTT 5 what it is told to; acknowledges everything; remembers the versions asked for.

    Args:
        answer: what it answers a CONNECT of MQTT 5 before it hangs up; None: it says nothing and stays.
        also_311: whether it does the same to 3.1.1.
        then: sent after an accepted CONNECT.
    """

    def __init__(self, answer: bytes | None, *, also_311: bool = False, then: bytes = b"") -> None:
        self.versions: list[int] = []
        self._answer = answer
        self._also_311 = also_311
        self._then = then
        self._ended = False
        self._listener = socket.create_server((HOST, 0))
        self.url = f"mqtt://{HOST}:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._ended = True
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            connection.close()

    def drop(self):
        """Ends all connections that there are now."""
        for connection in [*self._open]:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            if self._ended:  # nobody else would close it
                connection.close()
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            greeting = connection.recv(4096)
            if not greeting:  # it has hung up meanwhile
                return
            version = greeting[8]
            self.versions.append(version)
            if version == MqttVersion.V5 or self._also_311:
                if self._answer is not None:
                    connection.sendall(self._answer)
                    connection.close()
                return
            connection.sendall(b"\x20\x02\x00\x00" + self._then)
            while data := connection.recv(4096):
                while data:
                    length, topic = data[1], int.from_bytes(data[2:4])
                    at = 2
                    if length & 0x80:
                        length, at = (length & 0x7F) + 128 * data[2], 3
                        topic = int.from_bytes(data[3:5])
                    if data[0] & 0xF0 == 0x30:
                        mid = data[at + 2 + topic : at + 4 + topic]
                        connection.sendall(b"\x40\x02" + mid)
                    data = data[at + length :]
        except OSError:
            pass
