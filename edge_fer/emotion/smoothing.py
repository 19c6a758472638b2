"""A steady emotion from single readings. Pure: times are passed in as monotonic seconds."""

from __future__ import annotations

import math
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from edge_fer.types import Scores

__all__ = ["SHARE_OF_ONE", "ExponentialSmoother", "ModeSmoother", "Smoothed"]

#: People remembered at once; who was seen longest ago is forgotten first, should nobody say that they left.
MAX_TRACKS = 256
#: By how much, 0 to 1, another emotion's score must exceed the present one's to count for a change, at least.
SLACK = 0.3
#: The sum at which the expression has changed, in time constants; half of one where readings are as sure as can be.
LIMIT = 0.35
#: For how much of a time constant one reading counts at most: three are needed.
SHARE_OF_ONE = 0.2
#: How far from the average, 0 to 1, a reading's score for the present emotion may be while that counts as settled.
NEAR = 0.25

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Smoothed:
    """A person's emotion over time.

    Attributes:
        label: the leading emotion, steadied; not always the highest of the scores.
        scores: smoothed probabilities, summing to 1.
        settled: whether nothing is about to change: no other emotion has begun to take its place, and what was read
            last is near the average; None where that cannot be said, because each reading counts.
    """

    label: str
    scores: Scores
    settled: bool | None = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class _Rival:
    """An emotion that has been ahead of the present one in single readings.

    Attributes:
        sum: of how far it was ahead, less the slack, times seconds; above 0.
        seconds: how long the readings count that are in it.
        scores: sums of all scores times seconds, in these readings.
    """

    sum: float
    seconds: float
    scores: Scores


@dataclass(frozen=True, slots=True)
class _SmoothedPerson:
    """What an `ExponentialSmoother` knows of somebody: up to when, their emotion, and what may take its place."""

    mono: float
    smoothed: Smoothed
    rivals: Mapping[str, _Rival] = field(default_factory=dict)


class ExponentialSmoother:
    """An exponential average with a time constant, which is quick where readings agree surely on another emotion.

    Readings may come at any pace: one that comes `dt` seconds after the last moves the average by
    `1 - exp(-dt / time_constant)` of the way, so that the same face at 5 or at 30 frames a second is smoothed alike.
    The label changes when another emotion leads by a margin, so that it does not flip near a tie.

    Beside the average, a CUSUM test (Page, "Continuous inspection schemes", 1954) watches each other emotion. It adds
    up by how much the emotion's score exceeds that of the present label, less a slack, over time, and starts again at
    zero where the sum falls below. When the sum reaches its limit, the expression has changed, and the average starts
    anew from the mean of the readings since the sum left zero. Slack and limit are such that wavering readings never
    get there, that it takes at least half a time constant, however sure the readings are, and at least three of them.

    Args:
        time_constant: seconds after which a change of face has got 63 % of the way; 0 for none.
        margin: by how much, 0 to 1, another emotion must lead the present one to take its place.
    """

    def __init__(self, time_constant: float, *, margin: float = 0.1) -> None:
        if not (time_constant >= 0 and 0 <= margin < 1):
            msg = f"time_constant must be at least 0 and margin in 0 to 1, not {time_constant} and {margin}"
            raise ValueError(msg)
        self._time_constant = time_constant
        self._margin = margin
        self._slack = max(SLACK, margin)
        self._people: _BoundedMemory[_SmoothedPerson] = _BoundedMemory()

    def update(self, track_id: str, scores: Scores | None, mono: float, /) -> Smoothed | None:
        """Takes one reading of one person.

        Args:
            track_id: the person.
            scores: what was read; None where the face could not be read, which moves nothing.
            mono: monotonic seconds.

        Returns:
            The person's emotion; None while nothing has been read of them.
        """
        known = self._people.get(track_id)
        if scores is None:
            return known.smoothed if known else None
        if known is None:
            person = _SmoothedPerson(mono, Smoothed(_leading(scores), scores))
        else:
            person = self._move(known, scores, max(0.0, mono - known.mono))
        self._people.put(track_id, person)
        return person.smoothed

    def forget(self, track_id: str, /) -> None:
        """Forgets a person who left; no harm if unknown."""
        self._people.drop(track_id)

    def _move(self, known: _SmoothedPerson, scores: Scores, seconds: float) -> _SmoothedPerson:
        before, mono = known.smoothed, known.mono + seconds
        rivals = self._rivals(known, scores, seconds)
        strongest = max(rivals.values(), key=lambda rival: rival.sum, default=None)
        if strongest is not None and strongest.sum >= LIMIT * self._time_constant:
            mean = {label: total / strongest.seconds for label, total in strongest.scores.items()}
            return _SmoothedPerson(mono, Smoothed(_leading(mean), mean))
        share = -math.expm1(-seconds / self._time_constant) if self._time_constant else 1.0
        mixed = {label: old + share * (scores[label] - old) for label, old in before.scores.items()}
        leading = _leading(mixed)
        if mixed[leading] - mixed[before.label] > self._margin:
            return _SmoothedPerson(mono, Smoothed(leading, mixed))
        settled = not rivals and abs(scores[before.label] - mixed[before.label]) < NEAR
        return _SmoothedPerson(mono, Smoothed(before.label, mixed, settled=settled), rivals)

    def _rivals(self, known: _SmoothedPerson, scores: Scores, seconds: float) -> dict[str, _Rival]:
        """The emotions for which the sum is above zero after this reading."""
        # without a time constant, each reading counts alone anyway
        stood = min(seconds, SHARE_OF_ONE * self._time_constant)
        label = known.smoothed.label
        found = {}
        for other, score in scores.items():
            rival = known.rivals.get(other)
            total = (rival.sum if rival else 0.0) + (score - scores[label] - self._slack) * stood
            if total > 0 and other != label:
                old = rival or _Rival(0.0, 0.0, dict.fromkeys(scores, 0.0))
                added = {name: old.scores[name] + value * stood for name, value in scores.items()}
                found[other] = _Rival(total, old.seconds + stood, added)
        return found


class ModeSmoother:
    """The emotion that led most often among the last readings, and the mean of their scores.

    Args:
        length: how many readings count, at least 1.
    """

    def __init__(self, length: int) -> None:
        if length < 1:
            msg = f"length must be at least 1, not {length}"
            raise ValueError(msg)
        self._length = length
        self._people: _BoundedMemory[tuple[deque[Scores], Smoothed]] = _BoundedMemory()

    def update(self, track_id: str, scores: Scores | None, _mono: float, /) -> Smoothed | None:
        """Takes one reading of one person, as `ExponentialSmoother.update` does; the time does not matter."""
        known = self._people.get(track_id)
        if scores is None:
            return known[1] if known else None
        recent = known[0] if known else deque[Scores](maxlen=self._length)
        recent.append(scores)
        # what counts is how many readings there were, so that none may be left out
        smoothed = Smoothed(self._mode(recent, known[1].label if known else None), _mean(recent), settled=None)
        self._people.put(track_id, (recent, smoothed))
        return smoothed

    def forget(self, track_id: str, /) -> None:
        """Forgets a person who left; no harm if unknown."""
        self._people.drop(track_id)

    @staticmethod
    def _mode(recent: deque[Scores], before: str | None) -> str:
        counts = Counter(_leading(scores) for scores in recent)
        most = max(counts.values())
        tied = [label for label, count in counts.items() if count == most]
        # A tie keeps the label, else takes the older one: neither flips back and forth.
        return before if before in tied else tied[0]


class _BoundedMemory(Generic[T]):
    """What is known of each person, bounded."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, T] = OrderedDict()

    def get(self, track_id: str) -> T | None:
        return self._known.get(track_id)

    def put(self, track_id: str, value: T) -> None:
        self._known[track_id] = value
        self._known.move_to_end(track_id)
        if len(self._known) > MAX_TRACKS:
            self._known.popitem(last=False)

    def drop(self, track_id: str) -> None:
        self._known.pop(track_id, None)


def _leading(scores: Scores) -> str:
    key: Callable[[str], float] = scores.__getitem__
    return max(scores, key=key)


def _mean(recent: deque[Scores]) -> Scores:
    return {label: sum(scores[label] for scores in recent) / len(recent) for label in recent[0]}
