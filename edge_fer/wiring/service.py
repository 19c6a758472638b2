"""From the config to the whole daemon."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from edge_fer import __version__
from edge_fer.camera import Camera
from edge_fer.capture.clock import SystemClock
from edge_fer.config import tree as config
from edge_fer.config.entries import Scalar
from edge_fer.health import health_of
from edge_fer.heat import HeatGovernor, HeatWatch
from edge_fer.keeping import Keeper
from edge_fer.mqtt.composer import Composer
from edge_fer.mqtt.inbound import Inbound
from edge_fer.mqtt.link import Link
from edge_fer.mqtt.messages import Health
from edge_fer.mqtt.signals import Signals
from edge_fer.mqtt.topics import Topics
from edge_fer.publishing import Unlinked
from edge_fer.rulebook import sources_in
from edge_fer.service import Service
from edge_fer.sinks.outlet import Outlet
from edge_fer.sinks.registry import Asked, Surroundings, make_policy, make_sinks
from edge_fer.sinks.state_files import StateFiles
from edge_fer.types import Instant
from edge_fer.wiring.broker import make_embedded_broker, make_link
from edge_fer.wiring.discovery import described, make_announcer
from edge_fer.wiring.info import model_info, privacy_info
from edge_fer.wiring.reload import RuleChange
from edge_fer.wiring.remote import Remote, make_commanders, make_inbox
from edge_fer.wiring.watching import make_cameras

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
        demo: whether the sample recording, played for ever, will do where there is no camera.
        asked: what the command line asks for; just to publish, if left out.
        remote: what commands need, where they are to be taken if the config says so.

    Raises:
        EdgeFerError: something it needs is missing or wrong.
    """
    asked = asked or Asked()
    publish = asked.publish
    clock = SystemClock()
    topics, composer = Topics(settings.node.id), Composer(settings.node.id, settings.node.site)
    embedded = publish and settings.mqtt.broker == "embedded"
    signals = Signals(sources_in(settings.cameras), clock)
    keeper = Keeper(settings.state_dir)
    # the link does not exist yet, and needs the announcer among those who listen
    announcer = (
        make_announcer(settings, clock, keeper, lambda topic, text: link.retain(topic, text, clock()))
        if publish
        else None
    )
    inbox = make_inbox(settings, topics) if publish and remote else None
    inbound = Inbound(signals, announcer, inbox)
    link = make_link(settings, topics, clock, inbound, embedded=embedded) if publish else Unlinked()
    outlet = Outlet(make_policy(settings))
    state = StateFiles(keeper, clock, outlet.tell)
    heat = HeatWatch(HeatGovernor(limit=settings.heat.limit, least=settings.heat.slowest))
    watched = make_cameras(settings, demo=demo, signals=signals, state=state, outlet=outlet, clock=clock, heat=heat)
    cameras = watched.cameras
    model = model_info(settings.emotion)
    detector = ", ".join(dict.fromkeys(camera.detector for camera in cameras.values()))
    rule_change = RuleChange(settings, cameras, watched.trends)
    started = clock()

    def tell_info(made: Mapping[str, Scalar]) -> None:
        now = clock()
        info = composer.info(
            now,
            version=__version__,
            model=model,
            detector=detector,
            cameras=watched.infos,
            privacy=privacy_info(outlet, now),
            commands=settings.commands == "on",
            settings=made,
        )
        link.retain(topics.info, info, now)

    def announce() -> None:
        tell_info(remote.settings if remote else {})
        now = clock()
        for name, camera in settings.cameras.items():
            outlet.begin(name, camera.alerts, now)
        if announcer:
            announcer.announce()

    def on_tick(mono: float) -> None:
        heat.look(mono)
        if announcer:
            announcer.look(mono)

    def adopt(changed: config.Config) -> bool:
        adopted = rule_change.adopt(changed)
        if adopted and announcer:
            announcer.change(described(changed))
        return adopted

    health = partial(_health, cameras, link, composer, heat=heat, started=started, clock=clock, outlet=outlet)
    outlet.connect(
        make_sinks(
            Surroundings(
                settings=settings,
                asked=asked,
                link=link,
                topics=topics,
                composer=composer,
                state=state,
                health=health,
            )
        )
    )
    commanders = make_commanders(
        remote,
        inbox,
        cameras,
        link=link,
        topics=topics,
        composer=composer,
        clock=clock,
        started=started,
        tell_info=tell_info,
        kept=keeper.settle,
    )
    service = Service(
        list(cameras.values()),
        link,
        broker=make_embedded_broker(settings.mqtt.embedded_port) if embedded else None,
        sinks=list(outlet.sinks.values()),
        linked=commanders,
        announce=announce,
        tell_health=lambda: link.retain(topics.health, health(), clock()),
        clock=clock,
        on_tick=on_tick,
        adopt=adopt,
    )
    if remote:
        remote.reloader.bind(service.reload)
    return service


def _health(
    cameras: Mapping[str, Camera],
    link: Link | Unlinked,
    composer: Composer,
    *,
    heat: HeatWatch,
    started: Instant,
    clock: SystemClock,
    outlet: Outlet,
) -> Health:
    """How the daemon is doing now."""
    return health_of(
        list(cameras.values()),
        link.status(),
        composer,
        heat=heat,
        started=started,
        now=clock(),
        sinks=outlet.health(),
    )
