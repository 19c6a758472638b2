"""One camera's pipeline: a frame in, things to tell out. No threads and no clock; it is handed its stages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

from edge_fer.capture.view.freeze import StillPicture
from edge_fer.emotion.doubt import doubt_of
from edge_fer.emotion.smoothing import Smoothed
from edge_fer.faces.boxes import body_of, scaled, scaled_box
from edge_fer.faces.detectors.port import FaceLooker
from edge_fer.faces.people.attention import Work
from edge_fer.faces.people.tracking import TrackingStep
from edge_fer.pipeline.ports import Stages
from edge_fer.rules.alerts.handover import hand_over
from edge_fer.rules.alerts.rule import AlertRule
from edge_fer.rules.sight import Sight
from edge_fer.types import (
    EMOTION,
    UNCERTAIN,
    Alert,
    AlertChange,
    AlertState,
    AttributeValue,
    Box,
    Event,
    Face,
    Frame,
    Image,
    Instant,
    Quality,
    QualityFault,
    Reading,
    Resolution,
    Scene,
    Scores,
    Standing,
    Summary,
    Track,
    View,
)

__all__ = ["Pipeline", "Search", "Told", "emotion_of", "look_at_faces", "read_faces", "values_of"]

#: Seconds for which sums and the scene stand where nothing but time has changed. What is seen then counts until the
#: next frame that is summed up, so that no sum loses anything.
SUMS_STAND = 0.25
#: Overlap (IoU) from which on a face that was found is surely the one expected there.
CLOSE = 0.5


@dataclass(frozen=True, slots=True)
class Told:
    """What one step has to tell.

    Attributes:
        at: when the step's frame was captured.
        readings: of everybody found in the frame; for displays and records, not for the broker. None where the frame
            was left alone because nothing moved: then nothing has changed either; and where there was no frame.
        events: what happened to people.
        changes: alerts that began to fire or were resolved.
        alerts: how those rules stand for which that changed; None for one that is gone.
        scene: the scene, where it is worth telling.
        summaries: windows of time that are over.
        people: how many are in view, None where there was no frame; with `readings`, `left` and `view`, what a trace
            records.
        left: ids of the people given up.
        view: what the camera gets to see at all; None where that is not watched, or not known yet.
        unwatched: whether there will be no frames for now, so that alerts have ended.
        missed: people in view who were not found in the frame, with their faces as last found.
        attributes: what is known of the picture as a whole, by attribute.
    """

    at: Instant
    readings: tuple[Reading, ...] | None = None
    events: tuple[Event, ...] = ()
    changes: tuple[AlertChange, ...] = ()
    alerts: Mapping[str, Standing | None] = field(default_factory=dict)
    scene: Scene | None = None
    summaries: tuple[Summary, ...] = ()
    people: int | None = None
    left: tuple[str, ...] = ()
    view: View | None = None
    unwatched: bool = False
    missed: tuple[Track, ...] = ()
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Search:
    """What the detector found in one frame.

    Attributes:
        at: when the frame was captured.
        found: all faces, in pixels of the whole picture.
        lifeless: those of them that were left out because they never change, such as posters.
    """

    at: Instant
    found: tuple[Face, ...]
    lifeless: tuple[Face, ...] = ()


def _untimed(_stage: str) -> AbstractContextManager[None]:
    return nullcontext()


def _all_found(expected: Mapping[str, Box], faces: Sequence[Face]) -> bool:
    """Whether everybody's own face was found about where it should be, so that nobody need be followed."""
    taken = set()
    for box in expected.values():
        near = [index for index, face in enumerate(faces) if box.iou(face.box) > CLOSE]
        if len(near) != 1:
            return False
        taken.add(near[0])
    return len(taken) == len(expected)


def _shrink(frame: Frame) -> tuple[float, float]:
    """Width and height of a frame over those of the picture in which faces are searched."""
    (width, height), (small_height, small_width) = frame.size, frame.overview.shape[:2]
    return width / small_width, height / small_height


def _say_the_same(readings: Sequence[Reading], before: Sequence[Reading]) -> bool:
    """Whether the same people are seen, and nobody's reading says anything new."""
    return len(readings) == len(before) and all(
        one.track_id == other.track_id
        # what stands is the very same object
        and one.quality is other.quality
        and one.attributes.keys() == other.attributes.keys()
        and all(value is other.attributes[name] for name, value in one.attributes.items())
        for one, other in zip(readings, before, strict=True)
    )


def _left_out(found: Sequence[Face], kept: Sequence[Face]) -> tuple[Face, ...]:
    """The faces that were found and not kept."""
    return tuple(face for face in found if face not in kept) if len(kept) < len(found) else ()


def read_faces(
    stages: Stages,
    image: Image,
    people: Sequence[Track],
    *,
    time: Callable[[str], AbstractContextManager[None]] = _untimed,
) -> list[tuple[Quality, Scores | None]]:
    """How well each person's face can be read, and what it says; all readable ones go through the model together.

    Args:
        stages: of which `crop`, `judge`, `classifier` and `reduce` are used.
        image: RGB uint8 (height, width, 3), or the luma alone, uint8 (height, width), with the levels that video has.
        people: whose faces were found in it.
        time: as for `Pipeline`.

    Returns:
        For each person the quality of the face, and the scores of the label set, or None where it cannot be read.
    """
    with time("crop"):
        crops = [stages.crop(image, person.face) for person in people]
    with time("quality"):
        qualities = [stages.judge(image, person, crop) for person, crop in zip(people, crops, strict=True)]
    with time("classify"):
        readable = [crop for crop, quality in zip(crops, qualities, strict=True) if not quality.faults]
        fresh = iter(stages.classifier.read(readable))
    return [(quality, None) if quality.faults else _read(stages, quality, next(fresh)) for quality in qualities]


def _read(stages: Stages, quality: Quality, scores: Scores | None) -> tuple[Quality, Scores | None]:
    """What became of a face that the quality gate let through; None: it is unlike anything the model has learned."""
    if scores is None:
        return replace(quality, faults=(QualityFault.UNFAMILIAR,)), None
    return quality, stages.reduce(scores)


def look_at_faces(
    stages: Stages,
    image: Image,
    people: Sequence[Track],
    seen: Sequence[tuple[Quality, Scores | None]],
    mono: float,
) -> None:
    """Has the further attributes read of those people whose faces can be read.

    Args:
        stages: of which `attributes` are used.
        image: RGB uint8 (height, width, 3).
        people: whose faces were found in it.
        seen: what `read_faces` made of them.
        mono: monotonic seconds.
    """
    # a face that is strange to the emotion model may be well known to another
    readable = [
        person
        for person, (quality, _) in zip(people, seen, strict=True)
        if all(fault is QualityFault.UNFAMILIAR for fault in quality.faults)
    ]
    for attribute in stages.attributes:
        attribute.observe(image, readable, mono)


def values_of(stages: Stages, track_id: str) -> dict[str, AttributeValue]:
    """What is known of a person beside the emotion."""
    return {one.name: value for one in stages.attributes if (value := one.value(track_id)) is not None}


def emotion_of(
    quality: Quality, smoothed: Smoothed | None, *, min_confidence: float, min_lead: float
) -> AttributeValue:
    """What is told of a person's emotion.

    Args:
        quality: of the face in the frame.
        smoothed: the person's emotion; None where nothing has been read yet.
        min_confidence: as for `Pipeline`.
        min_lead: as for `Pipeline`.
    """
    if smoothed is None:
        return AttributeValue(UNCERTAIN, 0.0)
    label, scores = smoothed.label, smoothed.scores
    doubt = None if quality.faults else doubt_of(label, scores, min_confidence=min_confidence, min_lead=min_lead)
    told = UNCERTAIN if quality.faults or doubt else label
    return AttributeValue(told, scores[label], scores, doubt)


@dataclass(slots=True)
class _LastRead:
    """What was read of a person's face last.

    Attributes:
        quality: of the face.
        emotion: what was told of it.
        scores: of the label set; None where it could not be read.
        mono: monotonic seconds.
        stands: whether it also stood for a later frame, in which the face was not read.
    """

    quality: Quality
    emotion: AttributeValue
    scores: Scores | None
    mono: float
    stands: bool = False


class Pipeline:
    """One camera's pipeline.

    Args:
        camera: the camera's name.
        stages: what it is made of.
        min_confidence: a leading emotion that scores lower makes the reading uncertain, 0 to 1.
        min_lead: so does one that is not so far ahead of every other, 0 to 1; 0 asks for nothing.
        time: called with each stage's name, returns a context in which the stage runs.

    Attributes:
        camera: the camera's name.
        search: what the detector found in the frame that was searched last; None before the first.
    """

    def __init__(
        self,
        camera: str,
        stages: Stages,
        *,
        min_confidence: float,
        min_lead: float,
        time: Callable[[str], AbstractContextManager[None]] = _untimed,
    ) -> None:
        self.camera = camera
        self._stages = stages
        self._min_confidence = min_confidence
        self._min_lead = min_lead
        self._time = time
        self.search: Search | None = None
        self._people = 0
        self._readings: Sequence[Reading] = ()
        self._view: View | None = None
        self._summed_up = float("-inf")
        #: the last frame that was not summed up; None where the last one was
        self._left_out: Instant | None = None
        #: what was read last, by person
        self._last: dict[str, _LastRead] = {}
        self._rules: Sequence[AlertRule] = stages.rules
        self._stood: dict[str, Standing] = {rule.name: _to_tell(rule.standing) for rule in self._rules}

    @property
    def work(self) -> Mapping[Work, int]:
        """How many frames were left alone, followed and searched so far."""
        return self._stages.attention.counts

    @property
    def detector(self) -> str:
        """The name of what finds faces."""
        return self._stages.detector.name

    @property
    def frozen(self) -> StillPicture | None:
        """The picture that its camera sends again and again; None where there is none."""
        return self._stages.freeze.picture

    @property
    def rules(self) -> Sequence[AlertRule]:
        """Its alert rules, as they are now."""
        return self._rules

    def step(self, frame: Frame) -> Told:
        """Takes one frame through all stages, or as far as it is worth."""
        stages, time = self._stages, self._time
        with time("view"):
            stages.watch.look(frame.glance, frame.at)
            frozen = stages.freeze.observe(frame, counted=self._people > 0)
        if frozen:
            # nobody is there on the strength of a picture that does not change
            return self.finish(frame.at) if self._people else self.pass_time(frame.at)
        with time("motion"):
            moved = stages.motion.moved(frame.glance)
        work = stages.attention.decide(frame.at.mono, moved=moved)
        if work is Work.REST:
            stages.attention.done(work, frame.at.mono)
            stages.tracker.rest(frame.at)
            return self._rest(frame.at)
        if stages.picture_attributes:
            with time("attributes"):
                for attribute in stages.picture_attributes:
                    attribute.observe(frame.overview, frame.at.mono)
        tracks = self._find(frame, work)
        readings = self._read(frame, tracks.visible)
        with time("rules"):
            return self._tell(readings, tracks, frame.at)

    def finish(self, at: Instant) -> Told:
        """Gives up everybody in view, because there will be no frames for now, and ends their alerts.

        The pipeline can go on with later frames afterwards.
        """
        for stage in (self._stages.motion, self._stages.follower, self._stages.lifeless):
            stage.forget()
        for attribute in self._stages.picture_attributes:
            attribute.forget()
        self._stages.attention.reset()
        return self._tell((), TrackingStep(left=self._stages.tracker.clear()), at, last=True)

    def change_rules(self, rules: Sequence[AlertRule], at: Instant) -> Told:
        """Puts others in the place of its alert rules; the alerts of those that stay the same go on."""
        self._rules, changes = hand_over(self._rules, rules, at, people_stay=True)
        gone = self._stood.keys() - {rule.name for rule in self._rules}
        self._stood = {name: stood for name, stood in self._stood.items() if name not in gone}
        return Told(at, changes=tuple(changes), alerts=dict.fromkeys(gone) | self._changed_standings(self._rules))

    def acknowledge(
        self, at: Instant, *, rule: str | None = None, alert_id: str | None = None
    ) -> tuple[Told, list[Alert]]:
        """Takes it that somebody knows of the alerts that fire: all, those of a rule, or one.

        Returns:
            What is to be told of it, and the alerts.
        """
        known = [
            alert
            for one in self._rules
            if rule in {None, one.name} and one.acknowledge(alert_id)
            for alert in one.standing.alerts
            if alert.state is AlertState.FIRING and alert_id in {None, alert.id}
        ]
        return Told(at, alerts=self._changed_standings(self._rules)), known

    def silence(self, seconds: float, at: Instant, *, rule: str | None = None) -> tuple[Told, dict[str, Standing]]:
        """Has all rules, or one, send no alert events for so long; 0 ends that.

        Returns:
            What is to be told of it, and how these rules stand, by name.
        """
        meant = [one for one in self._rules if rule in {None, one.name}]
        for one in meant:
            one.silence(seconds, at)
        return Told(at, alerts=self._changed_standings(self._rules)), {one.name: one.standing for one in meant}

    def pause(self, at: Instant) -> Told:
        """Tells that nothing is looked at for now; call `finish` before, where something was."""
        nothing = replace(self._stages.sum_up(self.camera, (), 0, at, None), paused=True)
        return Told(at, scene=self._stages.scenes.offer(nothing, last=True))

    def pass_time(self, at: Instant) -> Told:
        """Tells what time alone brings about, while there are no frames."""
        return Told(at, summaries=tuple(self._stages.summaries.pass_time(at)))

    def end(self, at: Instant) -> Told:
        """Tells what was begun, because there will be no more frames at all; call `finish` before."""
        return Told(at, summaries=tuple(self._stages.summaries.finish()))

    def _rest(self, at: Instant) -> Told:
        """Tells what time alone brings about in a frame that was left alone: everybody is as they were."""
        stages, view = self._stages, self._stages.watch.view
        stands, self._view = view is self._view, view
        sight = Sight(at, self._readings, self._people, (), view, stages.samples(), fresh=False, stands=stands)
        rules = [rule for rule in self._rules if not rule.rests(sight)]
        self._left_out = None
        return Told(
            at,
            changes=tuple(change for rule in rules for change in rule.update(sight)),
            alerts=self._changed_standings(rules),
            summaries=tuple(stages.summaries.update(None, left=(), at=at)),
            people=self._people,
            view=view,
            attributes=self._of_picture(),
        )

    def _find(self, frame: Frame, work: Work) -> TrackingStep:
        """Who is in the frame: known people followed into it; searched for where that is due, or somebody is missed."""
        stages, time = self._stages, self._time
        raw, at = frame.raw, frame.at
        expected = stages.tracker.expected(at)
        followed: Mapping[str, Face] = {}
        faces: Sequence[Face] | None = None
        looked = False
        looker = stages.looker
        may_look = looker and 0 < len(expected) <= looker.most_places and stages.attention.may_look(at.mono)
        if work is Work.DETECT and looker and may_look:
            with time("detect"):
                followed = self._look(frame, looker, expected)
            looked = bool(followed)
            work = Work.FOLLOW if looked else work
        elif work is not Work.DETECT:
            with time("follow"):
                followed = stages.follower.follow(raw, expected)
            work = Work.DETECT if len(followed) < len(expected) else work
        if work is Work.DETECT:
            with time("detect"):
                found = self._detect(frame)
            with time("sift"):
                stages.motion.remember()
                faces = stages.lifeless.sift(frame.image, found, at.mono)
                self.search = Search(at, tuple(found), _left_out(found, faces))
            if not followed and not _all_found(expected, faces):
                with time("follow"):
                    followed = stages.follower.follow(raw, expected)
        with time("track"):
            tracks = stages.tracker.update(faces, at, followed)
            stages.follower.learn(raw, tracks.visible + tracks.coasting)
        stages.attention.done(work, at.mono, tracks, looked=looked)
        return tracks

    def _look(self, frame: Frame, looker: FaceLooker, expected: Mapping[str, Box]) -> dict[str, Face]:
        """Everybody's face, found where it should be; nobody's where one was not, or where others may have come."""
        (width, height), (across, down) = frame.size, _shrink(frame)
        bodies = [scaled_box(body_of(box, height), 1 / width, 1 / height) for box in expected.values()]
        if self._stages.motion.moved_beyond(bodies):
            return {}
        found = looker.look(frame.overview, [scaled_box(box, 1 / across, 1 / down) for box in expected.values()])
        faces = [scaled(face, across, down) for face in found or ()]
        return dict(zip(expected, faces, strict=True)) if _all_found(expected, faces) else {}

    def _detect(self, frame: Frame) -> list[Face]:
        """The faces, in pixels of the whole picture, although they are searched in the smaller one."""
        found = self._stages.detector.detect(frame.overview)
        across, down = _shrink(frame)
        return found if (across, down) == (1, 1) else [scaled(face, across, down) for face in found]

    def _read(self, frame: Frame, tracks: Sequence[Track]) -> tuple[Reading, ...]:
        """One reading for each person found: of those whose face need not be read yet, what was read of it last."""
        pace, mono = self._stages.pace, frame.at.mono
        pace.frame(mono)
        due = [track for track in tracks if pace.is_due(track.id)]
        if due:
            seen = read_faces(self._stages, frame.raw, due, time=self._time)
            with self._time("smooth"):
                for track, (quality, scores) in zip(due, seen, strict=True):
                    self._smooth(track.id, quality, scores, mono)
        if self._stages.attributes:
            # each has a pace of its own
            with self._time("attributes"):
                stands = [(self._last[track.id].quality, None) for track in tracks]
                look_at_faces(self._stages, frame.image, tracks, stands, mono)
        readings = []
        for track in tracks:
            last = self._last[track.id]
            last.stands = last.mono != mono
            readings.append(
                Reading(
                    self.camera,
                    track.id,
                    frame.at,
                    last.quality,
                    {EMOTION: last.emotion} | values_of(self._stages, track.id),
                    track.face.box,
                    track.face.keypoints,
                    frame.size,
                )
            )
        return tuple(readings)

    def _smooth(self, track_id: str, quality: Quality, scores: Scores | None, mono: float) -> None:
        """Takes in what was read of a person's face.

        Of the frames since the reading before in which it was not read, each counts as the nearer of the two readings.
        """
        smoother, last = self._stages.smoother, self._last.get(track_id)
        if last is not None and last.stands and scores is not None and last.scores is not None:
            smoother.update(track_id, last.scores, (last.mono + mono) / 2)
        smoothed = smoother.update(track_id, scores, mono)
        emotion = emotion_of(quality, smoothed, min_confidence=self._min_confidence, min_lead=self._min_lead)
        self._last[track_id] = _LastRead(quality, emotion, scores, mono)
        self._stages.pace.read(track_id, settled=None if smoothed is None else smoothed.settled)

    def _tell(self, readings: tuple[Reading, ...], tracks: TrackingStep, at: Instant, *, last: bool = False) -> Told:
        stages, view = self._stages, self._stages.watch.view
        people = len(tracks.visible) + len(tracks.coasting)
        stands = (
            not last
            and not tracks.left
            and people == self._people
            and view is self._view
            and _say_the_same(readings, self._readings)
        )
        before, self._readings = self._readings, readings
        self._people, self._view = people, view
        gone = [track.id for track in tracks.left]
        for track_id in gone:
            stages.smoother.forget(track_id)
            stages.pace.forget(track_id)
            self._last.pop(track_id, None)
            for attribute in stages.attributes:
                attribute.forget(track_id)
        events = stages.events.update(readings, appeared=tracks.appeared, left=tracks.left, at=at)
        sight = Sight(at, readings, people, gone, view, stages.samples(), stands=stands)
        rules = [rule for rule in self._rules if not rule.rests(sight)]
        changes = [
            change
            for rule in rules
            for change in (rule.end(at, Resolution.UNWATCHED, left=gone) if last else rule.update(sight))
        ]
        summaries: Sequence[Summary] = ()
        attributes = self._of_picture()
        scene = None
        since = at.mono - self._summed_up
        if not (stands and 0 <= since < SUMS_STAND) or stages.picture_attributes or stages.summaries.is_due(at):
            self._summed_up = at.mono
            # whoever is missed from now on was last seen in the frame before, and not in the last that was summed up
            if self._left_out is not None and not stages.summaries.is_due(self._left_out):
                stages.summaries.update(before, left=(), at=self._left_out)
            self._left_out = None
            summaries = stages.summaries.update(readings, left=gone, at=at)
            seen = stages.sum_up(self.camera, readings, people, at, view)
            seen = replace(seen, satisfaction=stages.summaries.satisfaction(at), attributes=attributes)
            scene = stages.scenes.offer(seen, last=last)
        else:
            self._left_out = at
        return Told(
            at,
            readings,
            tuple(events),
            tuple(changes),
            self._changed_standings(rules),
            scene,
            tuple(summaries),
            people,
            tuple(gone),
            view,
            unwatched=last,
            missed=tracks.coasting,
            attributes=attributes,
        )

    def _of_picture(self) -> dict[str, AttributeValue]:
        """What is known of the picture as a whole."""
        return {one.name: one.value for one in self._stages.picture_attributes if one.value is not None}

    def _changed_standings(self, rules: Sequence[AlertRule]) -> dict[str, Standing]:
        """How those of the rules stand of which an alert came, went or changed its state, or that changed otherwise."""
        changed = {}
        for rule in rules:
            standing = rule.standing
            if self._stood.get(rule.name) != (to_tell := _to_tell(standing)):
                self._stood[rule.name] = to_tell
                changed[rule.name] = standing
        return changed


def _to_tell(standing: Standing) -> Standing:
    """What of a standing is worth telling when it changes: not every value measured."""
    if not standing.alerts:
        return standing
    return replace(standing, alerts=tuple(replace(alert, value=0.0, threshold=0.0) for alert in standing.alerts))
