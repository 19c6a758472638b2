"""What the pipelines have handed over and the outbox's thread has not taken yet, in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

from edge_fer.outbox.kind import MessageKind
from edge_fer.types import Instant

__all__ = ["Draft", "Intake", "PostedMessage"]


class Draft(Protocol):
    """A message that can be made into JSON."""

    def model_dump_json(self) -> str:
        """The JSON."""
        ...


@dataclass(frozen=True, slots=True)
class PostedMessage:
    """A message on its way to the outbox.

    Attributes:
        topic: where to.
        kind: what it is.
        message: what it says.
        at: when it was captured.
    """

    topic: str
    kind: MessageKind
    message: Draft
    at: Instant


class Intake:
    """A bounded queue in memory; any thread may put in, one takes out, and nobody waits.

    It fills only while the disk hangs. Then the oldest summary is given up for a new message, else the oldest
    event, else the oldest alert event, and counted; never something more important than the new message.

    Args:
        size: messages that it holds.
    """

    def __init__(self, *, size: int = 2000) -> None:
        self._size = size
        self._lock = Lock()
        self._mails: dict[MessageKind, deque[PostedMessage]] = {kind: deque() for kind in MessageKind}
        self._dropped = dict.fromkeys(MessageKind, 0)

    def put(self, mail: PostedMessage) -> None:
        """Adds a message, giving up another, or this one, where it is full."""
        with self._lock:
            if len(self) >= self._size and not self._drop_for(mail.kind):
                self._dropped[mail.kind] += 1
                return
            self._mails[mail.kind].append(mail)

    def take(self) -> PostedMessage | None:
        """The next one, the most important first, and otherwise in the order it came; None where there is none."""
        with self._lock:
            for waiting in self._mails.values():
                if waiting:
                    return waiting.popleft()
        return None

    def take_dropped(self) -> Mapping[MessageKind, int]:
        """How many were given up since this was asked the last time, by kind; whoever asks counts them."""
        with self._lock:
            dropped, self._dropped = self._dropped, dict.fromkeys(MessageKind, 0)
            return dropped

    def take_all(self) -> list[PostedMessage]:
        """Everything, the most important first, and otherwise in the order it came."""
        with self._lock:
            mails = [mail for waiting in self._mails.values() for mail in waiting]
            for waiting in self._mails.values():
                waiting.clear()
            return mails

    def __len__(self) -> int:
        return sum(map(len, self._mails.values()))

    @property
    def dropped(self) -> Mapping[MessageKind, int]:
        """How many were given up and not taken over by `take_dropped` yet, by kind."""
        return dict(self._dropped)

    def _drop_for(self, kind: MessageKind) -> bool:
        for victim in reversed(list(MessageKind)):
            if self._mails[victim]:
                self._mails[victim].popleft()
                self._dropped[victim] += 1
                return True
            if victim is kind:
                return False
        return False
