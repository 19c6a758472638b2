"""Records made up for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from edge_fer.history.records import HOURLY, MINUTELY, AlertBegan, HealthHour, HistoryWindow, SignalWindow

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


def minute(number: int, *, camera: str = "counter", people: int | None = 2, length: int = MINUTELY) -> HistoryWindow:
    """The minute, or another window, so many after noon."""
    since = NOON + timedelta(seconds=length * number)
    common = (camera, length, since, since + timedelta(seconds=length), float(length), True)
    if people is None:
        return HistoryWindow(*common, people=None)
    return HistoryWindow(*common, people, 1, 30.0, {"happy": 20.0, "sad": 10.0, "uncertain": 5.5}, 24.0)


def hour(number: int, *, camera: str = "counter", people: int | None = 2) -> HistoryWindow:
    return minute(number, camera=camera, people=people, length=HOURLY)


def alert(number: int, *, camera: str = "counter", seconds: float | None = 90.0) -> AlertBegan:
    """An alert so many minutes after noon."""
    began = NOON + timedelta(minutes=number)
    ended = None if seconds is None else began + timedelta(seconds=seconds)
    return AlertBegan(
        f"alert-{number}", camera, "unhappy-guest", "warning", ("sad",), True, began, ended, seconds, "over"
    )


def pulse(number: int, *, camera: str = "counter") -> SignalWindow:
    since = NOON + timedelta(minutes=number)
    return SignalWindow(camera, "ward/pulse", since, since + timedelta(minutes=1), 3, 60.0, 70.0, 80.0)


def health(number: int) -> HealthHour:
    return HealthHour(NOON + timedelta(hours=number), 60, 59, 1, 61.5, 150_000_000, 4)
