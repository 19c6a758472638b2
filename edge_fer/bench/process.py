"""What the kernel says of this process."""

from __future__ import annotations

import os
import time
from pathlib import Path

__all__ = ["memory", "since_start"]

STATUS = Path("/proc/self/status")
STAT = Path("/proc/self/stat")


def memory() -> tuple[int, int]:
    """Memory that the process holds now, and held at most since it started, in bytes."""
    fields = dict(line.split(":", 1) for line in STATUS.read_text(encoding="ascii").splitlines() if ":" in line)
    now, most = (int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
    return now, max(now, most)


def since_start() -> float:
    """Seconds since the process was started, the interpreter's own start and all imports included."""
    # the name, in brackets, may hold anything; the 22nd field is the 20th after it
    after_name = STAT.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    started = int(after_name[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started
