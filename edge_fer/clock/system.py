"""The one place where capture reads the machine's clocks."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from edge_fer.types import Instant

__all__ = ["Clock", "SystemClock", "clock_synced"]

#: Gives the instant at which it is called; tests pass one of their own.
Clock: TypeAlias = Callable[[], Instant]

#: Written by systemd-timesyncd once it has set the clock since boot.
TIMESYNC_FLAG = Path("/run/systemd/timesync/synchronized")
#: What adjtimex(2) returns while the kernel's clock is disciplined by nobody.
TIME_ERROR = 5
#: More than sizeof(struct timex) on any Linux; all zero, it asks and changes nothing.
TIMEX_BYTES = 512


def kernel_synced() -> bool | None:
    """Whether the kernel holds its clock to be right; None where it cannot be asked.

    Any time daemon (timesyncd, chrony, ntpd) tells the kernel, so this holds on more machines than one daemon's file.
    """
    try:
        answer = int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES)))
    except (OSError, AttributeError):
        return None
    return None if answer < 0 else answer != TIME_ERROR


def clock_synced() -> bool:
    """Whether the wall clock is known to be right; False where nobody can say."""
    kernel = kernel_synced()
    return TIMESYNC_FLAG.exists() if kernel is None else kernel


class SystemClock:
    """The machine's clocks as a `Clock`.

    Args:
        recheck: seconds for which an answer about synchronisation is kept; frames come far more often than it changes.
        synced: who to ask about it.
    """

    def __init__(self, *, recheck: float = 5.0, synced: Callable[[], bool] = clock_synced) -> None:
        self._recheck = recheck
        self._ask = synced
        self._synced = False
        self._asked = -float("inf")

    def __call__(self) -> Instant:
        """The instant of the call."""
        mono = time.monotonic()
        if mono - self._asked >= self._recheck:
            self._synced = self._ask()
            self._asked = mono
        return Instant(mono, datetime.now(UTC), self._synced)
