"""From what was collected to what is drawn. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from edge_fer.recordings.analysis.timeline import Columns, summed
from edge_fer.rules.scene.mood import MoodScale

__all__ = ["Run", "curves", "runs", "stacks", "window_of"]


@dataclass(frozen=True, slots=True)
class Run:
    """A label that led for a while, in seconds of the recording."""

    label: str
    begin: float
    end: float


def runs(columns: Columns, width: float, *, begin: float, end: float) -> list[Run]:
    """What led in each column, neighbours that agree taken together.

    Args:
        columns: seconds by label.
        width: of a column, in seconds.
        begin: the first run begins no earlier.
        end: and the last ends no later.
    """
    found: list[Run] = []
    for index in sorted(columns):
        label = max(columns[index], key=columns[index].__getitem__)
        since, until = max(begin, index * width), min(end, (index + 1) * width)
        if since >= until:
            continue
        last = found[-1] if found else None
        if last and last.label == label and last.end >= index * width:
            found[-1] = replace(last, end=until)
        else:
            found.append(Run(label, since, until))
    return found


def stacks(columns: Columns) -> list[list[tuple[int, dict[str, float]]]]:
    """The columns as shares, 0 to 1, by label, in stretches without a gap."""
    stretches: list[list[tuple[int, dict[str, float]]]] = []
    for index in sorted(columns):
        whole = sum(columns[index].values())
        shares = {label: spent / whole for label, spent in columns[index].items()}
        if not stretches or stretches[-1][-1][0] != index - 1:
            stretches.append([])
        stretches[-1].append((index, shares))
    return stretches


def window_of(over: float, seconds: float, width: float) -> float:
    """Seconds over which curves are taken: as the config says, but a twelfth of a short recording, or all were flat."""
    return max(2 * width, min(over, seconds / 12))


def curves(columns: Columns, width: float, scale: MoodScale, over: float) -> dict[int, tuple[float, float]]:
    """Satisfaction, 0 to 100, and share of distress, 0 to 1, over the time up to the end of each column.

    Columns are missing in which too little could be read.

    Args:
        columns: seconds by label.
        width: of a column, in seconds.
        scale: makes both numbers.
        over: seconds looked back.
    """
    lenient = replace(scale, min_read=min(scale.min_read, over / 4))
    found: dict[int, tuple[float, float]] = {}
    back: deque[dict[str, float]] = deque(maxlen=max(1, round(over / width)))
    for index in range(max(columns, default=-1) + 1):
        back.append(columns.get(index, {}))
        lately = summed(back)
        satisfaction, distress = lenient.satisfaction(lately), lenient.distress_share(lately)
        if index in columns and satisfaction is not None and distress is not None:
            found[index] = satisfaction, distress
    return found
