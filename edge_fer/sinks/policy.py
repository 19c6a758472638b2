"""What may leave: which contents may go to which sink, now and until when. This is decided here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from threading import Lock
from typing import Literal, TypeAlias

from edge_fer.pipeline.step import Told
from edge_fer.types import EMOTION, EventKind, Reading

__all__ = ["Content", "Policy", "Right", "only"]


class Content(StrEnum):
    """What can be said about people."""

    #: what each person's face shows in each frame, and how many people there are
    READINGS = "readings"
    #: other attributes of a face than its emotion
    ATTRIBUTES = "attributes"
    EVENTS = "events"
    ALERTS = "alerts"
    #: how many people are in view just now, and their mood
    SCENES = "scenes"
    SUMMARIES = "summaries"
    PICTURES = "pictures"


#: What a live view may show (`privacy.live`).
Live: TypeAlias = Literal["never", "boxes", "pixelated"]

#: What a sink that leaves the device may still get with `privacy.events: off`.
_NEVER_ABOUT_ONE_PERSON = frozenset({Content.SUMMARIES})

#: Which content each field of an output is; None: it is about the camera and not about people.
_CONTENT_OF: Mapping[str, Content | None] = {
    "at": None,
    "readings": Content.READINGS,
    "people": Content.READINGS,
    "left": Content.READINGS,
    "events": Content.EVENTS,
    "changes": Content.ALERTS,
    "alerts": Content.ALERTS,
    "scene": Content.SCENES,
    "summaries": Content.SUMMARIES,
    "view": None,
    "unwatched": None,
    "missed": Content.READINGS,
    "attributes": Content.ATTRIBUTES,
}

if forgotten := {field.name for field in fields(Told)} ^ _CONTENT_OF.keys():
    # a new field must not get past the filter because nobody said what it is
    message = f"sinks/policy.py does not say which content these fields of an output are: {sorted(forgotten)}"
    raise TypeError(message)

#: What each of these fields is where there is nothing in it.
_NOTHING = Told(at=None)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Right:
    """What one sink may get.

    Attributes:
        always: what it may get, unless the config says less.
        leaves: whether what it gets leaves the device, so that `privacy.events` limits it.
        on_request: what it may get beyond that for a limited time, when somebody asks for it.
    """

    always: frozenset[Content]
    leaves: bool
    on_request: frozenset[Content] = frozenset()


class Policy:
    """Decides what each sink may get. May be asked from any thread.

    Args:
        rights: of each sink, by its name.
        events: whether anything but summaries may leave the device (`privacy.events`).
        k_minimum: a summary that fewer people made has no numbers, whoever gets it (`privacy.k_minimum`).
        live: what a live view may show: never, boxes, pixelated (`privacy.live`).

    Attributes:
        k_minimum: as given.
        live: what a live view may show; never, where `events` is off.
    """

    def __init__(
        self, rights: Mapping[str, Right], *, events: bool = True, k_minimum: int = 1, live: Live = "never"
    ) -> None:
        self.k_minimum = k_minimum
        self.live: Live = live if events else "never"
        self._rights = rights
        self._always = {
            name: right.always if events or not right.leaves else right.always & _NEVER_ABOUT_ONE_PERSON
            for name, right in rights.items()
        }
        self._lock = Lock()
        #: what was granted for a time: until when, in monotonic seconds; one row a sink and content at most
        self._granted: dict[tuple[str, Content], float] = {}

    def allowed(self, sink: str, mono: float) -> frozenset[Content]:
        """What a sink may get now; nothing, if it is not known."""
        always = self._always.get(sink, frozenset())
        if not self._granted:
            return always
        with self._lock:
            return always | {
                content for (name, content), until in self._granted.items() if name == sink and mono < until
            }

    def until(self, sink: str, content: Content, mono: float) -> float | None:
        """Until when a sink may get something, in monotonic seconds; infinite without an end; None: it may not."""
        if content in self._always.get(sink, ()):
            return float("inf")
        with self._lock:
            end = self._granted.get((sink, content))
        return end if end is not None and mono < end else None

    def grant(self, sink: str, contents: Collection[Content], until: float) -> frozenset[Content]:
        """Lets a sink get more for a limited time.

        Args:
            sink: its name.
            contents: what it is to get.
            until: when that ends, in monotonic seconds.

        Returns:
            What of it is granted: never anything that the sink may not get on request.
        """
        right = self._rights.get(sink)
        granted = right.on_request.intersection(contents) if right else frozenset()
        with self._lock:
            self._granted |= {(sink, content): until for content in granted}
        return granted

    def withdraw(self, sink: str) -> None:
        """Ends at once what was granted to a sink for a time."""
        with self._lock:
            self._granted = {key: until for key, until in self._granted.items() if key[0] != sink}


def only(told: Told, allowed: Collection[Content]) -> Told:
    """What of an output may be told: nothing but the allowed contents, and what is not about people."""
    changed = {
        name: getattr(_NOTHING, name)
        for name, content in _CONTENT_OF.items()
        if content is not None and content not in allowed and getattr(told, name) != getattr(_NOTHING, name)
    }
    as_told: Callable[..., Told] = replace
    left = as_told(told, **changed) if changed else told
    return left if Content.ATTRIBUTES in allowed else _of_emotion_alone(left)


def _of_emotion_alone(told: Told) -> Told:
    """An output without other attributes of people, and of the scene, than the emotion."""
    changed: dict[str, object] = {}
    if told.readings and any(len(reading.attributes) > 1 for reading in told.readings):
        changed["readings"] = tuple(_plain(reading) for reading in told.readings)
    if any(event.kind is EventKind.CHANGED or len(event.reading.attributes) > 1 for event in told.events):
        kept = [event for event in told.events if event.kind is not EventKind.CHANGED]
        changed["events"] = tuple(replace(event, reading=_plain(event.reading)) for event in kept)
    if told.scene and told.scene.attributes:
        changed["scene"] = replace(told.scene, attributes={})
    as_told: Callable[..., Told] = replace
    return as_told(told, **changed) if changed else told


def _plain(reading: Reading) -> Reading:
    return replace(reading, attributes={EMOTION: reading.emotion})
