"""What happened in a trace over time, in so few columns that it fits a picture, however long it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from edge_fer.recordings.trace.reader import Step
from edge_fer.types import Instant

__all__ = ["Column", "TraceTimeline"]

#: So many columns at most; when they are full, two become one.
COLUMNS = 480


@dataclass(slots=True)
class Column:
    """What was read in a stretch of time: how many readings of each label, and the most people in view."""

    labels: Counter[str] = field(default_factory=Counter)
    people: int = 0


class TraceTimeline:
    """Collects the steps of a trace while they pass.

    Attributes:
        seconds: width of a column.
        columns: by camera.
        first: when the trace begins; None before the first step.
        last: when it ends.
    """

    def __init__(self) -> None:
        self.seconds = 1.0
        self.columns: dict[str, list[Column]] = {}
        self.first: Instant | None = None
        self.last: Instant | None = None

    def watching(self, steps: Iterable[Step]) -> Iterator[Step]:
        """The steps as they come, each noted."""
        for step in steps:
            self._note(step)
            yield step

    def _note(self, step: Step) -> None:
        self.first = self.first or step.at
        self.last = step.at
        index = max(0, int((step.at.mono - self.first.mono) / self.seconds))
        while index >= COLUMNS:
            self.seconds *= 2
            self.columns = {camera: _halved(columns) for camera, columns in self.columns.items()}
            index //= 2
        columns = self.columns.setdefault(step.camera, [])
        while len(columns) <= index:
            columns.append(Column())
        column = columns[index]
        column.people = max(column.people, step.people)
        for reading in step.readings or ():
            column.labels[reading.label] += 1


def _halved(columns: list[Column]) -> list[Column]:
    pairs = [columns[index : index + 2] for index in range(0, len(columns), 2)]
    return [Column(sum((one.labels for one in pair), Counter()), max(one.people for one in pair)) for pair in pairs]
