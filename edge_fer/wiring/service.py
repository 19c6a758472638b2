"""From the config to the whole daemon."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from edge_fer import __version__
from edge_fer.clock.system import SystemClock
from edge_fer.config import tree as config
from edge_fer.config.engine.entries import Scalar
from edge_fer.contract.composer import Composer
from edge_fer.contract.messages import Health
from edge_fer.contract.topics import Topics
from edge_fer.daemon.camera import Camera
from edge_fer.daemon.health import health_of
from edge_fer.daemon.heat import HeatGovernor, HeatWatch
from edge_fer.daemon.service import Service
from edge_fer.mqtt.inbound import Inbound
from edge_fer.mqtt.link import Link
from edge_fer.pipeline.step import Told
from edge_fer.publishing import Publisher, Unlinked
from edge_fer.remote.signals import Signals
from edge_fer.support.keeping import Keeper
from edge_fer.types import Instant
from edge_fer.wiring.alert_rules import sources_in
from edge_fer.wiring.broker import make_embedded_broker, make_link
from edge_fer.wiring.discovery import described, make_announcer
from edge_fer.wiring.info import model_info, privacy_info
from edge_fer.wiring.metrics import make_metrics
from edge_fer.wiring.reload import RuleChange
from edge_fer.wiring.remote import Remote, make_commanders, make_inbox
from edge_fer.wiring.watching import make_cameras

__all__ = ["build_service"]


def build_service(
    settings: config.Config,
    *,
    demo: bool = False,
    publish: bool = True,
    show: Callable[[str, Told], None] | None = None,
    remote: Remote | None = None,
) -> Service:
    """The whole daemon, ready to run.

    Args:
        settings: the config.
        demo: whether the sample recording, played for ever, will do where there is no camera.
        publish: whether anything goes to the broker, and is kept over restarts.
        show: called with what each step of each camera's pipeline tells, from that pipeline's thread.
        remote: what commands need, where they are to be taken if the config says so.

    Raises:
        EdgeFerError: something it needs is missing or wrong.
    """
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
    publisher = Publisher(link, topics, composer, events=settings.privacy.events == "on")
    heat = HeatWatch(HeatGovernor(limit=settings.heat.limit, least=settings.heat.slowest))
    watched = make_cameras(
        settings, demo=demo, show=show, signals=signals, keeper=keeper, publisher=publisher, clock=clock, heat=heat
    )
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
            privacy=privacy_info(settings.privacy),
            commands=settings.commands == "on",
            settings=made,
        )
        publisher.info(info, now)

    def announce() -> None:
        tell_info(remote.settings if remote else {})
        now = clock()
        for name, camera in settings.cameras.items():
            publisher.begin(name, camera.alerts, now)
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

    health = partial(_health, cameras, link, composer, heat=heat, started=started, clock=clock)
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
        background=[keeper, *make_metrics(settings.metrics.port, health, publisher)] if publish else [],
        linked=commanders,
        announce=announce,
        tell_health=lambda: publisher.health(health(), clock()),
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
) -> Health:
    """How the daemon is doing now."""
    return health_of(list(cameras.values()), link.status(), composer, heat=heat, started=started, now=clock())
