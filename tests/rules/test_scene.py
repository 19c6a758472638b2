"""The scene as a whole, and how often it is told."""

from __future__ import annotations

import pytest

from edge_fer.rules.scene.scene import SceneTeller, scene_of
from tests.invented import at, reading, torn, unreadable


def test_nobody_in_view_has_no_mood():
    scene = scene_of("cam", [], people=0, at=at(0))
    assert (scene.people, scene.mood, scene.confidence) == (0, None, 0.0)


def test_people_who_cannot_be_read_make_an_uncertain_mood():
    scene = scene_of("cam", [unreadable(0), torn(0, who="b", happy=0.3)], people=2, at=at(0))
    assert (scene.people, scene.mood) == (2, "uncertain")


def test_the_mood_is_the_mean_of_those_who_can_be_read():
    readings = [
        reading(0, "happy", 0.9),
        reading(0, "happy", 0.7, who="b"),
        reading(0, "sad", 0.8, who="c"),
        unreadable(0, who="d"),
    ]
    scene = scene_of("cam", readings, people=5, at=at(0))
    assert (scene.people, scene.mood) == (5, "happy")
    assert scene.confidence == pytest.approx((0.9 + 0.7 + 0.2 / 6) / 3)


def scenes(*given):
    return [scene_of("cam", [reading(t, mood, score)], people=1, at=at(t)) for t, mood, score in given]


def told(given):
    teller = SceneTeller(interval=1)
    return [scene.at.mono for scene in given if teller.offer(scene)]


def test_only_changes_are_told():
    assert told(scenes((0, "happy", 0.9), (2, "happy", 0.92), (4, "happy", 0.8), (6, "sad", 0.8), (8, "sad", 0.8))) == [
        0,
        4,
        6,
    ]


def test_no_more_often_than_once_a_second_and_the_last_change_is_not_lost():
    flicker = [(t / 10, "happy" if t % 2 else "sad", 0.8) for t in range(25)]
    assert told(scenes(*flicker)) == [0, 1.1, 2.2]
    assert told(scenes((0, "happy", 0.8), (0.3, "sad", 0.8), (0.9, "sad", 0.8), (1.0, "sad", 0.8))) == [0, 1.0]


def test_the_last_scene_for_now_does_not_wait():
    teller = SceneTeller(interval=1)
    first, empty = scenes((0, "happy", 0.8))[0], scene_of("cam", [], people=0, at=at(0.2))
    assert teller.offer(first)
    assert teller.offer(empty) is None
    assert teller.offer(empty, last=True) is empty
