"""From the history to what rules know of the past; imported only where there is a history."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta

from edge_fer.config import tree as config
from edge_fer.errors import HistoryError
from edge_fer.history.file import NAME, reading
from edge_fer.history.records import HOURLY, MINUTELY, HistoryWindow
from edge_fer.history.tables import read_alerts, read_windows
from edge_fer.rules.conditions.when import parts_of
from edge_fer.rules.past import Past, PastMinute
from edge_fer.rules.scene.mood import read_seconds
from edge_fer.rules.scene.summaries import TEACHES
from edge_fer.rules.scene.trend import Trend
from edge_fer.types import Instant
from edge_fer.wiring.meaning import build_scale

__all__ = ["recall", "windows_of"]

log = logging.getLogger(__name__)

#: What is usual follows about the last eight weeks; of older ones, nothing would be left.
_TEACHES_FOR = timedelta(weeks=12)


def windows_of(settings: config.Config) -> tuple[int, ...]:
    """Lengths of the windows that the history needs, in seconds."""
    return (MINUTELY, HOURLY) if settings.history.keep.minutes > 0 else (HOURLY,)


def recall(settings: config.Config, at: Instant, name: str, camera: config.CameraSection, trend: Trend) -> Past:
    """What a camera's rules know of the past.

    Args:
        settings: the config.
        at: now; where the clock may be wrong, nothing is known.
        name: the camera's name.
        camera: its part of the config.
        trend: learns what was usual; what was kept of it elsewhere is put back later, and takes its place.
    """
    path = settings.state_dir / NAME
    if not at.synced or not path.exists():
        return Past()
    over = max((_over(camera)), default=0.0)
    since = at.utc - timedelta(seconds=over)
    try:
        with reading(path) as connection:
            hours, _ = read_windows(connection, HOURLY, at.utc - _TEACHES_FOR, at.utc, camera=name)
            minutes, _ = read_windows(connection, MINUTELY, since, at.utc, camera=name) if over else ([], 0)
            alerts, _ = read_alerts(connection, since, at.utc, camera=name) if over else ([], 0)
    except HistoryError as error:
        log.warning("rules begin without what was seen before: %s", error)
        return Past()
    _teach(settings, trend, hours)
    return Past(
        (
            PastMinute(_mono(at, minute), minute.watched, minute.arrived, minute.seconds)
            for minute in minutes
            if minute.people is not None and minute.until <= at.utc
        ),
        ((alert.rule, at.mono - (at.utc - alert.began).total_seconds()) for alert in alerts),
    )


def _over(camera: config.CameraSection) -> Iterable[float]:
    """The times over which rules of a camera look back."""
    for alert in camera.alerts.values():
        for _, part in parts_of(alert.when):
            yield float(getattr(part, "over", 0.0))


def _mono(at: Instant, minute: HistoryWindow) -> float:
    return at.mono - (at.utc - minute.until).total_seconds()


def _teach(settings: config.Config, trend: Trend, hours: Iterable[HistoryWindow]) -> None:
    scale = build_scale(settings.mood)
    for hour in hours:
        satisfaction, distress = scale.satisfaction(hour.seconds), scale.distress_share(hour.seconds)
        if satisfaction is not None and distress is not None and read_seconds(hour.seconds) >= TEACHES:
            trend.learn(hour.since, {"satisfaction": satisfaction, "distress": distress})
