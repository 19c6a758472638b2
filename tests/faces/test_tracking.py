from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_fer.faces.people.tracking import Tracker, TrackingStep, box_distance, random_id
from edge_fer.types import Box, Face, Instant

START = Instant(1000.0, datetime(2025, 1, 1, tzinfo=UTC))


def face(x: float = 100.0, y: float = 100.0, size: float = 80.0, confidence: float = 0.9) -> Face:
    """A face centred there."""
    return Face(Box(x - size / 2, y - size / 2, size, size), confidence)


def counting() -> Callable[[], str]:
    """Ids 0, 1, 2 …."""
    numbers = itertools.count()
    return lambda: str(next(numbers))


def at(seconds: float) -> Instant:
    return START.later(seconds)


class Film:
    """Runs a tracker with ids 0, 1, 2 …, and remembers who was confirmed and who left."""

    def __init__(self, **settings: object) -> None:
        self.tracker = Tracker(new_id=counting(), **settings)  # type: ignore[arg-type]
        self.appeared: list[str] = []
        self.left: list[str] = []

    def show(self, seconds: float, *faces: Face) -> TrackingStep:
        step = self.tracker.update(faces, at(seconds))
        self.appeared += ids(step.appeared)
        self.left += ids(step.left)
        return step


def ids(tracks: Sequence[object]) -> list[str]:
    return [track.id for track in tracks]  # type: ignore[attr-defined]


def walk(film: Film, frames: Iterator[tuple[float, tuple[Face, ...]]]) -> TrackingStep:
    step = TrackingStep()
    for seconds, faces in frames:
        step = film.show(seconds, *faces)
    return step


def test_a_life_frame_by_frame():
    film = Film(confirm=3, max_missed=0.5)
    assert film.show(0.0, face(100)) == TrackingStep(unconfirmed=1)
    assert film.show(0.1, face(102)) == TrackingStep(unconfirmed=1)

    step = film.show(0.2, face(104))
    [track] = step.visible
    assert step.appeared == step.visible
    assert (track.id, track.since, track.seen, track.face) == ("0", at(0.0), at(0.2), face(104))

    step = film.show(0.3, face(106))
    assert ids(step.visible) == ["0"]
    assert step.appeared == step.coasting == step.left == ()

    for seconds in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
        step = film.show(seconds)
        assert step.visible == step.left == ()
        [coasting] = step.coasting
        assert (coasting.id, coasting.seen, coasting.face) == ("0", at(0.3), face(106))

    step = film.show(1.0)
    assert step.visible == step.coasting == ()
    [gone] = step.left
    assert (gone.id, gone.since, gone.seen) == ("0", at(0.0), at(0.3))
    assert film.show(1.1) == TrackingStep()


def test_a_few_misses_do_not_lose_a_person():
    film = Film()
    missed = {5, 6, 7, 12, 20, 21}
    frames = ((index / 10, () if index in missed else (face(100 + 5 * index),)) for index in range(30))
    step = walk(film, frames)
    assert ids(step.visible) == ["0"]
    assert film.appeared == ["0"]
    assert film.left == []


def test_who_comes_again_is_somebody_new():
    film = Film(max_missed=0.5)
    walk(film, ((index / 10, (face(),)) for index in range(5)))
    walk(film, ((0.5 + index / 10, ()) for index in range(10)))
    step = walk(film, ((1.5 + index / 10, (face(),)) for index in range(5)))
    assert film.appeared == ["0", "1"]
    assert film.left == ["0"]
    assert step.visible[0].since == at(1.5)


def test_who_comes_again_in_the_very_frame_is_somebody_new():
    film = Film(confirm=1, max_missed=0.5)
    film.show(0.0, face())
    film.show(0.1)
    step = film.show(0.7, face())
    assert ids(step.left) == ["0"]
    assert ids(step.visible) == ids(step.appeared) == ["1"]


def test_a_flicker_is_nobody():
    film = Film(confirm=3)
    # twice in a row, then gone for longer than an unconfirmed face is waited for
    frames = ((index / 10, (face(),) if index % 6 in {0, 1} else ()) for index in range(60))
    assert walk(film, frames) == TrackingStep()
    assert film.appeared == []


def test_a_face_found_every_other_frame_is_somebody():
    film = Film(confirm=3)
    walk(film, ((index / 10, (face(),) if index % 2 == 0 else ()) for index in range(20)))
    assert film.appeared == ["0"]
    assert film.left == []


def test_confirmed_at_once_where_wanted():
    step = Film(confirm=1).show(0.0, face())
    assert ids(step.visible) == ids(step.appeared) == ["0"]


@pytest.mark.parametrize("interval", [0.02, 0.1, 0.5, 1.0, 1.9], ids=str)
def test_any_frame_rate_will_do(interval: float):
    film = Film(max_missed=1.0)
    # a miss at 1.9 s is as long as a person is waited for
    missed = 6 if interval <= 1 else None
    frames = (
        (index * interval, () if index == missed else (face(100 + 20 * interval * index),)) for index in range(12)
    )
    step = walk(film, frames)
    assert film.appeared == ["0"]
    assert ids(step.visible) == ["0"]


def test_an_uneven_frame_rate_will_do():
    film = Film()
    times = itertools.accumulate(itertools.islice(itertools.cycle([0.03, 0.4, 0.1, 0.9, 0.05]), 40))
    step = walk(film, ((seconds, (face(100 + 60 * seconds),)) for seconds in times))
    assert film.appeared == ["0"]
    assert ids(step.visible) == ["0"]


def test_after_a_long_gap_without_frames_everybody_is_new():
    film = Film(confirm=1, max_gap=2.0)
    film.show(0.0, face())
    film.show(2.0, face())
    step = film.show(4.1, face())
    assert ids(step.left) == ["0"]
    assert ids(step.visible) == ["1"]


def test_who_waits_for_the_missing_also_waits_for_frames():
    film = Film(confirm=1, max_missed=10.0)
    film.show(0.0, face())
    assert ids(film.show(9.0, face()).visible) == ["0"]


@pytest.mark.parametrize("step", [0.0, -5.0], ids=["equal", "backward"])
def test_time_that_does_not_go_on_stands_still(step: float):
    film = Film(confirm=1)
    film.show(0.0, face(100))
    film.show(0.1, face(105))
    odd = film.show(0.1 + step, face(110))
    assert ids(odd.visible) == ["0"]
    assert odd.visible[0].seen == at(0.1)
    assert ids(film.show(0.2, face(115)).visible) == ["0"]
    assert film.left == []


def crossing(fps: int, *, speed: float, hidden: bool) -> Iterator[tuple[float, tuple[Face, ...]]]:
    """Two people walk past one another in 4 s; the nearer one may hide the other, who is the smaller."""
    for index in range(4 * fps):
        seconds = index / fps
        left = face(320 - speed * (2 - seconds), 180, 80)
        right = face(320 + speed * (2 - seconds), 190, 70)
        behind = hidden and abs(left.box.centre[0] - right.box.centre[0]) < 60
        # the order of a detector's faces says nothing
        found = (left,) if behind else (left, right) if index % 3 else (right, left)
        yield seconds, found


@pytest.mark.parametrize("hidden", [False, True], ids=["both seen", "one hidden"])
@pytest.mark.parametrize("speed", [60, 120, 240], ids="{} px/s".format)
@pytest.mark.parametrize("fps", [8, 15, 30], ids="{} fps".format)
def test_two_people_cross_and_keep_their_ids(fps: int, speed: float, *, hidden: bool):
    film = Film()
    places: dict[str, list[float]] = {}
    for seconds, faces in crossing(fps, speed=speed, hidden=hidden):
        for track in film.show(seconds, *faces).visible:
            places.setdefault(track.id, []).append(track.face.box.centre[0])
    assert len(places) == 2
    assert film.left == []
    for path in places.values():
        rising = [after > before for before, after in itertools.pairwise(path)]
        assert all(rising) or not any(rising)


def test_two_who_meet_and_turn_back_keep_their_ids():
    film = Film()
    paths: dict[str, list[float]] = {}
    for index in range(60):
        apart = 60 + 4 * abs(index - 30)
        for track in film.show(index / 15, face(320 - apart, 180), face(320 + apart, 180)).visible:
            paths.setdefault(track.id, []).append(track.face.box.centre[0])
    assert len(paths) == 2
    assert all(max(path) < 320 or min(path) > 320 for path in paths.values())


def test_two_in_a_line_who_start_walking_keep_their_ids():
    # the one behind comes nearer to where the other was than that one now is; the nearest pair is the wrong one
    film = Film(confirm=1)
    film.show(0.0, face(100), face(180))
    step = film.show(0.2, face(145), face(225))
    assert {track.id: track.face.box.centre[0] for track in step.visible} == {"0": 145, "1": 225}


def test_a_false_alarm_beside_a_person_takes_no_face_away():
    film = Film(confirm=3)
    walk(film, ((index / 10, (face(100),)) for index in range(5)))
    # a box half over the person in one frame, and only the person in the next, nearer to the false alarm
    film.show(0.5, face(100), face(130))
    step = film.show(0.6, face(120))
    assert ids(step.visible) == ["0"]


def test_somebody_far_away_is_somebody_else():
    film = Film(confirm=1)
    film.show(0.0, face(100))
    step = film.show(0.1, face(400))
    assert ids(step.visible) == ["1"]
    assert ids(step.coasting) == ["0"]


def test_too_many_faces_are_dropped_and_counted():
    film = Film(confirm=2, max_tracks=3)
    crowd = [face(200 * index, confidence=confidence) for index, confidence in enumerate([0.5, 0.9, 0.3, 0.7, 0.8])]
    film.show(0.0, *crowd)
    assert film.tracker.dropped == 2
    step = film.show(0.1, *crowd)
    assert sorted(track.face.confidence for track in step.visible) == [0.7, 0.8, 0.9]
    assert film.tracker.dropped == 4


def test_of_equally_confident_ones_the_newest_is_dropped():
    film = Film(confirm=2, max_tracks=1)
    film.show(0.0, face(100))
    step = film.show(0.1, face(500), face(100))
    assert [track.face.box.centre[0] for track in step.visible] == [100]


def test_a_person_is_never_dropped_for_another():
    film = Film(confirm=1, max_tracks=2)
    film.show(0.0, face(100, confidence=0.2), face(300, confidence=0.2))
    step = film.show(0.1, face(100, confidence=0.2), face(500, confidence=1.0), face(300, confidence=0.2))
    assert ids(step.visible) == ["0", "1"]
    assert step.appeared == ()
    assert film.tracker.dropped == 1


def test_clear_gives_everybody_up():
    film = Film(confirm=2)
    film.show(0.0, face(100))
    film.show(0.1, face(100), face(300))
    film.show(0.2, face(300))
    assert ids(film.tracker.clear()) == ["0", "1"]
    assert film.tracker.clear() == ()
    # frames may start anew at any time
    film.show(-50.0, face(100))
    assert ids(film.show(-49.9, face(100)).visible) == ["2"]


def test_the_distance_is_injected():
    def by_height(predicted: Box, found: Box) -> float:
        return abs(predicted.height - found.height) / 100

    film = Film(confirm=1, distance=by_height, max_distance=0.1)
    film.show(0.0, face(100, size=80), face(500, size=40))
    step = film.show(0.1, face(500, size=80), face(100, size=40))
    assert {track.id: track.face.box.width for track in step.visible} == {"0": 80, "1": 40}


def test_random_ids_are_short_and_differ():
    made = {random_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(len(made_id) == 8 and int(made_id, 16) >= 0 for made_id in made)


@pytest.mark.parametrize(
    ("other", "distance"),
    [(face(100), 0.0), (face(180), 1.0), (face(100, 260), 1.5), (face(140), (2 / 3 + 0.5) / 2)],
    ids=["same", "beside", "one between", "half over"],
)
def test_box_distance(other: Face, distance: float):
    assert box_distance(face(100).box, other.box) == pytest.approx(distance)
    assert box_distance(other.box, face(100).box) == pytest.approx(distance)


scenes = st.lists(
    st.tuples(
        st.sampled_from([-0.1, 0.0, 0.03, 0.1, 0.5, 1.2, 3.0]),
        st.lists(
            st.builds(face, st.floats(0, 400), st.floats(0, 200), st.floats(30, 120), st.floats(0, 1)), max_size=6
        ),
    ),
    max_size=40,
)


@pytest.mark.slow
@settings(max_examples=200)
@given(scenes, st.integers(1, 3), st.integers(1, 4))
def test_every_person_appears_once_and_leaves_at_most_once(
    scene: list[tuple[float, list[Face]]], confirm: int, max_tracks: int
):
    film = Film(confirm=confirm, max_tracks=max_tracks)
    seconds = 0.0
    present: set[str] = set()
    for elapsed, faces in scene:
        seconds += elapsed
        step = film.show(seconds, *faces)
        visible, coasting = ids(step.visible), ids(step.coasting)
        appeared, left = ids(step.appeared), ids(step.left)
        assert set(appeared) <= set(visible)
        assert set(left) <= present
        now = present | set(appeared)
        assert set(visible) | set(coasting) | set(left) == now
        assert len(visible) + len(coasting) + len(left) == len(now)
        assert len(visible) + len(coasting) <= max_tracks
        present = now - set(left)
        assert all(track.face in faces for track in step.visible)
        assert len({id(track.face) for track in step.visible}) == len(step.visible)
        assert all(track.since.mono <= track.seen.mono for track in step.visible + step.coasting + step.left)
    assert len(set(film.appeared)) == len(film.appeared)
    assert len(set(film.left)) == len(film.left)
    assert set(ids(film.tracker.clear())) == present


def test_a_person_followed_between_searches_stays_in_view_under_one_id():
    film = Film(confirm=2)
    film.show(0.0, face(100))
    film.show(0.1, face(100))
    assert film.tracker.expected(at(0.2)) == {"0": face(100).box}
    step = film.tracker.update(None, at(0.2), {"0": face(110)})
    [track] = step.visible
    assert (track.id, track.face, track.seen) == ("0", face(110), at(0.2))
    assert film.tracker.expected(at(0.3))["0"].x > face(110).box.x, "what is followed tells where it goes"


def test_a_motionless_person_whom_the_search_misses_is_kept_by_being_followed_but_not_for_ever():
    film = Film(confirm=2, max_missed=1.0, max_followed=10)
    film.show(0.0, face(100))
    film.show(0.1, face(100))
    now = 0.1
    while now < 10:
        now += 0.1
        assert ids(film.tracker.update(None, at(now), {"0": face(100)}).visible) == ["0"]
    gone = None
    while gone is None and now < 20:
        now += 0.1
        step = film.tracker.update(None, at(now), {"0": face(100)})
        gone = now if step.left else None
    assert gone == pytest.approx(11.2, abs=0.3)


def test_a_search_that_finds_somebody_is_believed_before_what_was_followed():
    film = Film(confirm=2)
    film.show(0.0, face(100))
    film.show(0.1, face(100))
    step = film.tracker.update([face(104)], at(0.2), {"0": face(98)})
    assert [track.face for track in step.visible] == [face(104)]


def test_nobody_is_followed_onto_the_face_of_another():
    """Who went behind another person must not stay in view as a double of theirs."""
    film = Film(confirm=2)
    for seconds in (0.0, 0.1):
        film.show(seconds, face(100), face(400))
    step = film.tracker.update([face(400)], at(0.2), {"0": face(405), "1": face(400)})
    assert ids(step.visible) == ["1"]
    assert ids(step.coasting) == ["0"]


def test_being_followed_makes_nobody_a_person():
    film = Film(confirm=2)
    film.show(0.0, face(100))
    for tick in range(1, 5):
        step = film.tracker.update(None, at(tick / 10), {"": face(100), "0": face(100)})
        assert step.visible == ()


def test_who_comes_to_rest_is_waited_for_where_they_are_and_not_where_they_were_going():
    film = Film(confirm=2)
    for tick in range(5):
        film.show(tick / 10, face(100 + 40 * tick))
    assert film.tracker.expected(at(0.9))["0"].x > face(300).box.x
    for tick in range(5, 10):
        film.tracker.rest(at(tick / 10))
    assert film.tracker.expected(at(1.0))["0"].x == pytest.approx(face(260).box.x, abs=30)
    assert ids(film.show(1.0, face(260)).visible) == ["0"]


def test_who_is_not_sought_is_not_missed():
    film = Film(confirm=2, max_missed_unconfirmed=0.25)
    film.show(0.0, face(100))
    for tick in range(1, 9):
        assert film.tracker.update(None, at(tick / 10)).unconfirmed == 1
    assert ids(film.show(0.9, face(100)).appeared) == ["0"]


def walked_in(film: Film, *xs: float, until: float = 1.0, fps: int = 15) -> None:
    """Stand still in view until a time."""
    for number in range(round(until * fps)):
        film.show(number / fps, *map(face, xs))


@pytest.mark.parametrize("gap", [0.4, 0.8, 1.5])
def test_who_moved_far_while_pictures_were_missing_stays_one_person(gap: float):
    film = Film()
    walked_in(film, 100)
    step = film.show(0.93 + gap, face(100 + 80 * 5 * gap))
    assert (ids(step.visible), film.left) == (["0"], [])


def test_who_is_not_found_at_once_after_a_gap_stays_one_person():
    film = Film()
    walked_in(film, 100)
    film.show(1.7)
    assert ids(film.show(1.77, face(400)).visible) == ["0"]
    # and from then on is no longer looked for everywhere
    assert ids(film.show(1.83, face(800)).visible) == []


def test_of_two_who_might_have_come_neither_is_taken_for_the_one_who_was_there():
    film = Film()
    walked_in(film, 500)
    assert film.show(1.73, face(200), face(800)).visible == ()


def test_of_two_who_were_there_neither_is_taken_for_the_one_who_is():
    film = Film()
    walked_in(film, 200, 800)
    assert film.show(1.73, face(500)).visible == ()


@pytest.mark.parametrize(("x", "size"), [(2500.0, 80.0), (400.0, 200.0), (400.0, 30.0)])
def test_who_is_too_far_away_or_of_another_size_after_a_gap_is_somebody_new(x: float, size: float):
    film = Film()
    walked_in(film, 100)
    assert film.show(1.73, face(x, size=size)).visible == ()


def test_a_slow_camera_has_no_gaps():
    film = Film(max_missed=3.0, max_gap=3.0)
    for number in range(8):
        film.show(number, face(100))
    assert film.show(8, face(400)).visible == ()
