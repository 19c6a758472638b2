"""What each camera said last: for the control socket, which shows how everything is now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from edge_fer.pipeline.step import Told
from edge_fer.sinks.base import BaseSink
from edge_fer.types import AlertChange, Instant, Reading, Scene, Standing, View

__all__ = ["Board", "Seen"]

#: Alerts of a camera that are over and still known; the oldest go first.
_MOST_ENDED: Final = 16


@dataclass(frozen=True, slots=True)
class Seen:
    """What one camera's pipeline has told, as far as the state goes.

    Attributes:
        readings: of everybody found in the newest frame that was looked at.
        people: how many are in view.
        scene: the last that was told.
        standings: how its rules stand.
        view: what it gets to see at all.
        ended: its newest alerts that are over, the newest first.
    """

    readings: tuple[Reading, ...] = ()
    people: int = 0
    scene: Scene | None = None
    standings: Mapping[str, Standing] = field(default_factory=dict)
    view: View | None = None
    ended: tuple[AlertChange, ...] = ()

    def after(self, told: Told) -> Seen:
        """What is known after one more step."""
        standings = dict(self.standings)
        for rule, standing in told.alerts.items():
            if standing is None:
                standings.pop(rule, None)
            else:
                standings[rule] = standing
        scene = told.scene or self.scene
        ended = (*reversed([change for change in told.changes if change.resolved]), *self.ended)[:_MOST_ENDED]
        if told.readings is None:
            return Seen(self.readings, self.people, scene, standings, self.view, ended)
        return Seen(told.readings, told.people or 0, scene, standings, told.view, ended)


class Board(BaseSink):
    """Keeps what the pipelines told last, over reloads too. Any thread may tell or look."""

    def __init__(self) -> None:
        self._seen: dict[str, Seen] = {}

    def begin(self, camera: str, rules: Iterable[str], at: Instant) -> None:  # noqa: ARG002 - as a sink is told
        """A camera begins anew: of what was before, only the alerts that are over stay known."""
        self._seen[camera] = Seen(ended=self.of(camera).ended)

    def tell(self, camera: str, told: Told) -> None:
        """Takes what one step of a camera's pipeline tells; each camera's from one thread."""
        self._seen[camera] = self.of(camera).after(told)

    def of(self, camera: str) -> Seen:
        """What is known of a camera."""
        return self._seen.get(camera, Seen())
