"""How content and how distressed people look over time: two numbers made of seconds by emotion.

Satisfaction is the mean valence of the time in which faces could be read, moved to 0 to 100:

    satisfaction = 50 + 50 * sum(weight[emotion] * seconds[emotion]) / sum(seconds)

With the default weights, happy is 1, angry, disgust, fear and sad are -1, neutral and surprise 0, so that 50 is
neither content nor not. Source of the idea: the circumplex model of affect (Russell, 1980), in which valence is one
of two axes, and the valence of facial-expression software, which sets happy against the negative expressions and
leaves surprise out because it may be either (Noldus FaceReader, methodology note).

Distress is the share of that time in which a distressed emotion led: low, moderate or high from two thresholds. It is
an indicator, never a diagnosis.

Seconds in which a face could not be read (`UNCERTAIN`) count for neither.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from edge_fer.types import UNCERTAIN, Distress, Instant, Reading

__all__ = ["MAX_GAP", "MoodScale", "MoodWindow", "Seconds", "Stint", "Stints", "read_seconds"]

#: Seconds by label, `UNCERTAIN` included.
Seconds: TypeAlias = Mapping[str, float]

#: A reading stands until the person's next, but no longer than so many seconds: beyond that nothing is known.
MAX_GAP = 1.0


@dataclass(frozen=True, slots=True)
class MoodScale:
    """How seconds by emotion become satisfaction and distress.

    Attributes:
        weights: of each emotion, -1 (as dissatisfied as can be) to 1 (as satisfied); one that is missing weighs 0.
        distressed: the emotions that count as distress.
        moderate: distress is moderate from this share on, 0 to 1.
        high: and high from this one on, at least `moderate`.
        min_read: with fewer readable seconds than this, neither is known.
    """

    weights: Mapping[str, float]
    distressed: frozenset[str]
    moderate: float
    high: float
    min_read: float = 0.0

    def satisfaction(self, seconds: Seconds) -> float | None:
        """The index, 0 to 100; None where too little could be read."""
        read = self._enough(seconds)
        if read is None:
            return None
        weighed = sum(self.weights.get(label, 0.0) * spent for label, spent in seconds.items() if label != UNCERTAIN)
        # rounding errors of the sum must not leave the scale
        return min(100.0, max(0.0, 50.0 + 50.0 * weighed / read))

    def distress_share(self, seconds: Seconds) -> float | None:
        """The share of readable time that a distressed emotion led, 0 to 1; None where too little could be read."""
        read = self._enough(seconds)
        if read is None:
            return None
        return min(1.0, sum(spent for label, spent in seconds.items() if label in self.distressed) / read)

    def distress(self, seconds: Seconds) -> Distress | None:
        """The level; None where too little could be read."""
        share = self.distress_share(seconds)
        return None if share is None else self.level(share)

    def level(self, share: float) -> Distress:
        """The level of a share."""
        if share >= self.high:
            return Distress.HIGH
        return Distress.MODERATE if share >= self.moderate else Distress.LOW

    def _enough(self, seconds: Seconds) -> float | None:
        read = read_seconds(seconds)
        return read if read > 0 and read >= self.min_read else None


def read_seconds(seconds: Seconds) -> float:
    """How many of the seconds could be read."""
    return sum(spent for label, spent in seconds.items() if label != UNCERTAIN)


class MoodWindow:
    """Seconds by label over the last so many seconds, of one person or of a whole scene.

    Keeps sums in buckets rather than readings, so its memory does not grow; the window is exact to one bucket.

        window = MoodWindow(60)
        for stint in stints.update(readings, left=left, at=at):
            window.add(stint.label, stint.seconds, at.mono)
        scale.satisfaction(window.seconds(at.mono))

    Args:
        length: of the window, in seconds, above 0.
        buckets: how many sums it is kept in, at least 1.
    """

    def __init__(self, length: float, *, buckets: int = 60) -> None:
        if not (length > 0 and buckets >= 1):
            msg = f"a window has a length above 0 and at least one bucket, not {length} s and {buckets}"
            raise ValueError(msg)
        self.length = length
        self._width = length / buckets
        self._count = buckets
        #: (number of the bucket, its sums), the oldest first
        self._buckets: deque[tuple[int, dict[str, float]]] = deque()
        self._whole: dict[str, float] = {}

    def add(self, label: str, seconds: float, mono: float) -> None:
        """Counts so many seconds of a label, which ended at `mono`; time that runs backwards counts as now."""
        number = int(mono // self._width)
        if not self._buckets or number > self._buckets[-1][0]:
            self._buckets.append((number, {}))
            self._forget(number)
        newest = self._buckets[-1][1]
        newest[label] = newest.get(label, 0.0) + seconds
        self._whole[label] = self._whole.get(label, 0.0) + seconds

    def seconds(self, mono: float) -> Seconds:
        """Seconds by label within the window that ends at `mono`."""
        if self._buckets:
            self._forget(max(int(mono // self._width), self._buckets[-1][0]))
        return self._whole

    def clear(self) -> None:
        """Forgets everything."""
        self._buckets.clear()
        self._whole = {}

    def _forget(self, newest: int) -> None:
        """Drops the buckets that the window has left; sums up anew, because subtracting would drift."""
        before = len(self._buckets)
        while self._buckets and self._buckets[0][0] <= newest - self._count:
            self._buckets.popleft()
        if len(self._buckets) < before:
            self._whole = {}
            for _, sums in self._buckets:
                for label, spent in sums.items():
                    self._whole[label] = self._whole.get(label, 0.0) + spent


class Stint(NamedTuple):
    """For so many seconds, a label stood for a person.

    Attributes:
        track_id: the person.
        label: the leading emotion, or `UNCERTAIN`.
        seconds: how long.
        attentive: whether their face could be read, clear or not.
        confidence: of the label, 0 to 1.
    """

    track_id: str
    label: str
    seconds: float
    attentive: bool
    confidence: float = 0.0


class Stints:
    """Makes seconds of one camera's readings: each stands until the next frame, at most `max_gap`.

    A person whom the detector misses in a frame keeps the last reading for as long; who has left, none.

    Args:
        max_gap: seconds.
    """

    def __init__(self, *, max_gap: float = MAX_GAP) -> None:
        self._max_gap = max_gap
        #: of each person's last reading: label, whether attentive, confidence, monotonic seconds
        self._standing: dict[str, tuple[str, bool, float, float]] = {}
        self._until = float("-inf")

    def update(self, readings: Iterable[Reading] | None, *, left: Iterable[str], at: Instant) -> list[Stint]:
        """What stood between the last frame and this one.

        Args:
            readings: one for each person found in this frame; None where nothing has changed since the last.
            left: ids of the people given up with this frame.
            at: when the frame was captured.
        """
        stints = self.pass_to(at.mono)
        self.stand(readings, left=left)
        return stints

    def pass_to(self, mono: float) -> list[Stint]:
        """What stood since it was last asked, until `mono`; what stands goes on."""
        begin, self._until = self._until, max(self._until, mono)
        return [
            Stint(who, label, seconds, attentive, confidence)
            for who, (label, attentive, confidence, since) in self._standing.items()
            if (seconds := min(self._until, since + self._max_gap) - max(begin, since)) > 0
        ]

    def stand(self, readings: Iterable[Reading] | None, *, left: Iterable[str]) -> None:
        """Lets these readings stand from now on; None confirms those that do."""
        now = self._until
        if readings is None:
            self._standing = {who: (*standing[:3], now) for who, standing in self._standing.items()}
        else:
            for reading in readings:
                attentive = not reading.quality.faults
                self._standing[reading.track_id] = reading.label, attentive, reading.confidence, now
        for who in left:
            self._standing.pop(who, None)
