"""Following a real face through invented movements."""

from __future__ import annotations

import numpy as np
import pytest

from edge_fer.faces.detectors.haar import HaarDetector
from edge_fer.faces.people.following import Follower
from edge_fer.faces.people.motion import SteadyMotion
from edge_fer.types import Face, Track
from tests.faces.faces import face
from tests.faces.film import POOR, Film
from tests.faces.pictures import frames, grey_wall, on_wall
from tests.invented import at
from tests.shared import shared_data


def scene(x: int, y: int = 80, side: int = 200):
    return on_wall(400, 700, (x, y, side))


def person(found: Face, who: str = "a") -> Track:
    return Track(who, found, at(0), at(0))


def knowing(image, found: Face) -> Follower:
    follower = Follower()
    follower.learn(image, [person(found)])
    return follower


@pytest.mark.parametrize(("right", "down"), [(0, 0), (5, -3), (40, 0), (0, 40), (-45, 45)])
@pytest.mark.parametrize("side", [80, 200])
def test_a_face_is_found_again_where_it_moved_to_with_its_keypoints(right: int, down: int, side: int):
    right, down = right * side // 200, down * side // 200
    follower = knowing(scene(200, side=side), face(200, side=side))
    moved = follower.follow(scene(200 + right, 80 + down, side), {"a": face(200, side=side).box})["a"]
    true = face(200 + right, 80 + down, side)
    assert np.hypot(*np.subtract(moved.box.centre, true.box.centre)) < 0.03 * true.box.width
    assert (moved.box.width, moved.confidence) == (true.box.width, true.confidence)
    assert moved.keypoints is not None
    shift = np.subtract(moved.keypoints.nose, face(200, side=side).keypoints.nose)
    assert shift == pytest.approx(np.subtract(moved.box.centre, face(200, side=side).box.centre))


@pytest.mark.parametrize("poor", POOR)
def test_neither_noise_nor_flicker_loses_a_face(poor: str):
    film = Film(scene(200).astype(np.float32), **POOR[poor])
    follower = knowing(film.shot(), face(200))
    for _ in range(10):
        moved = follower.follow(film.shot(scene(215).astype(np.float32)), {"a": face(200).box})["a"]
        assert moved.box.x == pytest.approx(face(215).box.x, abs=4)


@pytest.mark.parametrize(
    "image",
    [grey_wall(400, 700), scene(450), np.random.default_rng(0).integers(0, 255, (400, 700, 3), np.uint8)],
    ids=["gone", "elsewhere", "noise"],
)
def test_who_is_not_there_is_not_found(image):
    assert knowing(scene(200), face(200)).follow(image, {"a": face(200).box}) == {}


def test_a_face_that_is_covered_is_not_followed():
    covered = scene(200)
    box = face(200).box
    covered[int(box.y + 50) : int(box.y + box.height), int(box.x) : int(box.x + box.width)] = (200, 160, 140)
    assert knowing(scene(200), face(200)).follow(covered, {"a": box}) == {}


def test_a_face_without_contrast_is_not_followed():
    assert knowing(grey_wall(400, 700), face(200)).follow(grey_wall(400, 700), {"a": face(200).box}) == {}


def test_a_face_on_its_way_out_of_the_picture_is_searched_instead():
    follower = knowing(scene(0), face(0))
    assert follower.follow(scene(-30), {"a": face(0).box})["a"].box.x == pytest.approx(6, abs=3)
    assert follower.follow(scene(-60), {"a": face(-30).box}) == {}


def test_strangers_and_those_who_left_are_not_followed():
    follower = knowing(scene(200), face(200))
    assert follower.follow(scene(200), {"b": face(200).box}) == {}
    follower.learn(scene(200), [])
    assert follower.follow(scene(200), {"a": face(200).box}) == {}
    follower.learn(scene(200), [person(face(200))])
    follower.forget()
    assert follower.follow(scene(200), {"a": face(200).box}) == {}


def test_a_face_is_compared_with_how_it_was_found_and_not_with_where_it_was_followed_to():
    """Else small errors would add up, and the follower walk off with the wall."""
    follower = knowing(scene(200), face(200))
    for step in range(1, 30):
        image = scene(200 + step)
        moved = follower.follow(image, {"a": face(199 + step).box})["a"]
        follower.learn(image, [person(moved)])
    assert moved.box.centre == pytest.approx(face(229).box.centre, abs=2.5)


def test_who_was_missed_by_a_search_is_compared_with_the_picture_they_were_found_in():
    first, second = face(100), face(400)
    both = on_wall(400, 700, (100, 80, 200), (400, 80, 200))
    follower = Follower()
    follower.learn(both, [person(first), person(second, "b")])
    hidden = both.copy()
    hidden[:, 350:] = grey_wall(400, 700)[:, 350:]
    follower.learn(hidden, [person(face(101)), person(second, "b")])
    followed = follower.follow(both, {"a": first.box, "b": second.box})
    assert followed["b"].box.centre == pytest.approx(second.box.centre, abs=1)


def test_who_is_found_in_every_picture_costs_no_cutting_out(monkeypatch):
    monkeypatch.setattr("edge_fer.faces.people.following.patch", lambda image, box: pytest.fail("was cut out"))
    follower = Follower()
    for x in range(100, 110):
        follower.learn(scene(x), [person(face(x))])


def test_between_two_searches_the_clip_is_followed_about_as_well_as_it_is_searched():
    """Every 0.3 s, as by default: the followed box is off the found one by less than a tenth of its side."""
    pictures = list(frames(shared_data() / "clips" / "wolfgang-langer-pexels.mp4", every=2))
    detector = HaarDetector()
    off = []
    for index in range(0, len(pictures) - 4, 12):
        found, later = (detector.detect(pictures[place][1])[:1] for place in (index, index + 4))
        if not (found and later):
            continue
        follower, motion = Follower(), SteadyMotion(found[0].box, pictures[index][0])
        follower.learn(pictures[index][1], [person(found[0])])
        for seconds, image in pictures[index + 1 : index + 5]:
            moved = follower.follow(image, {"a": motion.predict(seconds)}).get("a")
            if moved is None:
                break
            motion.observe(moved.box, seconds)
        if moved is not None:
            off.append(np.hypot(*np.subtract(moved.box.centre, later[0].box.centre)) / moved.box.width)
    assert len(off) >= 15
    assert np.median(off) < 0.04
    assert np.quantile(off, 0.9) < 0.1
