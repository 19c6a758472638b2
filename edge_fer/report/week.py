"""The page of a week: what it shows, part by part; `templates/week.html` says how it looks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

from edge_fer.history.digest import Digest, Period, leading, week_of
from edge_fer.history.look_back import LookBack
from edge_fer.history.records import AlertBegan
from edge_fer.recordings.analysis.compare import Compared, Series, compare
from edge_fer.recordings.analysis.recorded import mood_measures
from edge_fer.report.render import render
from edge_fer.report.words import listed, percent
from edge_fer.rules.scene.calendar import Calendar
from edge_fer.rules.scene.mood import MoodScale, read_seconds
from edge_fer.types import LABEL_NAMES, UNCERTAIN

__all__ = ["WEEKS_BEFORE", "Week", "number_of", "span_of", "week_in_numbers", "week_page"]

#: So many weeks before are compared with.
WEEKS_BEFORE = 4
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
#: Satisfaction that is so far from 50 has the full colour.
FAR = 25.0
#: Alerts that are drawn of a rule; the text counts all.
MOST_BARS = 500


class Week(NamedTuple):
    """What a page is about.

    Attributes:
        calendar: knows the hours of the place.
        period: the week.
        past: what the history has of it, and of the weeks before.
        k_minimum: an hour that fewer people made is not shown.
        scale: makes satisfaction and distress of seconds by emotion.
        site: where the device stands, in people's own words.
    """

    calendar: Calendar
    period: Period
    past: LookBack
    k_minimum: int
    scale: MoodScale
    site: str


@dataclass(frozen=True, slots=True)
class Field:
    """An hour in the table of a week: what is written, how it is coloured, and what it says in words."""

    text: str
    kind: str
    share: float
    told: str


def span_of(calendar: Calendar, period: Period) -> Period:
    """The week with those before that it is compared with."""
    first = period.since.astimezone(calendar.zone).date() - timedelta(weeks=WEEKS_BEFORE)
    return Period(week_of(calendar, first).since, period.until)


def week_page(week: Week, cameras: Sequence[str]) -> str:
    """The page of a week, as HTML, which fetches nothing."""
    zone = week.calendar.zone
    first = week.period.since.astimezone(zone).date()
    year, number, _ = first.isocalendar()
    hours = round((week.period.until - week.period.since).total_seconds() / 3600)
    title = f"Week {number} of {year}"
    return render(
        "week.html",
        f"{title}, {week.site}" if week.site else title,
        from_day=f"{first:%A, %d %B %Y}",
        to_day=f"{first + timedelta(days=6):%A, %d %B %Y}",
        zone=str(zone),
        hours=hours,
        changes=hours != 7 * 24,
        k=week.k_minimum,
        damaged=week.past.damaged,
        days=DAYS,
        cameras=[_camera(week, name) for name in cameras],
    )


def week_in_numbers(week: Week, cameras: Sequence[str]) -> list[Mapping[str, str]]:
    """The few numbers that the mail with the page has, camera by camera; `-` is what is not known."""
    found: list[Mapping[str, str]] = []
    for name in cameras:
        numbers = _numbers(_digest(week, name, 0), week.scale)
        found.append({"place": name, **{key: numbers[key] for key in ("visits", "satisfaction", "alerts")}})
    return found


def _camera(week: Week, name: str) -> Mapping[str, Any]:
    one = _digest(week, name, 0)
    before = [found for back in range(WEEKS_BEFORE, 0, -1) if (found := _digest(week, name, back)).seen]
    fields = _fields(one)
    return {
        "name": name,
        "nothing": not (one.seen or one.held_back or one.alerts),
        "held_back": one.held_back,
        "tiles": _tiles(one, fields, week.scale),
        "clock": _hours_shown(fields),
        "busy": _table(fields, _busy),
        "mood": _table(fields, lambda of, _: _satisfied(of, week.scale)),
        "marks": [
            (day.period.since - one.period.since) / (one.period.until - one.period.since) for _, day in one.days()
        ],
        "days": [_day(day, of, week.scale) for day, of in one.days()],
        "whole": _numbers(one, week.scale),
        "rules": list(_rules(one)),
        "weeks": [_week(found, week.scale) for found in [*before, one]],
        "before": len(before),
        "visits": _visits_told(one, before),
        "found": _compared(one, before, week.scale),
    }


def _digest(week: Week, name: str, back: int) -> Digest:
    first = week.period.since.astimezone(week.calendar.zone).date() - timedelta(weeks=back)
    return week.past.digest(week.calendar, name, week_of(week.calendar, first), k_minimum=week.k_minimum)


def _fields(one: Digest) -> Mapping[tuple[int, int], Digest]:
    """The hours of the week's table: day and hour of the clock; an hour that comes twice is one."""
    found: dict[tuple[int, int], list[Any]] = {}
    for hour in one.hours:
        found.setdefault((hour.since.weekday(), hour.since.hour), []).append(hour)
    return {place: Digest(one.camera, one.period, hours) for place, hours in found.items()}


def _hours_shown(fields: Mapping[tuple[int, int], Digest]) -> range:
    """The hours of the clock from the first to the last in which anything was watched on any day."""
    used = [hour for (_, hour), of in fields.items() if of.seen or of.held_back]
    return range(min(used), max(used) + 1) if used else range(24)


def _table(fields: Mapping[tuple[int, int], Digest], make: Any) -> list[Mapping[str, Any]]:
    most = max((of.visits for of in fields.values()), default=0)
    rows: list[Mapping[str, Any]] = []
    for day, name in enumerate(DAYS):
        cells = [
            make(fields[day, hour], most) if (day, hour) in fields else Field("", "none", 0.0, "there was no such hour")
            for hour in _hours_shown(fields)
        ]
        rows.append({"day": name, "cells": cells})
    return rows


def _busy(of: Digest, most: int) -> Field:
    if not of.seen:
        return _empty(of)
    return Field(str(of.visits), "busy", of.visits / most if most else 0.0, f"{of.visits} visits")


def _satisfied(of: Digest, scale: MoodScale) -> Field:
    index = scale.satisfaction(of.seconds)
    if not of.seen:
        return _empty(of)
    if index is None:
        return Field("", "unread", 0.0, "too little could be read")
    kind = "content" if index >= 50 else "discontent"
    return Field(f"{index:.0f}", kind, min(1.0, abs(index - 50) / FAR), f"satisfaction {index:.0f}")


def _empty(of: Digest) -> Field:
    return Field("·", "held", 0.0, "held back") if of.held_back else Field("", "none", 0.0, "not watched")


def _tiles(one: Digest, fields: Mapping[tuple[int, int], Digest], scale: MoodScale) -> list[Mapping[str, str]]:
    """The few numbers that matter."""
    numbers = _numbers(one, scale)
    (day, hour), busiest = max(fields.items(), key=lambda item: item[1].visits)
    share = scale.distress_share(one.seconds)
    cells = [
        ("Visits", numbers["visits"], f"in {numbers['watched']} h watched"),
        ("Busiest", f"{DAYS[day]} {hour:02}:00" if busiest.visits else "-", f"{busiest.visits} visits"),
        ("Mostly", numbers["mostly"] or "-", numbers["mostly_share"]),
        ("Satisfaction", numbers["satisfaction"], "of 100; 50 is neither"),
        ("Distress", numbers["distress"], "" if share is None else f"of time; {scale.level(share)}"),
        ("Alerts", numbers["alerts"], "fired"),
    ]
    return [{"name": name, "value": value, "more": more} for name, value, more in cells]


def _numbers(of: Digest, scale: MoodScale) -> Mapping[str, str]:
    index, share, label = scale.satisfaction(of.seconds), scale.distress_share(of.seconds), None
    whole = sum(of.seconds.values())
    if index is not None:
        label = leading(of.seconds, LABEL_NAMES)
    return {
        "visits": str(of.visits) if of.seen else "-",
        "watched": f"{of.watched / 3600:.1f}",
        "satisfaction": "-" if index is None else f"{index:.0f}",
        "distress": "-" if share is None else percent(share),
        "mostly": label or "",
        "mostly_share": f"{percent(of.seconds[label] / read_seconds(of.seconds))} of readable time" if label else "",
        "uncertain": percent(of.seconds.get(UNCERTAIN, 0.0) / whole) if whole else "-",
        "confidence": "-" if of.confidence is None else percent(of.confidence),
        "alerts": str(len(of.alerts)),
        "held_back": str(of.held_back),
    }


def _day(day: Any, of: Digest, scale: MoodScale) -> Mapping[str, str]:
    return {"name": f"{DAYS[day.weekday()]} {day:%d.%m.}", "hours": str(len(of.hours)), **_numbers(of, scale)}


def _week(of: Digest, scale: MoodScale) -> Mapping[str, str]:
    year, number, _ = of.hours[0].since.isocalendar()
    return {"name": f"{year}-W{number:02}", **_numbers(of, scale)}


def _rules(one: Digest) -> Iterator[Mapping[str, Any]]:
    """When alerts fired, a row a rule; places are percents of the week."""
    by_rule: dict[str, list[AlertBegan]] = {}
    for alert in one.alerts:
        by_rule.setdefault(alert.rule, []).append(alert)
    for rule, alerts in by_rule.items():
        often = "once" if len(alerts) == 1 else f"{len(alerts)} times"
        fired = sum(alert.seconds or 0.0 for alert in alerts)
        emotions = listed(list(dict.fromkeys(label for alert in alerts for label in alert.labels)))
        yield {
            "rule": rule,
            "severity": alerts[-1].severity,
            "often": often,
            "emotions": emotions,
            "minutes": f"{fired / 60:.0f}",
            "bars": [_bar(one, alert) for alert in alerts[:MOST_BARS]],
            "told": f"Alert {rule} fired {often}, for {fired / 60:.0f} minutes in all.",
        }


def _bar(one: Digest, alert: AlertBegan) -> Mapping[str, Any]:
    begin, whole = one.period.since, (one.period.until - one.period.since).total_seconds()
    zone = one.hours[0].since.tzinfo
    left = (alert.began - begin).total_seconds() / whole
    wide = min((alert.seconds or 0.0) / whole, 1 - left)
    began = alert.began.astimezone(zone)
    lasted = "" if alert.seconds is None else f" for {_lasting(alert.seconds)}"
    words = f"{DAYS[began.weekday()]} {began:%H:%M}{lasted}"
    return {"left": 1000 * left, "wide": max(2.5, 1000 * wide), "severity": alert.severity, "told": words}


def _lasting(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _visits_told(one: Digest, before: Sequence[Digest]) -> str:
    """How many visits there were, held against those of single weeks before."""
    if not before or not one.seen:
        return ""
    known = [found.visits for found in before]
    if len(known) == 1:
        return f"{one.visits} visits; the week before had {known[0]}."
    least, most = min(known), max(known)
    said = "within what those weeks had"
    if one.visits > most:
        said = "more than in any of them"
    elif one.visits < least:
        said = "fewer than in any of them"
    return f"{one.visits} visits; the {len(known)} weeks before had {least} to {most}: {said}."


def _compared(one: Digest, before: Sequence[Digest], scale: MoodScale) -> Sequence[Compared]:
    """The moods of the weeks before, together, and of this one, with how sure the change is; days are drawn again."""
    if not before or not one.seen:
        return ()
    there = {label for found in [*before, one] for label in found.seconds}
    labels = [label for label in LABEL_NAMES if label in there]
    columns = [*labels, UNCERTAIN]

    def series(name: str, weeks: Sequence[Digest]) -> Series:
        days = [of.seconds for found in weeks for _, of in found.days() if of.seconds]
        rows = np.array([[day.get(label, 0.0) for label in columns] for day in days], np.float64)
        return Series(name, 86_400.0, rows.reshape(-1, len(columns)))

    measures = list(mood_measures(labels, scale.weights, scale.distressed))
    return compare([series("before", before), series("this week", [one])], measures)


def number_of(moment: datetime) -> str:
    """A week as people name it, such as 2026-W48."""
    year, number, _ = moment.isocalendar()
    return f"{year}-W{number:02}"
