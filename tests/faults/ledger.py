"""What a driver and the suite share: memory in a file, which outlives a SIGKILL with every byte that was written.

The driver notes of each item of the trace when it was handed to the link and when the outbox had committed it. That
says what must arrive; what it must say, the trace says.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CAPACITY", "Item", "Ledger"]

CAPACITY = 200_000
#: Of the words at the beginning, by name.
WORDS = (
    *("next", "clock", "burst", "connected", "connections", "depth", "dropped"),
    *("alert_back", "alert_front", "ready", "rest", "reload"),
)
_WORD, _ITEM = struct.Struct("q"), struct.Struct("dBB6x")
_HEAD = 4096


@dataclass(frozen=True, slots=True)
class Item:
    """What became of one item of the trace.

    Attributes:
        handed: when it was handed to the link, by the clock that never jumps; 0: it was not.
        kept: whether the outbox has committed it.
        refused: whether the outbox has given it up at once, and said so.
    """

    handed: float
    kept: bool
    refused: bool

    @property
    def is_settled(self) -> bool:
        """Whether the outbox has said anything."""
        return self.kept or self.refused


class Ledger:
    """The shared memory. Each word and item has one writer; either side may read.

    Args:
        path: the file; made where there is none.
    """

    def __init__(self, path: Path) -> None:
        size = _HEAD + CAPACITY * _ITEM.size
        if not path.exists():
            with path.open("wb") as file:
                file.truncate(size)
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), size)

    def __getitem__(self, word: str) -> int:
        value: int = _WORD.unpack_from(self._memory, 8 * WORDS.index(word))[0]
        return value

    def __setitem__(self, word: str, value: int) -> None:
        _WORD.pack_into(self._memory, 8 * WORDS.index(word), value)

    def item(self, number: int) -> Item:
        """What became of an item."""
        handed, kept, refused = _ITEM.unpack_from(self._memory, _HEAD + number * _ITEM.size)
        return Item(handed, bool(kept), bool(refused))

    def hand(self, number: int, mono: float) -> None:
        """Notes that an item is about to be handed to the link."""
        struct.pack_into("d", self._memory, _HEAD + number * _ITEM.size, mono)

    def settle(self, number: int, *, kept: bool) -> None:
        """Notes what the outbox said of it."""
        self._memory[_HEAD + number * _ITEM.size + (8 if kept else 9)] = 1

    def set_clock(self, offset: float, *, synced: bool) -> None:
        """Steps the driver's wall clock.

        Args:
            offset: seconds that it is ahead of the true time.
            synced: whether it is said to be right.
        """
        # in one word, so that nobody sees half of it
        self["clock"] = 2 * int(offset * 1000) + (not synced)

    def clock(self) -> tuple[float, bool]:
        """Seconds that the driver's wall clock is ahead, and whether it is said to be right."""
        word = self["clock"]
        return (word // 2) / 1000, not word % 2
