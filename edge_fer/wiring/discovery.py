"""From the config to what Home Assistant is told."""

from __future__ import annotations

from collections.abc import Callable

from edge_fer import __version__
from edge_fer.clock.system import SystemClock
from edge_fer.config import tree as config
from edge_fer.daemon.service import HEALTH_EVERY
from edge_fer.homeassistant.announcer import Announcer
from edge_fer.homeassistant.discovery import discovery_payload, discovery_topic
from edge_fer.homeassistant.entities import Announced, Watching
from edge_fer.sinks.policy import Content
from edge_fer.sinks.registry import make_policy
from edge_fer.support.keeping import Keeper
from edge_fer.types import LABEL_SETS
from edge_fer.values.units import DURATION

__all__ = ["build_discovery", "described", "make_announcer"]


def build_discovery(settings: config.Config) -> tuple[str, dict[str, object]]:
    """The topic and the message with which the config would have this device announced."""
    topic = discovery_topic(settings.homeassistant.prefix, settings.node.id)
    return topic, discovery_payload(described(settings), announced={})


def make_announcer(
    settings: config.Config, clock: SystemClock, keeper: Keeper, retain: Callable[[str, str], None]
) -> Announcer:
    """What announces this device.

    Args:
        settings: the config.
        clock: the machine's.
        keeper: keeps what was announced over restarts.
        retain: keeps a retained topic at a text; not called before the link is there.
    """
    topic = discovery_topic(settings.homeassistant.prefix, settings.node.id)

    def publish(text: str) -> None:
        retain(topic, text)
        keep()

    announcer = Announcer(
        described(settings),
        status_topic=settings.homeassistant.status_topic,
        publish=publish,
        now=lambda: clock().mono,
    )
    keep = keeper.keep("homeassistant.json", topic, snapshot=announcer.snapshot, restore=announcer.restore)
    return announcer


def described(settings: config.Config) -> Announced:
    """What there is, as far as Home Assistant is concerned."""
    shortest = min(settings.summaries.windows, default=None)
    return Announced(
        name=settings.node.id,
        site=settings.node.site,
        version=__version__,
        cameras={
            name: Watching(
                labels=LABEL_SETS[camera.emotion.labels],
                alerts=list(camera.alerts),
                attributes=any(one.looks_at == "face" for one in camera.attributes.values()),
            )
            for name, camera in settings.cameras.items()
        },
        window=None if shortest is None else (DURATION.write(float(shortest)), shortest),
        events=make_policy(settings).until("mqtt", Content.EVENTS, 0.0) is not None,
        health_every=HEALTH_EVERY,
        prefix=settings.mqtt.topic_prefix,
    )
