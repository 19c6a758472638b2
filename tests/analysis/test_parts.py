"""The parts of an analysis that need no recording: what is kept, in how little, and what nobody may recognise."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from edge_fer.faces.detectors.haar import HaarDetector
from edge_fer.recordings.analysis.blur import blurred
from edge_fer.recordings.analysis.cut import Cut
from edge_fer.recordings.analysis.key_frames import KeyFrames
from edge_fer.recordings.analysis.timeline import COLUMNS, MOST_PEOPLE, AnalysisTimeline
from edge_fer.rules.scene.mood import Stint
from edge_fer.types import Box, Face, Frame
from tests.invented import at, reading
from tests.report.invented import noise, portrait


def frames(times):
    return [Frame("x", index, np.zeros((2, 2, 3), np.uint8), at(seconds)) for index, seconds in enumerate(times)]


def cut(times, **of):
    return [round(seconds, 3) for seconds, frame in Cut(**of).frames(frames(times)) if frame is not None]


def test_all_frames_or_a_part_of_them():
    times = [index / 10 for index in range(50)]
    assert cut(times) == times
    assert cut(times, begin=1, end=1.5) == [1.0, 1.1, 1.2, 1.3, 1.4]
    assert cut(times, every=1) == [0, 1, 2, 3, 4]
    assert cut(times, begin=2.5, every=1) == [2.5, 3.5, 4.5]
    assert cut(times, begin=9) == []


def test_times_count_from_the_first_frame_and_late_frames_move_no_others():
    assert cut([1000, 1000.4, 1001.9, 1002.05, 1003.5], every=1) == [0, 1.9, 2.05, 3.5]


def test_the_source_is_asked_for_nothing_after_the_end():
    def source():
        yield from frames([0, 1, 2])
        pytest.fail("asked for more")

    assert len(list(Cut(end=2).frames(source()))) == 2


def test_a_label_fills_the_columns_in_which_it_stood():
    line = AnalysisTimeline()
    line.take([Stint("a", "happy", 0.6, True), Stint("b", "sad", 0.1, True)], 0.2)
    assert line.scene[0] == pytest.approx({"happy": 0.05, "sad": 0.05})
    assert line.scene[1] == pytest.approx({"happy": 0.25, "sad": 0.05})
    assert [line.scene[index]["happy"] for index in (2, 3)] == pytest.approx([0.25, 0.05])
    assert (line.people["a"].since, line.people["a"].until) == pytest.approx((0.2, 0.8))


def test_two_columns_become_one_and_no_second_is_lost():
    line = AnalysisTimeline()
    for index in range(4000):
        line.take([Stint("a", ("happy", "sad")[index // 1000 % 2], 1.0, True)], float(index))
        assert len(line.scene) <= COLUMNS
        assert max(line.scene) < COLUMNS
    assert line.width == 16
    assert line.totals() == pytest.approx({"happy": 2000, "sad": 2000})
    assert line.people["a"].totals() == pytest.approx(line.totals())
    assert sum(line.scene[10].values()) == pytest.approx(16)


def test_of_many_people_those_in_view_longest_are_told():
    line, now = AnalysisTimeline(), 0.0
    for index in range(500):
        long = 50.0 if index % 20 == 0 else 1.0
        line.take([Stint(f"p{index}", "happy", long, True)], now)
        line.leave([f"p{index}"])
        now += long
    assert (line.count, len(line.people), line.left_out) == (500, MOST_PEOPLE, 500 - MOST_PEOPLE)
    assert sum(person.in_view == pytest.approx(50) for person in line.people.values()) == 25
    assert line.totals()["happy"] == pytest.approx(now), "the scene counts them all"


def test_a_crowd_that_never_leaves_does_not_grow():
    line = AnalysisTimeline()
    for second in range(10):
        line.take([Stint(f"p{index}", "sad", 1.0, True) for index in range(100)], float(second))
    assert (len(line.people), line.left_out) == (MOST_PEOPLE, 40)
    assert line.totals()["sad"] == pytest.approx(1000)


def kept_bytes(frames):
    return sum(sys.getsizeof(one.jpeg) for kept in frames._kept.values() for one in kept.values())


def test_key_frames_are_the_strongest_from_all_over_the_recording():
    frames, box, image = KeyFrames(), Box(10, 10, 40, 40), noise(96)
    random = np.random.default_rng(0)
    scores = random.uniform(0.5, 0.9, 3600)
    scores[[700, 1900, 3300]] = [0.99, 0.98, 0.97]
    sizes = []
    for second, score in enumerate(scores):
        frames.offer(float(second), image, [reading(second, "happy", float(score), box=box)], [])
        frames.offer(float(second), image, [reading(second, "uncertain", 1 / 7, box=box)], [])
        sizes.append(kept_bytes(frames))
    assert max(sizes) < 10 * min(sizes)
    chosen = frames.chosen(lambda _: [], show_faces=True)
    assert [(one.label, one.seconds, round(one.confidence, 2)) for one in chosen] == [
        ("happy", 700, 0.99),
        ("happy", 1900, 0.98),
        ("happy", 3300, 0.97),
    ]


def test_moments_close_to_one_another_are_one():
    frames, box = KeyFrames(), Box(10, 10, 40, 40)
    for seconds in (7.9, 8.1, 13.0):
        frames.offer(seconds, noise(), [reading(seconds, "sad", 0.9 + seconds / 1000, box=box)], [])
    assert [one.seconds for one in frames.chosen(lambda _: [], show_faces=True)] == [8.1, 13.0]


def test_of_a_blurred_face_hardly_a_colour_is_left():
    image, box = noise(400), Box(150, 150, 80, 80)
    found = blurred(image, [box])
    middle = found[140:240, 140:240].astype(float)
    assert np.abs(np.diff(middle, axis=1)).max() < 3, "nothing but slow changes of colour"
    assert np.array_equal(found[:100], image[:100]), "the rest is as it was"
    assert np.array_equal(image, noise(400)), "and so is the picture that was given"


@pytest.mark.parametrize("box", [Box(-500, -500, 20, 20), Box(-30, 380, 60, 60), Box(0, 0, 400, 400)])
def test_faces_at_the_edge_are_blurred_as_far_as_they_are_there(box):
    assert blurred(noise(400), [box]).shape == (400, 400, 3)


def test_everybody_in_a_key_frame_is_blurred_known_or_not():
    image, face = portrait()
    part = image[:, 200:500]
    wide = np.hstack([part, part, part])
    here = [Face(Box(90 + 300 * place, face.box.y, face.box.width, face.box.height), 1.0) for place in range(3)]
    detector = HaarDetector(min_size=48)
    assert len(detector.detect(wide)) == 3
    frames = KeyFrames()
    # one is read, one is known but not read, one was never made a person of
    frames.offer(0.0, wide, [reading(0, "happy", 0.9, box=here[0].box)], [here[1].box])

    def seen(**how):
        (moment,) = frames.chosen(lambda picture: [one.box for one in detector.detect(picture)], **how)
        import cv2

        picture = cv2.cvtColor(cv2.imdecode(np.frombuffer(moment.jpeg, np.uint8), 1), cv2.COLOR_BGR2RGB)
        return HaarDetector(min_size=20).detect(picture)

    assert len(seen(show_faces=True)) == 3
    assert seen(show_faces=False) == []
