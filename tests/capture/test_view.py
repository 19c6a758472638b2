"""The view watch on recordings as they are, and altered as lenses, light and mounts alter them."""

from __future__ import annotations

import itertools
from functools import cache

import cv2
import numpy as np
import pytest

from edge_fer.capture.view.measures import SIZE, kept, sight_of
from edge_fer.capture.view.watch import ViewSettings, ViewWatch
from edge_fer.sample import sample_path
from edge_fer.types import View
from tests.invented import at
from tests.shared import shared_data

pytestmark = pytest.mark.slow

CLEAR, DARK, COVERED, WASHED_OUT, MOVED = View.CLEAR, View.DARK, View.COVERED, View.WASHED_OUT, View.MOVED
#: Enough to see everything in, and quick to alter.
WIDTH, HEIGHT = 160, 90
NOISE = np.random.default_rng(5).normal(0, 2, (8, HEIGHT, WIDTH, 1)).astype(np.int16)

LAMP = np.linspace(0.5, 1.2, WIDTH, dtype=np.float32)[None, :, None]


@cache
def recording(name):
    """A recording's pictures, one a second."""
    path = sample_path() if name == "sample" else shared_data() / "clips" / "wolfgang-langer-pexels.mp4"
    video = cv2.VideoCapture(str(path))
    rate = round(video.get(cv2.CAP_PROP_FPS))
    pictures = list(
        itertools.takewhile(lambda picture: picture is not None, (video.read()[1] for _ in itertools.count()))
    )
    return [
        cv2.resize(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        for picture in pictures[::rate]
    ]


def place(second):
    """A room with things in it, a noisy sensor, and somebody who crosses it every minute."""
    room = recording("sample")[3].copy()
    walker = room[15:90, 62:107]
    left = second % 60 * 5
    if left < WIDTH:
        width = min(45, WIDTH - left)
        room[15:90, left : left + width] = walker[:, :width]
    return noisy(room, second)


def people(second):
    """Somebody close before a wall of wood, who never keeps still."""
    pictures = recording("pexels")
    return pictures[second % len(pictures)]


def noisy(picture, second):
    return np.clip(picture.astype(np.int16) + NOISE[second % len(NOISE)], 0, 255).astype(np.uint8)


def lit(picture, gain, lift=0):
    return np.clip(picture * np.float32(gain) + lift, 0, 255).astype(np.uint8)


def hand(picture, second):
    """Skin over the lens: reddish, dim, and without any detail."""
    blurred = cv2.GaussianBlur(cv2.resize(picture, (64, 36)), (0, 0), 12)
    return noisy(cv2.resize(blurred, (WIDTH, HEIGHT)) * np.array([0.6, 0.25, 0.2]), second)


def cap(_picture, second):
    return noisy(np.zeros((HEIGHT, WIDTH, 3)), second)


def paper(_picture, second):
    return noisy(np.full((HEIGHT, WIDTH, 3), 190.0), second)


def turned(picture, across=0.0, down=0.0, by=0.0):
    """As seen by a camera that was turned, shares of the width and degrees; what comes into view is something else."""
    matrix = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), by, 1)
    matrix[:, 2] += across * WIDTH, down * WIDTH
    behind = np.ascontiguousarray(picture[::-1, ::-1])
    return cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), dst=behind, borderMode=cv2.BORDER_TRANSPARENT)


def story(watch, *chapters, start=0):
    """What is told, and from when on: chapters are (seconds, pictures, what alters each of them)."""
    told, second = [], start
    for seconds, pictures, alter in chapters:
        for of_chapter in range(seconds):
            view = watch.look(alter(pictures(second), of_chapter), at(second))
            if not told or told[-1][1] is not view:
                told.append((second, view))
            second += 1
    return told


def as_it_is(picture, _second):
    return picture


SCENES = [place, people]


@pytest.mark.parametrize(
    "alter",
    [
        as_it_is,
        lambda picture, second: lit(picture, 1 + 0.4 * np.sin(second * 2.1)),
        lambda picture, second: lit(picture, LAMP[:, :: -1 if second > 200 else 1]),
        lambda picture, second: lit(picture, 1 - second / 700),
        lambda picture, second: turned(picture, 0.005 * np.sin(second)),
    ],
    ids=["unaltered", "flicker", "another lamp", "dusk", "shaken by half a degree"],
)
@pytest.mark.parametrize("scene", SCENES)
def test_no_false_alarm(scene, alter):
    assert story(ViewWatch(), (400, scene, alter)) == [(0, None), (5, CLEAR)]


def test_no_false_alarm_of_the_sample_played_again_and_again():
    pictures = recording("sample")
    assert story(ViewWatch(), (400, lambda second: pictures[second % len(pictures)], as_it_is)) == [
        (0, None),
        (5, CLEAR),
    ]


def test_somebody_who_hides_half_of_the_place_is_no_move():
    def crowded(picture, second):
        picture = picture.copy()
        picture[:, 25:100] = people(second)[:, 50:125]
        return picture

    assert story(ViewWatch(), (100, place, as_it_is), (600, place, crowded)) == [(0, None), (5, CLEAR)]


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize(
    ("alter", "view"),
    [
        (hand, COVERED),
        (cap, COVERED),
        (paper, COVERED),
        (lambda picture, _: lit(picture, 0.08), DARK),
        (lambda picture, _: lit(picture, 6, 120), WASHED_OUT),
    ],
    ids=["hand", "cap", "paper", "lights off", "sun"],
)
def test_what_hides_the_view_is_told_soon_and_its_end_too(scene, alter, view):
    told = story(ViewWatch(), (120, scene, as_it_is), (200, scene, alter), (30, scene, as_it_is))
    assert told == [(0, None), (5, CLEAR), (125, view), (325, CLEAR)]


@pytest.mark.parametrize(
    "alter", [hand, cap, lambda picture, _: lit(picture, 6, 120)], ids=["hand", "cap", "washed out"]
)
def test_what_lasts_but_moments_is_not_told(alter):
    told = story(ViewWatch(), (60, place, as_it_is), (4, place, alter), (60, place, as_it_is))
    assert told == [(0, None), (5, CLEAR)]


def test_a_camera_that_begins_covered_is_not_taken_for_clear():
    assert story(ViewWatch(), (60, place, cap)) == [(0, None), (5, COVERED)]


def test_a_bare_wall_is_not_taken_for_a_cover():
    assert story(ViewWatch(), (200, place, paper)) == [(0, None), (5, CLEAR)]


@pytest.mark.parametrize("scene", SCENES)
def test_a_room_that_grows_dark_is_dark_to_the_last(scene):
    def dusk(picture, second):
        return noisy(lit(picture, 0.97**second), second)

    told = story(ViewWatch(), (60, scene, as_it_is), (300, scene, dusk), (30, scene, as_it_is))
    assert [view for _, view in told] == [None, CLEAR, DARK, CLEAR]


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize(
    "turn",
    [{"across": 0.1}, {"across": -0.4}, {"down": 0.1}, {"by": 20.0}, {"across": 0.9}],
    ids=["a little", "aside", "down", "tilted", "away"],
)
def test_a_camera_that_was_moved_is_told_until_it_is_put_back(scene, turn):
    def moved(picture, second):
        return noisy(turned(picture, **turn), second)

    told = story(ViewWatch(), (200, scene, as_it_is), (400, scene, moved), (40, scene, as_it_is))
    assert [view for _, view in told] == [None, CLEAR, MOVED, CLEAR]
    assert 320 <= told[2][0] < 400
    assert 600 < told[3][0] <= 640


def test_a_view_that_stays_moved_becomes_the_right_one():
    def moved(picture, second):
        return turned(picture, across=0.4)

    watch = ViewWatch(ViewSettings(accept_after=300))
    told = story(watch, (200, place, as_it_is), (600, place, moved), (300, place, as_it_is))
    assert [view for _, view in told] == [None, CLEAR, MOVED, CLEAR, MOVED]
    assert told[3][0] - told[2][0] == 300


def test_what_was_moved_before_the_night_is_moved_in_the_morning():
    def night(picture, _second):
        return lit(turned(picture, across=0.4), 0.115)

    def moved(picture, _second):
        return turned(picture, across=0.4)

    told = story(ViewWatch(), (200, place, as_it_is), (200, place, moved), (300, place, night), (200, place, moved))
    assert [view for _, view in told] == [None, CLEAR, MOVED, DARK, MOVED]


def test_measures_at_the_edge_do_not_make_it_flap():
    picture = place(0)
    edge = 0.1 / sight_of(picture).brightness

    def twilight(picture, second):
        return lit(picture, edge * (0.92 if second // 7 % 2 else 1.1))

    told = story(ViewWatch(), (60, lambda _: picture, as_it_is), (200, lambda _: picture, twilight))
    assert [view for _, view in told] == [None, CLEAR, DARK]


def test_it_looks_once_a_second_and_keeps_its_word_between(monkeypatch):
    looks = []

    def counted(*given):
        looks.append(1)
        return sight_of(*given)

    monkeypatch.setattr("edge_fer.capture.view.watch.sight_of", counted)
    watch = ViewWatch()
    views = [watch.look(place(0), at(tick / 10)) for tick in range(101)]
    assert len(looks) == 11
    assert views[-10:] == [CLEAR] * 10


def test_of_a_time_without_pictures_nothing_is_concluded():
    watch = ViewWatch()
    story(watch, (60, place, as_it_is), (3, place, cap))
    assert watch.look(cap(None, 0), at(3600)) is CLEAR, "it was covered for three seconds, and now for none"
    assert story(watch, (6, place, cap), start=3601)[-1][1] is COVERED


def test_what_is_blanked_is_no_part_of_the_view():
    mask = np.ones(SIZE[::-1], dtype=np.bool_)
    mask[:, :32] = False

    def blanked(alter):
        def both(picture, second):
            picture = alter(picture, second).copy()
            picture[:, : WIDTH // 2] = 0
            return picture

        return both

    told = story(ViewWatch(mask=mask), (100, place, blanked(as_it_is)), (60, place, blanked(hand)))
    assert told == [(0, None), (5, CLEAR), (105, COVERED)]
    bright = blanked(lambda picture, _: lit(picture, 6, 120))
    assert story(ViewWatch(mask=mask), (60, place, bright))[-1][1] is WASHED_OUT

    def moved(picture, second):
        return turned(picture, down=0.12)

    told = story(ViewWatch(mask=mask), (100, place, blanked(as_it_is)), (200, place, blanked(moved)))
    assert told[-1][1] is MOVED, "the edge of what is blanked never moves, and says nothing"


@pytest.mark.parametrize(
    ("settings", "alter", "view"),
    [
        ({"dark": 0.5}, lambda picture, _: lit(picture, 0.5), DARK),
        ({"covered": 0.03}, lambda picture, second: lit(paper(picture, second), 0.3), COVERED),
        ({"washed_out": 0.1}, lambda picture, _: lit(picture, 2), WASHED_OUT),
        ({"after": 20.0}, cap, CLEAR),
        ({"after": 1.0}, cap, COVERED),
    ],
    ids=["dark", "covered", "washed out", "not long enough", "long enough"],
)
def test_the_thresholds_are_settings(settings, alter, view):
    watch = ViewWatch(ViewSettings(**settings))
    story(watch, (60, place, as_it_is))
    assert watch.view is CLEAR
    assert story(watch, (15, place, alter), start=60)[-1][1] is view


def test_how_much_is_kept_does_not_depend_on_light():
    reference = sight_of(place(0)).edges
    assert kept(reference, reference) > 0.9
    assert kept(sight_of(lit(place(1), 0.3)).edges, reference) > 0.7
    assert kept(sight_of(turned(place(1), across=0.3)).edges, reference) < 0.25
    assert kept(reference, np.zeros_like(reference)) is None, "a bare wall says nothing"


def test_what_is_remembered_of_a_place_are_a_few_thousand_directions():
    watch = ViewWatch()
    story(watch, (100, place, as_it_is))
    assert watch._place.shape == (36, 64)
    assert watch._place.dtype == np.complex64
    assert np.abs(watch._place).max() <= 1


def test_the_dark_is_no_part_of_the_time_that_a_move_must_last():
    def moved(picture, _second):
        return turned(picture, across=0.4)

    def night(picture, second):
        return lit(moved(picture, second), 0.115)

    told = story(ViewWatch(), (200, place, as_it_is), (80, place, moved), (200, place, night), (200, place, moved))
    assert [view for _, view in told] == [None, CLEAR, DARK, CLEAR, MOVED]
    assert told[-1][0] - told[-2][0] > 100
