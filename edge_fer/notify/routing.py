"""Who is told of what: routes, quiet hours, escalation, and how much each target may know. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Literal

from edge_fer.notify.items import SEVERITIES, ItemKind, NotifyItem
from edge_fer.notify.troubles import TroubleChange
from edge_fer.rules.alerts.schedule import Schedule
from edge_fer.types import AlertChange, Instant
from edge_fer.values.hours import Hours

__all__ = ["EscalationStep", "NotifyRoute", "NotifyRouter", "NotifyTarget"]

#: The least serious that quiet hours let through.
_LOUD = "critical"
_WEEK = 7 * 24 * 60
#: First alerts that are remembered as told, so that a rule that flaps has but one.
_REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class NotifyTarget:
    """Somebody who is told.

    Attributes:
        detail: whether only the place is told, or the rule and what was measured, too.
        quiet: hours in which only what is critical is told.
    """

    detail: Literal["place", "full"] = "place"
    quiet: tuple[Hours, ...] = ()


@dataclass(frozen=True, slots=True)
class EscalationStep:
    """Who is told, too, where nobody acknowledges an alert.

    Attributes:
        after: seconds from when it fired.
        to: names of targets.
    """

    after: float
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotifyRoute:
    """Which alerts and troubles go to which targets.

    Attributes:
        to: names of targets.
        what: of which kind.
        severity: at least so serious.
        rules: names of rules; none for all.
        cameras: names of cameras; none for all.
        schedule: when; none for always.
        resolved: whether it is told, too, that something is over.
        escalate: who is told where nobody acknowledges.
    """

    to: tuple[str, ...]
    what: Literal["all", "alerts", "troubles"] = "all"
    severity: str = "info"
    rules: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    schedule: tuple[Hours, ...] = ()
    resolved: bool = False
    escalate: tuple[EscalationStep, ...] = ()

    def takes(self, severity: str, camera: str, rule: str | None, at: Instant, zone: tzinfo | None) -> bool:
        """Whether something goes this way; `rule` is None for a trouble."""
        if self.what != "all" and (self.what == "alerts") != (rule is not None):
            return False
        if _rank(severity) < _rank(self.severity) or not Schedule(self.schedule, zone).covers(at):
            return False
        if rule is not None and self.rules and rule not in self.rules:
            return False
        return not (self.cameras and camera and camera not in self.cameras)


class NotifyRouter:
    """Turns alerts and troubles into what each target is to be told.

    Args:
        targets: by name.
        routes: each target is told by the first that leads to it; without any, all targets are told everything.
        zone: of schedules and quiet hours.
        per: seconds within which only the first alert of a rule is urgent.
        conditions: what alerts go by, as in the config, by camera and rule.
        link: gives further facts by which whoever is told can acknowledge an alert; None: they cannot.
    """

    def __init__(
        self,
        targets: Mapping[str, NotifyTarget],
        routes: Sequence[NotifyRoute],
        zone: tzinfo | None,
        *,
        per: float,
        conditions: Mapping[tuple[str, str], Any] | None = None,
        link: Callable[[NotifyItem], Mapping[str, Any]] | None = None,
    ) -> None:
        self._conditions = conditions or {}
        self._link = link
        self._targets = targets
        self._routes = routes or [NotifyRoute(tuple(targets))]
        self._zone = zone
        self._per = per
        #: when a rule of a camera was told to a target as urgent, in monotonic seconds
        self._firsts: dict[tuple[str, str, str, bool], float] = {}

    def alert(self, change: AlertChange) -> list[NotifyItem]:
        """What targets are to be told of an alert that began to fire, or was resolved."""
        alert, at = change.alert, change.at
        kind = ItemKind.RESOLVED if change.resolved else ItemKind.FIRING
        seen = at if change.resolved else alert.since
        base = NotifyItem("", kind, alert.id, alert.severity, _utc(seen), _utc(at), camera=alert.camera)
        facts: dict[str, Any] = {"rule": alert.rule, "value": alert.value, "threshold": alert.threshold}
        if (when := self._conditions.get((alert.camera, alert.rule))) is not None:
            facts["when"] = when
        if change.resolved:
            facts["since"] = _utc(alert.since)
        found: list[NotifyItem] = []
        escalated: dict[str, float] = {}
        for route, names in self._ways(alert.severity, alert.camera, alert.rule, at):
            if change.resolved:
                found += [self._for(name, base, facts, at) for name in names if route.resolved]
                continue
            for name in names:
                urgent = self._is_first(alert.camera, alert.rule, name, alert.severity, at)
                found.append(self._for(name, replace(base, urgent=urgent), facts, at))
            for step in route.escalate:
                for name in step.to:
                    escalated[name] = min(step.after, escalated.get(name, step.after))
        for name, after in escalated.items():
            urgent = self._is_first(alert.camera, alert.rule, name, alert.severity, at, escalated=True)
            later = at.later(after)
            item = replace(base, kind=ItemKind.ESCALATED, not_before=_utc(later), urgent=urgent)
            found.append(self._for(name, item, facts | {"minutes": round(after / 60, 1)}, later))
        return found

    def trouble(self, change: TroubleChange, at: Instant) -> list[NotifyItem]:
        """What targets are to be told of edge-fer itself; nobody's face has to do with it, so nothing is left out."""
        kind = ItemKind.RECOVERED if change.over else ItemKind.TROUBLE
        base = NotifyItem("", kind, change.key, change.severity, change.since, _utc(at), camera=change.camera)
        return [
            self._in_its_hours(replace(base, target=name, facts={"what": change.what, **change.facts}), at)
            for route, names in self._ways(change.severity, change.camera, None, at)
            for name in names
            if route.resolved or not change.over
        ]

    def _ways(
        self, severity: str, camera: str, rule: str | None, at: Instant
    ) -> Iterator[tuple[NotifyRoute, Sequence[str]]]:
        """The routes that something goes, each with the targets that no route before it leads to."""
        told: set[str] = set()
        for route in self._routes:
            if route.takes(severity, camera, rule, at, self._zone):
                names = [name for name in route.to if name in self._targets and name not in told]
                told.update(names)
                yield route, names

    def _for(self, name: str, item: NotifyItem, facts: Mapping[str, Any], at: Instant) -> NotifyItem:
        """An item for a target, with as much of the facts as it may know."""
        known = facts if self._targets[name].detail == "full" else _about_no_emotion(facts)
        made = self._in_its_hours(replace(item, target=name, facts=known), at)
        if self._link is None or item.kind is ItemKind.RESOLVED:
            return made
        return replace(made, facts={**made.facts, **self._link(made)})

    def _in_its_hours(self, item: NotifyItem, at: Instant) -> NotifyItem:
        quiet = self._targets[item.target].quiet
        if not quiet or _rank(item.severity) >= _rank(_LOUD):
            return item
        wait = _quiet_for(Schedule(quiet, self._zone), at)
        return replace(item, not_before=item.not_before + wait) if wait else item

    def _is_first(
        self, camera: str, rule: str, target: str, severity: str, at: Instant, *, escalated: bool = False
    ) -> bool:
        """Whether it is critical, and the first of its rule on its camera for a while that this target is told."""
        if severity != "critical":
            return False
        key = (camera, rule, target, escalated)
        last = self._firsts.get(key)
        if last is not None and at.mono - last < self._per:
            return False
        self._firsts.pop(key, None)
        self._firsts[key] = at.mono
        if len(self._firsts) > _REMEMBERED:
            del self._firsts[next(iter(self._firsts))]
        return True


def _about_no_emotion(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Without the rule, whose name may tell an emotion, and without what was measured."""
    return {name: value for name, value in facts.items() if name in {"minutes", "since"}}


def _quiet_for(quiet: Schedule, at: Instant) -> float:
    """Seconds until quiet hours are over; 0 outside of them."""
    if not at.synced:
        # which hour it is, nobody knows
        return 0.0
    whole = datetime(*at.utc.timetuple()[:5], tzinfo=UTC)
    for minute in range(_WEEK):
        moment = at.utc if minute == 0 else whole + timedelta(minutes=minute)
        if not quiet.covers(Instant(0.0, moment)):
            return (moment - at.utc).total_seconds()
    return float(_WEEK * 60)


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else 0


def _utc(at: Instant) -> float:
    return at.utc.timestamp()
