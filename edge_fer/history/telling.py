"""What the history says of a period, as data: for the command line, and for the page. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from edge_fer.history.digest import Digest, Hour, Period, day_of, week_of
from edge_fer.history.look_back import LookBack
from edge_fer.history.records import AlertBegan, HistoryWindow, SignalWindow
from edge_fer.rules.scene.calendar import Calendar
from edge_fer.rules.scene.mood import MoodScale, read_seconds
from edge_fer.support.harmless import harmless
from edge_fer.types import LABEL_NAMES, UNCERTAIN

__all__ = ["PERIODS", "csv_lines", "period_of", "told_history"]

#: What people ask for.
PERIODS = ("today", "week", "year")


def period_of(what: str, calendar: Calendar, now: datetime, back: int = 0) -> Period:
    """A period that people ask for.

    Args:
        what: today, week or year.
        calendar: knows the hours of the place.
        now: the end of what there can be.
        back: how many days or weeks earlier; a year has none.
    """
    today = now.astimezone(calendar.zone).date()
    if what == "today":
        return day_of(calendar, today - timedelta(days=back))
    week = week_of(calendar, today - timedelta(weeks=back))
    return week if what == "week" else Period(week_of(calendar, today - timedelta(weeks=52)).since, week.until)


def csv_lines(found: Sequence[Digest], scale: MoodScale, *, alerts: bool = True) -> Iterator[str]:
    """The hours as CSV, a line each, without line breaks; with how many alerts began, if wanted."""
    labels = [label for label in (*LABEL_NAMES, UNCERTAIN) if any(one.seconds.get(label) for one in found)]
    head = (
        "camera",
        "hour",
        "watched_s",
        "held_back",
        "visits",
        "arrived",
        "presence_s",
        "satisfaction",
        "distress",
        "confidence",
    )
    yield ",".join([*head, *(f"{label}_s" for label in labels), *(["alerts"] if alerts else [])])
    for one in found:
        for hour in one.hours:
            if not (hour.seen or hour.held_back or (alerts and hour.alerts)):
                continue
            seen = hour.seen
            cells = [one.camera, hour.since.isoformat(), "" if seen is None else f"{seen.watched:.3f}"]
            cells.append(str(int(hour.held_back)))
            if seen is None:
                cells += [""] * (len(labels) + 6)
            else:
                index, share = scale.satisfaction(seen.seconds), scale.distress_share(seen.seconds)
                cells += [str(seen.people), str(seen.arrived), f"{seen.presence:.3f}"]
                cells += ["" if index is None else f"{index:.2f}", "" if share is None else f"{share:.4f}"]
                read = read_seconds(seen.seconds)
                cells.append(f"{seen.sure / read:.4f}" if read else "")
                cells += [f"{seen.seconds.get(label, 0.0):.3f}" for label in labels]
            yield ",".join([*map(harmless, cells), *([str(len(hour.alerts))] if alerts else [])])


def told_history(
    past: LookBack, found: Sequence[Digest], period: Period, calendar: Calendar, scale: MoodScale
) -> dict[str, Any]:
    """Hours, alerts, outside numbers and health, as JSON has them."""
    return {
        "from": period.since.astimezone(calendar.zone).isoformat(),
        "to": period.until.astimezone(calendar.zone).isoformat(),
        "cameras": {one.camera: _camera(one, scale, past.signals) for one in found},
        "health": [asdict(one) | {"since": one.since.isoformat()} for one in past.health],
        "lost": past.lost,
        "damaged": past.damaged,
    }


def _camera(one: Digest, scale: MoodScale, signals: Sequence[SignalWindow]) -> dict[str, object]:
    return {
        "hours": [_hour(hour, hour.seen, scale) for hour in one.hours if hour.seen or hour.held_back],
        "alerts": [_alert(alert) for alert in one.alerts],
        "signals": [
            asdict(signal) | {"since": signal.since.isoformat(), "until": signal.until.isoformat()}
            for signal in signals
            if signal.camera == one.camera
        ],
    }


def _hour(hour: Hour, seen: HistoryWindow | None, scale: MoodScale) -> dict[str, object]:
    told: dict[str, object] = {
        "since": hour.since.isoformat(),
        "until": hour.until.astimezone(hour.since.tzinfo).isoformat(),
        "held_back": hour.held_back,
    }
    if seen is None:
        return told
    return told | {
        "watched_s": seen.watched,
        "clock_synced": seen.synced,
        "visits": seen.people,
        "arrived": seen.arrived,
        "presence_s": round(seen.presence, 3),
        "attention_s": seen.attention,
        "seconds": dict(seen.seconds),
        "satisfaction": scale.satisfaction(seen.seconds),
        "distress_share": scale.distress_share(seen.seconds),
        "confidence": round(seen.sure / read, 4) if (read := read_seconds(seen.seconds)) else None,
    }


def _alert(alert: AlertBegan) -> dict[str, object]:
    ended = None if alert.ended is None else alert.ended.isoformat()
    return asdict(alert) | {"began": alert.began.isoformat(), "ended": ended}
