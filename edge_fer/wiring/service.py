"""From the config to the whole daemon."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from edge_fer import __version__
from edge_fer.camera import Camera
from edge_fer.capture.clock import SystemClock
from edge_fer.capture.sources import SourceKind
from edge_fer.config import tree as config
from edge_fer.fetching.store import Store
from edge_fer.health import health_of
from edge_fer.heat import HeatGovernor, HeatWatch
from edge_fer.keeping import Keeper
from edge_fer.mqtt.composer import Composer
from edge_fer.mqtt.inbound import Inbound
from edge_fer.mqtt.signals import Signals
from edge_fer.mqtt.topics import Topics
from edge_fer.pipeline import Told
from edge_fer.publishing import Publisher, Unlinked
from edge_fer.rulebook import sources_in
from edge_fer.rules.alerts import AlertRule
from edge_fer.service import Service
from edge_fer.wiring.broker import make_embedded_broker, make_link
from edge_fer.wiring.camera import find_source, make_camera
from edge_fer.wiring.discovery import described, make_announcer
from edge_fer.wiring.info import camera_info, model_info, privacy_info
from edge_fer.wiring.keeping import keep_alerts, keep_numbers
from edge_fer.wiring.meaning import build_rules, build_summaries
from edge_fer.wiring.reload import RuleChange
from edge_fer.wiring.vision import build_pipeline

__all__ = ["build_service"]


def build_service(
    settings: config.Config,
    *,
    demo: bool = False,
    publish: bool = True,
    show: Callable[[str, Told], None] | None = None,
) -> Service:
    """The whole daemon, ready to run.

    Args:
        settings: the config.
        demo: whether the sample recording, played for ever, will do where there is no camera.
        publish: whether anything goes to the broker, and is kept over restarts.
        show: called with what each step of each camera's pipeline tells, from that pipeline's thread.

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
    inbound = Inbound(signals, announcer) if announcer else signals
    link = make_link(settings, topics, clock, inbound, embedded=embedded) if publish else Unlinked()
    publisher = Publisher(link, topics, composer, events=settings.privacy.events == "on")
    heat = HeatWatch(HeatGovernor(limit=settings.heat.limit, least=settings.heat.slowest))
    cameras: dict[str, Camera] = {}
    trends = {}
    infos = {}
    store = Store(settings.models_dir)
    for name, given in settings.cameras.items():
        source = find_source(name, given.source, or_sample=demo)
        loop = given.loop or (demo and source == SourceKind.SAMPLE)
        camera = given.model_copy(update={"source": source, "loop": loop})
        summaries = build_summaries(name, camera, settings)
        trends[name] = summaries.trend
        rules = build_rules(name, camera, settings, summaries.trend)
        make_pipeline = partial(
            build_pipeline,
            name,
            camera,
            store=store,
            rules=rules,
            summaries=summaries,
            samples=signals.samples,
        )
        keeps = [
            keep_numbers(keeper, name, summaries),
            keep_alerts(keeper, name, rules, now=partial(_rules_of, cameras, name), publisher=publisher, clock=clock),
        ]
        cameras[name] = make_camera(
            name, camera, publisher, clock, heat=heat, show=show, keeps=keeps, make_pipeline=make_pipeline
        )
        infos[name] = camera_info(camera)
    model = model_info(settings.emotion)
    detector = ", ".join(dict.fromkeys(camera.detector for camera in cameras.values()))
    rule_change = RuleChange(settings, cameras, trends)
    started = clock()

    def announce() -> None:
        now = clock()
        info = composer.info(
            now,
            version=__version__,
            model=model,
            detector=detector,
            cameras=infos,
            privacy=privacy_info(settings.privacy),
        )
        publisher.info(info, now)
        for name, camera in settings.cameras.items():
            publisher.begin(name, camera.alerts, now)
        if announcer:
            announcer.announce()

    def tell_health() -> None:
        now = clock()
        publisher.health(
            health_of(list(cameras.values()), link.status(), composer, heat=heat, started=started, now=now), now
        )

    def on_tick(mono: float) -> None:
        heat.look(mono)
        if announcer:
            announcer.look(mono)

    def adopt(changed: config.Config) -> bool:
        adopted = rule_change.adopt(changed)
        if adopted and announcer:
            announcer.change(described(changed))
        return adopted

    return Service(
        list(cameras.values()),
        link,
        broker=make_embedded_broker(settings.mqtt.embedded_port) if embedded else None,
        background=[keeper] if publish else [],
        announce=announce,
        tell_health=tell_health,
        clock=clock,
        on_tick=on_tick,
        adopt=adopt,
    )


def _rules_of(cameras: Mapping[str, Camera], name: str) -> Sequence[AlertRule]:
    return cameras[name].rules
