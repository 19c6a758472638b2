"""Stands between a pipeline and its tracker, and remembers where everybody's face is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edge_fer.faces.people.tracking import TrackingStep
from edge_fer.pipeline.ports import TrackerPort
from edge_fer.types import Box, Face, Instant, Track

__all__ = ["TappedTracker"]


class TappedTracker:
    """A tracker that remembers its last step.

    Attributes:
        faces: by track id, of everybody in view as last found; for those missed in the last frame, as before.
    """

    def __init__(self, tracker: TrackerPort) -> None:
        self._tracker = tracker
        self.faces: Mapping[str, Face] = {}

    def expected(self, at: Instant) -> Mapping[str, Box]:
        """Where everybody should be."""
        return self._tracker.expected(at)

    def update(self, faces: Sequence[Face] | None, at: Instant, followed: Mapping[str, Face], /) -> TrackingStep:
        """Makes people of faces."""
        step = self._tracker.update(faces, at, followed)
        self.faces = {track.id: track.face for track in (*step.visible, *step.coasting)}
        return step

    def rest(self, at: Instant, /) -> None:
        """Nothing has changed."""
        self._tracker.rest(at)

    def clear(self) -> tuple[Track, ...]:
        """Gives everybody up."""
        self.faces = {}
        return self._tracker.clear()
