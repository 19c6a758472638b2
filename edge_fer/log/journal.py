"""Writes to systemd's journal by its native protocol, so that fields can be searched: `journalctl CAMERA=front`.

https://systemd.io/JOURNAL_NATIVE_PROTOCOL/. The bindings of systemd itself (python3-systemd) are no pure Python, and
the libraries that are cannot name fields as we want them.
"""

from __future__ import annotations

import logging
import os
import socket
import struct
import sys
from pathlib import Path

from edge_fer.support.harmless import harmless

__all__ = ["JournalHandler", "is_journal", "priority"]

SOCKET = Path("/run/systemd/journal/socket")
#: What a record may carry in `extra`, and goes into fields of the same name in capitals.
FIELDS = ("camera", "broker", "topic")
#: Bytes of the longest message; one datagram must hold it, and nobody reads more.
LONGEST = 48 * 1024


def is_journal() -> bool:
    """Whether standard error leads into the journal, as systemd tells in JOURNAL_STREAM."""
    try:
        stat = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError, AttributeError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{stat.st_dev}:{stat.st_ino}"


def priority(level: int) -> int:
    """A level of `logging` as one of syslog(3)."""
    steps = {logging.CRITICAL: 2, logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6}
    return next((syslog for bound, syslog in steps.items() if level >= bound), 7)


class JournalHandler(logging.Handler):
    """Hands records to the journal. Never waits for it: a record that it has no room for is lost, and counted.

    Args:
        path: the journal's socket.

    Attributes:
        lost: records that the journal did not take.

    Raises:
        OSError: there is no journal.
    """

    def __init__(self, path: Path = SOCKET) -> None:
        super().__init__()
        self.lost = 0
        self._path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)
        # not connected: by its path, a journal that was restarted is found again
        if not path.is_socket():
            self._socket.close()
            msg = f"there is no journal at {path}"
            raise FileNotFoundError(msg)

    def emit(self, record: logging.LogRecord) -> None:
        """Sends one record."""
        try:
            self._socket.sendto(datagram(record, self.format(record)), self._path)
        except OSError:
            self.lost += 1
        except Exception:  # noqa: BLE001 - a record that cannot be formatted must not end its thread
            self.handleError(record)

    def close(self) -> None:
        """Lets go of the socket."""
        self._socket.close()
        super().close()


def datagram(record: logging.LogRecord, message: str) -> bytes:
    """The record as the journal takes it."""
    fields = {
        "MESSAGE": message,
        "PRIORITY": str(priority(record.levelno)),
        "SYSLOG_IDENTIFIER": "edge-fer",
        "LOGGER": record.name,
        "THREAD_NAME": record.threadName or "",
        "CODE_FILE": record.pathname,
        "CODE_LINE": str(record.lineno),
        "CODE_FUNC": record.funcName or "",
    }
    fields |= {name.upper(): harmless(value) for name in FIELDS if (value := getattr(record, name, None)) is not None}
    return b"".join(_field(name, value) for name, value in fields.items())


def _field(name: str, value: str) -> bytes:
    content = value.encode(errors="replace")[:LONGEST]
    # with its length, so that a line break in it begins no field of its own
    return name.encode() + b"\n" + struct.pack("<Q", len(content)) + content + b"\n"
