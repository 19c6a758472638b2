"""Charts as inline SVG, stretched to whatever room there is; their words are HTML beside them and stay as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from edge_fer.report.series import Run
from edge_fer.report.words import clock_time

__all__ = ["Bar", "Scale", "area", "axis", "bars", "lines", "strip"]

#: Width and height of the drawings' own units.
WIDE, HIGH = 1000, 100
#: Room above and below curves, so that lines at the very edge are seen whole.
ROOM = 3
#: Seconds between two marks of a time axis: the first that gives no more than eight.
MARKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400)
#: A run of a label that fills more of the width than this, in percent, has its name written into it; the style leaves
#: out those for which the screen has no room.
NAMED = 4


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


def axis(scale: Scale) -> str:
    """The numbers below a chart."""
    marks = "".join(
        f'<span style="left:{scale.percent(mark):.2f}%"{" class=odd" if index % 2 else ""}>{clock_time(mark)}</span>'
        for index, mark in enumerate(scale.marks())
    )
    return f'<div class="axis" aria-hidden="true">{marks}</div>'


def strip(scale: Scale, runs: Sequence[Run], alternative: str) -> str:
    """What one person showed: a strip, in which long runs have their names."""
    shapes = "".join(
        f'<rect class="{run.label}" x="{scale.x(run.begin):.1f}" y="0" height="{HIGH}" '
        f'width="{scale.x(run.end) - scale.x(run.begin):.1f}" data-label="{run.label}" data-from="{run.begin:.3f}" '
        f'data-to="{run.end:.3f}"><title>{run.label}, {clock_time(run.begin)} to {clock_time(run.end)}</title></rect>'
        for run in runs
    )
    names = "".join(
        f'<span class="on-{run.label}" style="left:{scale.percent(run.begin):.2f}%;width:{wide:.2f}%">'
        f"<b>{run.label}</b></span>"
        for run in runs
        if (wide := scale.percent(run.end) - scale.percent(run.begin)) > NAMED
    )
    return f'<div class="strip">{_svg(alternative, shapes)}<div class="names" aria-hidden="true">{names}</div></div>'


def area(
    scale: Scale,
    stretches: Iterable[Sequence[tuple[int, Mapping[str, float]]]],
    *,
    width: float,
    labels: Sequence[str],
    alternative: str,
) -> str:
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
                shapes.append(f'<polygon class="{label}" points="{there} {back}"><title>{label}</title></polygon>')
            floor = top
    return _plot("area", alternative, _grid(scale) + "".join(shapes), room=0)


def lines(
    scale: Scale, values: Mapping[int, tuple[float, ...]], *, width: float, names: Sequence[str], alternative: str
) -> str:
    """Curves of values from 0 to 1, one a name, in columns of `width` seconds; broken where there are none."""
    shapes = [f'<line class="half" x1="0" x2="{WIDE}" y1="{HIGH / 2}" y2="{HIGH / 2}"/>']
    for number, name in enumerate(names):
        stretch: list[tuple[float, float]] = []
        for index in [*sorted(values), None]:
            if stretch and (index is None or index - 1 not in values):
                points = _points(scale, *zip(*(stretch if len(stretch) > 1 else stretch * 2), strict=True))
                shapes.append(f'<polyline class="{name}" points="{points}"><title>{name}</title></polyline>')
                stretch = []
            if index is not None:
                stretch.append(((index + 0.5) * width, values[index][number]))
    return _plot("lines", alternative, _grid(scale) + "".join(shapes), room=ROOM)


def bars(scale: Scale, alerts: Sequence[Bar], alternative: str) -> str:
    """When alerts of one rule were pending, as a thin line, and fired, as a bar."""
    shapes = []
    for bar in alerts:
        since, fired, end = scale.x(bar.since), scale.x(bar.fired), scale.x(bar.end)
        words = f"fires from {clock_time(bar.fired)} to {clock_time(bar.end)}"
        shapes.append(f'<rect class="pending" x="{since:.1f}" y="42" width="{fired - since:.1f}" height="16"/>')
        shapes.append(
            f'<rect class="{escape(bar.severity)}" x="{fired:.1f}" y="10" width="{max(3.0, end - fired):.1f}" '
            f'height="80"><title>{words}</title></rect>'
        )
    return f'<div class="bars">{_svg(alternative, "".join(shapes))}</div>'


def _plot(kind: str, alternative: str, shapes: str, *, room: float) -> str:
    """A chart with a vertical axis from 0 to 100."""
    numbers = '<div class="up" aria-hidden="true"><span>100</span><span>50</span><span>0</span></div>'
    return f'<div class="plot {kind}">{numbers}{_svg(alternative, shapes, room)}</div>'


def _svg(alternative: str, shapes: str, room: float = 0) -> str:
    return (
        f'<svg viewBox="0 {-room} {WIDE} {HIGH + 2 * room}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(alternative)}">{shapes}</svg>'
    )


def _grid(scale: Scale) -> str:
    return "".join(
        f'<line class="grid" x1="{scale.x(mark):.1f}" x2="{scale.x(mark):.1f}" y1="{-ROOM}" y2="{HIGH + ROOM}"/>'
        for mark in scale.marks()
    )


def _points(scale: Scale, seconds: Sequence[float], values: Sequence[float]) -> str:
    return " ".join(
        f"{scale.x(at):.1f},{HIGH * (1 - min(1.0, value)):.1f}" for at, value in zip(seconds, values, strict=True)
    )
