"""A steady emotion from single readings. Pure: times are passed in as monotonic seconds."""

from __future__ import annotations

import math
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from edge_fer.types import Scores

__all__ = ["ExponentialSmoother", "ModeSmoother", "Smoothed"]

#: People remembered at once; who was seen longest ago is forgotten first, should nobody say that they left.
MAX_TRACKS = 256

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Smoothed:
    """A person's emotion over time.

    Attributes:
        label: the leading emotion, steadied; not always the highest of the scores.
        scores: smoothed probabilities, summing to 1.
    """

    label: str
    scores: Scores


class ExponentialSmoother:
    """An exponential average with a time constant, and a label that does not flip near a tie.

    Readings may come at any pace: one that comes `dt` seconds after the last moves the average by
    `1 - exp(-dt / time_constant)` of the way, so that the same face at 5 or at 30 frames a second is smoothed alike.

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
        self._people: _Memory[tuple[float, Smoothed]] = _Memory()

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
            return known[1] if known else None
        if known is None:
            smoothed = Smoothed(_leading(scores), scores)
        else:
            then, before = known
            smoothed = self._move(before, scores, max(0.0, mono - then))
            mono = max(mono, then)
        self._people.put(track_id, (mono, smoothed))
        return smoothed

    def forget(self, track_id: str, /) -> None:
        """Forgets a person who left; no harm if unknown."""
        self._people.drop(track_id)

    def _move(self, before: Smoothed, scores: Scores, seconds: float) -> Smoothed:
        share = -math.expm1(-seconds / self._time_constant) if self._time_constant else 1.0
        mixed = {label: old + share * (scores[label] - old) for label, old in before.scores.items()}
        leading = _leading(mixed)
        ahead = mixed[leading] - mixed[before.label] > self._margin
        return Smoothed(leading if ahead else before.label, mixed)


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
        self._people: _Memory[tuple[deque[Scores], Smoothed]] = _Memory()

    def update(self, track_id: str, scores: Scores | None, _mono: float, /) -> Smoothed | None:
        """Takes one reading of one person, as `ExponentialSmoother.update` does; the time does not matter."""
        known = self._people.get(track_id)
        if scores is None:
            return known[1] if known else None
        recent = known[0] if known else deque[Scores](maxlen=self._length)
        recent.append(scores)
        smoothed = Smoothed(self._mode(recent, known[1].label if known else None), _mean(recent))
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


class _Memory(Generic[T]):
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
