"""From what the control socket tells to what the pages show. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

__all__ = [
    "AlertView",
    "alerts_in",
    "clock_of",
    "day_of",
    "ended_in",
    "lasted",
    "silences_in",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView:
    """An alert that is pending or fires.

    Attributes:
        camera: where.
        rule: whose it is.
        id: of the alert; empty while it is pending.
        state: pending or firing.
        severity: as in the config.
        since: RFC 3339.
        acknowledged: whether somebody knows of it.
        silenced: whether the rule sends nothing.
        when: what it watches for, as in the config.
        lasts: for how long that has to last, as in the config.
        value: what is measured.
        threshold: against what.
    """

    camera: str
    rule: str
    id: str
    state: str
    severity: str
    since: str
    acknowledged: bool
    silenced: bool
    when: Mapping[str, Any]
    lasts: str
    value: float
    threshold: float


def alerts_in(state: Mapping[str, Any]) -> list[AlertView]:
    """The alerts of all cameras, those that fire first."""
    found = [alert for name, camera in state["cameras"].items() for alert in _alerts_of(name, camera)]
    return sorted(found, key=lambda alert: (alert.state != "firing", alert.acknowledged, alert.since, alert.camera))


def _alerts_of(name: str, camera: Mapping[str, Any]) -> Iterator[AlertView]:
    for rule in camera["rules"] or ():
        for alert in rule["alerts"]:
            yield AlertView(
                camera=name,
                rule=rule["rule"],
                id=alert["id"] or "",
                state=alert["state"],
                severity=alert["severity"],
                since=alert["since"],
                acknowledged=alert["acknowledged"],
                silenced=rule["silenced"],
                when=rule["when"],
                lasts=rule["for"],
                value=alert["value"],
                threshold=alert["threshold"],
            )


def ended_in(state: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Camera and alert of those that were resolved a short while ago, the newest first."""
    found = [(name, alert) for name, camera in state["cameras"].items() for alert in camera["ended"] or ()]
    return sorted(found, key=lambda one: one[1]["ended"], reverse=True)


def lasted(alert: Mapping[str, Any]) -> str:
    """How long an alert that is over went on."""
    since, ended = (datetime.fromisoformat(alert[key]) for key in ("since", "ended"))
    minutes, seconds = divmod(max(0, round((ended - since).total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def clock_of(moment: str, zone: str) -> str:
    """The time of the place.

    Args:
        moment: RFC 3339.
        zone: of the place; UTC where this device does not know it.
    """
    return f"{_local(moment, zone):%H:%M:%S}"


def day_of(moment: str, zone: str) -> str:
    """The day at the place, likewise."""
    return f"{_local(moment, zone):%Y-%m-%d}"


def _local(moment: str, zone: str) -> datetime:
    try:
        return datetime.fromisoformat(moment).astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return datetime.fromisoformat(moment)


def silences_in(state: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Camera, rule and end (RFC 3339; empty: none) of each rule that is silenced while it has no alert to show."""
    return [
        (name, rule["rule"], rule["silenced_until"] or "")
        for name, camera in state["cameras"].items()
        for rule in camera["rules"] or ()
        if rule["silenced"] and not any(alert["state"] == "firing" for alert in rule["alerts"])
    ]
