"""Gate, attention, follower, filter and tracker together, as a pipeline has them, on long invented scenes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edge_fer.config.tree import CameraSection, FacesSection
from edge_fer.faces.people.attention import Work
from edge_fer.inference.store import Store
from edge_fer.pipeline.step import Pipeline, Told
from edge_fer.sample import sample_path
from edge_fer.support.stopwatch import Stopwatch
from edge_fer.types import EventKind, Face, Frame, Image
from edge_fer.wiring import build_pipeline
from tests.faces.faces import face
from tests.faces.film import Film
from tests.faces.pictures import frames, grey_wall, on_wall
from tests.fetched import FOLDER
from tests.invented import at

WALL = grey_wall(400, 700).astype(np.float32)
PATIENT = on_wall(400, 700, (200, 80, 200)).astype(np.float32)


class Detector:
    """Finds what it is told to find; counts how often it is asked."""

    name = "invented"

    def __init__(self, found: list[Face]) -> None:
        self.found = found
        self.misses = lambda _search: False
        self.searches = 0

    def detect(self, image: Image) -> list[Face]:
        self.searches += 1
        return [] if self.misses(self.searches) else self.found


def watching(detector: Detector, faces: FacesSection | None = None) -> Pipeline:
    line = build_pipeline("ward", CameraSection(faces=faces or FacesSection()), store=Store(FOLDER), time=Stopwatch())
    object.__setattr__(line._stages, "detector", detector)
    return line


class Scene:
    """Shows a film at 10 frames a second."""

    def __init__(self, line: Pipeline, still: Image, **poor: float) -> None:
        self.line, self.film, self.shown = line, Film(still, **poor), 0

    def play(self, seconds: float, still: Image | None = None) -> list[Told]:
        told = []
        for _ in range(round(seconds * 10)):
            told.append(self.line.step(Frame("ward", self.shown, self.film.shot(still), at(self.shown / 10))))
            self.shown += 1
        return told


def kinds(told: list[Told]) -> list[EventKind]:
    return [event.kind for step in told for event in step.events if event.kind is not EventKind.EMOTION_CHANGED]


@pytest.mark.parametrize("misses", [lambda _: False, lambda n: n > 5 and n % 9 < 4], ids=["sure", "a shaky detector"])
def test_a_motionless_patient_stays_one_person_for_minutes_and_is_read_all_along(misses):
    detector = Detector([face(200)])
    detector.misses = misses
    told = Scene(watching(detector, FacesSection(lifeless_after=0)), PATIENT, noise=4, bands=0.05).play(150)
    assert kinds(told) == [EventKind.APPEARED]
    assert len({reading.track_id for step in told for reading in step.readings or ()}) == 1
    read = [step.at.mono for step in told if step.readings]
    assert max(np.diff(read)) < 0.65
    assert detector.searches < 0.1 * len(told)


def test_a_poster_is_given_up_and_does_not_come_back():
    detector = Detector([face(200)])
    told = Scene(watching(detector, FacesSection(lifeless_after=30)), PATIENT, noise=4).play(90)
    assert kinds(told) == [EventKind.APPEARED, EventKind.LEFT]
    (left,) = (step.at.mono for step in told for event in step.events if event.kind is EventKind.LEFT)
    assert 30 < left < 45


def test_somebody_who_comes_is_a_person_within_a_second():
    detector = Detector([])
    scene = Scene(watching(detector), WALL, noise=4)
    assert kinds(scene.play(7.3)) == []
    detector.found = [face(200)]
    (appeared,) = (step for step in scene.play(2, PATIENT) if step.events)
    assert appeared.at.mono - 7.3 <= 3 * 0.3


def test_somebody_whose_coming_does_not_show_is_a_person_within_the_stated_time():
    """A face that is there of a sudden in pixels that do not change: the worst case for the gate."""
    detector = Detector([])
    scene = Scene(watching(detector), PATIENT, noise=4)
    scene.play(7.3)
    detector.found = [face(200)]
    (appeared,) = (step for step in scene.play(5) if step.events)
    assert appeared.at.mono - 7.3 <= 2.0 + 3 * 0.3


def test_an_empty_scene_is_left_alone():
    detector = Detector([])
    line = watching(detector)
    Scene(line, PATIENT, noise=6, bands=0.05).play(60)
    assert line.work[Work.REST] >= 0.94 * 600
    assert detector.searches <= 33


def test_a_patient_who_leaves_is_not_followed_on():
    detector = Detector([face(200)])
    scene = Scene(watching(detector), PATIENT, noise=4)
    scene.play(10)
    detector.found = []
    told = scene.play(3, WALL)
    assert kinds(told) == [EventKind.LEFT]
    (left,) = (step.at.mono for step in told if step.events)
    assert left - 10 < 1.5


def test_who_walks_through_between_two_searches_is_followed():
    """A face that the detector finds only every 0.3 s is read in every frame."""
    detector = Detector([])
    line = watching(detector)
    readings = {}
    for index in range(60):
        place = 50 + 6 * index
        detector.found = [face(place, side=120)]
        image = on_wall(400, 700, (place, 80, 120))
        told = line.step(Frame("ward", index, image, at(index / 10)))
        readings[index] = [reading.track_id for reading in told.readings or ()]
    assert len({who for ids in readings.values() for who in ids}) == 1
    assert all(readings[index] for index in range(3, 60))
    assert detector.searches < 30


@pytest.mark.parametrize(
    ("fps", "slowest", "apart"),
    [(0.4, 1.0, 2.5), (1.0, 0.25, 4.0), (0.05, 0.1, 200.0)],
    ids=["slow", "hot", "both"],
)
def test_whoever_a_slow_camera_sees_is_one_person_and_read(fps, slowest, apart):
    faces = FacesSection(lifeless_after=0)
    line = build_pipeline(
        "ward", CameraSection(fps=fps, faces=faces), store=Store(FOLDER), time=Stopwatch(), slowest=slowest
    )
    object.__setattr__(line._stages, "detector", Detector([face(200)]))
    film = Film(PATIENT, noise=4)
    told = [line.step(Frame("ward", shown, film.shot(), at(shown * apart))) for shown in range(20)]
    assert kinds(told) == [EventKind.APPEARED]
    assert all(step.readings for step in told[faces.confirm - 1 :])


def test_the_sample_is_one_person_at_the_default_settings():
    line = build_pipeline("front", CameraSection(), store=Store(FOLDER), time=Stopwatch())
    told = [line.step(Frame("front", n, image, at(s))) for n, (s, image) in enumerate(frames(sample_path()))]
    assert kinds(told) == [EventKind.APPEARED, EventKind.LEFT]
    assert line.work[Work.DETECT] < 0.5 * len(told)


def test_known_people_are_looked_at_and_who_comes_elsewhere_is_searched_for_at_once():
    pipeline = build_pipeline("ward", CameraSection(), store=Store(FOLDER), time=Stopwatch())
    whole, people = [], []
    for index in range(60):
        seconds = index / 10
        heads = [(70 + round(4 * math.sin(2 * seconds)), 90, 160)]
        if seconds >= 4.0:
            heads.append((420, 90 + index % 3, 160))
        told = pipeline.step(Frame("camera", index, on_wall(360, 640, *heads), at(seconds)))
        people.append(told.people)
        if pipeline.search and pipeline.search.at == at(seconds):
            whole.append((seconds, len(pipeline.search.found)))
    alone = [seconds for seconds, _ in whole if 1.5 <= seconds < 4.0]
    assert len(alone) <= 4, "a look takes the place of two searches in three"
    come = next(seconds for seconds, found in whole if found == 2)
    assert come <= 4.35
    assert set(people[5:40]) == {1}
    assert people[-1] == 2
