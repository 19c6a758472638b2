"""A card's content as a file: what people put on its boot partition, and what is left of it after a power cut."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Disk", "Mended", "Outbox", "tools_missing"]

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

    def put_root(self, path: str, text: str) -> None:
        """Writes a new file on the root file system, in a folder that may be new as well."""
        source = self.file.with_suffix(".put")
        source.write_text(text)
        commands = f"mkdir {Path(path).parent}\nwrite {source} {path}\n"
        subprocess.run(
            ["debugfs", "-w", "-f", "-", self._root], input=commands.encode(), capture_output=True, check=True
        )
        source.unlink()
        assert _read(self._root, path) == text

    def mended(self, folder: Path) -> Mended:
        """What a boot would make of it, in a new folder; the disk itself stays as it is."""
        folder.mkdir()
        return Mended(self, folder)

    def part(self, number: int, file: Path) -> Path:
        """Copies a partition into a file of its own."""
        partition = self._partitions[number]
        place = [f"skip={partition['start'] * 512}", f"count={partition['size'] * 512}"]
        how = ["iflag=skip_bytes,count_bytes", "bs=1M", "conv=sparse", "status=none"]
        subprocess.run(["dd", f"if={self.file}", f"of={file}", *place, *how], check=True)
        with file.open("r+b") as opened:
            opened.truncate(partition["size"] * 512)
        return file

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


class Mended:
    """A disk's file systems after the checks that a boot makes, and what is still wrong with them.

    Args:
        disk: what they are copied from.
        folder: for the copies.
    """

    def __init__(self, disk: Disk, folder: Path) -> None:
        self._folder = folder
        self._root = disk.part(1, folder / "root")
        boot = disk.part(0, folder / "boot")
        self.faults = [
            f"{command}: {ended.stdout}"
            for command, well in (
                (("sfdisk", "--verify", disk.file), {0}),
                # 1: mended
                (("e2fsck", "-p", self._root), {0, 1}),
                (("e2fsck", "-fn", self._root), {0}),
                (("fsck.vfat", "-a", boot), {0, 1}),
                (("fsck.vfat", "-n", boot), {0}),
            )
            if (ended := _quiet(*command)).returncode not in well
        ]

    def read(self, path: str) -> str:
        """Reads a file of the root file system."""
        return _read(self._root, path)

    def outbox(self) -> Outbox:
        """What the daemon's outbox holds."""
        for suffix in ("", "-wal"):
            copy = self._folder / f"outbox.sqlite{suffix}"
            _quiet("debugfs", "-R", f"dump /var/lib/edge-fer/outbox.sqlite{suffix} {copy}", self._root)
        connection = sqlite3.connect(self._folder / "outbox.sqlite")
        try:
            sound = connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            rows = connection.execute("SELECT name, seq FROM messages JOIN topics ON topics.id = topic").fetchall()
        finally:
            connection.close()
        return Outbox(sound, frozenset(rows))

    def forget(self) -> None:
        """Takes the copies away."""
        shutil.rmtree(self._folder)


def _read(root: str | Path, path: str) -> str:
    """A file of a root file system."""
    said = subprocess.run(["debugfs", "-R", f"cat {path}", root], capture_output=True, check=True).stdout
    return said.decode()


def _quiet(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
