"""What the tests of the link share: messages made up, a link that is quick to try again, and ways to wait."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edge_fer.contract.composer import Composer
from edge_fer.contract.messages import AlertEventDraft, EventDraft, MessageKind, seal
from edge_fer.contract.topics import Topics
from edge_fer.mqtt.link import MQTT, Link, LinkOptions
from edge_fer.mqtt.settings import BrokerSettings
from edge_fer.outbox.outbox import Outbox
from edge_fer.outbox.queued import QueuedMessage
from edge_fer.support.backoff import Backoff
from edge_fer.types import (
    Alert,
    AlertChange,
    AlertState,
    Event,
    EventKind,
    Instant,
    Quality,
    Scene,
)
from tests.invented import emotion_reading

NODE = "counter-1"
TOPICS = Topics(NODE)
COMPOSER = Composer(NODE, "main-street")
BOOT = "0d4a3c1e-boot"


def open_outbox(path: Path, **options: Any) -> Outbox:
    """An outbox for messages over MQTT."""
    return Outbox(path, sink=MQTT, **options)


def sealed(letter: QueuedMessage) -> str:
    """A message out of the outbox as it goes over the wire."""
    return seal(letter.body, seq=letter.seq, replayed=letter.late, at=letter.at)


def now() -> Instant:
    return Instant(time.monotonic(), datetime.now(UTC))


def event(at: Instant, *, track: str = "a1b2", emotion: str = "happy", duration: float = 0.0) -> EventDraft:
    scores = {"happy": 0.812345, "sad": 0.187655}
    reading = emotion_reading("front", track, at, emotion, 0.812345, scores, Quality(0.9))
    return COMPOSER.event(Event(EventKind.APPEARED, reading, at, duration))


def alert(since: Instant, *, state: AlertState = AlertState.FIRING) -> Alert:
    return Alert("f00d", "front", "unhappy-guest", "warning", "a1b2", state, since, 0.712345, 0.6)


def alert_event(at: Instant, *, since: Instant | None = None, resolved: bool = False) -> AlertEventDraft:
    return COMPOSER.alert_event(AlertChange(resolved, alert(since or at), at))


def scene(at: Instant, people: int = 1) -> Scene:
    return Scene("front", at, people, "happy" if people else None, 0.8 if people else 0.0)


def post_events(link: Link, count: int, *, first: int = 0) -> None:
    """Posts events that tell by their duration which they are."""
    for number in range(first, first + count):
        at = now()
        link.post(TOPICS.event("front"), MessageKind.EVENT, event(at, duration=number), at)


@contextmanager
def linked(folder: Path, url: str, *, close: float = 5.0, **options: Any) -> Iterator[Link]:
    """A link that is started, and closed at the end; options of `BrokerSettings.from_url` or `Link`."""
    link = make_link(folder, url, **options)
    link.start()
    try:
        yield link
    finally:
        link.close(close)


def make_link(folder: Path, url: str, **options: Any) -> Link:
    manner = {name: options.pop(name) for name in {f.name for f in fields(LinkOptions)} & options.keys()}
    ours = {name: options.pop(name) for name in {"clock", "inbound", "others"} & options.keys()}
    ours = {"clock": now, "options": LinkOptions(**{"backoff": Backoff(first=0.05, most=0.2)} | manner)} | ours
    broker = BrokerSettings.from_url(url, node=NODE, **options)
    return Link(broker=broker, topics=TOPICS, outbox=folder / "outbox.db", **ours)


def until(condition: Callable[[], object], *, timeout: float = 60.0) -> None:
    """Waits for something that nothing tells of."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
