"""From the config to objects: the one place that knows every maker. One table a port."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
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
from edge_fer.config import tree as config
from edge_fer.emotion.classifier import EmotionClassifier
from edge_fer.emotion.labels import reduce
from edge_fer.emotion.smoothing import ExponentialSmoother, ModeSmoother
from edge_fer.errors import EdgeFerError, ModelError, SourceError
from edge_fer.faces.crop import crop_face
from edge_fer.faces.haar import HaarDetector
from edge_fer.faces.port import FaceDetector
from edge_fer.faces.quality import QualityGate
from edge_fer.faces.tracking import Tracker
from edge_fer.health import health_of
from edge_fer.mqtt.composer import Composer
from edge_fer.mqtt.embedded import EmbeddedBroker
from edge_fer.mqtt.link import Link
from edge_fer.mqtt.messages import CameraInfo, ModelInfo
from edge_fer.mqtt.outbox import Limits
from edge_fer.mqtt.retry import Protocol
from edge_fer.mqtt.settings import BrokerSettings
from edge_fer.mqtt.signals import Signals
from edge_fer.mqtt.topics import Topics
from edge_fer.pipeline import Pipeline, Smoother, Stages, Told
from edge_fer.publishing import Publisher
from edge_fer.rulebook import make_rules, sources_in
from edge_fer.rules.alerts import AlertRule
from edge_fer.rules.events import EventTeller
from edge_fer.rules.mood import MoodScale
from edge_fer.rules.scene import SceneTeller, scene_of
from edge_fer.sample import sample_path
from edge_fer.service import Service
from edge_fer.stopwatch import Stopwatch
from edge_fer.types import LABEL_SETS, Sample, Source

__all__ = ["alerts_alone_differ", "build_pipeline", "build_rules", "build_service", "find_source"]

DETECTORS: Mapping[str, Callable[[config.Faces], FaceDetector]] = {
    "haar": lambda faces: HaarDetector(min_size=faces.min_size),
}
#: What `auto` takes: the first of these.
BEST_DETECTORS = ("haar",)

SMOOTHERS: Mapping[str, Callable[[config.Smoothing], Smoother]] = {
    "exponential": lambda smoothing: ExponentialSmoother(smoothing.time_constant, margin=smoothing.hysteresis),
    "mode": lambda smoothing: ModeSmoother(smoothing.readings),
}


#: How seconds by emotion become satisfaction and distress.
_SCALE = MoodScale(
    weights={"happy": 1.0, "angry": -1.0, "disgust": -1.0, "fear": -1.0, "sad": -1.0},
    distressed=frozenset({"sad", "angry", "fear"}),
    moderate=0.3,
    high=0.6,
    min_read=5.0,
)


class _NothingUsual:
    """A baseline that knows nothing yet."""

    def usual(self, _measure: str, _utc: datetime, /) -> None:
        """Not known."""


_NOTHING_USUAL = _NothingUsual()


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
    signals = Signals(sources_in(settings.cameras), clock)
    link = Link(
        broker=_broker(settings),
        topics=topics,
        outbox=_state_file(settings, "outbox.sqlite"),
        clock=clock,
        limits=Limits(size=settings.mqtt.outbox.max_size, age=settings.mqtt.outbox.max_age),
        # amqtt leaves an MQTT 5 greeting unanswered, and waiting for it would cost five seconds
        protocol=Protocol.V311 if embedded else Protocol.V5,
        signals=signals,
    )
    publisher = Publisher(link, topics, composer)
    cameras = []
    infos = {}
    for name, given in settings.cameras.items():
        source = find_source(name, given.source, or_sample=demo)
        loop = given.loop or (demo and source == SourceKind.SAMPLE)
        camera = given.model_copy(update={"source": source, "loop": loop})
        make_pipeline = partial(build_pipeline, name, camera, timezone=settings.node.timezone, samples=signals.samples)
        cameras.append(_camera(name, camera, publisher, clock, show, make_pipeline=make_pipeline))
        infos[name] = _camera_info(camera)
    model = _model_info(_classifier(settings.emotion))
    started = clock()

    def announce() -> None:
        now = clock()
        info = composer.info(
            now, version=__version__, model=model, detector=_detector_name(settings.faces), cameras=infos
        )
        publisher.info(info, now)
        for name, camera in settings.cameras.items():
            publisher.begin(name, camera.alerts, now)

    def tell_health() -> None:
        now = clock()
        publisher.health(health_of(cameras, link.status(), composer, started=started, now=now), now)

    return Service(
        cameras,
        link,
        broker=EmbeddedBroker(settings.mqtt.embedded_port) if embedded else None,
        announce=announce,
        tell_health=tell_health,
        clock=clock,
    )


def build_pipeline(
    name: str,
    camera: config.Camera,
    *,
    time: Stopwatch,
    timezone: str | None = None,
    samples: Callable[[], Mapping[Source, Sample]] = dict,
) -> Pipeline:
    """The pipeline of one camera, by its own sections of the config.

    Raises:
        ModelError: a model is missing or wrong.
    """
    classifier = _classifier(camera.emotion)
    gate = QualityGate(min_size=camera.faces.min_size)
    stages = Stages(
        detector=DETECTORS[_detector_name(camera.faces)](camera.faces),
        tracker=Tracker(confirm=camera.faces.confirm, max_missed=camera.faces.keep_lost_for),
        crop=lambda image, face: crop_face(image, face, classifier.crop_frame),
        judge=gate.judge,
        classifier=classifier,
        reduce=partial(reduce, label_set=camera.emotion.labels),
        smoother=SMOOTHERS[camera.emotion.smoothing.method](camera.emotion.smoothing),
        events=EventTeller(uncertain_after=camera.emotion.uncertain_after),
        rules=build_rules(name, camera, timezone=timezone),
        scenes=SceneTeller(),
        sum_up=scene_of,
        samples=samples,
    )
    return Pipeline(name, stages, min_confidence=camera.emotion.min_confidence, time=time)


def _camera(
    name: str,
    camera: config.Camera,
    publisher: Publisher,
    clock: SystemClock,
    show: Callable[[str, Told], None] | None,
    *,
    make_pipeline: Callable[..., Pipeline],
) -> Camera:
    options = SourceOptions(
        size=camera.size,
        fps=camera.fps,
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
            on_state=on_state,
            on_pass=on_pass,
        ),
        pipeline=make_pipeline(time=watch),
        watch=watch,
        tell=tell,
        tell_online=partial(publisher.online, name),
        clock=clock,
    )


def build_rules(name: str, camera: config.Camera, *, timezone: str | None) -> list[AlertRule]:
    """The alert rules of one camera, fresh."""
    return make_rules(name, camera, timezone=timezone, scale=_SCALE, baseline=_NOTHING_USUAL)


def alerts_alone_differ(old: config.Config, new: config.Config) -> bool:
    """Whether new rules are all that a change of the config asks for, so that cameras may go on meanwhile.

    Other outside signals ask for another subscription, which only a new link makes.
    """

    def without_alerts(settings: config.Config) -> config.Config:
        cameras = {name: camera.model_copy(update={"alerts": {}}) for name, camera in settings.cameras.items()}
        return settings.model_copy(update={"alerts": {}, "cameras": cameras})

    return without_alerts(old) == without_alerts(new) and sources_in(old.cameras) == sources_in(new.cameras)


def _detector_name(faces: config.Faces) -> str:
    return BEST_DETECTORS[0] if faces.detector == "auto" else faces.detector


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
