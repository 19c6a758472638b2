"""Alerts and things to tell, made up."""

from __future__ import annotations

from edge_fer.notify.items import ItemKind, NotifyItem
from edge_fer.types import Alert, AlertChange, AlertState, Resolution
from tests.invented import at

__all__ = ["alert", "change", "item"]


def alert(number=1, *, camera="bed-1", rule="distress", severity="critical", since=0.0, acknowledged=False) -> Alert:
    where = AlertState.FIRING
    return Alert(f"a{number}", camera, rule, severity, None, where, at(since), 0.72, 0.5, acknowledged)


def change(seconds, *, resolved=False, reason=Resolution.OVER, **what) -> AlertChange:
    """An alert that began so many seconds after midnight, or was resolved."""
    return AlertChange(resolved, alert(**what), at(seconds), reason if resolved else None)


def item(target="nurse", *, kind=ItemKind.FIRING, key="a1", severity="critical", began=1e9, **more) -> NotifyItem:
    given = {"not_before": began, "camera": "bed-1"} | more
    return NotifyItem(target, kind, key, severity, began, **given)
