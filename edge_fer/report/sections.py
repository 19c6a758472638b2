"""The parts of the report, one below the other."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from edge_fer.recordings.analysis.outcome import AnalysisOutcome
from edge_fer.recordings.analysis.timeline import Person
from edge_fer.report import charts, series
from edge_fer.report.words import clock_time, listed, percent, seconds_long
from edge_fer.types import UNCERTAIN

__all__ = ["alerts", "curves", "faces", "mood", "numbers", "people", "tiles"]

#: Rows of people that are drawn; the table names more.
MOST_ROWS = 24
#: A person's story is told run by run up to so many, else by shares.
MOST_RUNS = 8
#: Stands where there is no number.
NONE = "-"


def tiles(found: AnalysisOutcome) -> str:
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
    shown = "".join(f"<div><dt>{name}</dt><dd>{value}<small>{more}</small></dd></div>" for name, value, more in cells)
    return f'<dl class="tiles">{shown}</dl>'


def people(found: AnalysisOutcome) -> str:
    """What each person showed over time."""
    scale = _scale(found)
    known = list(found.timeline.people.values())
    shown = sorted(sorted(known, key=lambda person: -person.in_view)[:MOST_ROWS], key=lambda person: person.number)
    rows = "".join(_person(found, scale, person) for person in shown)
    more = found.timeline.count - len(shown)
    note = f'<p class="note">{more} more, who were in view for less long, are left out.</p>' if more else ""
    return (
        "<section><h2>What each person showed</h2>"
        '<p class="soft">The emotion that led, over time; gaps where they were not in view.</p>'
        f'{_legend(found)}{rows}<div class="under-rows">{charts.axis(scale)}</div>{note}</section>'
    )


def mood(found: AnalysisOutcome) -> str:
    """The mood of everybody together, stacked."""
    scale, line = _scale(found), found.timeline
    labels = _order(found)
    drawn = charts.area(
        scale,
        series.stacks(line.scene),
        width=line.width,
        labels=labels,
        alternative=f"Share of each emotion over time, stacked. Over all: {_shares(line.totals(), labels)}.",
    )
    return (
        "<section><h2>The mood of all</h2>"
        '<p class="soft">Each emotion\'s share of what all people in view showed, in percent.</p>'
        f'{_legend(found)}{drawn}<div class="under-plot">{charts.axis(scale)}</div></section>'
    )


def curves(found: AnalysisOutcome) -> str:
    """Satisfaction and distress over time."""
    scale, line = _scale(found), found.timeline
    over = series.window_of(found.over, found.seconds, line.width)
    values = series.curves(line.scene, line.width, found.scale, over)
    shares = {index: (satisfaction / 100, distress) for index, (satisfaction, distress) in values.items()}
    told = [satisfaction for satisfaction, _ in values.values()]
    words = f"from {min(told):.0f} to {max(told):.0f}" if told else "not known: too little could be read"
    drawn = charts.lines(
        scale,
        shares,
        width=line.width,
        names=("satisfaction", "distress"),
        alternative=f"Satisfaction over time, {words}; and the share of distress, "
        f"{percent(max((distress for _, distress in values.values()), default=0.0))} at most.",
    )
    key = (
        '<ul class="legend"><li><svg class="wide" viewBox="0 0 28 16" aria-hidden="true">'
        '<polyline class="satisfaction" points="0,8 28,8"/></svg>satisfaction, 0 to 100</li>'
        '<li><svg class="wide" viewBox="0 0 28 16" aria-hidden="true">'
        '<polyline class="distress" points="0,8 28,8"/></svg>distress, percent of time</li></ul>'
    )
    return (
        "<section><h2>Satisfaction and distress</h2>"
        f'<p class="soft">Over the last {seconds_long(over)} each. 50 is neither content nor not; distress counts '
        f"{listed(sorted(found.scale.distressed))}.</p>"
        f'{key}{drawn}<div class="under-plot">{charts.axis(scale)}</div></section>'
    )


def alerts(found: AnalysisOutcome) -> str:
    """When alerts fired, a row a rule."""
    scale = _scale(found)
    by_rule: dict[str, list[charts.Bar]] = {}
    for firing in found.firings:
        end = found.end if firing.resolved is None else found.since(firing.resolved)
        bar = charts.Bar(firing.severity, found.since(firing.since), found.since(firing.fired), end)
        by_rule.setdefault(firing.rule, []).append(bar)
    rows = "".join(_alert(scale, rule, fired) for rule, fired in by_rule.items())
    axis = f'<div class="under-rows">{charts.axis(scale)}</div>' if rows else ""
    silent = [rule for rule in found.rules if rule not in by_rule]
    quiet = f'<p class="note">Never fired: {escape(listed(silent))}.</p>' if silent else ""
    rules = "" if found.rules else '<p class="note">The config has no alert rules.</p>'
    more = found.firings_left_out
    left_out = f'<p class="note">{more} later ones are left out here, and are in events.jsonl.</p>' if more else ""
    explained = "Thin while the condition held, but not for long enough; thick while it fired." if rows else ""
    return f'<section><h2>Alerts</h2><p class="soft">{explained}</p>{rows}{axis}{quiet}{rules}{left_out}</section>'


def faces(found: AnalysisOutcome) -> str:
    """The strongest moments of each emotion, as pictures."""
    hidden = "" if found.faces_shown else " Faces are blurred; edge-fer analyze --show-faces leaves them as they are."
    blurred = "" if found.faces_shown else ", face blurred"
    figures = "".join(
        f'<figure><img alt="{moment.label} at {clock_time(moment.seconds)}{blurred}"'
        f' src="data:image/jpeg;base64,{base64.b64encode(moment.jpeg).decode()}">'
        f"<figcaption><b>{moment.label}</b> {percent(moment.confidence)} at {clock_time(moment.seconds)}</figcaption>"
        "</figure>"
        for moment in found.key_frames
    )
    return (
        '<section><h2>Strongest moments</h2><p class="soft">The clearest readings of each emotion, from different '
        f'parts of the recording, in the order of time.{hidden}</p><div class="frames">{figures}</div></section>'
    )


def numbers(found: AnalysisOutcome) -> str:
    """The same as a table."""
    labels = [*found.labels, UNCERTAIN]
    head = "".join(f'<th scope="col">{name}</th>' for name in ("Person", "From", "To", *labels))
    rows = "".join(
        f'<tr><th scope="row">{person.number}</th><td>{clock_time(person.since)}</td>'
        f"<td>{clock_time(person.until)}</td>{_cells(person.totals(), labels)}</tr>"
        for person in found.timeline.people.values()
    )
    everybody = (
        f'<tr><th scope="row">All</th><td>{clock_time(found.begin)}</td><td>{clock_time(found.end)}</td>'
        f"{_cells(found.timeline.totals(), labels)}</tr>"
    )
    return (
        '<section><h2>In numbers</h2><div class="scroll" tabindex="0"><table><caption>Seconds that each emotion led'
        f"</caption><thead><tr>{head}</tr></thead><tbody>{rows}{everybody}</tbody></table></div></section>"
    )


def _person(found: AnalysisOutcome, scale: charts.Scale, person: Person) -> str:
    runs = series.runs(person.columns, found.timeline.width, begin=person.since, end=person.until)
    drawn = charts.strip(scale, runs, f"Person {person.number}: {_story(runs, person, _order(found))}.")
    times = f"{clock_time(person.since)} to {clock_time(person.until)}"
    return f'<div class="row"><div class="name">Person {person.number}<small>{times}</small></div>{drawn}</div>'


def _story(runs: Sequence[series.Run], person: Person, labels: Sequence[str]) -> str:
    if len(runs) > MOST_RUNS:
        return _shares(person.totals(), labels)
    return ", ".join(f"{run.label} from {clock_time(run.begin)} to {clock_time(run.end)}" for run in runs)


def _alert(scale: charts.Scale, rule: str, fired: Sequence[charts.Bar]) -> str:
    often = "once" if len(fired) == 1 else f"{len(fired)} times"
    when = ", ".join(f"{clock_time(bar.fired)} to {clock_time(bar.end)}" for bar in fired[:MOST_RUNS])
    drawn = charts.bars(scale, fired, f"Alert {rule} fired {often}: {when}.")
    name = f'<div class="name">{escape(rule)}<small>{escape(fired[0].severity)}, {often}</small></div>'
    return f'<div class="row">{name}{drawn}</div>'


def _legend(found: AnalysisOutcome) -> str:
    there = found.timeline.totals()
    items = "".join(
        '<li><svg viewBox="0 0 16 16" aria-hidden="true">'
        f'<rect class="{label}" width="16" height="16"/></svg>{label}</li>'
        for label in reversed(_order(found))
        if label in there
    )
    return f'<ul class="legend">{items}</ul>'


def _order(found: AnalysisOutcome) -> list[str]:
    """Labels from the bottom of a stack up: what is unpleasant at the bottom, what is pleasant at the top."""
    return [UNCERTAIN, *sorted(found.labels, key=lambda label: found.scale.weights.get(label, 0.0))]


def _shares(totals: dict[str, float], labels: Sequence[str]) -> str:
    whole = sum(totals.values()) or 1.0
    told = [label for label in reversed(labels) if totals.get(label)]
    return listed([f"{label} {percent(totals[label] / whole)}" for label in told])


def _cells(totals: dict[str, float], labels: Sequence[str]) -> str:
    return "".join(f"<td>{totals[label]:.1f}</td>" if totals.get(label) else f"<td>{NONE}</td>" for label in labels)


def _scale(found: AnalysisOutcome) -> charts.Scale:
    return charts.Scale(found.begin, found.end)
