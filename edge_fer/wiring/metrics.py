"""From the config to what serves numbers to Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edge_fer.contract.messages import Health
from edge_fer.daemon.service import BackgroundPort
from edge_fer.errors import ConfigError
from edge_fer.publishing import Publisher

__all__ = ["make_metrics"]


def make_metrics(port: int, health: Callable[[], Health], publisher: Publisher) -> Sequence[BackgroundPort]:
    """What serves the numbers of `health` on that port, not yet started; nothing for 0.

    Raises:
        ConfigError: the library for it is not installed.
    """
    if not port:
        return []
    try:
        from edge_fer.metrics import Metrics  # noqa: PLC0415 - its library is an extra
    except ImportError as error:
        msg = f"metrics.port: `{port}` needs the Python package prometheus-client: {error}"
        remedy = "Install it (docs/metrics.md says how), or take the line out"
        raise ConfigError(msg, remedy=remedy) from None
    return [Metrics(port, health=health, alerts=lambda: publisher.standings)]
