"""From the config to rules and summaries, which live and replay share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from edge_fer.clock.zone import local_zone
from edge_fer.config import tree as config
from edge_fer.rules.alerts.rule import AlertRule
from edge_fer.rules.past import Past
from edge_fer.rules.scene.calendar import Calendar
from edge_fer.rules.scene.mood import MoodScale
from edge_fer.rules.scene.summaries import Summaries
from edge_fer.rules.scene.trend import Trend
from edge_fer.sinks.registry import make_policy
from edge_fer.types import LABEL_SETS, Pause
from edge_fer.wiring.alert_rules import make_rules, sources_in

__all__ = ["alerts_alone_differ", "build_rules", "build_scale", "build_summaries", "longest_gap", "pause_of"]


def build_rules(
    name: str, camera: config.CameraSection, settings: config.Config, trend: Trend, past: Past | None = None
) -> list[AlertRule]:
    """The alert rules of one camera, fresh.

    Args:
        name: the camera's name.
        camera: its part of the config.
        settings: the config.
        trend: knows what is usual there.
        past: what happened there before; nothing, if left out.
    """
    scale = build_scale(settings.mood)
    return make_rules(name, camera, timezone=settings.node.timezone, scale=scale, baseline=trend, past=past)


def build_summaries(
    name: str, camera: config.CameraSection, settings: config.Config, *, also: Iterable[int] = ()
) -> Summaries:
    """What sums up what one camera sees; has its trend with it.

    Args:
        name: the camera's name.
        camera: its part of the config.
        settings: the config.
        also: lengths of further windows, in seconds, beside those of the config.
    """
    calendar = Calendar(local_zone(settings.node.timezone))
    return Summaries(
        name,
        sorted({*map(int, settings.summaries.windows), *also}),
        labels=LABEL_SETS[camera.emotion.labels],
        calendar=calendar,
        scale=build_scale(settings.mood),
        trend=Trend(calendar),
        over=settings.mood.over,
        k_minimum=make_policy(settings).k_minimum,
        max_gap=longest_gap(camera),
    )


def longest_gap(camera: config.CameraSection, *, slowest: float = 1.0) -> float:
    """Seconds for which a frame stands: a few frames of a slow camera may be missed before nothing is known.

    Args:
        camera: its part of the config.
        slowest: the lowest share of its frame rate that is left to it, above 0 to 1.
    """
    return max(1.0, 5 / (camera.fps * slowest))


def build_scale(mood: config.MoodSection) -> MoodScale:
    """What makes satisfaction and distress of seconds."""
    return MoodScale(
        weights=mood.weights.model_dump(),
        distressed=frozenset(mood.distress.emotion),
        moderate=mood.distress.moderate,
        high=mood.distress.high,
        min_read=mood.min_read,
    )


def pause_of(camera: config.CameraSection) -> Pause | None:
    """The pause that the config asks for; None: there is none."""
    if not camera.paused:
        return None
    until = None if camera.paused_until is None else datetime.fromisoformat(camera.paused_until).astimezone(UTC)
    return Pause(until, camera.pause_reason or "")


def alerts_alone_differ(old: config.Config, new: config.Config) -> bool:
    """Whether new rules, and pauses, are all that a change of the config asks for, so that cameras may go on meanwhile.

    Other outside signals ask for another subscription, which only a new link makes.
    """

    def without_alerts(settings: config.Config) -> config.Config:
        cameras = {
            name: camera.model_copy(update={"alerts": {}, "paused": False, "paused_until": None, "pause_reason": None})
            for name, camera in settings.cameras.items()
        }
        return settings.model_copy(update={"alerts": {}, "cameras": cameras})

    return without_alerts(old) == without_alerts(new) and sources_in(old.cameras) == sources_in(new.cameras)
