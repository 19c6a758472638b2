"""Drawings of what was read: everything of them lies in the picture, can be read, and hides no face."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge_fer.drawing.palette import rgb
from edge_fer.emotion.classifier import EmotionClassifier
from edge_fer.errors import PictureError
from edge_fer.pictures.annotation import LEAST_SIDE, annotated
from edge_fer.pictures.faces import FaceReading, PictureReading
from edge_fer.pictures.saving import Drawings
from edge_fer.sample import sample_picture
from edge_fer.types import EMOTION, LABEL_SETS, UNCERTAIN, AttributeValue, Box, Face, Keypoints, Quality, QualityFault

SCORES = dict(zip(LABEL_SETS["seven"], (0.01, 0.01, 0.02, 0.8, 0.06, 0.04, 0.06), strict=True))
UNREADABLE = Quality(0.1, (QualityFault.TURNED_AWAY,))


def face(x, y, side, *, label="happy", quality=None):
    read = quality is None
    box, scores = Box(x, y, side, side), SCORES if read else {}
    emotion = AttributeValue(label, 0.8 if read else 0.0, scores)
    return FaceReading(Face(box, 0.9), quality or Quality(1.0), {EMOTION: emotion})


def reading(width, height, *faces, level=90):
    return PictureReading("x", np.full((height, width, 3), level, np.uint8), faces)


@pytest.mark.parametrize(("width", "height", "faces"), [
    (200, 150, [face(60, 40, 60)]),
    (4000, 3000, [face(1500, 900, 900)]),
    (640, 480, [face(-20, -20, 60), face(600, 440, 60), face(300, 200, 60)]),
    (300, 300, [face(0, 0, 300)]),
    (60, 2000, [face(5, 900, 50)]),
    (2000, 50, [face(900, 0, 50)]),
    (1, 1, [face(0, 0, 1)]),
    (900, 600, [face(60 * n, 200, 50) for n in range(15)]),
    (640, 480, [face(100, 100, 80, label=UNCERTAIN, quality=UNREADABLE)]),
])  # fmt: skip
def test_any_picture_can_be_drawn_over_and_its_reading_stays_as_it_was(width, height, faces):
    before = reading(width, height, *faces)
    drawn = annotated(before)
    assert (drawn.dtype, drawn.shape[2]) == (np.uint8, 3)
    assert max(drawn.shape[:2]) >= min(LEAST_SIDE, 8 * max(width, height)) - 1
    assert drawn.shape[1] / drawn.shape[0] == pytest.approx(width / height, rel=0.05)
    assert (before.image == 90).all()
    assert (drawn == np.array(rgb(faces[0].label), np.uint8)).all(axis=2).any(), "the colour of its emotion"


def test_a_picture_without_faces_is_as_it_was_but_for_its_size():
    assert (annotated(reading(2000, 1000)) == 90).all()


def test_letters_are_as_high_on_a_small_picture_as_on_a_large_one():
    def label_height(drawn, colour):
        rows = np.count_nonzero(cv2.inRange(drawn, colour - 11, colour + 11), axis=1)
        # the label's plate is the only thing so wide above the box
        return (rows > drawn.shape[1] * 0.05).sum() / max(drawn.shape[:2])

    colour = np.array(rgb("happy"), float)
    shares = [
        label_height(annotated(reading(s, s, face(s * 0.4, s * 0.4, s * 0.3))), colour) for s in (200, 1000, 4000)
    ]
    assert max(shares) < 1.3 * min(shares)
    assert min(shares) > 0.02


def test_the_scores_hide_nobody():
    crowd = [face(x, y, 90) for y in (60, 300, 540) for x in (60, 300, 540, 780)]
    drawn = annotated(reading(1000, 700, *crowd))
    for one in crowd:
        box = one.face.box
        middle = drawn[int(box.y) + 8 : int(box.y) + 82, int(box.x) + 8 : int(box.x) + 82]
        assert (middle == 90).all(), "something was drawn over a face"
    assert (drawn < 60).all(axis=2).sum() > 1000, "no panel found a place"


def test_the_overlay_colours_the_face_and_nothing_else():
    picture = sample_picture()
    points = Keypoints(right_eye=(318, 163), left_eye=(383, 166), nose=(350, 195), mouth=(348, 226))
    emotion = AttributeValue("happy", 0.8, SCORES)
    one = FaceReading(Face(Box(277, 130, 145, 145), 0.9, points), Quality(1.0), {EMOTION: emotion})
    plain = annotated(PictureReading("x", picture, (one,)))
    laid = annotated(PictureReading("x", picture, (one,)), classifier=EmotionClassifier.load())
    times = plain.shape[1] / picture.shape[1]
    changed = np.argwhere((plain != laid).any(axis=2)) / times
    assert len(changed) > 1000
    (top, left), (bottom, right) = changed.min(axis=0), changed.max(axis=0)
    assert 200 < left < right < 500
    assert 80 < top < bottom < 340
    # around the smile there is more of it than on the forehead
    difference = cv2.resize(cv2.absdiff(plain, laid).sum(axis=2).astype(np.float32), (640, 360))
    assert difference[200:260, 290:410].mean() > difference[130:160, 290:410].mean()


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG", ".png", ".webp"])
def test_a_drawing_is_written_as_its_name_says(tmp_path, suffix):
    image = sample_picture()
    Drawings(tmp_path / f"out{suffix}", several=False).save("sample", image)
    back = cv2.cvtColor(cv2.imread(str(tmp_path / f"out{suffix}")), cv2.COLOR_BGR2RGB)
    assert np.abs(back.astype(int) - image).mean() < 3


def test_several_drawings_go_into_a_folder_under_names_of_their_own(tmp_path):
    drawings = Drawings(tmp_path / "a" / "b", several=True)
    for given in ("one.jpg", "else/one.jpg", "two.gif", "-", "sample"):
        drawings.save(given, np.zeros((8, 8, 3), np.uint8))
    names = {path.name for path in (tmp_path / "a" / "b").iterdir()}
    assert names == {"one.jpg", "one-2.jpg", "two.gif.jpg", "picture.jpg", "sample.jpg"}


def test_a_drawing_never_replaces_its_picture(tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(b"precious")
    for drawings in (Drawings(path, several=False), Drawings(tmp_path, several=True)):
        with pytest.raises(PictureError, match="would replace it"):
            drawings.save(str(path), np.zeros((8, 8, 3), np.uint8))
    assert path.read_bytes() == b"precious"


@pytest.mark.parametrize(("out", "word"), [
    ("out.bmp", "no kind that can be written"),
    ("out", "no kind that can be written"),
    ("none/out.jpg", "cannot be written: No such file"),
    ("x" * 300 + ".jpg", "cannot be written: File name too long"),
])  # fmt: skip
def test_where_nothing_can_be_written_that_is_said(tmp_path, out, word):
    with pytest.raises(PictureError, match=word) as caught:
        Drawings(tmp_path / out, several=False).save("sample", np.zeros((8, 8, 3), np.uint8))
    assert caught.value.remedy


def test_a_drawing_too_large_for_its_kind_is_told(tmp_path):
    with pytest.raises(PictureError, match="too large for its kind"):
        Drawings(tmp_path / "out.webp", several=False).save("sample", np.zeros((2, 20_000, 3), np.uint8))


def test_what_a_folder_cannot_be_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(PictureError, match="is no folder for drawings"):
        Drawings(tmp_path / "file", several=True)
