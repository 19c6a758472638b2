"""The sink that writes readings into a trace, while cameras are watched."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from edge_fer import __version__
from edge_fer.config.tree import Config
from edge_fer.errors import TraceError
from edge_fer.pipeline.step import Told
from edge_fer.sinks.base import BaseSink, SinkHealth
from edge_fer.trace.writer import TraceWriter
from edge_fer.types import LABEL_SETS

__all__ = ["MOST_BYTES", "TraceRecording", "TraceSink"]

log = logging.getLogger(__name__)

#: Four days of one person at ten readings a second, about.
MOST_BYTES = 500_000_000


class TraceRecording:
    """A trace that is being written; stops by itself when the file is full, or cannot be written.

    Args:
        path: of the trace.
        settings: whose cameras are recorded.
        most_bytes: the file is full at this size.
        most_seconds: and after this time.
        on_end: called once there is no more to record.

    Attributes:
        error: what ended it, if it was not the file's being full.
        steps: how many frames were written.

    Raises:
        TraceError: the file exists, or cannot be made.
    """

    def __init__(
        self,
        path: Path,
        settings: Config,
        *,
        most_bytes: int = MOST_BYTES,
        most_seconds: float = float("inf"),
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        self.error: TraceError | None = None
        self._on_end = on_end
        self._ended = False
        self._labels = _labels(settings)
        self._writer = TraceWriter(
            path, self._labels, made_by=__version__, most_bytes=most_bytes, most_seconds=most_seconds
        )

    @property
    def steps(self) -> int:
        """How many frames were written."""
        return self._writer.steps

    @property
    def ended(self) -> bool:
        """Whether there is no more to record."""
        return self._ended

    def tell(self, camera: str, told: Told) -> None:
        """Takes what one step of a camera's pipeline tells."""
        if told.people is None or self._ended:
            return
        try:
            self._writer.step(
                camera,
                told.at,
                told.readings,
                people=told.people,
                left=told.left,
                view=told.view,
                unwatched=told.unwatched,
                attributes=told.attributes,
            )
        except TraceError as error:
            # watching goes on, whatever becomes of the trace
            self.error = error
            log.warning("the recording has ended: %s", error)
        if self.error or self._writer.full:
            self._ended = True
            self._on_end()

    def go_on_with(self, settings: Config) -> None:
        """Goes on with a config read anew; one with other cameras or labels ends it, for a trace names them first."""
        if not self._ended and _labels(settings) != self._labels:
            log.warning("the recording has ended: the config has other cameras or labels now, which need a new trace")
            self._ended = True
            self._on_end()

    def close(self) -> None:
        """Ends the file in good order."""
        try:
            self._writer.close()
        except TraceError as error:
            self.error = self.error or error


class TraceSink(BaseSink):
    """Writes what one service's cameras tell into a recording, which outlives the service.

    Args:
        recording: the trace; whoever began it ends it.
        settings: whose cameras are recorded.
    """

    def __init__(self, recording: TraceRecording, settings: Config) -> None:
        self._recording = recording
        self._settings = settings

    def open(self) -> None:
        """Goes on with the recording, unless the config has other cameras or labels now."""
        self._recording.go_on_with(self._settings)

    def tell(self, camera: str, told: Told) -> None:
        """Writes it down."""
        self._recording.tell(camera, told)

    def health(self) -> SinkHealth:
        """Whether it still records."""
        return SinkHealth(working=not self._recording.ended)


def _labels(settings: Config) -> dict[str, tuple[str, ...]]:
    """Each camera's labels."""
    return {name: LABEL_SETS[camera.emotion.labels] for name, camera in settings.cameras.items()}
