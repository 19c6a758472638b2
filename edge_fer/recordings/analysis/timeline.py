"""Who showed what for how long, over a recording of any length, in a memory that does not grow with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from edge_fer.rules.scene.mood import Stint

__all__ = ["AnalysisTimeline", "Columns", "Person"]

#: Seconds by label in each column that has any, by the column's number.
Columns: TypeAlias = dict[int, dict[str, float]]

#: So many columns at most; when they are full, two become one.
COLUMNS = 480
#: Seconds of a column at first.
FINEST = 0.25
#: So many people are told one by one; of more, those who were in view longest.
MOST_PEOPLE = 60


@dataclass(slots=True)
class Person:
    """Somebody in view.

    Attributes:
        number: counts the people of the recording, from 1.
        track_id: the random id under which they were told.
        since: when they were first read, in seconds of the recording.
        until: when last.
        columns: what they showed.
        present: whether they have not left yet.
    """

    number: int
    track_id: str
    since: float
    until: float
    columns: Columns = field(default_factory=dict)
    present: bool = True

    @property
    def in_view(self) -> float:
        """Seconds from the first reading to the last."""
        return self.until - self.since

    def totals(self) -> dict[str, float]:
        """Seconds by label."""
        return summed(self.columns.values())


class AnalysisTimeline:
    """Collects what stood for whom, while a recording is looked at.

    Attributes:
        width: seconds of a column.
        scene: what everybody together showed.
        people: those who are told one by one, by their track ids.
        count: how many people there were in all.
    """

    def __init__(self) -> None:
        self.width = FINEST
        self.scene: Columns = {}
        self.people: dict[str, Person] = {}
        self.count = 0
        self._ignored: set[str] = set()

    @property
    def left_out(self) -> int:
        """How many people are not told one by one."""
        return self.count - len(self.people)

    def take(self, stints: Iterable[Stint], begin: float) -> None:
        """Counts what stood from `begin` on, in seconds of the recording."""
        for stint in stints:
            if stint.track_id in self._ignored:
                person = None
            elif (person := self.people.get(stint.track_id)) is None:
                person = self._welcome(stint.track_id, begin)
            end = begin + stint.seconds
            self._widen(end)
            self._add(self.scene, stint.label, begin, end)
            if person:
                person.until = end
                self._add(person.columns, stint.label, begin, end)

    def leave(self, track_ids: Iterable[str]) -> None:
        """These people have left."""
        for track_id in track_ids:
            self._ignored.discard(track_id)
            if person := self.people.get(track_id):
                person.present = False

    def totals(self) -> dict[str, float]:
        """Seconds by label, added up over people."""
        return summed(self.scene.values())

    def _welcome(self, track_id: str, begin: float) -> Person | None:
        self.count += 1
        if len(self.people) >= MOST_PEOPLE:
            gone = [person for person in self.people.values() if not person.present]
            if not gone:
                self._ignored.add(track_id)
                return None
            del self.people[min(gone, key=lambda person: person.in_view).track_id]
        self.people[track_id] = Person(self.count, track_id, begin, begin)
        return self.people[track_id]

    def _add(self, columns: Columns, label: str, begin: float, end: float) -> None:
        """Spreads a label's time over the columns in which it falls."""
        index = int(begin / self.width)
        while begin < end:
            border = (index + 1) * self.width
            column = columns.setdefault(index, {})
            column[label] = column.get(label, 0.0) + min(end, border) - begin
            begin, index = border, index + 1

    def _widen(self, end: float) -> None:
        while end > COLUMNS * self.width:
            self.width *= 2
            self.scene = _halved(self.scene)
            for person in self.people.values():
                person.columns = _halved(person.columns)


def summed(columns: Iterable[dict[str, float]]) -> dict[str, float]:
    """Seconds by label over several columns."""
    totals: dict[str, float] = {}
    for column in columns:
        for label, seconds in column.items():
            totals[label] = totals.get(label, 0.0) + seconds
    return totals


def _halved(columns: Columns) -> Columns:
    halved: Columns = {}
    for index, column in columns.items():
        halved[index // 2] = summed([halved.get(index // 2, {}), column])
    return halved
