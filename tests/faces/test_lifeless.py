"""Posters are not people, and people are not posters."""

from __future__ import annotations

import numpy as np
import pytest

from edge_fer.faces.detectors.haar import HaarDetector
from edge_fer.faces.people.lifeless import LifelessFilter
from edge_fer.types import Box, Face, Image
from tests.faces.film import POOR, Film
from tests.faces.pictures import frames, on_wall, portrait
from tests.shared import shared_data

FACE = Face(Box(290, 131, 123, 123), 1.0)
OTHER = Face(Box(40, 200, 60, 60), 0.5)


def moved(by: int):
    return np.roll(portrait(), by, axis=1)


@pytest.mark.parametrize("poor", POOR)
def test_a_poster_is_a_person_only_for_so_long(poor: str):
    film = Film(portrait().astype(np.float32), **POOR[poor])
    lifeless = LifelessFilter(after=120)
    assert lifeless.sift(film.shot(), [FACE, OTHER], 0) == [FACE, OTHER]
    found = {second: lifeless.sift(film.shot(), [FACE, OTHER], second) for second in range(1, 300, 7)}
    assert {second for second, faces in found.items() if faces == [FACE, OTHER]} == {s for s in found if s < 120}
    assert all(faces == [] for second, faces in found.items() if second >= 120)


def test_the_box_of_a_poster_may_jitter():
    lifeless = LifelessFilter(after=60)
    jitter = np.random.default_rng(0).normal(0, 6, (200, 2))
    for second, (right, down) in enumerate(jitter):
        face = Face(Box(FACE.box.x + right, FACE.box.y + down, 123, 123), 1.0)
        assert bool(lifeless.sift(portrait(), [face], second)) == (second < 60)


def test_whoever_has_moved_once_may_keep_still_for_hours():
    lifeless = LifelessFilter(after=120)
    lifeless.sift(portrait(), [FACE], 0)
    lifeless.sift(moved(4), [FACE], 1)
    for second in range(2, 7200, 5):
        assert lifeless.sift(moved(4), [FACE], second) == [FACE]


def test_somebody_who_takes_the_place_of_a_poster_is_a_person():
    lifeless = LifelessFilter(after=10)
    for second in range(20):
        faces = lifeless.sift(portrait(), [FACE], second)
    assert faces == []
    assert lifeless.sift(moved(30), [FACE], 21) == [FACE]


def test_a_place_where_nothing_was_found_for_long_is_forgotten():
    lifeless = LifelessFilter(after=10)
    for second in range(20):
        lifeless.sift(portrait(), [FACE], second)
    assert lifeless.sift(portrait(), [FACE], 25) == []
    assert lifeless.sift(portrait(), [FACE], 40) == [FACE]
    lifeless.forget()
    assert lifeless.sift(portrait(), [FACE], 41) == [FACE]


def street(passer: tuple[int, int], *, sitting: int) -> tuple[Image, list[Face]]:
    """A poster on the left, somebody on a bench to its right, and a passer-by in front of both."""
    heads = ((100, 20, 60), (400, 20 + sitting, 60), (*passer, 80))
    faces = [Face(Box(x + side / 5, y + side / 3, side / 2, side / 2), 1.0) for x, y, side in heads]
    return on_wall(340, 640, *heads), faces


def test_people_who_pass_make_no_person_of_a_poster_and_no_poster_of_a_person():
    lifeless, random, told = LifelessFilter(after=50), np.random.default_rng(0), []
    for second in range(0, 130, 5):
        speed, height = random.integers(90, 130), random.integers(90, 240)
        for step in range(15):
            image, faces = street((600 - round(speed * step / 3), height), sitting=0 if second < 10 else 3)
            kept = lifeless.sift(image, faces, second + step / 3)
            told.append([face in kept for face in faces])
    assert [poster for poster, _, _ in told] == [search < 50 * 3 for search in range(len(told))]
    assert all(sitting and passer for _, sitting, passer in told)


def test_it_can_be_switched_off():
    lifeless = LifelessFilter(after=0)
    assert all(lifeless.sift(portrait(), [FACE], second) == [FACE] for second in (0, 1e6))


def test_how_many_places_are_remembered_is_bounded():
    lifeless = LifelessFilter(after=1000)
    for second in range(300):
        lifeless.sift(portrait(), [Face(Box(second * 2, 10, 20 + second % 7, 20), 1.0)], second)
    assert len(lifeless._places) <= 65


def test_a_woman_who_sits_and_reads_is_seen_to_live_within_seconds():
    detector, lifeless = HaarDetector(), LifelessFilter(after=3)
    for seconds, image in frames(shared_data() / "clips" / "wolfgang-langer-pexels.mp4", every=8):
        faces = detector.detect(image)
        assert lifeless.sift(image, faces, seconds) == faces
