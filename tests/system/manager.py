"""A stand-in for systemd, as far as a daemon speaks to it: the socket of sd_notify(3)."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path
from typing import Self

__all__ = ["Manager"]


class Manager:
    """Keeps what it is told, and when.

    Args:
        folder: where its socket goes.

    Attributes:
        path: of the socket, for NOTIFY_SOCKET.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notify"
        self._said: list[tuple[float, dict[str, str]]] = []
        self._news = threading.Condition()

    @property
    def words(self) -> list[str]:
        """What it was told so far, but for the watchdog's food."""
        with self._news:
            return [word for _, message in self._said for word in message if word not in {"WATCHDOG", "MONOTONIC_USEC"}]

    @property
    def meals(self) -> int:
        """How often the watchdog was fed."""
        with self._news:
            return sum("WATCHDOG" in message for _, message in self._said)

    def wait_for(self, word: str, count: int = 1, timeout: float = 120) -> dict[str, str]:
        """Waits until it was told something so often; gives the last message that says it."""

        def found() -> list[dict[str, str]]:
            return [message for _, message in self._said if word in message]

        with self._news:
            enough = self._news.wait_for(lambda: len(found()) >= count, timeout)
            assert enough, f"{word} was not said {count} times within {timeout} s, only {self._said}"
            return found()[count - 1]

    def __enter__(self) -> Self:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"", str(self.path))
        self._thread.join(5)
        self._socket.close()

    def _listen(self) -> None:
        while text := self._socket.recv(4096).decode():
            message = dict(line.split("=", 1) for line in text.splitlines())
            with self._news:
                self._said.append((time.monotonic(), message))
                self._news.notify_all()
