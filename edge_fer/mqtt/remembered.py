"""The topics at which a broker was given a retained value, over restarts, so that what no longer holds is cleared."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Protocol

__all__ = ["RememberedTopics"]

#: What a name of the outbox ends with where there are several brokers.
_MARK = re.compile(r"@[0-9a-f]{8}$")


class NamesPort(Protocol):
    """The part of the outbox that is needed here."""

    def remember(self, name: str) -> None: ...
    def forget(self, name: str) -> None: ...
    def remembered(self) -> set[str]: ...


class RememberedTopics:
    """Those of the broker that is connected.

    Each of several brokers has its own: what one has cleared, another may still retain. The outbox has the topic's name
    then with the broker's mark; of one broker alone, as of every version before, it has the name by itself.

    Args:
        names: the outbox.
    """

    def __init__(self, names: NamesPort) -> None:
        self._names = names
        self._mark, self._is_marked = "", False
        self._topics: set[str] = set()

    def turn_to(self, mark: str, marks: Collection[str]) -> None:
        """It is another broker from now on.

        Args:
            mark: of that one.
            marks: of all brokers that there are.
        """
        self._mark, self._is_marked = mark, len(marks) > 1
        if not self._is_marked:
            return
        for topic in [name for name in self._names.remembered() if not _MARK.search(name)]:
            for one in marks:
                self._names.remember(topic + one)
            self._names.forget(topic)

    def read(self) -> set[str]:
        """The topics, as the outbox has them."""
        names = self._names.remembered()
        self._topics = {name for name in names if not _MARK.search(name)}
        if self._mark:
            self._topics |= {name.removesuffix(self._mark) for name in names if name.endswith(self._mark)}
        return self._topics

    def add(self, topic: str) -> None:
        """The broker is about to be given a value for it."""
        if topic not in self._topics:
            self._names.remember(topic + self._mark if self._is_marked else topic)
            self._topics.add(topic)

    def discard(self, topic: str) -> None:
        """The broker has no value for it any more."""
        self._names.forget(topic)
        if self._mark:
            self._names.forget(topic + self._mark)
        self._topics.discard(topic)

    def __contains__(self, topic: str) -> bool:
        return topic in self._topics
