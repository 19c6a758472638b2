"""From the config of alerts to alert rules: one table of kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from edge_fer.clock.zone import local_zone
from edge_fer.config import tree as config
from edge_fer.config.sections import conditions as kinds
from edge_fer.config.sections.alerts import AlertSection
from edge_fer.config.sections.when import WhenAll, WhenAny, parts_of
from edge_fer.config.values.json_path import steps_of
from edge_fer.rules.alerts.lifecycle import Timing
from edge_fer.rules.alerts.rule import AlertRule
from edge_fer.rules.alerts.schedule import Schedule
from edge_fer.rules.conditions.combined import Anybody, Combined
from edge_fer.rules.conditions.emotion import EmotionCondition
from edge_fer.rules.conditions.finding import Condition, all_of, any_of
from edge_fer.rules.conditions.over_time import (
    BaselinePort,
    CrowdCondition,
    DistressCondition,
    SatisfactionCondition,
    WorseThanUsual,
)
from edge_fer.rules.conditions.presence import MorePeopleCondition, NoFaceCondition, ViewCondition
from edge_fer.rules.conditions.signal import SignalCondition
from edge_fer.rules.scene.mood import MAX_GAP, MoodScale
from edge_fer.types import Distress, SignalKey, View

__all__ = ["make_rules", "sources_in"]

#: A finding stands for so many seconds without a next one, or so many pictures of a slow camera.
_STANDS, _STANDS_FRAMES = 10.0, 3
#: Likewise a reading, where seconds are summed up.
_COUNTS_FRAMES = 5


def make_rules(
    camera: str, settings: config.CameraSection, *, timezone: str | None, scale: MoodScale, baseline: BaselinePort
) -> list[AlertRule]:
    """The alert rules of one camera.

    Args:
        camera: its name.
        settings: its section of the config.
        timezone: of schedules; None for the system's.
        scale: makes satisfaction and distress of seconds by emotion.
        baseline: knows what is usual.
    """
    zone = local_zone(timezone)
    max_gap = max(_STANDS, _STANDS_FRAMES / settings.fps)
    means = _Means(scale, baseline, max(MAX_GAP, _COUNTS_FRAMES / settings.fps))

    def rule(name: str, alert: AlertSection) -> AlertRule:
        condition = _condition(alert.when, means)
        of_people = any(part.of_person for _, part in parts_of(alert.when))
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
            # whoever silences a rule changes nothing of what it watches for
            settings=(alert.model_copy(update={"silenced": False}), timing, timezone, scale, id(baseline)),
        )

    return [rule(name, alert) for name, alert in settings.alerts.items()]


def sources_in(cameras: Mapping[str, config.CameraSection]) -> frozenset[SignalKey]:
    """The outside numbers that the alerts of any camera ask for."""
    return frozenset(
        _source(part)
        for camera in cameras.values()
        for alert in camera.alerts.values()
        for _, part in parts_of(alert.when)
        if isinstance(part, kinds.WhenSignal)
    )


def _source(when: kinds.WhenSignal) -> SignalKey:
    return SignalKey(when.signal, steps_of(when.path) or ())


@dataclass(frozen=True, slots=True)
class _Means:
    """What conditions over a time need beside their own settings.

    Attributes:
        scale: makes satisfaction and distress of seconds by emotion.
        baseline: knows what is usual.
        gap: seconds that a frame stands without a next one.
    """

    scale: MoodScale
    baseline: BaselinePort
    gap: float


def _condition(when: kinds.ConditionSection, means: _Means) -> Condition:
    return _MAKERS[type(when)](when, means)


def _parts(parts: Sequence[kinds.ConditionSection], means: _Means) -> list[Condition]:
    return [_condition(part, means) for part in parts]


#: What makes the condition of each kind.
_MAKERS: Mapping[type[kinds.ConditionSection], Callable[[Any, _Means], Condition]] = {
    WhenAll: lambda when, means: Combined(_parts(when.all, means), all_of),
    WhenAny: lambda when, means: Combined(_parts(when.any, means), any_of),
    kinds.WhenEmotion: lambda when, _: EmotionCondition(frozenset(when.emotion), when.score, repeated=when.repeated),
    kinds.WhenCrowd: lambda when, means: CrowdCondition(
        frozenset(when.crowd), when.share, over=when.over, min_people=when.min_people, max_gap=means.gap
    ),
    kinds.WhenNoFace: lambda *_: NoFaceCondition(),
    kinds.WhenMorePeople: lambda when, _: MorePeopleCondition(when.more_people_than),
    kinds.WhenView: lambda when, _: ViewCondition(frozenset(map(View, when.view))),
    kinds.WhenDistress: lambda when, means: DistressCondition(
        means.scale, Distress(when.distress), over=when.over, max_gap=means.gap
    ),
    kinds.WhenSatisfaction: lambda when, means: SatisfactionCondition(
        means.scale, when.satisfaction_below, over=when.over, max_gap=means.gap
    ),
    kinds.WhenWorseThanUsual: lambda when, means: WorseThanUsual(
        means.scale, means.baseline, when.worse_than_usual, by=when.by, over=when.over, max_gap=means.gap
    ),
    kinds.WhenSignal: lambda when, _: SignalCondition(
        _source(when),
        when.below if when.above is None else when.above,
        above=when.above is not None,
        max_age=when.max_age,
    ),
}


def _in_utc(silenced: bool | datetime, zone: tzinfo) -> bool | datetime:  # noqa: FBT001 - as the config has it
    if isinstance(silenced, bool):
        return silenced
    local = silenced if silenced.tzinfo else silenced.replace(tzinfo=zone)
    return local.astimezone(UTC)
