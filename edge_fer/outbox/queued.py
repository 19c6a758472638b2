"""What a row of the outbox means by the time it is sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from edge_fer.outbox.kind import MessageKind
from edge_fer.types import Instant

__all__ = ["Captured", "QueuedMessage", "put_right"]


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """A message that is due to be sent.

    Attributes:
        id: what the outbox knows it by.
        topic: where to.
        kind: what it is.
        seq: its number within the topic.
        body: the draft, as JSON.
        at: when it was captured, by the clock as it is known now.
        late: whether that was long ago.
    """

    id: int
    topic: str
    kind: MessageKind
    seq: int
    body: str
    at: Instant
    late: bool


@dataclass(frozen=True, slots=True)
class Captured:
    """When a message was captured, by which clock.

    Attributes:
        boot: the kernel's boot id then.
        mono: seconds on that boot's clock that never jumps.
        utc: seconds since 1970 by the wall clock.
        synced: whether the wall clock was known to be right.
    """

    boot: str
    mono: float
    utc: float
    synced: bool

    def age(self, now: Instant, boot: str) -> float | None:
        """Seconds since then; None where no clock tells."""
        if self.boot == boot:
            return now.mono - self.mono
        if self.synced and now.synced:
            return now.utc.timestamp() - self.utc
        return None

    def at(self, now: Instant, boot: str) -> Instant:
        """When it was, put right if the clock has been synchronised since, within the same boot."""
        captured = Instant(self.mono, datetime.fromtimestamp(self.utc, UTC), bool(self.synced))
        return put_right(captured, now) if self.boot == boot else captured


def put_right(captured: Instant, now: Instant) -> Instant:
    """The instant by the clock as it is known now; both are of one boot."""
    if captured.synced or not now.synced:
        return captured
    return Instant(captured.mono, now.utc - timedelta(seconds=now.mono - captured.mono), synced=True)
