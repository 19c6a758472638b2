"""What an invented year amounts to, worked out by other code than ours, straight from its frames.

It shares nothing with the package: hours come from the time zone database by way of `datetime`, sums are plain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from tests.history.year import BERLIN, STEP, FrameSeen, confidence_of

#: Labels that count for and against satisfaction, and as distress, in `tests.rules.kit.SCALE`.
GOOD, BAD, DISTRESSED = {"happy"}, {"angry", "disgust", "fear", "sad"}, {"angry", "fear", "sad"}


@dataclass
class Sums:
    """What happened in a time."""

    watched: float = 0.0
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    #: who was there, by hour, because whoever is there in two hours counts twice
    visits: set[tuple[int, str]] = field(default_factory=set)
    arrived: int = 0
    alerts: list[tuple[int, int]] = field(default_factory=list)

    @property
    def read(self) -> float:
        return sum(spent for label, spent in self.seconds.items() if label != "uncertain")

    @property
    def satisfaction(self) -> float | None:
        if not self.read:
            return None
        good = sum(self.seconds[label] for label in GOOD)
        return 50 + 50 * (good - sum(self.seconds[label] for label in BAD)) / self.read

    @property
    def distress(self) -> float | None:
        return sum(self.seconds[label] for label in DISTRESSED) / self.read if self.read else None

    @property
    def leads(self) -> str:
        known = {label: spent for label, spent in self.seconds.items() if label != "uncertain"}
        return max(known, key=known.__getitem__) if self.read else ""

    @property
    def confidence(self) -> float | None:
        known = {label: spent for label, spent in self.seconds.items() if label != "uncertain"}
        return sum(confidence_of(label) * spent for label, spent in known.items()) / self.read if self.read else None

    def share(self, label: str) -> float:
        return self.seconds[label] / self.read

    @property
    def uncertain(self) -> float:
        return self.seconds["uncertain"] / sum(self.seconds.values())


@dataclass
class ByHand:
    """Sums by hour; an hour is known by the seconds since 1970 at which it begins."""

    hours: dict[int, Sums] = field(default_factory=lambda: defaultdict(Sums))

    def play(self, seen: Iterable[FrameSeen]) -> None:
        began: dict[str, int] = {}
        last: FrameSeen | None = None
        for frame in seen:
            if last is not None:
                self._count(last, min(frame.at - last.at, STEP))
            for number, over in frame.alerts:
                if over:
                    begin = began.pop(number)
                    self._of(begin).alerts.append((begin, frame.at))
                else:
                    began[number] = frame.at
            self._of(frame.at).arrived += len(frame.came)
            last = frame
        if last is not None:
            self._count(last, STEP)

    def _count(self, frame: FrameSeen, lasted: float) -> None:
        """What one frame shows stands until the next."""
        sums, hour = self._of(frame.at), frame.at // 3600
        sums.watched += lasted
        for who, label in frame.people.items():
            sums.seconds[label] += lasted
            sums.visits.add((hour, who))

    def _of(self, at: int) -> Sums:
        # an hour of Berlin's clock begins with one of UTC
        return self.hours[at - at % 3600]

    def week(self, year: int, week: int) -> ByHand:
        """One week alone."""
        return ByHand({at: of for at, of in self.hours.items() if local(at).isocalendar()[:2] == (year, week)})

    def day(self, day: date) -> Sums:
        return self.whole(at for at in self.hours if local(at).date() == day)

    def field(self, weekday: int, hour: int) -> Sums:
        return self.whole(at for at in self.hours if (local(at).weekday(), local(at).hour) == (weekday, hour))

    def whole(self, which: Iterable[int] | None = None) -> Sums:
        """Several hours as one."""
        sums = Sums()
        for at in sorted(self.hours if which is None else which):
            of = self.hours[at]
            sums.watched += of.watched
            sums.visits |= of.visits
            sums.arrived += of.arrived
            sums.alerts += of.alerts
            for label, spent in of.seconds.items():
                sums.seconds[label] += spent
        return sums


def local(at: int) -> datetime:
    return datetime.fromtimestamp(at, BERLIN)
