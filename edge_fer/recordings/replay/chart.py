"""Draws the timeline of a replay: emotions, satisfaction, and the alerts of each config, one below the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from pathlib import Path

from edge_fer.drawing.canvas import Canvas, canvas_for
from edge_fer.drawing.palette import COLOURS
from edge_fer.recordings.replay.outcome import Firing, ReplayOutcome
from edge_fer.recordings.replay.timeline import Column, TraceTimeline
from edge_fer.rules.scene.mood import MoodScale

__all__ = ["draw"]

SEVERITIES: Mapping[str, str] = {"info": "#56b4e9", "warning": "#e69f00", "critical": "#d55e00"}
LEFT, WIDTH, RIGHT = 190, 720, 30
BAND, ROW, GAP, HEAD, FOOT = 70, 18, 14, 44, 30
#: Seconds between two marks of the time axis: the first that gives no more than ten.
MARKS = (10, 30, 60, 300, 600, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)
#: Columns over which satisfaction is averaged.
SMOOTH = 5


@dataclass(frozen=True, slots=True)
class _Time:
    """The time axis."""

    seconds: float

    def x(self, seconds: float) -> float:
        return LEFT + WIDTH * min(1.0, max(0.0, seconds / self.seconds))


def draw(
    path: Path, timeline: TraceTimeline, outcomes: Sequence[ReplayOutcome], scale: MoodScale, zone: tzinfo
) -> None:
    """Draws a picture.

    Args:
        path: where to; ends in .svg or .png.
        timeline: of the trace, with at least one step.
        outcomes: what each config made of it.
        scale: for satisfaction.
        zone: the time zone of the axis.

    Raises:
        TraceError: the file's name ends in neither.
        OSError: it cannot be written.
    """
    if timeline.first is None or timeline.last is None:
        return
    time = _Time(max(1.0, timeline.last.mono - timeline.first.mono))
    rows = {camera: _rows(camera, outcomes) for camera in timeline.columns}
    height = HEAD + FOOT + sum(2 * (BAND + GAP) + len(of) * ROW + GAP for of in rows.values())
    canvas = canvas_for(path, LEFT + WIDTH + RIGHT, height)
    _legend(canvas)
    top: float = HEAD
    for camera, columns in timeline.columns.items():
        canvas.text(8, top + 12, f"{camera}: emotions")
        canvas.text(8, top + 28, f"{max(column.people for column in columns)} people at most", "#777777")
        _shares(canvas, time, columns, timeline.seconds, top)
        top += BAND + GAP
        canvas.text(8, top + 12, "satisfaction, 0 to 100")
        _satisfaction(canvas, time, columns, seconds=timeline.seconds, top=top, scale=scale)
        top += BAND + GAP
        for title, firings in rows[camera]:
            canvas.text(8, top + 12, title)
            canvas.line([(LEFT, top + 9), (LEFT + WIDTH, top + 9)], "#dddddd")
            for firing in firings:
                begin = firing.fired.mono - timeline.first.mono
                left, right = time.x(begin), time.x(begin + firing.seconds(timeline.last))
                canvas.rectangle(left, top + 3, max(2.0, right - left), 12, SEVERITIES.get(firing.severity, "#333333"))
            top += ROW
        top += GAP
    _axis(canvas, time, timeline, top, zone)
    canvas.save(path)


def _rows(camera: str, outcomes: Sequence[ReplayOutcome]) -> list[tuple[str, list[Firing]]]:
    """A row for each rule and config: its title, and when it fired."""
    names = dict.fromkeys(rule.name for of in outcomes if camera in of.judges for rule in of.judges[camera].rules)
    return [
        (
            name if len(outcomes) == 1 else f"{name} ({outcome.name})",
            [firing for firing in outcome.firings if (firing.camera, firing.rule) == (camera, name)],
        )
        for name in names
        for outcome in outcomes
    ]


def _shares(canvas: Canvas, time: _Time, columns: Sequence[Column], seconds: float, top: float) -> None:
    for index, column in enumerate(columns):
        whole = sum(column.labels.values())
        foot = top + BAND
        left, right = time.x(index * seconds), time.x((index + 1) * seconds)
        for label, colour in COLOURS.items():
            if whole and column.labels[label]:
                height = BAND * column.labels[label] / whole
                foot -= height
                canvas.rectangle(left, foot, right - left, height, colour)
    canvas.line([(LEFT, top + BAND), (LEFT + WIDTH, top + BAND)], "#333333")


def _satisfaction(
    canvas: Canvas, time: _Time, columns: Sequence[Column], *, seconds: float, top: float, scale: MoodScale
) -> None:
    canvas.line([(LEFT, top + BAND / 2), (LEFT + WIDTH, top + BAND / 2)], "#dddddd")
    canvas.line([(LEFT, top + BAND), (LEFT + WIDTH, top + BAND)], "#333333")
    stretch: list[tuple[float, float]] = []
    for index in range(len(columns) + 1):
        around = columns[max(0, index - SMOOTH + 1) : index + 1] if index < len(columns) else []
        value = scale.satisfaction(_summed(around)) if around and columns[index].labels else None
        if value is not None:
            stretch.append((time.x((index + 0.5) * seconds), top + BAND * (1 - value / 100)))
        elif stretch:
            canvas.line(stretch if len(stretch) > 1 else stretch * 2, "#009e73", 1.5)
            stretch = []


def _summed(columns: Sequence[Column]) -> dict[str, float]:
    return {label: float(sum(column.labels[label] for column in columns)) for label in COLOURS}


def _legend(canvas: Canvas) -> None:
    for index, (label, colour) in enumerate(COLOURS.items()):
        canvas.rectangle(LEFT + index * 90, 12, 12, 12, colour)
        canvas.text(LEFT + 16 + index * 90, 22, label)


def _axis(canvas: Canvas, time: _Time, timeline: TraceTimeline, top: float, zone: tzinfo) -> None:
    if timeline.first is None:
        return
    step = next((mark for mark in MARKS if time.seconds / mark <= 10), MARKS[-1])
    begin = timeline.first.utc.astimezone(zone)
    midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    offset = (begin - midnight).total_seconds()
    mark = -(-offset // step) * step
    form = "%H:%M:%S" if step < 60 else "%H:%M" if step < 86_400 else "%a %d"
    while mark - offset <= time.seconds:
        x = time.x(mark - offset)
        canvas.line([(x, HEAD - 6), (x, top)], "#eeeeee")
        canvas.text(x - 14, top + 14, (begin + timedelta(seconds=mark - offset)).strftime(form))
        mark += step
