"""The report of an analysis: what it shows, part by part; `templates/analysis.html` says how it looks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from edge_fer.recordings.analysis.outcome import AnalysisOutcome
from edge_fer.recordings.analysis.timeline import Person
from edge_fer.report import series
from edge_fer.report.charts import Bar, Scale, area, lines
from edge_fer.report.render import render
from edge_fer.report.words import clock_time, listed, percent, seconds_long
from edge_fer.types import UNCERTAIN

__all__ = ["page"]

#: Rows of people that are drawn; the table names more.
MOST_ROWS = 24
#: A person's story is told run by run up to so many, else by shares.
MOST_RUNS = 8
#: Stands where there is no number.
NONE = "-"


def page(found: AnalysisOutcome) -> str:
    """The report of an analysis, as HTML."""
    scale, labels = Scale(found.begin, found.end), _order(found)
    there = found.timeline.totals()
    return render(
        "analysis.html",
        found.file,
        found=found,
        began=found.first.utc.strftime("%Y-%m-%d %H:%M UTC"),
        scale=scale,
        legend_labels=[label for label in reversed(labels) if label in there],
        warnings=list(_warnings(found)),
        tiles=_tiles(found),
        people=_people(found, labels),
        mood=_mood(found, scale, labels),
        curves=_curves(found, scale),
        alerts=_alerts(found),
        numbers=_numbers(found),
    )


def _warnings(found: AnalysisOutcome) -> Iterator[str]:
    if found.cut_off:
        promised = clock_time(found.promised or 0)
        yield f"The file says that it lasts {promised}, but it ends at {clock_time(found.end)}: it was cut off."
    if found.interrupted:
        yield f"The analysis was ended by hand at {clock_time(found.end)}."
    if not found.timeline.count:
        yield (
            "Nobody was seen. Faces must be turned toward the camera, and be at least as large as faces.min_size says."
        )
    totals = found.timeline.totals()
    whole = sum(totals.values())
    if whole and totals.get(UNCERTAIN, 0.0) > whole / 2:
        share = percent(totals[UNCERTAIN] / whole)
        yield f"For {share} of the time nobody could say what was shown: take the rest with care."


def _tiles(found: AnalysisOutcome) -> list[Mapping[str, str]]:
    """The few numbers that matter."""
    totals, scale = found.timeline.totals(), found.scale
    read = sum(spent for label, spent in totals.items() if label != UNCERTAIN)
    leading = max((label for label in found.labels if totals.get(label)), key=totals.__getitem__, default=None)
    satisfaction, share = scale.satisfaction(totals), scale.distress_share(totals)
    unread = totals.get(UNCERTAIN, 0.0) / sum(totals.values()) if totals else 0.0
    cells = [
        ("People", str(found.timeline.count), f"{seconds_long(sum(totals.values()))} in view, added up"),
        ("Mostly", leading or NONE, f"{percent(totals[leading] / read)} of readable time" if leading else ""),
        ("Satisfaction", NONE if satisfaction is None else f"{satisfaction:.0f}", "of 100; 50 is neither"),
        (
            "Distress",
            NONE if share is None else scale.level(share),
            "" if share is None else f"{percent(share)} of time",
        ),
        ("Alerts", str(len(found.firings) + found.firings_left_out), "fired"),
        ("Uncertain", percent(unread), "of the time in view"),
    ]
    return [{"name": name, "value": value, "more": more} for name, value, more in cells]


def _people(found: AnalysisOutcome, labels: Sequence[str]) -> Mapping[str, Any]:
    """What each person showed over time."""
    known = list(found.timeline.people.values())
    shown = sorted(sorted(known, key=lambda person: -person.in_view)[:MOST_ROWS], key=lambda person: person.number)
    rows = []
    for person in shown:
        runs = series.runs(person.columns, found.timeline.width, begin=person.since, end=person.until)
        told = f"Person {person.number}: {_story(runs, person, labels)}."
        rows.append({"number": person.number, "since": person.since, "until": person.until, "runs": runs, "told": told})
    return {"rows": rows, "left_out": found.timeline.count - len(shown)}


def _mood(found: AnalysisOutcome, scale: Scale, labels: Sequence[str]) -> Mapping[str, Any]:
    """The mood of everybody together, stacked."""
    line = found.timeline
    return {
        "told": f"Share of each emotion over time, stacked. Over all: {_shares(line.totals(), labels)}.",
        "shapes": area(scale, series.stacks(line.scene), width=line.width, labels=labels),
    }


def _curves(found: AnalysisOutcome, scale: Scale) -> Mapping[str, Any]:
    """Satisfaction and distress over time."""
    line = found.timeline
    over = series.window_of(found.over, found.seconds, line.width)
    values = series.curves(line.scene, line.width, found.scale, over)
    told = [satisfaction for satisfaction, _ in values.values()]
    words = f"from {min(told):.0f} to {max(told):.0f}" if told else "not known: too little could be read"
    most = percent(max((distress for _, distress in values.values()), default=0.0))
    shares = {index: (satisfaction / 100, distress) for index, (satisfaction, distress) in values.items()}
    return {
        "over": over,
        "distressed": listed(sorted(found.scale.distressed)),
        "told": f"Satisfaction over time, {words}; and the share of distress, {most} at most.",
        "shapes": lines(scale, shares, width=line.width, names=("satisfaction", "distress")),
    }


def _alerts(found: AnalysisOutcome) -> Mapping[str, Any]:
    """When alerts fired, a row a rule."""
    by_rule: dict[str, list[Bar]] = {}
    for firing in found.firings:
        end = found.end if firing.resolved is None else found.since(firing.resolved)
        bar = Bar(firing.severity, found.since(firing.since), found.since(firing.fired), end)
        by_rule.setdefault(firing.rule, []).append(bar)
    rows = []
    for rule, fired in by_rule.items():
        often = "once" if len(fired) == 1 else f"{len(fired)} times"
        when = ", ".join(f"{clock_time(bar.fired)} to {clock_time(bar.end)}" for bar in fired[:MOST_RUNS])
        told = f"Alert {rule} fired {often}: {when}."
        rows.append({"rule": rule, "severity": fired[0].severity, "often": often, "fired": fired, "told": told})
    return {"rows": rows, "silent": listed([rule for rule in found.rules if rule not in by_rule])}


def _numbers(found: AnalysisOutcome) -> Mapping[str, Any]:
    """The same as a table."""
    rows: list[Mapping[str, Any]] = [
        {"name": person.number, "since": person.since, "until": person.until, "totals": person.totals()}
        for person in found.timeline.people.values()
    ]
    rows.append({"name": "All", "since": found.begin, "until": found.end, "totals": found.timeline.totals()})
    return {"labels": [*found.labels, UNCERTAIN], "rows": rows}


def _story(runs: Sequence[series.Run], person: Person, labels: Sequence[str]) -> str:
    if len(runs) > MOST_RUNS:
        return _shares(person.totals(), labels)
    return ", ".join(f"{run.label} from {clock_time(run.begin)} to {clock_time(run.end)}" for run in runs)


def _order(found: AnalysisOutcome) -> list[str]:
    """Labels from the bottom of a stack up: what is unpleasant at the bottom, what is pleasant at the top."""
    return [UNCERTAIN, *sorted(found.labels, key=lambda label: found.scale.weights.get(label, 0.0))]


def _shares(totals: dict[str, float], labels: Sequence[str]) -> str:
    whole = sum(totals.values()) or 1.0
    told = [label for label in reversed(labels) if totals.get(label)]
    return listed([f"{label} {percent(totals[label] / whole)}" for label in told])
