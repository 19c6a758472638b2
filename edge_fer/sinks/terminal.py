"""The sink that shows events and alerts as they happen, a line each, for somebody who watches."""

from __future__ import annotations

import logging
from collections.abc import Callable

from edge_fer.pipeline.step import Told
from edge_fer.sinks.base import BaseSink, SinkHealth
from edge_fer.types import AlertChange, Event, EventKind

__all__ = ["Terminal"]

log = logging.getLogger(__name__)

_WORDS = {
    EventKind.APPEARED: "appeared",
    EventKind.EMOTION_CHANGED: "changed",
    EventKind.CHANGED: "changed",
    EventKind.LEFT: "left",
}


class Terminal(BaseSink):
    """Prints events and alerts as they happen.

    Args:
        say: prints one line; OSError where nobody reads any more.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._gone = False

    def tell(self, camera: str, told: Told) -> None:
        """Prints one line for each thing told."""
        for event in told.events:
            self._line(event.at.utc.astimezone().strftime("%H:%M:%S"), camera, _event(event))
        for change in told.changes:
            self._line(change.at.utc.astimezone().strftime("%H:%M:%S"), camera, _alert(change))

    def health(self) -> SinkHealth:
        """Whether anybody reads it."""
        return SinkHealth(working=not self._gone)

    def _line(self, time: str, camera: str, text: str) -> None:
        if self._gone:
            return
        try:
            self._say(f"{time}  {camera}  {text}")
        except OSError as error:
            # whoever watched has gone, and the daemon goes on
            self._gone = True
            log.warning("what is seen is shown no longer: %s", error.strerror or error)


def _event(event: Event) -> str:
    reading = event.reading
    emotion = f"{reading.label} {reading.confidence:.0%}"
    if event.kind is EventKind.EMOTION_CHANGED:
        emotion = f"{event.previous} → {emotion}"
    if event.attribute is not None:
        before = "" if event.previous is None else f"{_shown(event.previous)} → "
        emotion = f"{event.attribute}: {before}{_shown(reading.attributes[event.attribute].value)}"
    seen = f"  after {event.duration:.1f} s" if event.kind is EventKind.LEFT else ""
    return f"{_WORDS[event.kind]:8}  {reading.track_id}  {emotion}{seen}"


def _shown(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _alert(change: AlertChange) -> str:
    alert = change.alert
    word = "resolved" if change.resolved else "ALERT"
    measured = f"{alert.value:.2f}, threshold {alert.threshold:.2f}"
    return f"{word:8}  {alert.track_id or 'scene'}  {alert.rule} ({alert.severity}): {measured}"
