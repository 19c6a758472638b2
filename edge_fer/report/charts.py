"""Where the shapes of charts stand. Pure; `templates/charts.html` draws them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["HIGH", "NAMED", "ROOM", "WIDE", "Bar", "Scale", "Shape", "area", "lines"]

#: Width and height of the drawings' own units.
WIDE, HIGH = 1000, 100
#: Room above and below curves, so that lines at the very edge are seen whole.
ROOM = 3
#: Seconds between two marks of a time axis: the first that gives no more than eight.
MARKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400)
#: A run of a label that fills more of the width than this, in percent, has its name written into it; the style leaves
#: out those for which the screen has no room.
NAMED = 4


class Shape(NamedTuple):
    """A polygon or a curve: what it is of, and its points as SVG has them."""

    name: str
    points: str


@dataclass(frozen=True, slots=True)
class Scale:
    """The time axis: from `begin` to `end`, in seconds of the recording."""

    begin: float
    end: float

    def x(self, seconds: float) -> float:
        """Place across, 0 to `WIDE`."""
        return WIDE * min(1.0, max(0.0, (seconds - self.begin) / max(self.end - self.begin, 1e-9)))

    def percent(self, seconds: float) -> float:
        """The same in percent."""
        return self.x(seconds) * 100 / WIDE

    def marks(self) -> list[float]:
        """Where the axis has numbers."""
        step = next((mark for mark in MARKS if (self.end - self.begin) / mark <= 8), MARKS[-1])
        mark = -(-self.begin // step) * step
        found = []
        while mark <= self.end:
            found.append(mark)
            mark += step
        return found


@dataclass(frozen=True, slots=True)
class Bar:
    """An alert: pending from `since`, firing from `fired` to `end`, in seconds of the recording."""

    severity: str
    since: float
    fired: float
    end: float


def area(
    scale: Scale,
    stretches: Iterable[Sequence[tuple[int, Mapping[str, float]]]],
    *,
    width: float,
    labels: Sequence[str],
) -> list[Shape]:
    """Shares of labels over time, stacked; `labels` from the bottom up, columns of `width` seconds."""
    shapes = []
    for stretch in stretches:
        # a stretch begins and ends at the borders of its columns, and bends in the middle of them
        places = [stretch[0][0] * width, *((index + 0.5) * width for index, _ in stretch), (stretch[-1][0] + 1) * width]
        shares = [stretch[0][1], *(of for _, of in stretch), stretch[-1][1]]
        floor = [0.0] * len(places)
        for label in labels:
            top = [foot + of.get(label, 0.0) for foot, of in zip(floor, shares, strict=True)]
            if top != floor:
                there = _points(scale, places, top)
                back = _points(scale, places[::-1], floor[::-1])
                shapes.append(Shape(label, f"{there} {back}"))
            floor = top
    return shapes


def lines(scale: Scale, values: Mapping[int, tuple[float, ...]], *, width: float, names: Sequence[str]) -> list[Shape]:
    """Curves of values from 0 to 1, one a name, in columns of `width` seconds; broken where there are none."""
    shapes = []
    for number, name in enumerate(names):
        stretch: list[tuple[float, float]] = []
        for index in [*sorted(values), None]:
            if stretch and (index is None or index - 1 not in values):
                points = _points(scale, *zip(*(stretch if len(stretch) > 1 else stretch * 2), strict=True))
                shapes.append(Shape(name, points))
                stretch = []
            if index is not None:
                stretch.append(((index + 0.5) * width, values[index][number]))
    return shapes


def _points(scale: Scale, seconds: Sequence[float], values: Sequence[float]) -> str:
    return " ".join(
        f"{scale.x(at):.1f},{HIGH * (1 - min(1.0, value)):.1f}" for at, value in zip(seconds, values, strict=True)
    )
