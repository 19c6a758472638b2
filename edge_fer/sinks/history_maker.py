"""From the config to the history's sink; imported only where there is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edge_fer.clock.system import Clock
from edge_fer.clock.zone import local_zone
from edge_fer.config.tree import Config
from edge_fer.contract.messages import Health
from edge_fer.history.file import NAME
from edge_fer.history.recorder import DeviceLook, Recorder
from edge_fer.history.records import Keep
from edge_fer.rules.conditions.when import signals_in
from edge_fer.rules.scene.calendar import Calendar
from edge_fer.sinks.history import HistorySink
from edge_fer.types import SignalKey, SignalValue

__all__ = ["make_history"]


def make_history(
    settings: Config,
    clock: Clock,
    samples: Callable[[], Mapping[SignalKey, SignalValue]],
    health: Callable[[], Health],
) -> HistorySink:
    """The sink that keeps the history.

    Args:
        settings: the config.
        clock: the machine's.
        samples: gives the newest of outside numbers.
        health: how the node is doing.
    """
    given = settings.history
    signals = {
        name: {signal for alert in camera.alerts.values() for _, signal in signals_in(alert.when)}
        for name, camera in settings.cameras.items()
    }

    def look() -> DeviceLook:
        found = health()
        return DeviceLook(found.mqtt.connected, found.temperature_c, found.rss_bytes, found.outbox.depth)

    return HistorySink(
        settings.state_dir / NAME,
        Keep(given.keep.minutes, given.keep.hours, given.keep.size),
        Recorder(
            Calendar(local_zone(settings.node.timezone)),
            by_minute=given.keep.minutes > 0,
            k_minimum=settings.privacy.k_minimum,
            signals=signals if given.signals == "on" else {},
        ),
        clock=clock,
        samples=samples,
        look=look,
    )
