"""From the config to the whole daemon."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_fer.clock.system import SystemClock
from edge_fer.config import tree as config
from edge_fer.contract.composer import Composer
from edge_fer.contract.publisher import Unlinked
from edge_fer.contract.topics import Topics
from edge_fer.daemon.heat import HeatGovernor, HeatWatch
from edge_fer.daemon.service import Beside, Service
from edge_fer.mqtt.inbound import Inbound, ListenerPort, Subscription
from edge_fer.remote.inbox import Inbox
from edge_fer.remote.pauses import PauseWatch
from edge_fer.remote.signals import Signals
from edge_fer.sinks.registry import Asked
from edge_fer.support.keeping import Keeper
from edge_fer.wiring.alert_rules import sources_in
from edge_fer.wiring.broker import make_embedded_broker, make_link
from edge_fer.wiring.control import make_desks
from edge_fer.wiring.node import Node, Voice
from edge_fer.wiring.remote import Remote, make_commanders, make_executor, make_inbox
from edge_fer.wiring.sinks import WayOut
from edge_fer.wiring.watching import make_cameras

if TYPE_CHECKING:
    from edge_fer.daemon.service import BackgroundPort
    from edge_fer.homeassistant.announcer import Announcer

__all__ = ["build_service"]


def build_service(
    settings: config.Config,
    *,
    demo: bool = False,
    asked: Asked | None = None,
    remote: Remote | None = None,
) -> Service:
    """The whole daemon, ready to run.

    Args:
        settings: the config.
        demo: whether a recording of the demo, played for ever, will do where there is no camera.
        asked: what the command line asks for; just to publish, if left out.
        remote: what commands need, where they are to be taken if the config says so.

    Raises:
        EdgeFerError: something it needs is missing or wrong.
    """
    asked = asked or Asked()
    keeper = Keeper(settings.state_dir)
    of_fleet = _OfFleet()
    lines = _make_lines(settings, keeper, of_fleet, publish=asked.publish, takes_commands=remote is not None)
    voice = lines.voice
    if remote and asked.publish and settings.fleet.member == "on":
        of_fleet.join(settings, remote, voice)
    out = WayOut(settings, asked, voice, keeper)
    heat = HeatWatch(HeatGovernor(limit=settings.heat.limit, least=settings.heat.slowest))
    watched = make_cameras(
        settings,
        demo=demo,
        signals=lines.signals,
        state=out.state,
        outlet=out.outlet,
        clock=voice.clock,
        heat=heat,
        kept=asked.publish,
    )
    made = remote.settings if remote else {}
    node = Node(
        settings,
        voice,
        out.outlet,
        watched,
        keeper=keeper,
        heat=heat,
        announcer=lines.announcer,
        made=made,
        started=remote.started if remote else None,
    )
    out.connect(node.health, lines.signals.samples)
    executor = make_executor(remote, watched.cameras, voice, node, kept=keeper.settle)
    desks = make_desks(remote, executor, node=node, voice=voice, cameras=watched.cameras, out=out)
    embedded = asked.publish and settings.mqtt.is_embedded
    beside = Beside(
        broker=make_embedded_broker(settings.mqtt.embedded_port) if embedded else None,
        sinks=list(out.outlet.sinks.values()),
        linked=[
            *make_commanders(lines.inbox, executor, voice),
            *desks,
            *([PauseWatch(watched.cameras, executor, voice.clock)] if executor else ()),
            *of_fleet.members,
        ],
    )
    service = Service(list(watched.cameras.values()), voice.link, node, clock=voice.clock, beside=beside)
    if remote:
        remote.reloader.bind(service.reload)
    return service


@dataclass(frozen=True, slots=True)
class _Lines:
    """The lines to the world outside: how the node tells things, and what listens."""

    voice: Voice
    signals: Signals
    announcer: Announcer | None
    inbox: Inbox | None


class _OfFleet:
    """What an operator of many nodes asks for; nothing, unless this one is a member of a fleet."""

    def __init__(self) -> None:
        self.members: Sequence[BackgroundPort] = ()
        self._listeners: Sequence[ListenerPort] = ()

    def join(self, settings: config.Config, remote: Remote, voice: Voice) -> None:
        """Becomes a member, before the link starts."""
        from edge_fer.wiring.fleet import make_members  # noqa: PLC0415 - in a fleet alone

        self._listeners = self.members = make_members(settings, remote, voice)

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        return tuple(one for listener in self._listeners for one in listener.subscriptions)

    def take(self, topic: str, payload: bytes, *, retained: bool) -> None:
        for listener in self._listeners:
            listener.take(topic, payload, retained=retained)


def _make_lines(
    settings: config.Config, keeper: Keeper, of_fleet: ListenerPort, *, publish: bool, takes_commands: bool
) -> _Lines:
    clock, topics = SystemClock(), Topics(settings.node.id, settings.mqtt.topic_prefix)
    signals = Signals(sources_in(settings.cameras), clock)
    composer = Composer(settings.node.id, settings.node.site)
    if not publish:
        return _Lines(Voice(Unlinked(), topics, composer, clock), signals, None, None)
    # the link does not exist yet, and needs the announcer among those who listen
    announcer = _make_announcer(settings, clock, keeper, lambda topic, text: link.retain(topic, text, clock()))
    inbox = make_inbox(settings, topics) if takes_commands else None
    link = make_link(settings, topics, clock, Inbound(signals, announcer, inbox, of_fleet))
    return _Lines(Voice(link, topics, composer, clock), signals, announcer, inbox)


def _make_announcer(
    settings: config.Config, clock: SystemClock, keeper: Keeper, retain: Callable[[str, str], None]
) -> Announcer | None:
    """What announces this device to Home Assistant; loaded only where the config wants it."""
    if not settings.homeassistant.enabled:
        return None
    from edge_fer.wiring.discovery import make_announcer  # noqa: PLC0415

    return make_announcer(settings, clock, keeper, retain)
