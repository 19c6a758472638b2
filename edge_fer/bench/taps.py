"""Stands between a pipeline and its stages, and keeps count of what passes through."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from time import process_time
from typing import TypeVar

from edge_fer.bench.flicker import Sample
from edge_fer.emotion.smoothing import Smoothed
from edge_fer.faces.detectors.port import FaceDetector, FaceLooker
from edge_fer.inference.runtime import seconds_in_runtime
from edge_fer.pipeline.ports import ClassifierPort, SmootherPort
from edge_fer.types import Box, Face, Image, Reading, Scores

__all__ = ["CountedClassifier", "CountedDetector", "TappedSmoother"]

T = TypeVar("T")


class CountedDetector:
    """A detector that counts its faces.

    Attributes:
        faces: found so far.
        frames: in which at least one face was found.
        timed: whether `bare` counts.
        bare: processor seconds in the network itself; of a detector that is no TFLite model in all of it.
    """

    def __init__(self, detector: FaceDetector, looker: FaceLooker | None) -> None:
        self._detector = detector
        self._looker = looker
        self.timed = False
        self.faces = self.frames = 0
        self.bare = 0.0

    @property
    def name(self) -> str:
        """The detector's."""
        return self._detector.name

    def detect(self, image: Image) -> list[Face]:
        """Finds the faces."""
        found = self._counted(lambda: self._detector.detect(image))
        self.faces += len(found)
        self.frames += bool(found)
        return found

    @property
    def most_places(self) -> int:
        """The detector's."""
        return self._looker.most_places if self._looker else 0

    def look(self, image: Image, places: Sequence[Box], /) -> list[Face] | None:
        """Finds faces where they are expected; these are not counted, for they were found before."""
        looker = self._looker
        return self._counted(lambda: looker.look(image, places)) if looker else None

    def _counted(self, run: Callable[[], T]) -> T:
        if not self.timed:
            return run()
        before, begin = seconds_in_runtime(), process_time()
        found = run()
        self.bare += (seconds_in_runtime() - before) or (process_time() - begin)
        return found


class CountedClassifier:
    """A classifier that counts its faces.

    Attributes:
        faces: read so far.
        frames: in which at least one face was read.
        bare: processor seconds in the model itself, as far as its runs are timed.
    """

    def __init__(self, classifier: ClassifierPort) -> None:
        self._classifier = classifier
        self.faces = self.frames = 0
        self.bare = 0.0

    def read(self, crops: Sequence[Image], /) -> list[Scores | None]:
        """Reads emotions."""
        before = seconds_in_runtime()
        scores = self._classifier.read(crops)
        self.bare += seconds_in_runtime() - before
        self.faces += len(crops)
        self.frames += bool(crops)
        return scores


class TappedSmoother:
    """A smoother that keeps what goes into it beside what is told in the end.

    Args:
        smoother: does the work.
        keep: readings kept; of more, the last ones.
    """

    def __init__(self, smoother: SmootherPort, *, keep: int) -> None:
        self._smoother = smoother
        self._now: dict[str, tuple[Scores | None, Smoothed | None]] = {}
        self._kept: deque[tuple[str, Sample]] = deque(maxlen=keep)

    def update(self, track_id: str, scores: Scores | None, mono: float, /) -> Smoothed | None:
        """Takes one reading of one person."""
        smoothed = self._smoother.update(track_id, scores, mono)
        self._now[track_id] = scores, smoothed
        return smoothed

    def forget(self, track_id: str, /) -> None:
        """Forgets a person who left."""
        self._smoother.forget(track_id)

    def told(self, readings: Sequence[Reading]) -> None:
        """Takes what became of the readings of one frame."""
        for reading in readings:
            if reading.track_id not in self._now:  # the face was not read in this frame
                continue
            raw, smoothed = self._now[reading.track_id]
            sample = Sample(reading.at.mono, raw, smoothed.label if smoothed else None, reading.label)
            self._kept.append((reading.track_id, sample))
        self._now.clear()

    def people(self) -> list[list[Sample]]:
        """The readings of each person."""
        by_person: dict[str, list[Sample]] = {}
        for who, sample in self._kept:
            by_person.setdefault(who, []).append(sample)
        return list(by_person.values())
