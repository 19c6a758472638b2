"""What the disk does not take: in memory, until the sink has it or the disk takes it after all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from edge_fer.outbox.kind import MessageKind
from edge_fer.outbox.queued import Captured
from edge_fer.outbox.rows import Waiting, id_in_memory

__all__ = ["MemoryQueue"]


class MemoryQueue:
    """A bounded number of messages, each with the number that it is sent with.

    Args:
        size: messages that it holds.
    """

    def __init__(self, *, size: int) -> None:
        self._size = size
        self._messages: dict[int, Waiting] = {}
        self._numbers: dict[str, int] = {}
        self._count = 0

    @property
    def messages(self) -> Mapping[int, Waiting]:
        """Those that wait, by id, in the order they came."""
        return self._messages

    @property
    def numbers(self) -> Mapping[str, int]:
        """The number after the last one that was given out, by topic; the disk has to know them, too."""
        return self._numbers

    def __bool__(self) -> bool:
        """Whether there is anything that the disk does not know."""
        return bool(self._messages or self._numbers)

    def put(self, topic: str, kind: MessageKind, body: str, captured: Captured, *, first: int) -> int:
        """Adds a message and returns its id; `first` is its number where none of its topic was given out before."""
        number = self._numbers.get(topic, first)
        self._count += 1
        row = id_in_memory(kind, self._count)
        self._messages[row] = Waiting(row, topic, number, body, captured)
        self._numbers[topic] = number + 1
        return row

    def surplus(self, *, but: Collection[int]) -> Waiting | None:
        """The oldest of the least important ones, apart from some, where there are too many; None where not."""
        spare = self.waiting(but=but, held=()) if len(self._messages) > self._size else []
        rank = {kind: number for number, kind in enumerate(MessageKind)}
        # the first of several that are equal, which is the oldest
        return max(spare, key=lambda message: rank[message.kind], default=None)

    def waiting(self, *, but: Collection[int], held: Collection[str]) -> list[Waiting]:
        """The messages without those of some ids and topics."""
        return [message for row, message in self._messages.items() if row not in but and message.topic not in held]

    def remove(self, ids: Iterable[int]) -> set[int]:
        """Takes messages out; those of the ids that were in here."""
        return {row for row in ids if self._messages.pop(row, None)}

    def clear(self) -> None:
        """The disk has everything."""
        self._messages.clear()
        self._numbers.clear()
