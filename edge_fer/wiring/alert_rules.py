"""From the config of alerts to alert rules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo

from edge_fer.clock.zone import local_zone
from edge_fer.config import tree as config
from edge_fer.config.sections.alerts import AlertSection
from edge_fer.rules.alerts.lifecycle import Timing
from edge_fer.rules.alerts.rule import AlertRule
from edge_fer.rules.alerts.schedule import Schedule
from edge_fer.rules.conditions.combined import Anybody
from edge_fer.rules.conditions.kind import BaselinePort, Means
from edge_fer.rules.conditions.when import condition_of, is_of_faces, is_of_people, labels_in, signals_in
from edge_fer.rules.past import Past
from edge_fer.rules.scene.mood import MAX_GAP, MoodScale
from edge_fer.types import SignalKey

__all__ = ["make_rules", "sources_in"]

#: A finding stands for so many seconds without a next one, or so many pictures of a slow camera.
_STANDS, _STANDS_FRAMES = 10.0, 3
#: Likewise a reading, where seconds are summed up.
_COUNTS_FRAMES = 5


def make_rules(
    camera: str,
    settings: config.CameraSection,
    *,
    timezone: str | None,
    scale: MoodScale,
    baseline: BaselinePort,
    past: Past | None = None,
) -> list[AlertRule]:
    """The alert rules of one camera.

    Args:
        camera: its name.
        settings: its section of the config.
        timezone: of schedules; None for the system's.
        scale: makes satisfaction and distress of seconds by emotion.
        baseline: knows what is usual.
        past: what happened on the camera before; nothing, if left out.
    """
    zone = local_zone(timezone)
    max_gap = max(_STANDS, _STANDS_FRAMES / settings.fps)
    past = Past() if past is None else past
    means = Means(scale, baseline, max(MAX_GAP, _COUNTS_FRAMES / settings.fps), past)

    def rule(name: str, alert: AlertSection) -> AlertRule:
        condition = condition_of(alert.when, means)
        of_people = is_of_people(alert.when)
        timing = Timing(
            for_=alert.for_,
            keep_firing_for=alert.keep_firing_for,
            cooldown=alert.cooldown,
            max_uncertain=alert.max_uncertain,
            max_gap=max_gap,
        )
        return AlertRule(
            camera,
            name,
            severity=alert.severity,
            condition=Anybody(condition) if of_people and alert.scope == "scene" else condition,
            timing=timing,
            schedule=Schedule(alert.schedule, zone),
            silenced=_in_utc(alert.silenced, zone),
            labels=tuple(dict.fromkeys(label for _, label in labels_in(alert.when))),
            of_faces=is_of_faces(alert.when),
            on_fire=past.fired,
            # whoever silences a rule changes nothing of what it watches for
            settings=(alert.model_copy(update={"silenced": False}), timing, timezone, scale, id(baseline)),
        )

    return [rule(name, alert) for name, alert in settings.alerts.items()]


def sources_in(cameras: Mapping[str, config.CameraSection]) -> frozenset[SignalKey]:
    """The outside numbers that the alerts of any camera ask for."""
    return frozenset(
        signal
        for camera in cameras.values()
        for alert in camera.alerts.values()
        for _, signal in signals_in(alert.when)
    )


def _in_utc(silenced: bool | datetime, zone: tzinfo) -> bool | datetime:  # noqa: FBT001 - as the config has it
    if isinstance(silenced, bool):
        return silenced
    local = silenced if silenced.tzinfo else silenced.replace(tzinfo=zone)
    return local.astimezone(UTC)
