"""From the config to the pipeline of one camera: one table a port."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from edge_fer.capture.view.freeze import FreezeWatch
from edge_fer.capture.view.measures import SIZE as VIEW_SIZE
from edge_fer.capture.view.watch import ViewSettings, ViewWatch
from edge_fer.capture.zones import EVERYWHERE, Zones
from edge_fer.config import tree as config
from edge_fer.emotion.classifier import EmotionClassifier
from edge_fer.emotion.labels import reduce
from edge_fer.emotion.pace import ReadingPace
from edge_fer.emotion.preprocess import grey, resize
from edge_fer.emotion.smoothing import SHARE_OF_ONE, ExponentialSmoother, ModeSmoother
from edge_fer.errors import ModelError
from edge_fer.faces.detectors.port import FaceLooker
from edge_fer.faces.levels import full_levels
from edge_fer.faces.people.attention import Attention
from edge_fer.faces.people.following import Follower
from edge_fer.faces.people.lifeless import LifelessFilter
from edge_fer.faces.people.movement import EverythingMoves, MotionGate
from edge_fer.faces.people.tracking import MAX_GAP, Tracker
from edge_fer.faces.reading import quality
from edge_fer.faces.reading.crop import crop_face
from edge_fer.faces.reading.quality import QualityGate, SteadyGate
from edge_fer.inference.store import Store
from edge_fer.pipeline.ports import (
    FaceAttributePort,
    NoSummaries,
    NoWatch,
    PictureAttributePort,
    SmootherPort,
    Stages,
    WatchPort,
)
from edge_fer.pipeline.ports import SummariesPort as SummariesStage
from edge_fer.pipeline.step import Pipeline
from edge_fer.rules.alerts.rule import AlertRule
from edge_fer.rules.events import EventTeller
from edge_fer.rules.scene.scene import SceneTeller, scene_of
from edge_fer.support.stopwatch import Stopwatch
from edge_fer.types import LABEL_NAMES, LABEL_SETS, Face, Image, SignalKey, SignalValue
from edge_fer.wiring.detectors import make_detector
from edge_fer.wiring.meaning import longest_gap

__all__ = ["build_pipeline", "build_stages", "make_classifier", "make_smoother", "make_watch", "make_zones"]

SMOOTHERS: Mapping[str, Callable[[config.SmoothingSection], SmootherPort]] = {
    "exponential": lambda smoothing: ExponentialSmoother(smoothing.time_constant, margin=smoothing.hysteresis),
    "mode": lambda smoothing: ModeSmoother(smoothing.readings),
}


def build_pipeline(
    name: str,
    camera: config.CameraSection,
    *,
    store: Store,
    time: Stopwatch,
    zones: Zones | None = None,
    overview: float = 1.0,
    slowest: float = 1.0,
    rules: Sequence[AlertRule] = (),
    summaries: SummariesStage | None = None,
    samples: Callable[[], Mapping[SignalKey, SignalValue]] = dict,
) -> Pipeline:
    """The pipeline of one camera, by its own sections of the config, with models out of `store`.

    Args:
        name: the camera's name.
        camera: its part of the config.
        store: where fetched model files are.
        time: times the stages.
        zones: what of its pictures may be seen; by its part of the config, if left out.
        overview: width of the pictures in which faces are searched over that of the frames.
        slowest: the lowest share of the frame rate that heat leaves.
        rules: its alert rules.
        summaries: sums up; nothing, if left out.
        samples: gives the newest of each outside number that a rule asks for.

    Raises:
        ModelError: a model is missing or wrong.
    """
    stages = build_stages(
        camera,
        store=store,
        zones=zones,
        overview=overview,
        slowest=slowest,
        rules=rules,
        summaries=summaries,
        samples=samples,
    )
    emotion = camera.emotion
    return Pipeline(name, stages, min_confidence=emotion.min_confidence, min_lead=emotion.min_lead, time=time)


def build_stages(
    camera: config.CameraSection,
    *,
    store: Store,
    classifier: EmotionClassifier | None = None,
    zones: Zones | None = None,
    overview: float = 1.0,
    slowest: float = 1.0,
    rules: Sequence[AlertRule] = (),
    summaries: SummariesStage | None = None,
    samples: Callable[[], Mapping[SignalKey, SignalValue]] = dict,
) -> Stages:
    """What the pipeline of one camera is made of; see `build_pipeline`. `classifier`: one that was loaded already."""
    classifier = classifier or make_classifier(camera.emotion)
    searched = camera.faces.model_copy(update={"min_size": camera.faces.min_size * overview})
    of_faces, of_pictures = _attributes(camera.attributes)
    detector = make_detector(searched, store)
    return Stages(
        motion=MotionGate() if camera.faces.rest_every else EverythingMoves(),
        attention=Attention(detect_every=camera.faces.detect_every, rest_every=camera.faces.rest_every),
        follower=Follower(),
        lifeless=LifelessFilter(camera.faces.lifeless_after),
        detector=detector,
        looker=detector if isinstance(detector, FaceLooker) else None,
        tracker=Tracker(
            confirm=camera.faces.confirm,
            max_missed=camera.faces.keep_lost_for,
            # frames that are few by wish are no gap, or nobody would be known from one to the next
            max_gap=max(MAX_GAP, longest_gap(camera, slowest=slowest)),
        ),
        crop=_cropper(classifier),
        judge=SteadyGate(_quality_gate(camera.faces, zones or make_zones(camera))).judge,
        classifier=classifier,
        reduce=partial(reduce, label_set=camera.emotion.labels),
        smoother=make_smoother(camera.emotion.smoothing),
        events=EventTeller(uncertain_after=camera.emotion.uncertain_after),
        rules=rules,
        scenes=SceneTeller(),
        sum_up=scene_of,
        watch=make_watch(camera.view, zones or make_zones(camera)),
        summaries=summaries or NoSummaries(),
        freeze=FreezeWatch(camera.view.frozen_after),
        samples=samples,
        pace=ReadingPace(_longest_unread(camera.emotion)),
        attributes=of_faces,
        picture_attributes=of_pictures,
    )


def _attributes(
    attributes: Mapping[str, config.Attribute],
) -> tuple[Sequence[FaceAttributePort], Sequence[PictureAttributePort]]:
    """Those of faces, and those of whole pictures; what reads them is loaded only where there are any."""
    if not attributes:
        return [], []
    from edge_fer.wiring.attributes import make_attributes  # noqa: PLC0415

    return make_attributes(attributes, make_smoother)


def make_smoother(smoothing: config.SmoothingSection) -> SmootherPort:
    """The smoother that the config asks for, with no memory of anybody."""
    return SMOOTHERS[smoothing.method](smoothing)


def _cropper(classifier: EmotionClassifier) -> Callable[[Image, Face], Image]:
    """What cuts a face out as model and gate look at it: in grey, at the size of both where that is the same."""
    looked_at = classifier.sidecar.input.width, classifier.sidecar.input.height
    # twice what they look at, which is then halved
    side = 2 * max(quality.SIDE, *looked_at)

    def crop(image: Image, face: Face) -> Image:
        cut = crop_face(image, face, classifier.crop_frame, at_most=side)
        levels = full_levels(cut) if image.ndim == 2 else grey(cut)
        return resize(levels, looked_at) if looked_at == (quality.SIDE, quality.SIDE) else levels

    return crop


def _longest_unread(emotion: config.EmotionSection) -> float:
    """Seconds between two readings of a face: no more than one reading may stand for in the smoothing."""
    return min(emotion.read_every, SHARE_OF_ONE * emotion.smoothing.time_constant)


def make_classifier(emotion: config.EmotionSection) -> EmotionClassifier:
    """The emotion classifier; ModelError where its model is missing or wrong, or has other labels than it should."""
    classifier = EmotionClassifier.load(emotion.model, threads=emotion.threads, prior=emotion.prior.given)
    unknown = [label for label in classifier.labels if label not in LABEL_NAMES]
    if unknown:
        msg = f"the model {classifier.sidecar.name} has labels that are not known: {', '.join(unknown)}"
        remedy = f"Rename them in its sidecar to some of {', '.join(LABEL_NAMES)}, or choose another model"
        raise ModelError(msg, remedy=remedy)
    missing = sorted(set(LABEL_SETS[emotion.labels]) - set(classifier.labels))
    if missing:
        msg = f"the model {classifier.sidecar.name} does not know {', '.join(missing)}"
        raise ModelError(msg, remedy=f"Choose another model, or another set than {emotion.labels} in `emotion.labels`")
    return classifier


def make_zones(camera: config.CameraSection) -> Zones:
    """What of a camera's pictures may be seen."""

    def polygons(kind: str) -> tuple[tuple[tuple[float, float], ...], ...]:
        return tuple(zone.polygon for zone in camera.zones.values() if zone.kind == kind)

    return Zones(include=polygons("include"), exclude=polygons("exclude"))


def _quality_gate(faces: config.FacesSection, zones: Zones) -> QualityGate:
    asked = faces.quality
    return QualityGate(
        min_size=faces.min_size,
        sharpness=quality.SHARPNESS.moved_to(asked.min_sharpness),
        bright_parts=quality.BRIGHT_PARTS.moved_to(asked.min_brightness),
        dark_parts=quality.DARK_PARTS.moved_to(asked.max_brightness),
        inside=quality.INSIDE.moved_to(asked.min_inside),
        yaw=quality.YAW.moved_to(asked.max_yaw),
        share_seen=zones.share_seen if zones != EVERYWHERE else None,
    )


def make_watch(view: config.ViewSection, zones: Zones) -> WatchPort:
    """What notices that a camera's view is covered, dark or moved, by its own settings."""
    width, height = VIEW_SIZE
    seen = zones.mask(height, width) > 0
    if not view.enabled or not seen.any():
        return NoWatch()
    return ViewWatch(ViewSettings(**view.model_dump(exclude={"enabled", "frozen_after"})), seen)
