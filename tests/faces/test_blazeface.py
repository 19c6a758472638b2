"""BlazeFace: which network, which parts of the picture, which turns; and that lying faces come out upright."""

from __future__ import annotations

from statistics import mean

import cv2
import numpy as np
import pytest

from edge_fer.emotion.classifier import EmotionClassifier
from edge_fer.errors import ModelError
from edge_fer.faces.detectors.blazeface import BlazeFaceDetector
from edge_fer.faces.detectors.blazeface_network import RANGES, BlazeFaceNetwork
from edge_fer.faces.reading.crop import crop_face
from edge_fer.faces.reading.pose import pose
from edge_fer.types import Box, Image
from tests.faces.pictures import frames, grey_wall, on_wall, portrait, rolled
from tests.faces.portraits import placed, sfhq
from tests.fetched import blazeface_models
from tests.shared import shared_data


class Counted:
    """Counts how often networks run, and which, but for second looks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, detector: BlazeFaceDetector):
        self.runs: list[str] = []
        names = {layout.side: which for which, layout in RANGES.items()}
        read = BlazeFaceNetwork.read

        def counting(network, square):
            if network not in detector._looks.values():
                self.runs.append(names[network.layout.side])
            return read(network, square)

        monkeypatch.setattr(BlazeFaceNetwork, "read", counting)


@pytest.mark.parametrize(
    ("size", "min_size", "runs"),
    [
        ((360, 640), 48, ["full", "short"]),
        ((360, 640), 100, ["short"]),
        ((720, 1280), 100, ["full", "short"]),
        ((720, 1280), 200, ["short"]),
        # the whole for large faces, and parts in which the smallest face is large enough; the first is as large as all
        ((720, 1280), 48, ["short", "full"]),
        ((360, 640), 24, ["short", "full"]),
        ((1080, 1920), 48, ["short", "full", "full"]),
        # what parts show only cut, the short-range network would not find in the whole
        ((3000, 4000), 48, ["full", "short", *["full"] * 15]),
        # no face can be larger than the full-range network shows
        ((200, 640), 48, ["full"]),
    ],
    ids=str,
)
def test_searches_as_closely_as_the_smallest_face_asks_for(monkeypatch, size, min_size, runs):
    detector = BlazeFaceDetector(blazeface_models(), min_size=min_size)
    counted = Counted(monkeypatch, detector)
    detector.detect(grey_wall(*size))
    assert counted.runs == runs


@pytest.mark.parametrize("size", [(720, 1280), (1080, 1920), (1280, 720)], ids=str)
def test_faces_of_any_size_are_found_once_in_large_pictures(size):
    # between the smallest and the largest, whole and parts take turns
    height, width = size
    detector = BlazeFaceDetector(blazeface_models(), min_size=0.05 * min(size))
    for share in (0.15, 0.2, 0.4, 0.6, 0.8, 1.0):
        head = round(share * min(size))
        for place in ((0, 0), (width - head, height - head), ((width - head) // 2, (height - head) // 2)):
            [face] = detector.detect(on_wall(height, width, (*place, head)))
            assert 0.45 * head < face.box.width < 0.75 * head
            assert abs(complex(*face.box.centre) - complex(*place) - (0.5 + 0.5j) * head) < 0.25 * head


def test_networks_follow_the_shape_of_the_picture():
    detector = BlazeFaceDetector(blazeface_models())
    upright = portrait()
    [face] = detector.detect(upright)
    tall = np.pad(upright[:, 200:500], ((100, 100), (0, 0), (0, 0)))
    [again] = detector.detect(tall)
    assert again.box.width == pytest.approx(face.box.width, rel=0.1)
    assert again.box.centre == pytest.approx((face.box.centre[0] - 200, face.box.centre[1] + 100), abs=6)
    assert detector.detect(upright) == [face]


def test_the_short_range_network_alone_searches_the_whole_only(monkeypatch):
    detector = BlazeFaceDetector({"short": blazeface_models()["short"]})
    counted = Counted(monkeypatch, detector)
    detector.detect(grey_wall(720, 1280))
    assert counted.runs == ["short"]


def test_each_turn_is_a_search(monkeypatch):
    detector = BlazeFaceDetector(blazeface_models(), turns=(0, 90, 270))
    counted = Counted(monkeypatch, detector)
    detector.detect(grey_wall(360, 640))
    assert counted.runs == ["full"] * 3 + ["short"] * 3


@pytest.mark.parametrize("place", [(20, 20), (600, 300), (1130, 590), (560, 20)], ids=str)
def test_small_faces_are_found_wherever_they_are(place):
    # a head of 90 pixels has a face of 50: cut by the border of one part, it is whole in another
    detector = BlazeFaceDetector(blazeface_models(), min_size=40)
    [face] = detector.detect(on_wall(720, 1280, (*place, 90)))
    assert 40 <= face.box.width <= 65
    assert BlazeFaceDetector(blazeface_models(), min_size=70).detect(on_wall(720, 1280, (*place, 90))) == []


def test_a_doubtful_face_is_looked_at_again():
    # 13 pixels of the input, in the corner: at the first look no network is sure of most of them
    places = [(707, 707), (0, 707), (707, 0)]
    shown = [placed(one, 760, 760, 53, (x / 707, y / 707)) for one in sfhq(12) for x, y in places]
    looking, once = (BlazeFaceDetector(blazeface_models(), min_confidence=bar) for bar in (None, 0.6))

    def found(detector: BlazeFaceDetector) -> int:
        return sum(any(face.box.iou(box) > 0.35 for face in detector.detect(image)) for image, box in shown)

    assert found(looking) > found(once)


def test_second_looks_end_soon_where_nobody_is(monkeypatch):
    detector = BlazeFaceDetector(blazeface_models())
    looks: list[int] = []
    monkeypatch.setattr(BlazeFaceDetector, "_seen", lambda *_: looks.append(1) or [])
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    image = np.ascontiguousarray(noise)
    detector.detect(image)
    assert len(looks) <= 2


def test_a_high_bar_leaves_the_surest():
    [face] = BlazeFaceDetector(blazeface_models()).detect(portrait())
    assert BlazeFaceDetector(blazeface_models(), min_confidence=face.confidence - 0.01).detect(portrait())
    assert not BlazeFaceDetector(blazeface_models(), min_confidence=face.confidence + 0.01).detect(portrait())


def test_refuses_what_is_no_model():
    with pytest.raises(ModelError, match="BlazeFace, full range: 18 bytes that are no such face detector"):
        BlazeFaceDetector({"full": b"not a model at all"})


def faces_of_the_clip() -> list[Image]:
    """Frames where nothing hides the face, one every two seconds."""
    clip = shared_data() / "clips" / "wolfgang-langer-pexels.mp4"
    return [image for _, image in frames(clip, every=48)]


def test_faces_come_out_upright_however_they_lie():
    detector = BlazeFaceDetector(blazeface_models(), turns=(0, 90, 270))
    classifier = EmotionClassifier.load()
    alike, off, same = [], [], []
    for image in [*faces_of_the_clip(), portrait()]:
        [face] = detector.detect(image)
        assert face.keypoints is not None
        roll = pose(face.keypoints).roll
        upright = crop_face(image, face, classifier.crop_frame, side=64)
        (told,) = classifier.classify([upright])
        for degrees in (-90, -45, -20, 20, 45, 90):
            turned = rolled(image, degrees)
            [again] = detector.detect(turned)
            assert again.keypoints is not None
            off.append(abs((pose(again.keypoints).roll - roll - degrees + 180) % 360 - 180))
            crop = crop_face(turned, again, classifier.crop_frame, side=64)
            alike.append(likeness(upright, crop))
            (scores,) = classifier.classify([crop])
            same.append(sum(abs(scores[label] - told[label]) for label in told) / 2)
    assert np.median(off) < 5
    assert np.median(alike) > 0.8
    # of all probability, so much is given to other labels
    assert mean(same) < 0.1


def likeness(one: Image, other: Image) -> float:
    """Correlation of two crops, 1 for the same."""
    grey = [cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float64).ravel() for crop in (one, other)]
    return float(np.corrcoef(*grey)[0, 1])


def test_unturned_searches_miss_some_faces_that_lie():
    # or there would be no need for turns
    upright = BlazeFaceDetector(blazeface_models())
    lying = [rolled(image, 105) for image in faces_of_the_clip()]
    found = [bool(upright.detect(image)) for image in lying]
    assert not all(found)
    turning = BlazeFaceDetector(blazeface_models(), turns=(0, 90, 270))
    assert all(len(turning.detect(image)) == 1 for image in lying)


def test_a_face_that_is_known_is_found_by_a_look_at_it_alone(monkeypatch):
    detector = BlazeFaceDetector(blazeface_models())
    face = detector.detect(portrait())[0]
    counted = Counted(monkeypatch, detector)
    near = Box(face.box.x + 0.1 * face.box.width, face.box.y, face.box.width, face.box.height)
    (seen,) = detector.look(portrait(), [near])
    assert not counted.runs
    width = face.box.width
    assert seen.box.centre == pytest.approx(face.box.centre, abs=0.06 * width)
    assert seen.box.width == pytest.approx(width, rel=0.15)
    for point in ("right_eye", "left_eye", "mouth"):
        assert getattr(seen.keypoints, point) == pytest.approx(getattr(face.keypoints, point), abs=0.06 * width)


def test_a_look_says_nothing_where_a_face_is_missing_and_is_worth_it_for_some_faces_only():
    detector = BlazeFaceDetector(blazeface_models())
    assert detector.most_places == 0, "it has not searched yet"
    (face,) = detector.detect(portrait())
    elsewhere = Box(20, 200, face.box.width, face.box.height)
    assert detector.look(portrait(), [face.box]) is not None
    assert detector.look(portrait(), [face.box, elsewhere]) is None
    assert detector.most_places == 3
    turned = BlazeFaceDetector(blazeface_models(), turns=(0, 90))
    turned.detect(portrait())
    assert turned.most_places == 0
