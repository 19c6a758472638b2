"""Pings an address each minute, so that somebody else notices when this device falls silent."""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Callable
from threading import Event, Thread
from urllib.parse import urlsplit

from edge_fer.support.redact import redacted

__all__ = ["Heartbeat", "ping"]

log = logging.getLogger(__name__)

#: Seconds between two pings, and that each may take.
EVERY, _PATIENCE = 60.0, 10.0
#: Bytes of an answer that are read: its first line.
_FIRST_LINE = 512


def ping(address: str, *, timeout: float = _PATIENCE) -> str:
    """Fetches an address and leaves what it says alone.

    Raises:
        OSError: it was not reached.

    Returns:
        What is wrong with the answer; empty where nothing is.
    """
    parts = urlsplit(address)
    secure = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if secure else 80)
    path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    request = f"GET {path} HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\nConnection: close\r\n\r\n"
    with socket.create_connection((host, port), timeout) as plain:
        connection = ssl.create_default_context().wrap_socket(plain, server_hostname=host) if secure else plain
        with connection:
            connection.sendall(request.encode("ascii"))
            words = connection.recv(_FIRST_LINE).split(b" ", 2)
    status = words[1].decode("ascii", "replace") if len(words) > 1 else ""
    return "" if status.startswith("2") else f"it answers with status {status or 'none'}"


class Heartbeat:
    """Pings while all is well.

    Args:
        address: what is pinged.
        is_well: whether this device watches what it should.
        every: seconds between two pings.
    """

    def __init__(self, address: str, is_well: Callable[[], bool], *, every: float = EVERY) -> None:
        self._address = address
        self._is_well = is_well
        self._every = every
        self._stop = Event()
        #: why the last ping did not arrive; empty where it did
        self.problem = ""
        self._thread = Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def close(self) -> None:
        """Ends; a ping that is under way is left alone."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            if self._is_well():
                self._ping()

    def _ping(self) -> None:
        try:
            problem = ping(self._address)
        except (OSError, ValueError) as error:
            problem = getattr(error, "strerror", None) or str(error)
        if problem and not self.problem:
            log.warning("notify.heartbeat %s: %s. It is pinged each minute", redacted(self._address), problem)
        self.problem = problem
