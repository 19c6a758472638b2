"""What there is to tell: a trace in which each item is known by its number alone, so that nobody need be asked.

An item becomes a message by the daemon's own MQTT sink. Its number goes along in a field that means something else,
so that what arrives can be held against the trace word by word.
"""

from __future__ import annotations

import random
from typing import Any

from edge_fer.contract.messages import MessageKind
from edge_fer.pipeline.step import Told
from edge_fer.types import (
    Alert,
    AlertChange,
    AlertState,
    Event,
    EventKind,
    Instant,
    Quality,
    Scene,
    Standing,
    Summary,
)
from tests.invented import emotion_reading

__all__ = ["CAMERAS", "RULE", "camera_of", "dice", "expected", "kind_of", "number_of", "told"]

CAMERAS = ("back", "front")
RULE = "unhappy-guest"
LABELS = ("angry", "happy", "neutral", "sad")
#: One message in so many is an alert event, and one in so many a summary; no number is both.
ALERTS, SUMMARIES = 8, 20


def dice(seed: int | str) -> random.Random:
    """Chance that is the same each time, by its seed."""
    return random.Random(seed)  # noqa: S311 - for no secrets


def kind_of(number: int) -> MessageKind:
    """What an item is."""
    if number % ALERTS == 3:
        return MessageKind.ALERT_EVENT
    return MessageKind.SUMMARY if number % SUMMARIES == 6 else MessageKind.EVENT


def camera_of(number: int) -> str:
    """Whose it is."""
    return dice(f"camera {number}").choice(CAMERAS)


def expected(number: int) -> dict[str, Any]:
    """What the message of an item must say, besides the time and what the outbox adds."""
    chance = dice(f"item {number}")
    kind, camera = kind_of(number), camera_of(number)
    if kind is MessageKind.ALERT_EVENT:
        resolved = number % (2 * ALERTS) > ALERTS
        return {
            "camera": camera,
            "event_type": "resolved" if resolved else "firing",
            "alert_id": f"{chance.getrandbits(64):016x}",
            "rule": RULE,
            "value": float(number),
        }
    if kind is MessageKind.SUMMARY:
        return {"camera": camera, "window": "1m", "watched_s": float(number), "held_back": True}
    return {
        "camera": camera,
        "event_type": str(chance.choice(list(EventKind))),
        "track_id": f"{chance.getrandbits(64):016x}",
        "emotion": chance.choice(LABELS),
        "duration_s": float(number),
    }


def number_of(message: dict[str, Any]) -> int:
    """The item's number, as its message tells it."""
    (number,) = [message[field] for field in ("duration_s", "value", "watched_s") if field in message]
    return int(number)


def told(number: int, at: Instant) -> Told:
    """The item as one step of a camera's pipeline tells it. An alert event comes with how its rule stands then."""
    says = expected(number)
    kind, camera = kind_of(number), says["camera"]
    if kind is MessageKind.SUMMARY:
        return Told(at, summaries=(Summary(camera, at, 60, at.utc, at.utc, says["watched_s"], None),))
    if kind is MessageKind.ALERT_EVENT:
        resolved = says["event_type"] == "resolved"
        alert = Alert(
            says["alert_id"], camera, RULE, "warning", "a1b2", AlertState.FIRING, at, says["value"], threshold=0.6
        )
        return Told(at, changes=(AlertChange(resolved, alert, at),), alerts={RULE: Standing((alert,))})
    scores = {label: 0.7 if label == says["emotion"] else 0.1 for label in LABELS}
    reading = emotion_reading(camera, says["track_id"], at, says["emotion"], 0.7, scores, Quality(0.9))
    event = Event(EventKind(says["event_type"]), reading, at, says["duration_s"])
    return Told(at, events=(event,), scene=Scene(camera, at, 1 + number % 3, says["emotion"], 0.7))
