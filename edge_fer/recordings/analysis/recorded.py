"""From the folders of analyses to what is compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_fer.errors import AnalysisError
from edge_fer.recordings.analysis.compare import Measure, Series
from edge_fer.recordings.analysis.folder import SUMMARY, read_summary
from edge_fer.types import LABEL_SETS, UNCERTAIN

__all__ = ["Analysed", "measures_of", "mood_measures", "read_analyses"]

#: More columns, or wider ones, than an analysis ever has: such a summary is none of ours.
MOST_COLUMNS, WIDEST = 100_000, 1e6


@dataclass(frozen=True, slots=True)
class Analysed:
    """What a comparison needs to know of a recording.

    Attributes:
        name: of its folder.
        file: of the recording.
        began: when it began, as the analysis was told.
        made_with: what the readings depend on, by name: model, detector and version.
        labels: of the label set.
        weights: what each emotion adds to satisfaction.
        distressed: the emotions that count as distress.
        series: seconds by label over time, `UNCERTAIN` last.
    """

    name: str
    file: str
    began: str
    made_with: Mapping[str, str]
    labels: tuple[str, ...]
    weights: Mapping[str, float]
    distressed: frozenset[str]
    series: Series


def read_analyses(folders: Sequence[Path]) -> list[Analysed]:
    """Reads the folders.

    Raises:
        AnalysisError: one is no analysis, is damaged, or has other labels than the first.
    """
    found = []
    for folder in folders:
        summary = read_summary(folder)
        try:
            found.append(_analysed(folder.resolve().name, summary))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            told = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            msg = f"{folder / SUMMARY} is damaged: {told}"
            raise AnalysisError(msg, remedy="Analyse the recording again") from error
    for folder, other in zip(folders[1:], found[1:], strict=True):
        if other.labels != found[0].labels:
            msg = (
                f"{folder} has the labels {', '.join(other.labels)}, and {folders[0]} has {', '.join(found[0].labels)}"
            )
            raise AnalysisError(msg, remedy="Analyse both with the same `emotion.labels`")
    return found


def measures_of(first: Analysed) -> Iterator[Measure]:
    """What is compared of analyses."""
    return mood_measures(first.labels, first.weights, first.distressed)


def mood_measures(labels: Sequence[str], weights: Mapping[str, float], distressed: frozenset[str]) -> Iterator[Measure]:
    """What is compared: satisfaction, distress, each emotion's share of readable time, and what could not be read.

    Args:
        labels: of the columns, before `UNCERTAIN`, which is the last one.
        weights: what each emotion adds to satisfaction.
        distressed: the emotions that count as distress.
    """
    columns = [*labels, UNCERTAIN]

    def vector(of: Mapping[str, float]) -> NDArray[np.float64]:
        return np.array([of.get(label, 0.0) for label in columns])

    read = vector(dict.fromkeys(labels, 1.0))
    yield Measure("satisfaction", vector(weights), read, scale=50.0, offset=50.0)
    yield Measure("distress", vector(dict.fromkeys(distressed, 1.0)) * read, read)
    for label in labels:
        yield Measure(label, vector({label: 1.0}), read)
    yield Measure(UNCERTAIN, vector({UNCERTAIN: 1.0}), vector(dict.fromkeys(columns, 1.0)))


def _analysed(name: str, summary: Mapping[str, Any]) -> Analysed:
    labels = tuple(map(str, summary["labels"]))
    if labels not in LABEL_SETS.values():
        msg = f"{', '.join(labels)} are no label set"
        raise ValueError(msg)
    mood = summary["mood"]
    return Analysed(
        name=name,
        file=str(summary["file"]),
        began=str(summary["began"]),
        made_with={part: str(summary[part]) for part in ("model", "detector", "version")},
        labels=labels,
        weights={str(label): float(weight) for label, weight in mood["weights"].items()},
        distressed=frozenset(map(str, mood["distress"])),
        series=_series(name, labels, summary["timeline"], float(summary["from_s"])),
    )


def _series(name: str, labels: Sequence[str], timeline: Mapping[str, Any], begin: float) -> Series:
    width, columns = float(timeline["column_s"]), timeline["columns"]
    if not (0 < width <= WIDEST and len(columns) <= MOST_COLUMNS):
        msg = f"{len(columns)} columns of {width} s are no timeline"
        raise ValueError(msg)
    # what was not looked at is not part of the recording
    rows = [
        [float(column.get(label, 0.0)) for label in (*labels, UNCERTAIN)] for column in columns[int(begin / width) :]
    ]
    seconds = np.array(rows, np.float64).reshape(-1, len(labels) + 1)
    if not (np.isfinite(seconds).all() and (seconds >= 0).all()):
        msg = "some of its seconds are no durations"
        raise ValueError(msg)
    return Series(name, width, seconds)
