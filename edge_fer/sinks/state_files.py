"""The sink that keeps small numbers over restarts.

These are open windows, what is usual, cooldowns, silences, and alerts that fire.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from edge_fer.clock.system import Clock
from edge_fer.mqtt.link import boot_id
from edge_fer.pipeline.step import Told
from edge_fer.rules.alerts.restart import remember, resume
from edge_fer.rules.alerts.rule import AlertRule
from edge_fer.rules.scene.summaries import Summaries
from edge_fer.sinks.base import BaseSink
from edge_fer.support.keeping import EVERY, Keeper

__all__ = ["StateFiles"]

#: Called with everything that a camera tells.
Look = Callable[[Told], None]


class StateFiles(BaseSink):
    """Keeps what the pipelines of all cameras must know after a restart.

    Args:
        keeper: keeps it on disk.
        clock: the machine's.
        tell: told of the alerts that a crash left firing, and that have ended.
    """

    def __init__(self, keeper: Keeper, clock: Clock, tell: Callable[[str, Told], None]) -> None:
        self._keeper = keeper
        self._clock = clock
        self._tell_ended = tell
        self._looks: dict[str, Sequence[Look]] = {}
        self._is_open = False

    def keep(
        self, camera: str, summaries: Summaries, rules: Sequence[AlertRule], now: Callable[[], Sequence[AlertRule]]
    ) -> None:
        """Keeps a camera's windows, trend and alerts from now on.

        Args:
            camera: its name.
            summaries: its open windows, with its trend.
            rules: its alert rules, fresh.
            now: its alert rules later on; a reload may have changed them.
        """
        self._looks[camera] = (self._keep_numbers(camera, summaries), self._keep_alerts(camera, rules, now))

    def open(self) -> None:
        """Puts back what was kept, and begins to keep."""
        self._keeper.start()
        self._is_open = True

    def tell(self, camera: str, told: Told) -> None:
        """Keeps what has changed by it."""
        # what is told while it opens is not on its way to the broker yet; a kill must find it in the files once more
        if self._is_open:
            for look in self._looks.get(camera, ()):
                look(told)

    def close(self) -> None:
        """Keeps everything as it is now."""
        self._keeper.close()

    def _keep_numbers(self, camera: str, summaries: Summaries) -> Look:
        keep_windows = self._keeper.keep(
            "summaries.json", camera, snapshot=summaries.snapshot, restore=summaries.restore
        )
        trend = summaries.trend
        keep_trend = self._keeper.keep("trends.json", camera, snapshot=trend.snapshot, restore=trend.restore)
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

    def _keep_alerts(self, camera: str, rules: Sequence[AlertRule], now: Callable[[], Sequence[AlertRule]]) -> Look:
        boot = boot_id()

        def snapshot() -> dict[str, Any]:
            return {"boot": boot, "rules": remember(now())}

        def restore(kept: Any) -> None:
            match kept:
                case {"boot": str(then), "rules": remembered}:
                    at = self._clock()
                    ended = resume(camera, rules, remembered, at, same_boot=then == boot)
                    self._tell_ended(camera, Told(at, changes=tuple(ended)))
                case _:
                    msg = "it is nothing of alerts"
                    raise ValueError(msg)

        keep = self._keeper.keep("alerts.json", camera, snapshot=snapshot, restore=restore)

        def look(told: Told) -> None:
            if told.changes or told.alerts:
                keep()

        return look
