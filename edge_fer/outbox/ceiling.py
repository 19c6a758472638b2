"""The highest sequence number that may have been used, in a small file beside the outbox.

When the outbox is damaged, the numbers in it are lost, and new ones must be higher than all those that were sent. The
present time in seconds is, unless the clock was set back since an earlier damage. This file remembers, in large
steps, so that it is seldom written.
"""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path

__all__ = ["Ceiling"]

_log = logging.getLogger(__name__)

#: Numbers that are noted ahead.
_STEP = 1_000_000


class Ceiling:
    """A number that no topic has used yet, nor any higher one.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._used = 0
        self._noted = self._read()

    @property
    def free(self) -> int:
        """A number that was not used, nor any higher one."""
        return max(self._noted, self._used) + 1

    def reach(self, number: int) -> None:
        """Notes, durably, that numbers up to this one may be used; where the disk does not let us, in memory."""
        self._used = max(self._used, number)
        if number <= self._noted:
            return
        wanted = number + _STEP
        fresh = self._path.with_name(f"{self._path.name}.new")
        try:
            with fresh.open("w", encoding="ascii") as file:
                file.write(f"{wanted}\n")
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
        except OSError as error:
            _log.debug("%s cannot be written: %s", self._path, error)
            with contextlib.suppress(OSError):
                fresh.unlink()
        else:
            self._noted = wanted

    def _read(self) -> int:
        try:
            found = int(self._path.read_text(encoding="ascii"))
        except FileNotFoundError:
            return 0
        except (OSError, ValueError) as error:
            _log.warning("%s cannot be used and begins anew: %s", self._path, error)
            return 0
        # one digit changed must not make numbers that no reader can hold
        return found if 0 < found < 1 << 52 else 0
