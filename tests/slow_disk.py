"""A disk whose syncs take long, or never end, for one process: `fsync` and `fdatasync` wait while a file is there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

__all__ = ["SlowDisk"]

SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>
static int after(const char *name, int fd) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    long tenths = atol(getenv("EDGE_FER_TEST_SLOW_TENTHS"));
    while (tenths-- > 0 && access(getenv("EDGE_FER_TEST_SLOW_IF"), F_OK) == 0) usleep(100000);
    return real(fd);
}
int fsync(int fd) { return after("fsync", fd); }
int fdatasync(int fd) { return after("fdatasync", fd); }
"""


class SlowDisk:
    """What makes it slow; `environment` is for the process.

    Args:
        folder: for its files.
        seconds: that each sync takes while it is slow.
    """

    def __init__(self, folder: Path, seconds: float) -> None:
        library, source = folder / "slow.so", folder / "slow.c"
        source.write_text(SOURCE)
        compiler = shutil.which("cc")
        assert compiler is not None, "the tests need a C compiler: apt install gcc libc6-dev"
        subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        self._flag = folder / "slow"
        self.environment = {
            "LD_PRELOAD": str(library),
            "EDGE_FER_TEST_SLOW_IF": str(self._flag),
            "EDGE_FER_TEST_SLOW_TENTHS": str(int(10 * seconds)),
        }

    def slow(self) -> None:
        """From now on."""
        self._flag.touch()

    def mend(self) -> None:
        """Syncs under way end, too."""
        self._flag.unlink(missing_ok=True)
