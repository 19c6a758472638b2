"""From the config to objects: the one place that knows every maker. One table a port."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path

from edge_fer import __version__
from edge_fer.camera import Camera
from edge_fer.capture.clock import SystemClock
from edge_fer.capture.discovery import find_camera
from edge_fer.capture.loop import CaptureLoop
from edge_fer.capture.redact import redacted
from edge_fer.capture.slot import FileSlot, LiveSlot
from edge_fer.capture.sources import SourceKind, SourceOptions, kind_of, make_source
from edge_fer.capture.transform import transform
from edge_fer.capture.zones import Zones
from edge_fer.config import tree as config
from edge_fer.detectors import detector_name, make_detector
from edge_fer.emotion.classifier import EmotionClassifier
from edge_fer.emotion.labels import reduce
from edge_fer.emotion.smoothing import ExponentialSmoother, ModeSmoother
from edge_fer.errors import EdgeFerError, ModelError, SourceError
from edge_fer.faces import quality
from edge_fer.faces.attention import Attention
from edge_fer.faces.crop import crop_face
from edge_fer.faces.following import Follower
from edge_fer.faces.lifeless import LifelessFilter
from edge_fer.faces.movement import EverythingMoves, MotionGate
from edge_fer.faces.quality import QualityGate
from edge_fer.faces.tracking import Tracker
from edge_fer.fetching.store import Store
from edge_fer.health import health_of
from edge_fer.heat import HeatGovernor, HeatWatch
from edge_fer.mqtt.composer import Composer
from edge_fer.mqtt.link import Link
from edge_fer.mqtt.messages import CameraInfo, ModelInfo
from edge_fer.mqtt.outbox import Limits
from edge_fer.mqtt.retry import Protocol
from edge_fer.mqtt.settings import BrokerSettings
from edge_fer.mqtt.topics import Topics
from edge_fer.pipeline import Pipeline, Smoother, Stages, Told
from edge_fer.publishing import Publisher
from edge_fer.rules.alerts import EmotionCondition, EmotionRule, Timing
from edge_fer.rules.events import EventTeller
from edge_fer.rules.scene import SceneTeller, scene_of
from edge_fer.sample import sample_path
from edge_fer.service import Broker, Service
from edge_fer.stopwatch import Stopwatch
from edge_fer.types import LABEL_SETS, Frame

__all__ = ["build_pipeline", "build_service", "build_stages", "find_source", "make_smoother", "play"]

SMOOTHERS: Mapping[str, Callable[[config.Smoothing], Smoother]] = {
    "exponential": lambda smoothing: ExponentialSmoother(smoothing.time_constant, margin=smoothing.hysteresis),
    "mode": lambda smoothing: ModeSmoother(smoothing.readings),
}


def find_source(camera: str, source: str, *, or_sample: bool) -> str:
    """What `auto` means on this machine; any other source as it is.

    Args:
        camera: the camera's name.
        source: as in the config.
        or_sample: whether the sample recording will do where there is no camera.

    Raises:
        SourceError: there is no camera.
    """
    if source != "auto":
        return source
    found = find_camera()
    if found:
        return found
    if or_sample:
        return SourceKind.SAMPLE
    msg = f"camera {camera}: no camera was found"
    raise SourceError(
        msg, remedy=f"Connect one, name a source in `cameras.{camera}.source`, or try `edge-fer run --demo`"
    )


def build_service(
    settings: config.Config, *, demo: bool = False, show: Callable[[str, Told], None] | None = None
) -> Service:
    """The whole daemon, ready to run.

    Args:
        settings: the config.
        demo: whether the sample recording, played for ever, will do where there is no camera.
        show: called with what each step of each camera's pipeline tells, from that pipeline's thread.

    Raises:
        EdgeFerError: something it needs is missing or wrong.
    """
    clock = SystemClock()
    topics, composer = Topics(settings.node.id), Composer(settings.node.id, settings.node.site)
    embedded = settings.mqtt.broker == "embedded"
    link = Link(
        broker=_broker(settings),
        topics=topics,
        outbox=_state_file(settings, "outbox.sqlite"),
        clock=clock,
        limits=Limits(size=settings.mqtt.outbox.max_size, age=settings.mqtt.outbox.max_age),
        # amqtt leaves an MQTT 5 greeting unanswered, and waiting for it would cost five seconds
        protocol=Protocol.V311 if embedded else Protocol.V5,
    )
    heat = HeatWatch(HeatGovernor(limit=settings.heat.limit, least=settings.heat.slowest))
    publisher = Publisher(link, topics, composer)
    cameras = []
    infos = {}
    store = Store(settings.models_dir)
    for name, given in settings.cameras.items():
        source = find_source(name, given.source, or_sample=demo)
        loop = given.loop or (demo and source == SourceKind.SAMPLE)
        camera = given.model_copy(update={"source": source, "loop": loop})
        cameras.append(_camera(name, camera, publisher, clock, store=store, heat=heat, show=show))
        infos[name] = _camera_info(camera)
    model = _model_info(_classifier(settings.emotion))
    detector = detector_name(settings.faces, store)
    started = clock()

    def announce() -> None:
        now = clock()
        info = composer.info(now, version=__version__, model=model, detector=detector, cameras=infos)
        publisher.info(info, now)
        for name, camera in settings.cameras.items():
            publisher.begin(name, camera.alerts, now)

    def tell_health() -> None:
        now = clock()
        publisher.health(health_of(cameras, link.status(), composer, heat=heat, started=started, now=now), now)

    return Service(
        cameras,
        link,
        broker=_embedded_broker(settings.mqtt.embedded_port) if embedded else None,
        announce=announce,
        tell_health=tell_health,
        clock=clock,
        on_tick=heat.look,
    )


def build_pipeline(name: str, camera: config.Camera, *, store: Store, time: Stopwatch) -> Pipeline:
    """The pipeline of one camera, by its own sections of the config, with models out of `store`.

    Raises:
        ModelError: a model is missing or wrong.
    """
    stages = build_stages(name, camera, store=store)
    return Pipeline(name, stages, min_confidence=camera.emotion.min_confidence, time=time)


def build_stages(name: str, camera: config.Camera, *, store: Store) -> Stages:
    """What the pipeline of one camera is made of; see `build_pipeline`."""
    classifier = _classifier(camera.emotion)
    gate = _quality_gate(camera.faces)
    # twice what model and gate look at, which both then halve
    crop_side = 2 * max(quality.SIDE, classifier.sidecar.input.width, classifier.sidecar.input.height)
    return Stages(
        motion=MotionGate() if camera.faces.rest_every else EverythingMoves(),
        attention=Attention(detect_every=camera.faces.detect_every, rest_every=camera.faces.rest_every),
        follower=Follower(),
        lifeless=LifelessFilter(camera.faces.lifeless_after),
        detector=make_detector(camera.faces, store),
        tracker=Tracker(confirm=camera.faces.confirm, max_missed=camera.faces.keep_lost_for),
        crop=lambda image, face: crop_face(image, face, classifier.crop_frame, at_most=crop_side),
        judge=gate.judge,
        classifier=classifier,
        reduce=partial(reduce, label_set=camera.emotion.labels),
        smoother=make_smoother(camera.emotion.smoothing),
        events=EventTeller(uncertain_after=camera.emotion.uncertain_after),
        rules=[_rule(name, rule, alert) for rule, alert in camera.alerts.items()],
        scenes=SceneTeller(),
        sum_up=scene_of,
    )


def make_smoother(smoothing: config.Smoothing) -> Smoother:
    """The smoother that the config asks for, with no memory of anybody."""
    return SMOOTHERS[smoothing.method](smoothing)


def play(name: str, camera: config.Camera, *, clock: SystemClock) -> Generator[Frame, None, None]:
    """A camera's frames as its pipeline gets to see them, read in the caller's thread.

    Raises:
        SourceError: when the first frame is asked for: the source is nothing that is known; or as of `Source.frames`.
    """
    options = SourceOptions(size=camera.size, fps=camera.fps, loop=camera.loop, sample=sample_path())
    source, zones = make_source(name, camera.source, clock=clock, options=options), _zones(camera)
    with closing(source.frames()) as frames:
        for frame in frames:
            image = zones.blank(transform(frame.image, rotate=camera.rotate, flip=camera.flip))
            shown = Frame(frame.camera, frame.index, image, frame.at)
            del frame, image
            yield shown
            del shown


def _camera(
    name: str,
    camera: config.Camera,
    publisher: Publisher,
    clock: SystemClock,
    *,
    store: Store,
    heat: HeatWatch,
    show: Callable[[str, Told], None] | None,
) -> Camera:
    options = SourceOptions(
        size=camera.size,
        fps=camera.fps,
        share=lambda: heat.share,
        loop=camera.loop,
        # a read should give up by itself before the loop takes it for stuck
        read_timeout=0.8 * camera.stall_after,
        sample=sample_path(),
    )
    source = make_source(name, camera.source, clock=clock, options=options)
    watch = Stopwatch()

    def tell(told: Told) -> None:
        publisher.tell(name, told)
        if show:
            show(name, told)

    return Camera(
        name,
        make_loop=lambda on_state, on_pass: CaptureLoop(
            name,
            source,
            LiveSlot() if source.live else FileSlot(),
            clock=clock,
            stall_after=camera.stall_after,
            realtime=not source.live and camera.speed == "realtime",
            rotate=camera.rotate,
            flip=camera.flip,
            zones=_zones(camera),
            on_state=on_state,
            on_pass=on_pass,
        ),
        pipeline=build_pipeline(name, camera, store=store, time=watch),
        watch=watch,
        tell=tell,
        tell_online=partial(publisher.online, name),
        clock=clock,
        fps=camera.fps if source.live else None,
    )


def _quality_gate(faces: config.Faces) -> QualityGate:
    asked = faces.quality
    return QualityGate(
        min_size=faces.min_size,
        sharpness=quality.SHARPNESS.moved_to(asked.min_sharpness),
        bright_parts=quality.BRIGHT_PARTS.moved_to(asked.min_brightness),
        dark_parts=quality.DARK_PARTS.moved_to(asked.max_brightness),
        inside=quality.INSIDE.moved_to(asked.min_inside),
        yaw=quality.YAW.moved_to(asked.max_yaw),
    )


def _zones(camera: config.Camera) -> Zones:
    def polygons(kind: str) -> tuple[tuple[tuple[float, float], ...], ...]:
        return tuple(zone.polygon for zone in camera.zones.values() if zone.kind == kind)

    return Zones(include=polygons("include"), exclude=polygons("exclude"))


def _embedded_broker(port: int) -> Broker:
    # asyncio, which nothing else needs, is some 4 MB of memory
    from edge_fer.mqtt.embedded import EmbeddedBroker  # noqa: PLC0415

    return EmbeddedBroker(port)


def _rule(camera: str, name: str, alert: config.Alert) -> EmotionRule:
    return EmotionRule(
        camera,
        name,
        severity=alert.severity,
        condition=EmotionCondition(frozenset(alert.when.emotion), alert.when.score),
        timing=Timing(
            for_=alert.for_,
            keep_firing_for=alert.keep_firing_for,
            cooldown=alert.cooldown,
            max_uncertain=alert.max_uncertain,
        ),
    )


def _broker(settings: config.Config) -> BrokerSettings:
    mqtt, node = settings.mqtt, settings.node.id
    if mqtt.broker == "embedded":
        return BrokerSettings(host="127.0.0.1", port=mqtt.embedded_port, client_id=mqtt.client_id or f"edge-fer-{node}")
    return BrokerSettings.from_url(
        mqtt.broker,
        node=node,
        client_id=mqtt.client_id,
        password_file=mqtt.password_file,
        ca_file=mqtt.ca_file,
        cert_file=mqtt.cert_file,
        key_file=mqtt.key_file,
        keepalive=mqtt.keepalive,
        allow_insecure=mqtt.allow_insecure,
    )


def _state_file(settings: config.Config, name: str) -> Path:
    folder = settings.state_dir
    try:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as error:
        msg = f"the folder `state_dir` {folder} cannot be made: {error.strerror}"
        raise EdgeFerError(msg, remedy="Name one in `state_dir` that this user may write to") from error
    return folder / name


def _camera_info(camera: config.Camera) -> CameraInfo:
    kind = kind_of(camera.source)
    asked = camera.size if kind is SourceKind.DEVICE else None
    return CameraInfo(source=redacted(camera.source), kind=kind, size=asked)


def _classifier(emotion: config.Emotion) -> EmotionClassifier:
    classifier = EmotionClassifier.load(emotion.model, threads=emotion.threads)
    missing = sorted(set(LABEL_SETS[emotion.labels]) - set(classifier.labels))
    if missing:
        msg = f"the model {classifier.sidecar.name} does not know {', '.join(missing)}"
        raise ModelError(msg, remedy=f"Choose another model, or another set than {emotion.labels} in `emotion.labels`")
    return classifier


def _model_info(classifier: EmotionClassifier) -> ModelInfo:
    sidecar, model = classifier.sidecar, classifier.model
    scores = {f"{data}.{name}": value for data, measures in sidecar.scores.items() for name, value in measures.items()}
    return ModelInfo(
        name=sidecar.name,
        sha256=sidecar.sha256,
        runtime=f"{model.runtime} {model.version}",
        labels=list(sidecar.labels),
        scores=scores,
    )
