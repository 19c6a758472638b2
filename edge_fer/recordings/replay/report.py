"""Tells what configs make of a trace: as a table for people, as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any

from edge_fer.config.values.units import DURATION
from edge_fer.recordings.replay.outcome import Firing, ReplayOutcome
from edge_fer.types import Instant, Summary

__all__ = ["as_json", "as_text"]

#: Rows of alerts and of windows that are printed at most; JSON has them all.
MOST_ROWS = 200


def as_text(outcomes: Sequence[ReplayOutcome], end: Instant, zone: tzinfo) -> Iterator[str]:
    """Lines: how often each alert fired, then when, then the longest windows, the configs side by side.

    Args:
        outcomes: what each config made of the trace.
        end: when it ended.
        zone: the time zone of the times.
    """
    rules = sorted({(camera, rule.name) for of in outcomes for camera, j in of.judges.items() for rule in j.rules})
    wide = max([len(f"{camera} {rule}") for camera, rule in rules] + [len("alert")])
    columns = [max(28, len(of.name)) for of in outcomes]
    yield _row("alert", [of.name for of in outcomes], wide, columns)
    for camera, rule in rules:
        cells = [_how_often(of, camera, rule, end) for of in outcomes]
        yield _row(f"{camera} {rule}", cells, wide, columns)
    firings = sorted(
        ((firing, index) for index, of in enumerate(outcomes) for firing in of.firings), key=lambda f: f[0].fired.mono
    )
    for firing, index in firings[:MOST_ROWS]:
        if firing is firings[0][0]:
            yield ""
        cells = [_when(firing, end) if index == column else "" for column in range(len(outcomes))]
        what = f"{_local(firing.fired.utc, zone)}  {firing.camera} {firing.rule}"
        yield _row(what, cells, max(wide, 21 + wide), columns)
    if len(firings) > MOST_ROWS:
        yield f"... and {len(firings) - MOST_ROWS} more; --json has them all"
    yield from _windows(outcomes[0].summaries, zone)


def as_json(outcomes: Sequence[ReplayOutcome], end: Instant) -> list[dict[str, Any]]:
    """The same, complete: moments in RFC 3339, UTC, durations in seconds."""
    return [
        {
            "config": outcome.name,
            "alerts": [_firing(firing, end) for firing in outcome.firings],
            "summaries": [_summary(summary) for summary in outcome.summaries],
        }
        for outcome in outcomes
    ]


def _row(first: str, cells: Sequence[str], wide: int, columns: Sequence[int]) -> str:
    rest = "  ".join(f"{cell:{width}}" for cell, width in zip(cells, columns, strict=True))
    return f"{first:{wide}}  {rest}".rstrip()


def _how_often(outcome: ReplayOutcome, camera: str, rule: str, end: Instant) -> str:
    judge = outcome.judges.get(camera)
    if judge is None or all(known.name != rule for known in judge.rules):
        return "no such alert"
    fired = [firing for firing in outcome.firings if (firing.camera, firing.rule) == (camera, rule)]
    if not fired:
        return "never"
    often = "once" if len(fired) == 1 else f"{len(fired)} times"
    return f"{often}, {_long(sum(firing.seconds(end) for firing in fired))} in all"


def _when(firing: Firing, end: Instant) -> str:
    waited = firing.fired.mono - firing.since.mono
    still = "" if firing.resolved else ", and still does"
    return f"fires for {_long(firing.seconds(end))} after {_long(waited)}{still}"


def _windows(summaries: Sequence[Summary], zone: tzinfo) -> Iterator[str]:
    """The longest windows of which there are a few, or of which there is one."""
    lengths = sorted({summary.length for summary in summaries})
    few = [length for length in lengths if sum(summary.length == length for summary in summaries) > 1]
    if not lengths:
        return
    length = (few or lengths)[-1]
    yield ""
    yield f"{DURATION.write(float(length)) + ' from':21}  camera    people  satisfaction  distress  watched"
    told = [summary for summary in summaries if summary.length == length]
    for summary in told[:MOST_ROWS]:
        numbers = summary.numbers
        shown = "held back" if numbers is None else f"{numbers.people:6}  {_known(numbers.satisfaction):>12}"
        level = "" if numbers is None else f"  {numbers.distress or '-':8}  {_long(summary.watched)}"
        yield f"{_local(summary.since, zone):21}  {summary.camera:8}  {shown}{level}"
    if len(told) > MOST_ROWS:
        yield f"... and {len(told) - MOST_ROWS} more; --json has them all"


def _known(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _long(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    return str(timedelta(seconds=round(seconds)))


def _local(utc: datetime, zone: tzinfo) -> str:
    return utc.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def _firing(firing: Firing, end: Instant) -> dict[str, Any]:
    return {
        "camera": firing.camera,
        "rule": firing.rule,
        "severity": firing.severity,
        "since": _utc(firing.since.utc),
        "fired": _utc(firing.fired.utc),
        "resolved": _utc(firing.resolved.utc) if firing.resolved else None,
        "fired_s": round(firing.seconds(end), 3),
    }


def _summary(summary: Summary) -> dict[str, Any]:
    numbers = summary.numbers
    told: dict[str, Any] = {
        "camera": summary.camera,
        "window": DURATION.write(float(summary.length)),
        "since": _utc(summary.since),
        "until": _utc(summary.until),
        "watched_s": round(summary.watched, 3),
        "held_back": numbers is None,
    }
    if numbers is not None:
        told |= {
            "people": numbers.people,
            "attention_s": round(numbers.attention, 3),
            "seconds": {label: round(spent, 3) for label, spent in numbers.seconds.items()},
            "uncertain_s": round(numbers.uncertain, 3),
            "satisfaction": None if numbers.satisfaction is None else round(numbers.satisfaction, 1),
            "distress": numbers.distress,
        }
    return told


def _utc(utc: datetime) -> str:
    return utc.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
