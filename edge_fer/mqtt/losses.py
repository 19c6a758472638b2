"""Counts of messages that a run lost at its end, in a small file beside the outbox, for the next run to count and tell.

A disk that hangs, or takes nothing, keeps the outbox from counting them itself. The file has its full size from the
beginning and is written in place, so that a full disk takes it, too.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edge_fer.contract.messages import MessageKind
from edge_fer.support.files import read_file

__all__ = ["Loss", "Losses"]

_log = logging.getLogger(__name__)

#: Bytes of the file.
_SIZE = 512


@dataclass(frozen=True, slots=True)
class Loss:
    """What was lost and is not counted in the outbox yet.

    Attributes:
        id: by which the outbox knows that it has counted it.
        counts: messages, by kind.
    """

    id: str
    counts: Mapping[MessageKind, int]


class Losses:
    """The file.

    Args:
        path: where it is.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def prepare(self) -> None:
        """Makes the file, as far as the disk lets us."""
        if not self._path.exists():
            self._write(b"")

    def note(self, counts: Mapping[MessageKind, int]) -> bool:
        """Adds to what was lost, durably; whether the disk let us."""
        if not any(counts.values()):
            return True
        before = self.read()
        known = before.counts if before else {}
        both = {kind: known.get(kind, 0) + counts.get(kind, 0) for kind in MessageKind}
        text = json.dumps([secrets.token_hex(8), both]).encode()
        return self._write(b"%08x %s\n" % (zlib.crc32(text), text))

    def read(self) -> Loss | None:
        """What is not counted yet; None where there is nothing."""
        try:
            checksum, _, text = read_file(self._path, _SIZE).rstrip(b"\0\n").partition(b" ")
            if not text or int(checksum, 16) != zlib.crc32(text):
                return None
            number, counts = json.loads(text)
            return Loss(str(number), {MessageKind(kind): int(count) for kind, count in counts.items()})
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            _log.warning("%s cannot be used: %s", self._path, error)
            return None

    def clear(self) -> None:
        """All of it is counted elsewhere."""
        self._write(b"")

    def _write(self, content: bytes) -> bool:
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o640)
        except OSError as error:
            _log.debug("%s cannot be opened: %s", self._path, error)
            return False
        try:
            os.pwrite(file, content.ljust(_SIZE, b"\0"), 0)
            os.fsync(file)
        except OSError as error:
            _log.debug("%s cannot be written: %s", self._path, error)
            return False
        else:
            return True
        finally:
            with contextlib.suppress(OSError):
                os.close(file)
