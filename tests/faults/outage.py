"""Seventy-two hours without a broker, in invented time: an event a second into the outbox as it is by default."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge_fer.contract.messages import MessageKind
from edge_fer.mqtt.outbox import Limits, Outbox
from edge_fer.types import QualityFault
from tests.invented import LABELS, at
from tests.mqtt.kit import BOOT, event

__all__ = ["Outage", "outage"]

HOURS = 72


@dataclass(frozen=True, slots=True)
class Outage:
    """What was left of it.

    Attributes:
        events: put into the outbox.
        waiting: that wait at its end.
        dropped: that were given up.
        size: bytes of disk they take.
        limit: bytes that they may take.
        oldest: age of the oldest one, in seconds.
    """

    events: int
    waiting: int
    dropped: int
    size: int
    limit: int
    oldest: float


def outage(folder: Path, hours: float = HOURS) -> Outage:
    """So many hours without a broker, with events that are as long as they come."""
    limits = Limits()
    outbox = Outbox(folder / "outbox.db", boot=BOOT, limits=limits)
    scores = dict.fromkeys(LABELS, 0.1429)
    longest = {"scores": scores, "quality_faults": list(QualityFault), "previous": "disgust"}
    body = event(at(0), duration=123456.789).model_copy(update=longest).model_dump_json()
    events = int(hours * 3600)
    for second in range(events):
        outbox.put("edge-fer/counter-1/camera/front/event", MessageKind.EVENT, body, at(second))
        if second % 60 == 0:
            outbox.expire(at(second))
            outbox.sync()
    try:
        dropped = sum(outbox.dropped.values())
        return Outage(events, outbox.depth, dropped, outbox.size, limits.size, outbox.oldest(at(events)) or 0.0)
    finally:
        outbox.close()
