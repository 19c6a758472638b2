"""The pipeline's own part: who is read, what becomes uncertain, what is told. Its stages are real where pure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge_fer.capture.view.freeze import FreezeWatch
from edge_fer.emotion.pace import ReadingPace
from edge_fer.emotion.smoothing import ExponentialSmoother, Smoothed
from edge_fer.faces.people.attention import Attention, Work
from edge_fer.faces.people.tracking import TrackingStep
from edge_fer.pipeline.ports import Stages
from edge_fer.pipeline.step import Pipeline
from edge_fer.rules.alerts.lifecycle import Timing
from edge_fer.rules.alerts.rule import AlertRule
from edge_fer.rules.conditions.emotion import EmotionCondition
from edge_fer.rules.conditions.signal import SignalCondition
from edge_fer.rules.events import EventTeller
from edge_fer.rules.scene.scene import SceneTeller, scene_of
from edge_fer.types import (
    Box,
    Doubt,
    Face,
    Frame,
    Keypoints,
    Quality,
    QualityFault,
    Resolution,
    SignalKey,
    SignalState,
    SignalValue,
    Standing,
    Track,
    View,
)
from tests.invented import at, scores, track
from tests.rules.scenes import Scene

FACE = Face(Box(10, 10, 50, 50), 0.9)


class ScriptedStages:
    """Stands in for everything that looks at pixels, following a script of (tracking step, scores, fault)."""

    def __init__(self):
        self.next = TrackingStep()
        self.scores = scores(happy=0.9)
        self.fault = None
        self.moves = True
        self.hidden = set()
        self.searched = self.remembered = self.looked = 0
        self.others_move = False
        self.bodies = []
        self.learned = []
        self.followed = {}
        self.classified = []
        self.forgotten = []
        self.last = {}

    def moved(self, image):
        return self.moves

    def moved_beyond(self, parts):
        self.bodies = list(parts)
        return self.others_move

    most_places = 2

    def look(self, image, places):
        self.looked += 1
        return None if self.hidden else [FACE for _ in places]

    def remember(self):
        self.remembered += 1

    def forget(self):
        self.forgotten.append("all")

    def follow(self, image, expected):
        return {who: FACE for who in expected if who not in self.hidden}

    def learn(self, image, people):
        self.learned = [track.id for track in people]

    def sift(self, image, faces, mono):
        return faces

    def expected(self, at):
        return {track.id: track.face.box for track in self.next.visible + self.next.coasting}

    def detect(self, image):
        self.searched += 1
        return [track.face for track in self.next.visible]

    def update(self, faces, at, followed):
        self.followed = followed
        return self.next

    def rest(self, at):
        self.rested = at

    def clear(self):
        step, self.next = self.next, TrackingStep()
        return step.visible + step.coasting

    def read(self, crops):
        self.classified.append(len(crops))
        return [self.scores for _ in crops]

    def smooth(self, track_id, fresh, _mono):
        if fresh is not None:
            self.last[track_id] = fresh
        if track_id not in self.last:
            return None
        kept = self.last[track_id]
        return Smoothed(max(kept, key=kept.__getitem__), kept)


class Smoother:
    def __init__(self, script):
        self.update = script.smooth
        self.forget = script.forgotten.append


def make_rule(name, settings=None, *, repeated=1, for_=2):
    return AlertRule(
        "cam",
        name,
        severity="warning",
        condition=EmotionCondition(frozenset({"angry", "sad"}), 0.6, repeated=repeated),
        timing=Timing(for_, 1, 0, 10),
        settings=settings,
        new_id=lambda: "alert",
    )


@pytest.fixture
def script():
    return ScriptedStages()


@pytest.fixture
def pipeline(script):
    stages = Stages(
        motion=script,
        attention=Attention(detect_every=0, rest_every=2, read_still_every=0.5),
        follower=script,
        detector=script,
        lifeless=script,
        tracker=script,
        crop=lambda image, face: image,
        judge=lambda image, face, crop: Quality(0.2, (script.fault,)) if script.fault else Quality(1.0),
        classifier=script,
        reduce=dict,
        smoother=Smoother(script),
        events=EventTeller(uncertain_after=1),
        rules=[
            make_rule("unhappy"),
        ],
        scenes=SceneTeller(interval=1),
        sum_up=scene_of,
    )
    return Pipeline("cam", stages, min_confidence=0.45, min_lead=0.0)


def frame(seconds):
    return Frame("cam", 0, np.zeros((64, 64, 3), np.uint8), at(seconds))


def test_a_frame_becomes_a_reading_an_event_and_a_scene(pipeline, script):
    script.next = TrackingStep(visible=(track(),), appeared=(track(),))
    told = pipeline.step(frame(0))
    assert [(r.label, r.confidence, r.at) for r in told.readings] == [("happy", 0.9, at(0))]
    assert [str(event.kind) for event in told.events] == ["appeared"]
    assert (told.scene.people, told.scene.mood) == (1, "happy")
    assert told.changes == ()
    assert told.alerts == {}


def test_a_reading_says_where_the_face_is_and_who_was_missed_is_told_as_last_found(pipeline, script):
    script.next = TrackingStep(visible=(track(),), coasting=(track("b"),))
    told = pipeline.step(frame(0))
    (seen,) = told.readings
    assert (seen.box, seen.keypoints, seen.size) == (track().face.box, None, (64, 64))
    assert list(seen.attributes) == ["emotion"]
    assert told.missed == (track("b"),)
    assert (told.people, told.attributes) == (2, {})


def test_nobody_is_there_on_the_strength_of_a_picture_that_has_frozen(pipeline, script):
    stages = replace(pipeline._stages, freeze=FreezeWatch(60))
    pipeline = Pipeline("cam", stages, min_confidence=0.45, min_lead=0.0)
    script.scores = scores(sad=0.9)
    told = []
    for second in range(0, 100, 10):
        # the motion gate would have it rest, and everybody would stay
        script.next, script.moves = TrackingStep(visible=(track(),)), second == 0
        told.append(pipeline.step(frame(second)))
    gave_up = next(one for one in told if one.left)
    assert gave_up.at == at(70)
    assert gave_up.unwatched
    assert [change.reason for one in told for change in one.changes] == [None, Resolution.UNWATCHED]
    assert pipeline.frozen is not None
    assert [one.people for one in told[told.index(gave_up) + 1 :]] == [None] * 2
    script.next, script.moves = TrackingStep(visible=(track(),)), True
    fresh = pipeline.step(Frame("cam", 0, np.full((64, 64, 3), 9, np.uint8), at(100)))
    assert (fresh.people, pipeline.frozen) == (1, None)


def test_low_confidence_is_uncertain_but_keeps_its_scores(pipeline, script):
    script.next = TrackingStep(visible=(track(),))
    script.scores = scores(happy=0.44)
    (reading,) = pipeline.step(frame(0)).readings
    assert (reading.label, reading.confidence, reading.scores["happy"]) == ("uncertain", 0.44, 0.44)
    assert reading.doubt is Doubt.UNCLEAR


def test_a_face_torn_between_two_emotions_is_uncertain_and_still_confirms_an_alert_about_both(pipeline, script):
    torn = Pipeline("cam", pipeline._stages, min_confidence=0.45, min_lead=0.05)
    script.next = TrackingStep(visible=(track(),), appeared=(track(),))
    script.scores = scores(angry=0.5, sad=0.46)
    told = [torn.step(frame(seconds)) for seconds in (0, 1, 2)]
    (reading,) = told[0].readings
    assert (reading.label, reading.doubt, reading.quality.faults) == ("uncertain", Doubt.TORN, ())
    assert [event.reading.doubt for event in told[0].events] == [Doubt.TORN]
    assert [change.alert.rule for change in told[2].changes] == ["unhappy"]


def test_a_face_that_cannot_be_read_never_reaches_the_model(pipeline, script):
    script.next = TrackingStep(visible=(track(),))
    script.fault = QualityFault.TOO_DARK
    (reading,) = pipeline.step(frame(0)).readings
    assert script.classified == [0]
    assert (reading.label, reading.confidence, reading.scores) == ("uncertain", 0.0, {})
    assert (reading.quality.faults, reading.doubt) == ((QualityFault.TOO_DARK,), None)


def test_a_face_unlike_anything_learned_is_uncertain_and_says_why(pipeline, script):
    script.next = TrackingStep(visible=(track(),))
    (before,) = pipeline.step(frame(0)).readings
    script.scores = None
    (reading,) = pipeline.step(frame(1)).readings
    assert (reading.label, reading.quality.faults) == ("uncertain", (QualityFault.UNFAMILIAR,))
    assert (reading.confidence, reading.scores) == (before.confidence, before.scores)


def test_a_face_that_cannot_be_read_any_more_is_uncertain_whatever_it_said_before(pipeline, script):
    script.next = TrackingStep(visible=(track(),))
    pipeline.step(frame(0))
    script.fault = QualityFault.BLURRED
    (reading,) = pipeline.step(frame(1)).readings
    assert (reading.label, reading.confidence) == ("uncertain", 0.9)


def test_an_empty_scene_at_the_end_does_not_wait_for_its_turn(pipeline, script):
    script.next = TrackingStep(visible=(track(),), appeared=(track(),))
    assert pipeline.step(frame(0)).scene.people == 1
    assert pipeline.finish(at(0.5)).scene.people == 0


def test_readable_faces_go_through_the_model_together_and_keep_their_owners(pipeline, script):
    script.next = TrackingStep(visible=(track("a"), track("b"), track("c")))
    readings = pipeline.step(frame(0)).readings
    assert script.classified == [3]
    assert [reading.track_id for reading in readings] == ["a", "b", "c"]


def paced(pipeline, every=0.2):
    """The same pipeline, which leaves faces unread for so long."""
    stages = replace(pipeline._stages, pace=ReadingPace(every), smoother=ExponentialSmoother(1.0))
    return Pipeline("cam", stages, min_confidence=0.45, min_lead=0.0)


def test_a_face_that_need_not_be_read_yet_stands_as_it_was_read_last_where_it_is_now(pipeline, script):
    line = paced(pipeline)
    script.next = TrackingStep(visible=(track(),), appeared=(track(),))
    first = line.step(frame(0)).readings
    script.next = TrackingStep(visible=(replace(track(), face=FACE),))
    script.fault = QualityFault.BLURRED
    (stands,) = line.step(frame(0.1)).readings
    assert script.classified == [1]
    assert (stands.emotion, stands.quality, stands.at) == (first[0].emotion, first[0].quality, at(0.1))
    assert (stands.box, first[0].box) == (FACE.box, track().face.box)
    (read,) = line.step(frame(0.2)).readings
    assert (read.label, read.quality.faults) == ("uncertain", (QualityFault.BLURRED,))


def test_whoever_is_new_or_came_again_is_read_at_once_beside_others_who_are_not(pipeline, script):
    line = paced(pipeline)
    script.next = TrackingStep(visible=(track("a"),))
    line.step(frame(0))
    script.next = TrackingStep(visible=(track("a"), track("b")))
    assert [reading.track_id for reading in line.step(frame(0.1)).readings] == ["a", "b"]
    script.next = TrackingStep(visible=(track("b"),), left=(track("a"),))
    line.step(frame(0.15))
    script.next = TrackingStep(visible=(track("a"), track("b")))
    line.step(frame(0.2))
    assert script.classified == [1, 1, 1]
    assert line._last.keys() == {"a", "b"}


class Asked:
    """Stands in for an attribute: takes down of whom it is asked when."""

    name = "age"

    def __init__(self):
        self.asked = []

    def observe(self, _image, people, mono):
        self.asked.append((mono, [person.id for person in people]))

    def value(self, _track_id):
        return None


def test_a_further_attribute_keeps_its_own_pace_whoever_is_read(pipeline, script):
    age = Asked()
    stages = replace(pipeline._stages, pace=ReadingPace(0.2), smoother=ExponentialSmoother(1.0), attributes=[age])
    line = Pipeline("cam", stages, min_confidence=0.45, min_lead=0.0)
    script.next = TrackingStep(visible=(track(),))
    for seconds in (0, 0.1):
        line.step(frame(seconds))
    script.fault = QualityFault.BLURRED
    line.step(frame(0.2))
    assert script.classified == [1, 0]
    assert age.asked == [(0, ["a"]), (0.1, ["a"]), (0.2, [])]


def test_frames_that_were_not_read_count_as_the_nearer_reading(pipeline, script):
    line, every = paced(pipeline, 0.4), ExponentialSmoother(1.0)
    script.next = TrackingStep(visible=(track(),))
    for index in range(5):
        script.scores = scores(happy=0.9 if index < 3 else 0.7)
        (told,) = line.step(frame(index / 10)).readings
        expected = every.update("a", script.scores, index / 10)
    assert script.classified == [1, 1]
    assert told.scores == pytest.approx(expected.scores)


def test_what_stands_through_a_rest_counts_as_before_for_the_reading_that_comes(pipeline, script):
    line, alone = paced(pipeline), ExponentialSmoother(1.0)
    script.next = TrackingStep(visible=(track(),))
    line.step(frame(0))
    script.moves = False
    line.step(frame(0.3))
    script.scores = scores(happy=0.7)
    (told,) = line.step(frame(0.5)).readings
    alone.update("a", scores(happy=0.9), 0.0)
    assert told.scores == pytest.approx(alone.update("a", scores(happy=0.7), 0.5).scores)


def test_people_the_detector_missed_still_count(pipeline, script):
    script.next = TrackingStep(visible=(track("a"),), coasting=(track("b"),))
    assert pipeline.step(frame(0)).scene.people == 2


def test_alert_states_are_told_when_they_change_and_only_then(pipeline, script):
    script.next = TrackingStep(visible=(track(),))
    script.scores = scores(angry=0.9)
    told = [pipeline.step(frame(t)) for t in range(5)]
    states = [[str(alert.state) for alert in step.alerts["unhappy"].alerts] if step.alerts else None for step in told]
    assert states == [["pending"], None, ["firing"], None, None]
    assert [len(step.changes) for step in told] == [0, 0, 1, 0, 0]


def test_finish_gives_everybody_up_ends_alerts_and_empties_the_scene_at_once(pipeline, script):
    script.next = TrackingStep(visible=(track(),), appeared=(track(),))
    script.scores = scores(angry=0.9)
    for t in range(4):
        pipeline.step(frame(t))
    told = pipeline.finish(at(3.1))
    assert [str(event.kind) for event in told.events] == ["left"]
    assert [change.resolved for change in told.changes] == [True]
    assert told.alerts == {"unhappy": Standing()}
    assert told.changes[0].reason is Resolution.UNWATCHED
    assert told.scene.people == 0
    assert script.forgotten == ["all", "all", "all", "a"]


def test_each_stage_is_timed_once_a_frame(script, pipeline):
    from edge_fer.support.stopwatch import Stopwatch

    watch = Stopwatch()
    timed = Pipeline("cam", pipeline._stages, min_confidence=0.5, min_lead=0.0, time=watch)
    script.next = TrackingStep(visible=(track(),))
    timed.step(frame(0))
    wanted = ["view", "motion", "detect", "sift", "track", "crop", "quality", "classify", "smooth", "rules"]
    assert list(watch.stages()) == wanted


def test_a_frame_in_which_nothing_moves_is_left_alone(pipeline, script):
    pipeline.step(frame(0))
    script.moves = False
    told = [pipeline.step(frame(t / 10)) for t in range(1, 18)]
    assert script.rested == at(1.7)
    assert script.searched == script.remembered == 1
    assert script.classified == []
    assert {(t.readings, t.events, t.scene) for t in told} == {(None, (), None)}
    assert pipeline.work == {Work.REST: 17, Work.FOLLOW: 0, Work.DETECT: 1}
    pipeline.step(frame(2))
    assert script.searched == 2


class Counted:
    """Stands in for summaries: takes down what it is told."""

    def __init__(self):
        self.told = []

    def update(self, readings, *, left, at):
        self.told.append((at.mono, None if readings is None else len(readings), left))
        return []

    def is_due(self, at):
        return False

    def satisfaction(self, at):
        return None


def test_time_at_rest_counts_for_summaries_and_traces(pipeline, script):
    counted, watching = Counted(), Watching()
    watching.view = View.CLEAR
    line = Pipeline(
        "cam", replace(pipeline._stages, summaries=counted, watch=watching), min_confidence=0.5, min_lead=0.0
    )
    script.next = TrackingStep(visible=(track("a"), track("b")))
    line.step(frame(0))
    script.moves = False
    told = line.step(frame(0.1))
    assert counted.told == [(0, 2, []), (0.1, None, ())]
    assert (told.readings, told.people, told.left, told.view) == (None, 2, (), View.CLEAR)
    line.finish(at(0.2))
    script.moves = True
    assert line.step(frame(0.3)).people == 0


@pytest.mark.slow
def test_sums_lose_nothing_where_faces_are_not_read_in_every_frame(pipeline, script):
    def summed(every):
        """The minutes, and how often somebody was read, of two who take turns at a smile."""
        stages = replace(
            pipeline._stages,
            attention=Attention(detect_every=0, rest_every=2),
            summaries=Scene(lengths=(60,)).summaries,
            pace=ReadingPace(every),
        )
        line, told, before = Pipeline("cam", stages, min_confidence=0.45, min_lead=0.0), [], len(script.classified)
        for index in range(150 * 24):
            seconds = index / 24
            script.scores = scores(happy=0.9) if seconds % 14 < 7 else scores(sad=0.9)
            script.next = TrackingStep(visible=(track("a"), track("b"))[: 1 + (seconds > 20)])
            told += line.step(frame(seconds)).summaries
        return [(one.since, one.watched, one.numbers.presence, one.numbers.seconds) for one in told], len(
            script.classified
        ) - before

    (always, often), (now_and_then, seldom) = summed(0), summed(0.2)
    assert seldom < often / 2
    assert [one[1] for one in always] == pytest.approx([60, 60])
    for one, other in zip(always, now_and_then, strict=True):
        assert one[0] == other[0]
        assert one[1:3] == pytest.approx(other[1:3])
        # a change is read up to a fifth of a second late
        assert one[3] == pytest.approx(other[3], abs=2)


def test_an_alert_fires_in_a_frame_at_rest_as_the_readings_stand(pipeline, script):
    script.next = TrackingStep(visible=(track(),), appeared=(track(),))
    script.scores = scores(angry=0.9)
    pipeline.change_rules([make_rule("soon", for_=0.25)], at(0))
    pipeline.step(frame(0))
    script.moves = False
    told = [pipeline.step(frame(t / 10)) for t in range(1, 5)]
    assert [t.readings for t in told] == [None] * 4
    assert [bool(t.changes) for t in told] == [False, False, True, False]
    assert [[alert.state for alert in t.alerts["soon"].alerts] for t in told if t.alerts] == [["firing"]]


def test_readings_that_stand_are_no_further_readings_in_a_row(pipeline, script):
    script.next = TrackingStep(visible=(track(),), appeared=(track(),))
    script.scores = scores(angry=0.9)
    pipeline.change_rules([make_rule("row", repeated=3, for_=0)], at(0))
    pipeline.step(frame(0))
    script.moves = False
    assert not any(pipeline.step(frame(t / 10)).changes for t in range(1, 5))
    script.moves = True
    assert [bool(pipeline.step(frame(t)).changes) for t in (0.5, 0.6)] == [False, True]


def test_a_motionless_patient_is_followed_and_read_without_a_search(pipeline, script):
    script.next = TrackingStep(visible=(track(),))
    pipeline.step(frame(0))
    script.moves = False
    read = [t / 10 for t in range(1, 18) if pipeline.step(frame(t / 10)).readings]
    assert read == pytest.approx([0.5, 1.0, 1.5])
    assert script.searched == 1
    assert script.followed == {"a": FACE}


def test_whoever_cannot_be_followed_is_searched_for_at_once(pipeline, script):
    script.next = TrackingStep(visible=(track("a"), track("b")))
    pipeline.step(frame(0))
    script.moves = False
    script.hidden = {"b"}
    assert len(pipeline.step(frame(0.6)).readings) == 2
    assert script.searched == 2
    assert pipeline.work[Work.DETECT] == 2
    assert script.learned == ["a", "b"]


class Watching:
    def __init__(self):
        self.looked = []
        self.view = None

    def look(self, image, at):
        self.looked.append(image)


def test_faces_are_searched_in_the_small_picture_and_cut_out_of_the_large_one(script, pipeline):
    searched, cut = [], []
    points = Keypoints((20, 20), (40, 20), (30, 30), (30, 40))

    class Detector:
        def detect(self, image):
            searched.append(image)
            return [Face(Box(10, 10, 50, 50), 0.9, points)]

    class Tracker:
        def expected(self, at):
            return {}

        def update(self, faces, at, followed):
            found = Track("a", faces[0], at, at)
            return TrackingStep(visible=(found,), appeared=(found,))

    def crop(image, face):
        cut.append((image, face))
        return image

    watching = Watching()
    stages = replace(pipeline._stages, detector=Detector(), tracker=Tracker(), crop=crop, watch=watching)
    large, small = np.zeros((720, 1280, 3), np.uint8), np.zeros((240, 640, 3), np.uint8)
    Pipeline("cam", stages, min_confidence=0.5, min_lead=0.0).step(Frame("cam", 0, large, at(0), small))
    assert searched[0] is watching.looked[0] is small
    ((image, face),) = cut
    assert image is large
    assert face == Face(Box(20, 30, 100, 150), 0.9, Keypoints((40, 60), (80, 60), (60, 90), (60, 120)))


def test_a_small_picture_must_be_one_too():
    with pytest.raises(ValueError, match=r"RGB uint8 .*not uint8 \(36, 64\)"):
        Frame("cam", 0, np.zeros((64, 64, 3), np.uint8), at(0), np.zeros((36, 64), np.uint8))


def test_a_change_of_the_view_is_told_even_of_an_empty_scene(script, pipeline):
    watching = Watching()
    line = Pipeline("cam", replace(pipeline._stages, watch=watching), min_confidence=0.5, min_lead=0.0)
    told = []
    for second, view in enumerate([None, View.CLEAR, View.CLEAR, View.COVERED]):
        watching.view = view
        scene = line.step(frame(second)).scene
        told.append(scene and scene.view)
    assert told == [None, View.CLEAR, None, View.COVERED]
    assert line.finish(at(9)).scene is None, "nothing has changed"


def test_rules_change_between_two_frames_and_what_stays_the_same_goes_on(pipeline, script):
    script.next = TrackingStep(visible=(track(),), appeared=(track(),))
    script.scores = scores(angry=0.9)
    assert [bool(pipeline.step(frame(t)).changes) for t in range(4)] == [False, False, True, False]
    told = pipeline.change_rules([make_rule("other", settings=1)], at(3))
    assert [(change.alert.rule, change.reason) for change in told.changes] == [("unhappy", Resolution.RELOAD)]
    assert told.alerts == {"unhappy": None, "other": Standing()}
    assert [bool(pipeline.step(frame(t)).changes) for t in range(4, 7)] == [False, False, True]
    same = pipeline.change_rules([make_rule("other", settings=1)], at(7))
    assert (same.changes, same.alerts) == ((), {})


def test_outside_numbers_are_asked_for_with_every_frame(pipeline, script):
    number = SignalKey("x")
    condition = SignalCondition(number, 100, above=True, max_age=5)
    rule = AlertRule("cam", "pulse", severity="info", condition=condition, timing=Timing(0, 0, 0, 0))
    stages = replace(pipeline._stages, rules=[rule], samples=lambda: {number: SignalValue(120, 0.0)})
    step = Pipeline("cam", stages, min_confidence=0.4, min_lead=0.0).step(frame(1))
    assert [(change.alert.value, change.signal) for change in step.changes] == [(120, SignalState.FRESH)]


def apart(who: str, x: float):
    return replace(track(who), face=Face(Box(x, 10, 50, 50), 0.9))


def test_in_a_searched_frame_nobody_found_need_be_followed(pipeline, script):
    script.next = TrackingStep(visible=(apart("a", 10), apart("b", 200)))
    pipeline.step(frame(0))
    assert script.searched == 1
    assert script.followed == {}


@pytest.mark.parametrize(
    "found",
    [[], [Face(Box(10, 10, 50, 50), 0.9)], [Face(Box(10, 10, 50, 50), 0.9), Face(Box(100, 10, 50, 50), 0.9)]],
    ids=["nobody", "one of two", "somebody else"],
)
def test_whoever_a_search_misses_is_followed(pipeline, script, found):
    script.next = TrackingStep(visible=(apart("a", 10), apart("b", 200)))
    script.detect = lambda image: found
    pipeline.step(frame(0))
    assert set(script.followed) == {"a", "b"}


def test_two_people_on_one_face_are_followed(pipeline, script):
    script.next = TrackingStep(visible=(apart("a", 10), apart("b", 12)))
    script.detect = lambda image: [Face(Box(11, 10, 50, 50), 0.9)]
    pipeline.step(frame(0))
    assert set(script.followed) == {"a", "b"}


@pytest.fixture
def looking(pipeline, script):
    """One that may look at known faces in the place of a search, with a person whom a search has found."""
    person = Track("a", FACE, at(0), at(0))
    stages = replace(pipeline._stages, attention=Attention(detect_every=0.3, rest_every=2), looker=script)
    pipeline = Pipeline("cam", stages, min_confidence=0.45, min_lead=0.0)
    script.next = TrackingStep(visible=(person,), appeared=(person,))
    pipeline.step(frame(0))
    script.next = TrackingStep(visible=(person,))
    return pipeline


def test_where_only_people_who_are_known_move_a_look_at_their_faces_takes_the_place_of_a_search(looking, script):
    for tenth in range(1, 9):
        assert looking.step(frame(tenth / 10)).people == 1
    # between two looks, everybody is followed
    assert (script.searched, script.looked, script.remembered) == (1, 2, 1)
    assert script.followed == {"a": FACE}
    assert looking.search.at == at(0)
    # the body is that of the face at 10 of 64 pixels, down to the border
    (body,) = script.bodies
    assert body.y * 64 == pytest.approx(FACE.box.y - 1.5 * FACE.box.height)
    assert (body.y + body.height) * 64 == pytest.approx(64)
    looking.step(frame(0.9))
    assert script.searched == 2, "somebody may have come out from behind"


def test_the_whole_picture_is_searched_where_others_may_have_come(looking, script):
    script.others_move = True
    looking.step(frame(0.3))
    assert (script.searched, script.looked) == (2, 0)


def test_the_whole_picture_is_searched_where_a_known_face_is_not_seen_at_a_look(looking, script):
    script.hidden = {"a"}
    looking.step(frame(0.3))
    assert (script.searched, script.looked) == (2, 1)


def test_the_whole_picture_is_searched_where_there_are_more_people_than_looks_are_worth(looking, script):
    script.next = TrackingStep(visible=tuple(Track(who, FACE, at(0), at(0)) for who in "abc"))
    looking.step(frame(0.3))
    assert (script.searched, script.looked) == (2, 0)
