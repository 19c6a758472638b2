"""What a disk would hold had the power failed: from QEMU's log of every write (blklogwrites, in dm-log-writes' format).

A disk may lose what it was given since the last flush, keep some of it and not the rest, and break off in the middle of
a write; what was there before the flush it keeps.

    log = WriteLog(file)
    log.apply(disk, upto=log.entries_before(size), random=chance(1))
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from random import Random

__all__ = ["Entry", "WriteLog", "chance"]

SECTOR = 512
_MAGIC = 0x6A736677736872
_SUPER = struct.Struct("<QQQI")
_ENTRY = struct.Struct("<QQQQ")
_FLUSH, _FUA, _DISCARD = 1, 2, 4


def chance(seed: int) -> Random:
    """What decides what is lost: the same for the same seed."""
    return Random(seed)  # noqa: S311 - nothing secret


@dataclass(frozen=True, slots=True)
class Entry:
    """One request.

    Attributes:
        at: where its data is in the log, in bytes.
        sector: where it goes on the disk, in sectors of 512 bytes.
        sectors: how many.
        flush: whether all before it had to be on the disk when it was answered.
        force: whether it had to be itself (forced unit access).
    """

    at: int
    sector: int
    sectors: int
    flush: bool = False
    force: bool = False


class WriteLog:
    """A log as it is now; read anew, it may be longer.

    Args:
        file: as QEMU writes it, with sectors of 512 bytes.

    Attributes:
        entries: the requests, in their order.
        end: how far the log can be read, in bytes; requests that were still being logged lie behind.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.entries: list[Entry] = []
        self.end = SECTOR
        size = file.stat().st_size
        with file.open("rb") as opened:
            magic, version, _, sector = _SUPER.unpack(opened.read(_SUPER.size))
            assert (magic, version, sector) == (_MAGIC, 1, SECTOR), f"{file} is no log of writes"
            place = SECTOR
            # the superblock's count lags behind
            while place + SECTOR <= size:
                opened.seek(place)
                start, count, flags, _ = _ENTRY.unpack(opened.read(_ENTRY.size))
                place += SECTOR
                length = 0 if flags & _DISCARD else count * SECTOR
                # not written yet, or not to its end
                if not (count or flags) or place + length > size:
                    break
                if not flags & _DISCARD:
                    self.entries.append(Entry(place, start, count, bool(flags & _FLUSH), bool(flags & _FUA)))
                place += length
                self.end = place

    def entries_before(self, place: int) -> int:
        """How many requests had been logged when the log was so long, in bytes."""
        return sum(entry.at <= place for entry in self.entries)

    def survivors(self, upto: int, random: Random) -> list[tuple[Entry, int]]:
        """Which of the first `upto` requests the disk still has after a power cut, each with its number of sectors.

        All up to the last flush, and those that were forced; of the others each with even odds, and the very last,
        if it is among them, as far as it came.
        """
        before = list(enumerate(self.entries[:upto]))
        flushed = max((place for place, entry in before if entry.flush), default=-1)
        kept = [
            (entry, entry.sectors)
            for place, entry in before
            if entry.sectors and (place < flushed or entry.force or random.random() < 0.5)
        ]
        if kept and len(before) - 1 > flushed and kept[-1][0] is before[-1][1] and not kept[-1][0].force:
            last, whole = kept.pop()
            kept.append((last, random.randint(0, whole)))
        return kept

    def apply(self, disk: Path, *, upto: int, random: Random) -> None:
        """Brings a disk, as it was when the log began, to what it is after a power cut behind the first `upto`."""
        with self._file.open("rb") as log, disk.open("r+b") as opened:
            for entry, sectors in self.survivors(upto, random):
                log.seek(entry.at)
                opened.seek(entry.sector * SECTOR)
                opened.write(log.read(sectors * SECTOR))
