"""A card's content as a file: what people put on its boot partition, and what is left of it after a power cut."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Disk", "Outbox", "tools_missing"]

_TOOLS = {
    "zstd": "zstd",
    "sfdisk": "fdisk",
    "e2fsck": "e2fsprogs",
    "debugfs": "e2fsprogs",
    "fsck.vfat": "dosfstools",
    "mcopy": "mtools",
    "ssh": "openssh-client",
}


def tools_missing() -> str:
    """What to install before images can be tested; nothing, where all is there."""
    return " ".join(sorted({package for tool, package in _TOOLS.items() if shutil.which(tool) is None}))


@dataclass(frozen=True, slots=True)
class Outbox:
    """What waited in an outbox.

    Attributes:
        sound: whether SQLite finds nothing wrong with the file.
        waiting: the topics and sequence numbers of its messages.
    """

    sound: bool
    waiting: frozenset[tuple[str, int]]


class Disk:
    """A disk with the two partitions of an image.

    Args:
        file: its content.
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    @classmethod
    def unpacked(cls, image: Path, file: Path, *, size: int) -> Disk:
        """A card of `size` bytes that an image was written to."""
        subprocess.run(["zstd", "-d", "-q", "-f", "--sparse", image, "-o", file], check=True)
        with file.open("r+b") as opened:
            opened.truncate(size)
        return cls(file)

    def copy(self, file: Path) -> Disk:
        """The same content in another file."""
        subprocess.run(["cp", "--sparse=always", "--reflink=auto", self.file, file], check=True)
        return Disk(file)

    def put(self, name: str, text: str) -> None:
        """Writes a file on the boot partition, as a PC with a card reader does."""
        subprocess.run(["mcopy", "-o", "-i", self._boot, "-", f"::{name}"], input=text.encode(), check=True)

    def get(self, name: str) -> str:
        """Reads a file on the boot partition."""
        return subprocess.run(["mtype", "-i", self._boot, f"::{name}"], capture_output=True, check=True).stdout.decode()

    def put_root(self, path: str, text: str) -> None:
        """Writes a new file on the root file system, in a folder that may be new as well."""
        source = self.file.with_suffix(".put")
        source.write_text(text)
        commands = f"mkdir {Path(path).parent}\nwrite {source} {path}\n"
        subprocess.run(
            ["debugfs", "-w", "-f", "-", self._root], input=commands.encode(), capture_output=True, check=True
        )
        source.unlink()
        assert self.read(path) == text

    def faults(self) -> list[str]:
        """What is wrong with partitions and file systems once they have been mended as a boot does."""
        found = []
        if (ended := _quiet("sfdisk", "--verify", self.file)).returncode:
            found.append(f"partition table: {ended.stdout}")
        # 1: mended, as a boot does it
        if (ended := _quiet("e2fsck", "-p", self._root)).returncode not in {0, 1}:
            found.append(f"root, as mended: {ended.stdout}")
        if (ended := _quiet("e2fsck", "-fn", self._root)).returncode:
            found.append(f"root: {ended.stdout}")
        with self._boot_partition() as part:
            if (ended := _quiet("fsck.vfat", "-a", part)).returncode not in {0, 1}:
                found.append(f"boot, as mended: {ended.stdout}")
            if (ended := _quiet("fsck.vfat", "-n", part)).returncode:
                found.append(f"boot: {ended.stdout}")
        return found

    def read(self, path: str) -> str:
        """Reads a file of the root file system, which must have been checked."""
        said = subprocess.run(["debugfs", "-R", f"cat {path}", self._root], capture_output=True, check=True).stdout
        return said.decode()

    def outbox(self, folder: Path) -> Outbox:
        """What the daemon's outbox holds; copied to a folder first."""
        folder.mkdir()
        for suffix in ("", "-wal"):
            copy = folder / f"outbox.sqlite{suffix}"
            _quiet("debugfs", "-R", f"dump /var/lib/edge-fer/outbox.sqlite{suffix} {copy}", self._root)
        connection = sqlite3.connect(folder / "outbox.sqlite")
        try:
            sound = connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            rows = connection.execute("SELECT name, seq FROM messages JOIN topics ON topics.id = topic").fetchall()
        finally:
            connection.close()
        return Outbox(sound, frozenset(rows))

    @property
    def _partitions(self) -> list[dict[str, int]]:
        said = subprocess.run(["sfdisk", "--json", self.file], capture_output=True, check=True).stdout
        partitions: list[dict[str, int]] = json.loads(said)["partitiontable"]["partitions"]
        return partitions

    @property
    def _boot(self) -> str:
        return f"{self.file}@@{self._partitions[0]['start'] * 512}"

    @property
    def _root(self) -> str:
        return f"{self.file}?offset={self._partitions[1]['start'] * 512}"

    def _boot_partition(self) -> _Extracted:
        return _Extracted(self.file, self._partitions[0])


class _Extracted:
    """A partition in a file of its own, put back at the end."""

    def __init__(self, disk: Path, partition: dict[str, int]) -> None:
        self._disk, self._start, self._size = disk, partition["start"] * 512, partition["size"] * 512
        self._part = disk.with_suffix(".part")

    def __enter__(self) -> Path:
        with self._disk.open("rb") as disk:
            disk.seek(self._start)
            self._part.write_bytes(disk.read(self._size))
        return self._part

    def __exit__(self, *_: object) -> None:
        with self._disk.open("r+b") as disk:
            disk.seek(self._start)
            disk.write(self._part.read_bytes())
        self._part.unlink()


def _quiet(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
