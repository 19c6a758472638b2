"""Looks back over a time: reads the file once, for any number of digests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_fer.history.digest import Digest, Period, digest
from edge_fer.history.file import reading
from edge_fer.history.records import HOURLY, AlertBegan, HealthHour, HistoryWindow, SignalWindow
from edge_fer.history.tables import cameras_in, lost_in, read_alerts, read_health, read_signals, read_windows
from edge_fer.rules.scene.calendar import Calendar

__all__ = ["LookBack", "look_back"]


@dataclass(frozen=True, slots=True)
class LookBack:
    """What the history has of a time.

    Attributes:
        cameras: all there is anything of, at any time.
        hours: of all cameras.
        alerts: likewise.
        signals: likewise.
        health: of the device.
        damaged: rows that are left out because they are damaged.
        lost: rows that were given up since the history began, by reason.
    """

    cameras: Sequence[str]
    hours: Sequence[HistoryWindow]
    alerts: Sequence[AlertBegan]
    signals: Sequence[SignalWindow]
    health: Sequence[HealthHour]
    damaged: int
    lost: Mapping[str, int]

    def digest(self, calendar: Calendar, camera: str, period: Period, *, k_minimum: int) -> Digest:
        """What a camera saw in a part of the time."""
        return digest(calendar, camera, period, hours=self.hours, alerts=self.alerts, k_minimum=k_minimum)


def look_back(path: Path, period: Period) -> LookBack:
    """Reads what the history has of a time.

    Raises:
        HistoryError: there is no history, or it cannot be read.
    """
    span = (period.since, period.until)
    with reading(path) as connection:
        hours, damaged_hours = read_windows(connection, HOURLY, *span)
        alerts, damaged_alerts = read_alerts(connection, *span)
        signals, damaged_signals = read_signals(connection, *span)
        health, damaged_health = read_health(connection, *span)
        damaged = damaged_hours + damaged_alerts + damaged_signals + damaged_health
        return LookBack(cameras_in(connection), hours, alerts, signals, health, damaged, lost_in(connection))
