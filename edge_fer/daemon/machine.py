"""What this device is: board, operating system, disk; read once."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from edge_fer.support.files import read_file

__all__ = ["Machine", "StartCounter"]

#: Where the firmware says what the board is: on a Pi, and on a PC.
_MODELS = ("proc/device-tree/model", "sys/class/dmi/id/product_name")
#: Where it has a number of its own; a PC's is for root alone, and what the system has made for it does as well.
_SERIALS = ("proc/device-tree/serial-number", "etc/machine-id")
_PRETTY = re.compile(r'^PRETTY_NAME="?([^"\n]*)"?$', re.MULTILINE)
#: Bytes of any of these files.
_LARGEST = 65_536


@dataclass(frozen=True, slots=True)
class Machine:
    """What this device is.

    Attributes:
        board: model of the board; None where nobody says.
        serial_hash: 16 hex digits that are always the same on this device and tell nothing of its serial number; None
            where it has none.
        system: name and version of the operating system; None where nobody says.
        kernel: release of the kernel.
        disk_bytes: size of the disk that holds the state folder; None where it is not there.
    """

    board: str | None
    serial_hash: str | None
    system: str | None
    kernel: str
    disk_bytes: int | None

    @classmethod
    def this(cls, state_dir: Path, *, root: Path = Path("/")) -> Machine:
        """This one.

        Args:
            state_dir: the folder for what must survive a restart.
            root: where the system's files are.
        """
        serial = _first(root, _SERIALS)
        release = _PRETTY.search(_text(root / "etc/os-release") or "")
        try:
            disk = shutil.disk_usage(state_dir).total
        except OSError:
            disk = None
        return cls(
            board=_first(root, _MODELS),
            serial_hash=serial and hashlib.sha256(f"edge-fer {serial}".encode()).hexdigest()[:16],
            system=release and release[1],
            kernel=os.uname().release,
            disk_bytes=disk,
        )


class StartCounter:
    """How often edge-fer was started on this device. A reload, which stays in the same process, is no start.

    Args:
        run: names this process, and never another one.

    Attributes:
        count: starts, this one included.
    """

    def __init__(self, run: str) -> None:
        self.count = 1
        self._run = run

    def snapshot(self) -> dict[str, str | int]:
        """What is to be kept."""
        return {"count": self.count, "run": self._run}

    def restore(self, kept: dict[str, str | int]) -> None:
        """Counts on from what was kept.

        Raises:
            ValueError: it cannot be used.
        """
        count = kept["count"]
        if not isinstance(count, int) or count < 0:
            msg = f"{count!r} is no number of starts"
            raise ValueError(msg)
        self.count = count if kept["run"] == self._run else count + 1


def _first(root: Path, names: tuple[str, ...]) -> str | None:
    return next((text for name in names if (text := _text(root / name))), None)


def _text(path: Path) -> str | None:
    """What a file says, without the NUL with which firmware ends it; None where that is nothing."""
    try:
        return read_file(path, _LARGEST).decode("utf-8", "replace").strip("\0\n ") or None
    except OSError:
        return None
