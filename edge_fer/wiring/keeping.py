"""What of each camera is kept over restarts: open windows, what is usual, cooldowns, silences, alerts that fire."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from edge_fer.clock.system import Clock
from edge_fer.mqtt.link import boot_id
from edge_fer.pipeline.step import Told
from edge_fer.publishing import Publisher
from edge_fer.rules.alerts.restart import remember, resume
from edge_fer.rules.alerts.rule import AlertRule
from edge_fer.rules.scene.summaries import Summaries
from edge_fer.support.keeping import EVERY, Keeper

__all__ = ["keep_alerts", "keep_numbers"]


def keep_numbers(keeper: Keeper, name: str, summaries: Summaries) -> Callable[[Told], None]:
    """Keeps one camera's open windows and its trend; what it returns is to be called with everything it tells."""
    keep_windows = keeper.keep("summaries.json", name, snapshot=summaries.snapshot, restore=summaries.restore)
    trend = summaries.trend
    keep_trend = keeper.keep("trends.json", name, snapshot=trend.snapshot, restore=trend.restore)
    due, learned = float("-inf"), 0

    def look(told: Told) -> None:
        nonlocal due, learned
        if told.at.mono >= due:
            due = told.at.mono + EVERY
            keep_windows()
        if trend.version != learned:
            learned = trend.version
            keep_trend()

    return look


def keep_alerts(
    keeper: Keeper,
    name: str,
    rules: Sequence[AlertRule],
    *,
    now: Callable[[], Sequence[AlertRule]],
    publisher: Publisher,
    clock: Clock,
) -> Callable[[Told], None]:
    """Keeps what of one camera's alerts outlives a restart, and tells the end of those that a crash left firing.

    Args:
        keeper: keeps it.
        name: the camera's name.
        rules: its alert rules, fresh.
        now: its alert rules later on; a reload may have changed them.
        publisher: told of what has ended.
        clock: the machine's.

    Returns:
        What is to be called with everything that the camera tells.
    """
    boot = boot_id()

    def snapshot() -> dict[str, Any]:
        return {"boot": boot, "rules": remember(now())}

    def restore(kept: Any) -> None:
        match kept:
            case {"boot": str(then), "rules": remembered}:
                at = clock()
                ended = resume(name, rules, remembered, at, same_boot=then == boot)
                publisher.tell(name, Told(at, changes=tuple(ended)))
            case _:
                msg = "it is nothing of alerts"
                raise ValueError(msg)

    keep = keeper.keep("alerts.json", name, snapshot=snapshot, restore=restore)

    def look(told: Told) -> None:
        if told.changes or told.alerts:
            keep()

    return look
