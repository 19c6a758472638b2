"""From the config to the whole daemon."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from edge_fer import __version__
from edge_fer.capture.clock import SystemClock
from edge_fer.capture.sources import SourceKind
from edge_fer.config import tree as config
from edge_fer.config.entries import Scalar
from edge_fer.detectors import detector_name
from edge_fer.errors import ConfigError
from edge_fer.fetching.store import Store
from edge_fer.health import health_of
from edge_fer.heat import HeatGovernor, HeatWatch
from edge_fer.keeping import EVERY, Keeper
from edge_fer.mqtt.composer import Composer
from edge_fer.mqtt.inbox import Inbox
from edge_fer.mqtt.listener import Listener
from edge_fer.mqtt.messages import Health
from edge_fer.mqtt.signals import Signals
from edge_fer.mqtt.topics import Topics
from edge_fer.pipeline import Told
from edge_fer.publishing import Publisher, Unlinked
from edge_fer.rulebook import sources_in
from edge_fer.rules.summaries import Summaries
from edge_fer.service import Background, Service
from edge_fer.wiring.broker import make_embedded_broker, make_link
from edge_fer.wiring.camera import find_source, make_camera
from edge_fer.wiring.info import camera_info, model_info, privacy_info
from edge_fer.wiring.meaning import build_rules, build_summaries
from edge_fer.wiring.reload import RuleChange
from edge_fer.wiring.remote import Remote, make_commander
from edge_fer.wiring.vision import build_pipeline, make_classifier

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
    inbox = Inbox(topics) if publish and remote and settings.commands == "on" else None
    listeners: list[Listener] = [signals, inbox] if inbox else [signals]
    link = make_link(settings, topics, clock, listeners, embedded=embedded) if publish else Unlinked()
    publisher = Publisher(link, topics, composer, events=settings.privacy.events == "on")
    keeper = Keeper(settings.state_dir)
    heat = HeatWatch(HeatGovernor(limit=settings.heat.limit, least=settings.heat.slowest))
    cameras = []
    trends = {}
    infos = {}
    store = Store(settings.models_dir)
    for name, given in settings.cameras.items():
        source = find_source(name, given.source, or_sample=demo)
        loop = given.loop or (demo and source == SourceKind.SAMPLE)
        camera = given.model_copy(update={"source": source, "loop": loop})
        summaries = build_summaries(name, camera, settings)
        trends[name] = summaries.trend
        make_pipeline = partial(
            build_pipeline,
            name,
            camera,
            store=store,
            rules=build_rules(name, camera, settings, summaries.trend),
            summaries=summaries,
            samples=signals.samples,
        )
        keep = _kept(keeper, name, summaries)
        cameras.append(
            make_camera(name, camera, publisher, clock, heat=heat, show=show, keep=keep, make_pipeline=make_pipeline)
        )
        infos[name] = camera_info(camera)
    model = model_info(make_classifier(settings.emotion))
    detector = detector_name(settings.faces, store)
    rule_change = RuleChange(settings, {camera.name: camera for camera in cameras}, trends)
    started = clock()

    def tell_info(made: Mapping[str, Scalar]) -> None:
        now = clock()
        info = composer.info(
            now,
            version=__version__,
            model=model,
            detector=detector,
            cameras=infos,
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

    def health() -> Health:
        return health_of(cameras, link.status(), composer, heat=heat, started=started, now=clock())

    background: list[Background] = [keeper] if publish else []
    if inbox and remote:
        background.append(
            make_commander(
                remote,
                inbox,
                cameras,
                link=link,
                topics=topics,
                composer=composer,
                clock=clock,
                started=started,
                tell_info=tell_info,
            )
        )
    if publish and settings.metrics.port:
        background.append(_make_metrics(settings.metrics.port, health, publisher))
    service = Service(
        cameras,
        link,
        broker=make_embedded_broker(settings.mqtt.embedded_port) if embedded else None,
        background=background,
        announce=announce,
        tell_health=lambda: publisher.health(health(), clock()),
        clock=clock,
        on_tick=heat.look,
        adopt=rule_change.adopt,
    )
    if remote:
        remote.reloader.bind(service.reload)
    return service


def _make_metrics(port: int, health: Callable[[], Health], publisher: Publisher) -> Background:
    """What serves the numbers of `health` to Prometheus, not yet started."""
    try:
        from edge_fer.metrics import Metrics  # noqa: PLC0415 - its library is an extra
    except ImportError as error:
        msg = f"metrics.port: `{port}` needs the Python package prometheus-client: {error}"
        remedy = "Install it (docs/metrics.md says how), or take the line out"
        raise ConfigError(msg, remedy=remedy) from None
    return Metrics(port, health=health, alerts=lambda: publisher.standings)


def _kept(keeper: Keeper, name: str, summaries: Summaries) -> Callable[[Told], None]:
    """Keeps one camera's open windows and its trend over restarts; to be called with everything it tells."""
    keep_windows = keeper.keep("summaries.json", name, snapshot=summaries.snapshot, restore=summaries.restore)
    trend = summaries.trend
    keep_trend = keeper.keep("trends.json", name, snapshot=trend.snapshot, restore=trend.restore)
    due, learned = float("-inf"), 0

    def look(told: Told) -> None:
        nonlocal due, learned
        if told.at.mono >= due:
            due = told.at.mono + EVERY
            keep_windows()
        if trend.version != learned:
            learned = trend.version
            keep_trend()

    return look
