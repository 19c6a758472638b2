"""The sink that keeps the readings of the last hour in memory, so that thresholds can be tried on them."""

from __future__ import annotations

import json
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from edge_fer.config.tree import Config
from edge_fer.pipeline.step import Told
from edge_fer.sinks.base import BaseSink
from edge_fer.types import LABEL_SETS, AttributeValue, Doubt, Instant, Quality, QualityFault, Reading, View

if TYPE_CHECKING:
    from edge_fer.trace.reader import Step

__all__ = ["KEPT_FOR", "MOST_BYTES", "RecentReadings", "RecentSink"]

#: Seconds for which readings are kept.
KEPT_FOR: Final = 3600.0
#: Bytes that they take at most; then the oldest go.
MOST_BYTES: Final = 1_000_000
#: Seconds between two steps of one camera that are kept, at the least.
STEP_EVERY: Final = 0.5
#: Seconds, and bytes, after which a part is compressed.
_PART, _PART_BYTES = 60.0, 64_000


@dataclass(frozen=True, slots=True)
class _Part:
    """Some steps, compressed."""

    ends: float
    data: bytes


class RecentReadings:
    """Keeps the numbers of the last hour, two steps a second of each camera. Outlives services; any thread may tell.

    Of what is left out in between, those who left are told with the next step that is kept.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._cameras: Mapping[str, tuple[str, ...]] = {}
        self._parts: deque[_Part] = deque()
        self._open: list[bytes] = []
        self._open_bytes = self._kept_bytes = 0
        self._open_since = 0.0
        self._kept_at: dict[str, float] = {}
        self._left: dict[str, list[str]] = {}

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        return self._kept_bytes + self._open_bytes

    def go_on_with(self, settings: Config) -> None:
        """Goes on with a config read anew.

        Where it has other cameras or labels, or forbids to keep anything, what was kept is forgotten.
        """
        cameras = {name: LABEL_SETS[camera.emotion.labels] for name, camera in settings.cameras.items()}
        forbidden = settings.privacy.recent == "off" or settings.privacy.events == "off"
        with self._lock:
            if forbidden or cameras != self._cameras:
                self._parts.clear()
                self._open, self._open_bytes, self._kept_bytes = [], 0, 0
                self._kept_at, self._left = {}, {}
            self._cameras = {} if forbidden else cameras

    def tell(self, camera: str, told: Told) -> None:
        """Takes what one step of a camera's pipeline tells."""
        if told.people is None:
            return
        now = told.at.mono
        with self._lock:
            if camera not in self._cameras:
                return
            left = self._left.setdefault(camera, [])
            left += told.left
            # a recording that begins anew goes back in time
            since = now - self._kept_at.get(camera, float("-inf"))
            if 0 <= since < STEP_EVERY and not told.unwatched:
                return
            self._kept_at[camera], self._left[camera] = now, []
            line = json.dumps(_row(camera, told, left), separators=(",", ":")).encode()
            if not self._open:
                self._open_since = now
            self._open.append(line)
            self._open_bytes += len(line)
            if self._open_bytes > _PART_BYTES or not 0 <= now - self._open_since < _PART:
                self._compress(now)
            self._forget(now)

    def steps(self) -> Iterator[Step]:
        """All steps that are kept, oldest first."""
        with self._lock:
            parts, last = list(self._parts), list(self._open)
        for part in parts:
            for line in zlib.decompress(part.data).split(b"\n"):
                yield _step(json.loads(line))
        for line in last:
            yield _step(json.loads(line))

    def _compress(self, now: float) -> None:
        data = zlib.compress(b"\n".join(self._open), 1)
        self._parts.append(_Part(now, data))
        self._kept_bytes += len(data)
        self._open, self._open_bytes = [], 0

    def _forget(self, now: float) -> None:
        while self._parts and (now - self._parts[0].ends > KEPT_FOR or self.size > MOST_BYTES):
            self._kept_bytes -= len(self._parts.popleft().data)


class RecentSink(BaseSink):
    """Has one service's cameras tell what is kept, which outlives the service.

    Args:
        recent: keeps it.
        settings: whose cameras they are.
    """

    def __init__(self, recent: RecentReadings, settings: Config) -> None:
        self._recent = recent
        self._settings = settings

    def open(self) -> None:
        """Goes on with what is kept."""
        self._recent.go_on_with(self._settings)

    def tell(self, camera: str, told: Told) -> None:
        """Keeps it."""
        self._recent.tell(camera, told)


def _row(camera: str, told: Told, left: list[str]) -> list[Any]:
    at = told.at
    readings = None if told.readings is None else [_reading_row(reading) for reading in told.readings]
    attributes = {name: _value_row(value) for name, value in told.attributes.items()}
    return [
        round(at.mono, 3),
        at.utc.timestamp(),
        at.synced,
        camera,
        readings,
        told.people,
        left,
        told.view,
        told.unwatched,
        attributes,
    ]


def _reading_row(reading: Reading) -> list[Any]:
    quality = reading.quality
    attributes = {name: _value_row(value) for name, value in reading.attributes.items()}
    return [reading.track_id, round(quality.value, 3), quality.faults, attributes]


def _value_row(value: AttributeValue) -> list[Any]:
    told = value.value if isinstance(value.value, str) else round(value.value, 4)
    confidence = None if value.confidence is None else round(value.confidence, 4)
    return [told, confidence, {label: round(score, 4) for label, score in value.scores.items()}, value.doubt]


def _step(row: list[Any]) -> Step:
    from edge_fer.trace.reader import Step  # noqa: PLC0415 - only for whoever tries something

    mono, utc, synced, camera, readings, people, left, view, unwatched, attributes = row
    at = Instant(mono, datetime.fromtimestamp(utc, UTC), synced)
    known = None if readings is None else tuple([_reading(camera, at, reading) for reading in readings])
    values = {name: _value(value) for name, value in attributes.items()}
    return Step(camera, at, known, people, tuple(left), View(view) if view else None, unwatched, values)


def _reading(camera: str, at: Instant, row: list[Any]) -> Reading:
    track_id, quality, faults, attributes = row
    values = {name: _value(value) for name, value in attributes.items()}
    return Reading(camera, track_id, at, Quality(quality, tuple(map(QualityFault, faults))), values)


def _value(row: list[Any]) -> AttributeValue:
    value, confidence, scores, doubt = row
    return AttributeValue(value, confidence, scores, Doubt(doubt) if doubt else None)
