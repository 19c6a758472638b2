"""How steady labels are, and how late a change of expression shows. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations
from statistics import fmean

from edge_fer.emotion.doubt import doubt_of
from edge_fer.emotion.smoothing import Smoothed
from edge_fer.pipeline.ports import SmootherPort
from edge_fer.types import Scores

__all__ = ["Sample", "Stretch", "leading", "percentile", "steady_stretches", "step_delays", "switches_per_second"]

#: How long an expression must last to count as one, seconds.
STEADY = 1.0
#: Share of its single readings that must agree on it.
AGREE = 0.9
#: Most steps tried; of more, so many evenly chosen ones.
MOST_STEPS = 400
#: Seconds for which each side of a step is played: long enough for any trace of what was before to fade.
PLAYED = 5.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading of one person.

    Attributes:
        mono: when, seconds.
        raw: scores of the label set before smoothing; None where the face could not be read.
        smoothed: the leading emotion after smoothing; None while nothing has been read.
        told: what is told, `uncertain` included.
    """

    mono: float
    raw: Scores | None
    smoothed: str | None
    told: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """A second in which somebody's single readings agreed."""

    label: str
    scores: tuple[Scores, ...]


def leading(scores: Scores | None) -> str | None:
    """The emotion that scores highest."""
    return max(scores, key=scores.__getitem__) if scores else None


def switches_per_second(people: Iterable[Sequence[Sample]], label: Callable[[Sample], str | None]) -> float:
    """How often a label changed, over all the time that people were in view; 0 where nobody was.

    Args:
        people: the readings of each, in order.
        label: takes the label out of a reading; where it gives None, the one before goes on.
    """
    switches, seconds = 0, 0.0
    for samples in people:
        labels = [found for sample in samples if (found := label(sample)) is not None]
        switches += sum(one != other for one, other in pairwise(labels))
        seconds += samples[-1].mono - samples[0].mono if samples else 0.0
    return switches / seconds if seconds > 0 else 0.0


def steady_stretches(people: Iterable[Sequence[Sample]], *, min_confidence: float) -> list[Stretch]:
    """Seconds in which a person's expression was one and the same, going by single readings and not by smoothed ones.

    Args:
        people: the readings of each, in order.
        min_confidence: the mean score, 0 to 1, that the expression must have: less would be told as uncertain.
    """
    found = []
    for samples in people:
        window: list[Sample] = []
        for sample in samples:
            if window and sample.mono - window[0].mono >= STEADY:
                found += _steady(window, min_confidence)
                window = []
            window.append(sample)
    return found


def step_delays(
    stretches: Sequence[Stretch], make_smoother: Callable[[], SmootherPort], *, min_confidence: float, min_lead: float
) -> list[float]:
    """How late, in seconds, each change from one steady expression to another is told; infinite where it never is.

    Readings are spliced, and not pictures: the model has no memory, so it would say of spliced faces what it said of
    these, while a face that jumped across the picture would count as another person. Each stretch is played over
    until what was before has faded.

    Args:
        stretches: of at least two labels; else there is no step.
        make_smoother: makes a smoother with no memory.
        min_confidence: what a leading emotion must score to be told.
        min_lead: how far it must be ahead of every other.
    """
    pairs = [(one, other) for one, other in permutations(stretches, 2) if one.label != other.label]
    chosen = pairs[:: -(-len(pairs) // MOST_STEPS)] if pairs else []

    def is_told(smoothed: Smoothed) -> bool:
        return doubt_of(smoothed.label, smoothed.scores, min_confidence=min_confidence, min_lead=min_lead) is None

    return [_delay(before, after, make_smoother(), is_told) for before, after in chosen]


def percentile(delays: Sequence[float], share: float) -> float | None:
    """The delay, rounded to milliseconds, that so great a share of them do not exceed; None if that is infinite."""
    if not delays:
        return None
    found = sorted(delays)[max(0, math.ceil(share * len(delays)) - 1)]
    return None if math.isinf(found) else round(found, 3)


def _steady(window: Sequence[Sample], min_confidence: float) -> list[Stretch]:
    """The window as a stretch, or nothing."""
    scores = [sample.raw for sample in window if sample.raw is not None]
    if len(scores) < AGREE * len(window) or len(scores) < 3:
        return []
    label, agreeing = Counter(max(one, key=one.__getitem__) for one in scores).most_common(1)[0]
    if agreeing < AGREE * len(scores) or fmean(one[label] for one in scores) < min_confidence:
        return []
    return [Stretch(label, tuple(scores))]


def _delay(before: Stretch, after: Stretch, smoother: SmootherPort, is_told: Callable[[Smoothed], bool]) -> float:
    for mono, scores in _played(before):
        smoother.update("somebody", scores, mono - PLAYED)
    for mono, scores in _played(after):
        smoothed = smoother.update("somebody", scores, mono)
        if smoothed and smoothed.label == after.label and is_told(smoothed):
            return mono
    return math.inf


def _played(stretch: Stretch) -> Iterable[tuple[float, Scores]]:
    """The stretch's readings, over and over, with the time of each."""
    period = STEADY / len(stretch.scores)
    return ((index * period, stretch.scores[index % len(stretch.scores)]) for index in range(int(PLAYED / period)))
