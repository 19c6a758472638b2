"""From the config to what takes commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from edge_fer.camera import Camera
from edge_fer.capture.clock import SystemClock
from edge_fer.config.entries import Scalar
from edge_fer.mqtt.composer import Composer
from edge_fer.mqtt.inbox import Inbox
from edge_fer.mqtt.topics import Topics
from edge_fer.publishing import Link
from edge_fer.remote.commander import Commander
from edge_fer.remote.reloader import Reloader
from edge_fer.remote.settings import LoadConfig, Settings
from edge_fer.remote.verbs import Verbs
from edge_fer.types import Instant

__all__ = ["Remote", "make_commander"]


@dataclass(frozen=True, slots=True)
class Remote:
    """What commands need of the program around the service.

    Attributes:
        load: loads the config anew.
        reloader: has it taken over.
        settings: what was set over MQTT, as it was loaded.
    """

    load: LoadConfig
    reloader: Reloader = field(default_factory=Reloader)
    settings: Mapping[str, Scalar] = field(default_factory=dict)


def make_commander(
    remote: Remote,
    inbox: Inbox,
    cameras: Sequence[Camera],
    *,
    link: Link,
    topics: Topics,
    composer: Composer,
    clock: SystemClock,
    started: Instant,
    tell_info: Callable[[Mapping[str, Scalar]], None],
) -> Commander:
    """What carries commands out, not yet started; `tell_info` is told what is set, whenever that has changed."""
    settings = Settings(remote.load, remote.settings)
    verbs = Verbs(
        {camera.name: camera for camera in cameras},
        settings=settings,
        reloader=remote.reloader,
        uptime=lambda: clock().mono - started.mono,
        settings_changed=lambda: tell_info(settings.values),
    )
    return Commander(inbox, verbs, topics=topics, composer=composer, clock=clock, reply=link.reply)
