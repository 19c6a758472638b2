"""From the config to objects: the one place that knows every maker. One table a port."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from edge_fer import __version__
from edge_fer.camera import Camera
from edge_fer.capture.clock import SystemClock
from edge_fer.capture.discovery import find_camera
from edge_fer.capture.loop import CaptureLoop
from edge_fer.capture.picamera2_controls import Exposure, PiSettings
from edge_fer.capture.picamera2_pictures import small_size
from edge_fer.capture.redact import redacted
from edge_fer.capture.slot import FileSlot, LiveSlot
from edge_fer.capture.sources import SourceKind, SourceOptions, kind_of, make_source
from edge_fer.capture.transform import transform, with_mirrors
from edge_fer.capture.view import ViewSettings, ViewWatch
from edge_fer.capture.view_measures import SIZE as VIEW_SIZE
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
from edge_fer.keeping import EVERY, Keeper
from edge_fer.local_time import local_zone
from edge_fer.mqtt.composer import Composer
from edge_fer.mqtt.link import Link
from edge_fer.mqtt.messages import CameraInfo, ModelInfo, PrivacyInfo
from edge_fer.mqtt.outbox import Limits
from edge_fer.mqtt.retry import Protocol
from edge_fer.mqtt.settings import BrokerSettings
from edge_fer.mqtt.signals import Signals
from edge_fer.mqtt.topics import Topics
from edge_fer.pipeline import NoSummaries, NoWatch, Pipeline, Smoother, Stages, Told, Watch
from edge_fer.pipeline import Summaries as SummariesStage
from edge_fer.publishing import Publisher, Unlinked
from edge_fer.rulebook import make_rules, sources_in
from edge_fer.rules.alerts import AlertRule
from edge_fer.rules.calendar import Calendar
from edge_fer.rules.events import EventTeller
from edge_fer.rules.mood import MoodScale
from edge_fer.rules.scene import SceneTeller, scene_of
from edge_fer.rules.summaries import Summaries
from edge_fer.rules.trend import Trend
from edge_fer.sample import sample_path
from edge_fer.service import Broker, Service
from edge_fer.stopwatch import Stopwatch
from edge_fer.types import LABEL_SETS, Frame, Sample, Source

__all__ = [
    "alerts_alone_differ",
    "broker_settings",
    "build_pipeline",
    "build_rules",
    "build_scale",
    "build_service",
    "build_stages",
    "build_summaries",
    "find_source",
    "make_smoother",
    "play",
]

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
    link = _link(settings, topics, clock, signals, embedded=embedded) if publish else Unlinked()
    publisher = Publisher(link, topics, composer, events=settings.privacy.events == "on")
    keeper = Keeper(settings.state_dir)
    heat = HeatWatch(HeatGovernor(limit=settings.heat.limit, least=settings.heat.slowest))
    cameras = []
    infos = {}
    store = Store(settings.models_dir)
    for name, given in settings.cameras.items():
        source = find_source(name, given.source, or_sample=demo)
        loop = given.loop or (demo and source == SourceKind.SAMPLE)
        camera = given.model_copy(update={"source": source, "loop": loop})
        summaries = build_summaries(name, camera, settings)
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
            _camera(name, camera, publisher, clock, heat=heat, show=show, keep=keep, make_pipeline=make_pipeline)
        )
        infos[name] = _camera_info(camera)
    model = _model_info(_classifier(settings.emotion))
    detector = detector_name(settings.faces, store)
    started = clock()

    def announce() -> None:
        now = clock()
        info = composer.info(
            now,
            version=__version__,
            model=model,
            detector=detector,
            cameras=infos,
            privacy=_privacy_info(settings.privacy),
        )
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
        background=[keeper] if publish else [],
        announce=announce,
        tell_health=tell_health,
        clock=clock,
        on_tick=heat.look,
    )


def _link(settings: config.Config, topics: Topics, clock: SystemClock, signals: Signals, *, embedded: bool) -> Link:
    return Link(
        broker=broker_settings(settings),
        topics=topics,
        outbox=_state_file(settings, "outbox.sqlite"),
        clock=clock,
        limits=Limits(size=settings.mqtt.outbox.max_size, age=settings.mqtt.outbox.max_age),
        # amqtt leaves an MQTT 5 greeting unanswered, and waiting for it would cost five seconds
        protocol=Protocol.V311 if embedded else Protocol.V5,
        signals=signals,
    )


def build_pipeline(
    name: str,
    camera: config.Camera,
    *,
    store: Store,
    time: Stopwatch,
    overview: float = 1.0,
    rules: Sequence[AlertRule] = (),
    summaries: SummariesStage | None = None,
    samples: Callable[[], Mapping[Source, Sample]] = dict,
) -> Pipeline:
    """The pipeline of one camera, by its own sections of the config, with models out of `store`.

    Args:
        name: the camera's name.
        camera: its part of the config.
        store: where fetched model files are.
        time: times the stages.
        overview: width of the pictures in which faces are searched over that of the frames.
        rules: its alert rules.
        summaries: sums up; nothing, if left out.
        samples: gives the newest of each outside number that a rule asks for.

    Raises:
        ModelError: a model is missing or wrong.
    """
    stages = build_stages(camera, store=store, overview=overview, rules=rules, summaries=summaries, samples=samples)
    return Pipeline(name, stages, min_confidence=camera.emotion.min_confidence, time=time)


def build_stages(
    camera: config.Camera,
    *,
    store: Store,
    overview: float = 1.0,
    rules: Sequence[AlertRule] = (),
    summaries: SummariesStage | None = None,
    samples: Callable[[], Mapping[Source, Sample]] = dict,
) -> Stages:
    """What the pipeline of one camera is made of; see `build_pipeline`."""
    classifier = _classifier(camera.emotion)
    gate = _quality_gate(camera.faces)
    searched = camera.faces.model_copy(update={"min_size": camera.faces.min_size * overview})
    # twice what model and gate look at, which both then halve
    crop_side = 2 * max(quality.SIDE, classifier.sidecar.input.width, classifier.sidecar.input.height)
    return Stages(
        motion=MotionGate() if camera.faces.rest_every else EverythingMoves(),
        attention=Attention(detect_every=camera.faces.detect_every, rest_every=camera.faces.rest_every),
        follower=Follower(),
        lifeless=LifelessFilter(camera.faces.lifeless_after),
        detector=make_detector(searched, store),
        tracker=Tracker(confirm=camera.faces.confirm, max_missed=camera.faces.keep_lost_for),
        crop=lambda image, face: crop_face(image, face, classifier.crop_frame, at_most=crop_side),
        judge=gate.judge,
        classifier=classifier,
        reduce=partial(reduce, label_set=camera.emotion.labels),
        smoother=make_smoother(camera.emotion.smoothing),
        events=EventTeller(uncertain_after=camera.emotion.uncertain_after),
        rules=rules,
        scenes=SceneTeller(),
        sum_up=scene_of,
        watch=_watch(camera),
        summaries=summaries or NoSummaries(),
        samples=samples,
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


def build_rules(name: str, camera: config.Camera, settings: config.Config, trend: Trend) -> list[AlertRule]:
    """The alert rules of one camera, fresh.

    Args:
        name: the camera's name.
        camera: its part of the config.
        settings: the config.
        trend: knows what is usual there.
    """
    return make_rules(name, camera, timezone=settings.node.timezone, scale=build_scale(settings.mood), baseline=trend)


def build_summaries(name: str, camera: config.Camera, settings: config.Config) -> Summaries:
    """What sums up what one camera sees; has its trend with it."""
    calendar = Calendar(local_zone(settings.node.timezone))
    return Summaries(
        name,
        [int(length) for length in settings.summaries.windows],
        labels=LABEL_SETS[camera.emotion.labels],
        calendar=calendar,
        scale=build_scale(settings.mood),
        trend=Trend(calendar),
        over=settings.mood.over,
        k_minimum=settings.privacy.k_minimum,
        # a few frames of a slow camera may be missed before nothing is known
        max_gap=max(1.0, 5 / camera.fps),
    )


def build_scale(mood: config.Mood) -> MoodScale:
    """What makes satisfaction and distress of seconds."""
    return MoodScale(
        weights=mood.weights.model_dump(),
        distressed=frozenset(mood.distress.emotion),
        moderate=mood.distress.moderate,
        high=mood.distress.high,
        min_read=mood.min_read,
    )


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


def _camera(
    name: str,
    camera: config.Camera,
    publisher: Publisher,
    clock: SystemClock,
    *,
    heat: HeatWatch,
    show: Callable[[str, Told], None] | None,
    keep: Callable[[Told], None],
    make_pipeline: Callable[..., Pipeline],
) -> Camera:
    # a Pi camera mirrors its pictures by itself, and so turns them upside down
    is_pi = kind_of(camera.source) is SourceKind.PICAMERA2
    small = small_size(camera.size) if is_pi else None
    mirror, rotate = with_mirrors(camera.rotate, camera.flip) if is_pi else ((False, False), camera.rotate)
    options = SourceOptions(
        size=camera.size,
        fps=camera.fps,
        share=lambda: heat.share,
        loop=camera.loop,
        # a read should give up by itself before the loop takes it for stuck
        read_timeout=0.8 * camera.stall_after,
        sample=sample_path(),
        pi=PiSettings(exposure=_exposure(camera.exposure), focus=camera.focus, mirror=mirror),
    )
    source = make_source(name, camera.source, clock=clock, options=options)
    watch = Stopwatch()

    def tell(told: Told) -> None:
        publisher.tell(name, told)
        keep(told)
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
            rotate=rotate,
            flip="none" if is_pi else camera.flip,
            zones=_zones(camera),
            on_state=on_state,
            on_pass=on_pass,
        ),
        pipeline=make_pipeline(time=watch, overview=small[0] / camera.size[0] if small else 1.0),
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


def _exposure(exposure: config.Exposure) -> Exposure:
    return Exposure(
        time=exposure.time,
        gain=exposure.gain,
        compensation=exposure.compensation,
        short=exposure.motion == "sharp",
    )


def _embedded_broker(port: int) -> Broker:
    # asyncio, which nothing else needs, is some 4 MB of memory
    from edge_fer.mqtt.embedded import EmbeddedBroker  # noqa: PLC0415

    return EmbeddedBroker(port)


def _watch(camera: config.Camera) -> Watch:
    width, height = VIEW_SIZE
    seen = _zones(camera).mask(height, width) > 0
    if not camera.view.enabled or not seen.any():
        return NoWatch()
    return ViewWatch(ViewSettings(**camera.view.model_dump(exclude={"enabled"})), seen)


def alerts_alone_differ(old: config.Config, new: config.Config) -> bool:
    """Whether new rules are all that a change of the config asks for, so that cameras may go on meanwhile.

    Other outside signals ask for another subscription, which only a new link makes.
    """

    def without_alerts(settings: config.Config) -> config.Config:
        cameras = {name: camera.model_copy(update={"alerts": {}}) for name, camera in settings.cameras.items()}
        return settings.model_copy(update={"alerts": {}, "cameras": cameras})

    return without_alerts(old) == without_alerts(new) and sources_in(old.cameras) == sources_in(new.cameras)


def broker_settings(settings: config.Config) -> BrokerSettings:
    """Where the broker is and how to get in.

    Raises:
        ConfigError: it does not fit together.
    """
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
    asked = camera.size if kind in {SourceKind.DEVICE, SourceKind.PICAMERA2} else None
    return CameraInfo(source=redacted(camera.source), kind=kind, size=asked)


def _privacy_info(privacy: config.Privacy) -> PrivacyInfo:
    return PrivacyInfo(pictures_published=False, events_published=privacy.events == "on", k_minimum=privacy.k_minimum)


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
