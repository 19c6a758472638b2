"""How moods differ between recordings of the same place, and how sure that is. Pure.

Each recording is taken for a sample of what the place is like at such a time. Moments that follow one another are much
alike, so that counting frames would promise far too much; what is drawn again is blocks of time (Künsch, "The jackknife
and the bootstrap for general stationary observations", Annals of Statistics 17, 1989), around the end and back to the
beginning, so that each moment is drawn as often (Politis and Romano, "A circular block-resampling procedure for
stationary data", 1992). Blocks grow with the third root of the length (Hall, Horowitz and Jing, "On blocking rules for
the bootstrap with dependent data", Biometrika 82, 1995), and are no shorter than a mood commonly lasts.
Intervals are percentiles of the draws, stretched as Student's t is wider than the normal distribution, because
few blocks know little of how much they differ.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

__all__ = ["Compared", "Difference", "Estimate", "Measure", "Series", "compare"]

#: Draws for each recording, and what they start from: the same recordings give the same intervals.
DRAWS = 4000
SEED = 20_260_101
#: Shortest block, in seconds, and the constant before the third root of the length.
SHORTEST, BLOCKS = 30.0, 10.0
#: With fewer blocks in a recording than this, nobody can say how sure it is.
FEWEST = 6
#: Share of the draws that an interval holds.
COVERS = 0.95


@dataclass(frozen=True, slots=True)
class Series:
    """A recording's seconds by label over time.

    Attributes:
        name: of the recording.
        width: seconds of a column.
        seconds: (columns, labels) float64.
    """

    name: str
    width: float
    seconds: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measure:
    """A weighted mean over readable time, 0 to 100: `offset + scale * sum(weights * seconds) / sum(counts * seconds)`.

    Attributes:
        name: what it tells.
        weights: (labels,) float64.
        counts: (labels,) float64, 1 for each label whose time is in the denominator, else 0.
        scale: see above.
        offset: likewise.
    """

    name: str
    weights: NDArray[np.float64]
    counts: NDArray[np.float64]
    scale: float = 100.0
    offset: float = 0.0

    def of(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """The value for each row of seconds by label; not a number where there is no readable time."""
        whole = seconds @ self.counts
        with np.errstate(invalid="ignore", divide="ignore"):
            share: NDArray[np.float64] = (seconds @ self.weights) / np.where(whole > 0, whole, np.nan)
        return self.offset + self.scale * share


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and its interval; None where it is not known, or not how surely."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Difference:
    """How much higher a recording is than the first one.

    Attributes:
        by: the difference and its interval.
        sure: whether the interval leaves no doubt about the direction.
    """

    by: Estimate
    sure: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """One measure over all recordings.

    Attributes:
        measure: its name.
        values: one a recording.
        changes: against the first recording, one for each of the others.
    """

    measure: str
    values: Sequence[Estimate]
    changes: Sequence[Difference]


def compare(recordings: Sequence[Series], measures: Sequence[Measure]) -> list[Compared]:
    """Every measure over all recordings, the first of which the others are held against."""
    random = np.random.default_rng(SEED)
    draws = [_draw(series, random) for series in recordings]
    return [_compared(measure, recordings, draws) for measure in measures]


def _compared(measure: Measure, recordings: Sequence[Series], draws: Sequence[_Draws]) -> Compared:
    wholes = [float(measure.of(series.seconds.sum(axis=0)[None])[0]) for series in recordings]
    drawn = [measure.of(one.seconds) for one in draws]
    values = [
        _estimate(whole, rows, one.stretch, least=0.0) for whole, rows, one in zip(wholes, drawn, draws, strict=True)
    ]
    changes = []
    for whole, rows, one in zip(wholes[1:], drawn[1:], draws[1:], strict=True):
        both = rows - drawn[0] if len(rows) and len(drawn[0]) else rows[:0]
        by = _estimate(whole - wholes[0], both, max(one.stretch, draws[0].stretch))
        changes.append(Difference(by, by.low is not None and by.high is not None and not by.low <= 0 <= by.high))
    return Compared(measure.name, values, changes)


@dataclass(frozen=True, slots=True)
class _Draws:
    """Seconds by label of recordings as they could as well have been, (DRAWS, labels); none of a short one."""

    seconds: NDArray[np.float64]
    stretch: float = 1.0


def _draw(series: Series, random: np.random.Generator) -> _Draws:
    count = len(series.seconds)
    length = max(1, round(max(SHORTEST, BLOCKS * (count * series.width) ** (1 / 3)) / series.width))
    blocks = round(count / length)
    if blocks < FEWEST:
        return _Draws(series.seconds[:0])
    # what each block holds, from every place on: differences of a running sum over the recording and its beginning
    again = np.vstack([series.seconds, series.seconds[: length - 1]])
    running = np.vstack([np.zeros((1, again.shape[1])), again.cumsum(axis=0)])
    held = running[length:] - running[:-length]
    drawn = np.empty((DRAWS, again.shape[1]))
    for row in drawn:
        row[:] = held[random.integers(0, count, blocks)].sum(axis=0)
    return _Draws(drawn, _stretch(blocks))


def _stretch(blocks: int) -> float:
    """How much wider an interval is for so few blocks: Student's t over the normal, and their variance made unbiased.

    The quantile of t is that of the normal with two terms of its expansion (Abramowitz and Stegun, 26.7.5).
    """
    z, free = NormalDist().inv_cdf((1 + COVERS) / 2), blocks - 1
    t = z + (z**3 + z) / (4 * free) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * free**2)
    return t / z * math.sqrt(blocks / free)


def _estimate(value: float, draws: NDArray[np.float64], stretch: float, *, least: float = -100.0) -> Estimate:
    known = None if math.isnan(value) else value
    # a draw may miss all readable time; where that is not rare, there is too little of it
    there = draws[~np.isnan(draws)]
    if known is None or len(there) < 0.95 * DRAWS:
        return Estimate(known, None, None)
    # what was never seen, or always, differs in no draw; how rare it is remains unknown
    if np.min(there) == np.max(there):
        return Estimate(known, None, None)
    low, high = np.quantile(there, [(1 - COVERS) / 2, (1 + COVERS) / 2])
    low, high = known - stretch * (known - float(low)), known + stretch * (float(high) - known)
    return Estimate(known, max(least, low), min(100.0, high))
