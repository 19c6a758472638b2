"""From the config to what takes commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from edge_fer.clock.system import SystemClock
from edge_fer.config import tree as config
from edge_fer.config.engine.entries import Scalar
from edge_fer.contract.composer import Composer
from edge_fer.contract.topics import Topics
from edge_fer.daemon.camera import Camera
from edge_fer.publishing import Link
from edge_fer.remote.commander import Commander
from edge_fer.remote.handlers import Verbs
from edge_fer.remote.inbox import Inbox
from edge_fer.remote.reloader import Reloader
from edge_fer.remote.settings import LoadConfig, Settings
from edge_fer.types import Instant

__all__ = ["Remote", "make_commanders", "make_inbox"]


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


def make_inbox(settings: config.Config, topics: Topics) -> Inbox | None:
    """Where commands come in; None, where the config wants none."""
    return Inbox(topics) if settings.commands == "on" else None


def make_commanders(
    remote: Remote | None,
    inbox: Inbox | None,
    cameras: Mapping[str, Camera],
    *,
    link: Link,
    topics: Topics,
    composer: Composer,
    clock: SystemClock,
    started: Instant,
    tell_info: Callable[[Mapping[str, Scalar]], None],
    kept: Callable[[float], bool],
) -> Sequence[Commander]:
    """What carries commands out, not yet started; nothing, where none are taken.

    Args:
        remote: what commands need of the program.
        inbox: where they come from.
        cameras: by name.
        link: sends the answers.
        topics: of the node.
        composer: of its messages.
        clock: the machine's.
        started: when the service was made.
        tell_info: told what is set, whenever that has changed.
        kept: waits until what was changed about alerts is on disk, and says whether it is.
    """
    if remote is None or inbox is None:
        return []
    settings = Settings(remote.load, remote.settings)
    verbs = Verbs(
        cameras,
        settings=settings,
        reloader=remote.reloader,
        uptime=lambda: clock().mono - started.mono,
        settings_changed=lambda: tell_info(settings.values),
        kept=kept,
    )
    return [Commander(inbox, verbs, topics=topics, composer=composer, clock=clock, reply=link.reply)]
