from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_fer.capture.zones import EVERYWHERE, Zones
from edge_fer.config.tree import FaceQualitySection, FacesSection
from edge_fer.faces.detectors.haar import HaarDetector
from edge_fer.faces.reading.crop import crop_face
from edge_fer.faces.reading.quality import (
    MOST_PEOPLE,
    Limit,
    QualityGate,
    SteadyGate,
    features_inside,
    grey_levels,
    light,
    sharpness,
)
from edge_fer.types import Box, CropFrame, Face, Image, Quality, QualityFault, Track
from edge_fer.wiring.vision import _quality_gate
from tests.faces.heads import seen
from tests.faces.pictures import frames, portrait
from tests.invented import at
from tests.shared import shared_data

FRAME = CropFrame(eyes=(0.5, 0.39), mouth=(0.5, 0.74), box_scale=1.28, box_shift=(0.0, -0.175))
FACE = Face(Box(290, 131, 123, 123), 1.0)
GATE = QualityGate()


def judged(image: Image, face: Face = FACE) -> Quality:
    return GATE.judge(image, face, crop_face(image, face, FRAME))


def blurred(image: Image, sigma: float) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


def lit(image: NDArray[Any], gain: float, offset: float = 0.0) -> Image:
    return np.asarray(np.clip(image * gain + offset, 0, 255), np.uint8)


def noisy(image: Image, sigma: float) -> Image:
    noise = np.random.default_rng(0).normal(0, sigma, image.shape)
    return np.asarray(np.clip(image + noise, 0, 255), np.uint8)


def compressed(image: Image, quality: int) -> Image:
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def test_a_good_face_is_good():
    quality = judged(portrait())
    assert quality.faults == ()
    assert quality.value > 0.95


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda image: noisy(blurred(image, 1), 5), id="a soft lens and noise"),
        pytest.param(lambda image: compressed(image, 20), id="much compressed"),
        pytest.param(lambda image: lit(image, 0.5), id="half the light"),
        pytest.param(lambda image: lit(image, 0.4, 90), id="haze"),
        pytest.param(lambda image: lit(image, 1.25), id="strong light"),
    ],
)
def test_a_webcam_face_can_be_read(spoil):
    assert judged(spoil(portrait())).faults == ()


@pytest.mark.parametrize("fer", ["private-test.npz"])
def test_nearly_every_face_of_fer2013_can_be_read(fer: str):
    with np.load(shared_data() / "fer2013" / fer) as arrays:
        images, votes = arrays["images"][:1500], arrays["ferplus_votes"][:1500]
    pictures = images[votes[:, -1] == 0]
    gate = QualityGate(min_size=24)
    face = Face(Box(5, 5, 38, 38), 1.0)

    def refused(sigma: float) -> float:
        crops = (np.repeat(picture[:, :, None], 3, axis=2) for picture in pictures)
        shown = (blurred(crop, sigma) if sigma else crop for crop in crops)
        return float(np.mean([bool(gate.judge(crop, face, crop).faults) for crop in shown]))

    assert refused(0) < 0.005
    assert refused(1) < 0.03
    assert refused(3) > 0.95


def test_more_blur_is_never_better():
    values = [judged(blurred(portrait(), sigma)).value for sigma in (0.5, 1, 2, 4, 6, 8, 12, 20)]
    assert values == sorted(values, reverse=True)
    assert values[-1] < 0.2
    assert judged(blurred(portrait(), 10)).faults == (QualityFault.BLURRED,)


def test_sharpness_does_not_depend_on_contrast():
    crop = crop_face(portrait(), FACE, FRAME)
    faint = lit(crop, 0.3, 80)
    assert sharpness(grey_levels(faint)) == pytest.approx(sharpness(grey_levels(crop)), rel=0.1)


def test_noise_does_not_make_a_blurred_dark_face_sharp():
    dark = noisy(lit(blurred(portrait(), 12), 0.6), 3)
    assert QualityFault.BLURRED in judged(dark).faults


def test_darker_is_never_better():
    values = [judged(lit(portrait(), gain)).value for gain in (1.0, 0.6, 0.4, 0.3, 0.2, 0.1, 0.05)]
    assert values == sorted(values, reverse=True)
    assert judged(lit(portrait(), 0.12)).faults == (QualityFault.TOO_DARK,)


def test_dark_skin_in_good_light_is_not_poor_light():
    # the levels of the darkest well-lit faces in FER2013: low nearly everywhere, but for the lights that skin has
    crop = lit(255 * (crop_face(portrait(), FACE, FRAME) / 255.0) ** 6, 0.8)
    levels = grey_levels(crop)
    assert np.median(levels[12:36, 12:36]) < 40
    assert GATE.judge(portrait(), FACE, crop).faults == ()


def test_brighter_is_never_better():
    values = [judged(lit(portrait(), 1.0, offset)).value for offset in (30, 60, 90, 120, 160, 220)]
    assert values == sorted(values, reverse=True)
    assert QualityFault.TOO_BRIGHT in judged(lit(portrait(), 1.0, 150)).faults


def test_black_and_white():
    for level, fault in ((0, QualityFault.TOO_DARK), (255, QualityFault.TOO_BRIGHT)):
        quality = judged(np.full_like(portrait(), level))
        assert quality.value == 0
        assert fault in quality.faults
        assert QualityFault.BLURRED in quality.faults


@pytest.mark.parametrize(
    ("side", "faults"),
    [(200, ()), (96, ()), (48, ()), (44, ()), (43, (QualityFault.TOO_SMALL,)), (10, (QualityFault.TOO_SMALL,))],
)
def test_small_faces(side: int, faults: tuple[QualityFault, ...]):
    scale = side / FACE.box.width
    image = np.asarray(cv2.resize(portrait(), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    face = Face(Box(FACE.box.x * scale, FACE.box.y * scale, side, side), 1.0)
    assert judged(image, face).faults == faults


def test_smaller_is_never_better():
    values = [judged(portrait(), Face(Box(300, 140, side, side), 1.0)).value for side in (100, 90, 70, 50, 40, 30, 20)]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize(
    ("edge", "outside", "cut"),
    [
        *(
            (edge, outside, outside > 0.5)
            for edge in ("left", "right", "top", "bottom")
            for outside in (0.0, 0.06, 0.6)
        ),
        pytest.param("left", 0.15, False, id="an ear and a cheek"),
        pytest.param("right", 0.2, True, id="the corner of an eye"),
        pytest.param("top", 0.1, False, id="the forehead"),
        pytest.param("top", 0.16, True, id="the brows"),
        pytest.param("bottom", 0.2, False, id="the chin"),
        pytest.param("bottom", 0.26, True, id="the lower lip"),
    ],
)
def test_faces_cut_off_by_the_frame(edge: str, outside: float, *, cut: bool):
    box, beyond = FACE.box, FACE.box.width * outside
    image = {
        "left": portrait()[:, int(box.x + beyond) :],
        "right": portrait()[:, : int(box.x + box.width - beyond)],
        "top": portrait()[int(box.y + beyond) :],
        "bottom": portrait()[: int(box.y + box.height - beyond)],
    }[edge]
    place = {"left": {"x": -beyond}, "top": {"y": -beyond}}.get(edge, {})
    faults = judged(image, Face(replace(box, **place), 1.0)).faults
    assert (QualityFault.CUT_OFF in faults) == cut


def test_what_is_asked_to_be_inside_turns_with_the_face():
    def inside(roll: float) -> float:
        points = seen(0, roll=roll)
        eyes = (complex(*points.right_eye) + complex(*points.left_eye)) / 2
        middle = (eyes + complex(*points.mouth)) / 2
        x, y = middle.real, middle.imag
        side = abs(complex(*points.mouth) - eyes) / 0.47
        box = Box(x - side / 2, y - side / 2, side, side)
        # a chin to the right is cut off by a picture that ends there, a brow is not missed
        return features_inside(Face(box, 1.0, points), round(x + 0.36 * side), round(y + 500))

    assert inside(-90) == pytest.approx(1, abs=0.02)
    assert inside(0) == pytest.approx(0.95, abs=0.02)
    assert inside(90) == pytest.approx(0.89, abs=0.02)


def test_boxes_drawn_too_large_or_too_small_are_not_trusted():
    points = seen(0)
    eyes = (complex(*points.right_eye) + complex(*points.left_eye)) / 2
    side = abs(complex(*points.mouth) - eyes) / 0.47
    x, y = ((eyes + complex(*points.mouth)) / 2 + 0.065j * side).real, eyes.imag

    def inside(times: float) -> float:
        half = times * side / 2
        middle = y + 0.3 * side
        face = Face(Box(x - half, middle - half, 2 * half, 2 * half), 1.0, points)
        return features_inside(face, round(x + 0.4 * side), round(y + 500))

    # all that must be seen is in the picture, which ends beside it
    assert inside(1) > 0.97
    assert inside(1.3) == pytest.approx(inside(1.06), abs=0.01)
    assert inside(0.5) == pytest.approx(inside(0.9), abs=0.01)


@pytest.mark.parametrize(("yaw", "away"), [(0, False), (-30, False), (40, False), (55, True), (-80, True)])
def test_turned_faces(yaw: float, *, away: bool):
    points = seen(yaw, roll=15)
    face = Face(FACE.box, 1.0, points)
    quality = GATE.judge(portrait(), face, crop_face(portrait(), FACE, FRAME))
    assert quality.faults == ((QualityFault.TURNED_AWAY,) if away else ())


def test_a_crop_of_one_pixel():
    assert 0 <= GATE.judge(portrait(), FACE, portrait()[:1, :1]).value < 0.5


def test_light_is_measured_in_the_middle():
    crop = np.zeros((100, 100, 3), np.uint8)
    crop[15:85, 15:85] = 120
    assert light(grey_levels(crop)) == (120, 120)


def test_a_limit_grades_in_straight_lines():
    up, down = Limit(0, 10, 30), Limit(90, 50, 10)
    assert [up.grade(x) for x in (-5, 0, 5, 10, 20, 30, 99)] == pytest.approx([0, 0, 0.25, 0.5, 0.75, 1, 1])
    assert [down.grade(x) for x in (99, 90, 70, 50, 30, 10, 0)] == pytest.approx([0, 0, 0.25, 0.5, 0.75, 1, 1])


def test_a_gate_moves_with_the_others():
    up, down = Limit(0, 10, 30).moved_to(15), Limit(90, 50, 10).moved_to(20)
    assert (up, down) == (Limit(5, 15, 35), Limit(60, 20, -20))


def test_thresholds_from_the_config_are_those_of_the_gate_and_can_be_switched_off():
    assert _quality_gate(FacesSection(), EVERYWHERE).__dict__ == QualityGate().__dict__
    everything = FaceQualitySection(min_sharpness=0, min_brightness=0, max_brightness=255, min_inside=0, max_yaw=180)
    lax = _quality_gate(FacesSection(min_size=16, quality=everything), EVERYWHERE)
    turned = Face(replace(FACE.box, x=-115), 1.0, seen(89))
    blurry = lit(blurred(portrait(), 40), 0.05)
    assert len(GATE.judge(blurry, turned, blurry).faults) == 3
    assert GATE.judge(portrait(), FACE, blurred(portrait(), 40)).faults == (QualityFault.BLURRED,)
    assert lax.judge(portrait(), FACE, blurred(portrait(), 40)).faults == ()
    assert lax.judge(blurry, turned, blurry).faults == ()


def person(box: Box, who: str = "somebody") -> Track:
    return Track(who, Face(box, 1.0), at(0), at(0))


def told(gate: SteadyGate, boxes: Iterable[Box]) -> str:
    """What is said of one person's face as its box changes in a picture of 200 x 200: `.` for nothing wrong."""
    image, crop = np.zeros((200, 200, 3), np.uint8), crop_face(portrait(), FACE, FRAME)
    faults = (gate.judge(image, person(box), crop).faults for box in boxes)
    return "".join(fault[0].name[:3].lower() if fault else "." for fault in faults)


@pytest.mark.parametrize(
    ("sides", "said"),
    [
        pytest.param((48, 44, 40, 48, 40), ".....", id="who can be read stays so a fifth of the way to hopeless"),
        pytest.param((48, 39, 40, 43, 44, 40), ".tootootoo..", id="and who cannot must reach the gate"),
        pytest.param((43, 40, 43, 44), "tootootoo.", id="from the first moment on"),
    ],
)
def test_a_person_does_not_flicker_about_the_gate(sides: tuple[int, ...], said: str):
    # what is read from 43.2 px on is hopeless at 24 px, a fifth of the way is 39.4
    assert told(SteadyGate(GATE), (Box(50, 50, side, side) for side in sides)) == said


def test_a_face_at_the_edge_that_jitters_is_read_or_not_read_but_does_not_flicker():
    jitter = (0.93, 0.89, 0.91, 0.88, 0.92, 0.87)
    # brows to mouth are four fifths of the box, and begin a twentieth below its upper edge
    boxes = [Box(100, 80 * share - 85, 100, 100) for share in (*jitter, 0.85, 0.89, 0.87, 0.89, 0.91, 0.89)]
    assert told(SteadyGate(GATE), boxes) == "......" + "cut" * 4 + ".."


def test_one_fault_does_not_hide_another_and_people_do_not_mix():
    gate, crop = SteadyGate(GATE), crop_face(portrait(), FACE, FRAME)
    image = np.zeros((200, 200, 3), np.uint8)
    cut_off, small = Box(100, -20, 100, 100), Box(50, 50, 40, 40)
    assert gate.judge(image, person(cut_off), crop).faults == (QualityFault.CUT_OFF,)
    assert gate.judge(image, person(small), crop).faults == (), "large enough before, and so still"
    assert gate.judge(image, person(small, "another"), crop).faults == (QualityFault.TOO_SMALL,)
    assert gate.judge(image, person(small), crop).faults == ()


def test_who_was_judged_longest_ago_is_forgotten():
    gate, crop = SteadyGate(GATE), crop_face(portrait(), FACE, FRAME)
    image, large, small = np.zeros((200, 200, 3), np.uint8), Box(50, 50, 60, 60), Box(50, 50, 40, 40)
    for who in ("first", "second", *map(str, range(MOST_PEOPLE - 1)), "second"):
        gate.judge(image, person(large, who), crop)
    assert gate.judge(image, person(small, "second"), crop).faults == ()
    assert gate.judge(image, person(small, "first"), crop).faults == (QualityFault.TOO_SMALL,)


@pytest.mark.parametrize("values", [(0, 0, 1), (1, 3, 2), (1, 0, 0)])
def test_a_limit_must_rise_or_fall(values: tuple[float, float, float]):
    with pytest.raises(ValueError, match="rise or fall"):
        Limit(*values)


def test_the_clip_can_be_read_all_through():
    detector = HaarDetector()
    for _, image in frames(shared_data() / "clips" / "wolfgang-langer-pexels.mp4", every=40):
        for face in detector.detect(image):
            quality = judged(image, face)
            assert quality.faults == ()
            assert quality.value > 0.9


@pytest.mark.parametrize(
    ("zone", "is_read"),
    [
        # a face fills 100 to 200 of 320 pixels across, and of 240 down
        (((0.0, 0.0), (0.3, 0.0), (0.3, 1.0), (0.0, 1.0)), True),
        (((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0)), False),
        (((0.0, 0.68), (1.0, 0.68), (1.0, 1.0), (0.0, 1.0)), False),
        # the chin alone
        (((0.0, 0.8), (1.0, 0.8), (1.0, 1.0), (0.0, 1.0)), True),
    ],
)
def test_a_face_that_a_zone_hides_a_part_of_is_cut_off(zone, is_read):
    gate = _quality_gate(FacesSection(), Zones(exclude=(zone,)))
    image = np.full((240, 320, 3), 128, np.uint8)
    found = gate.judge(image, Face(Box(100, 100, 100, 100), 1.0), portrait())
    assert (QualityFault.CUT_OFF not in found.faults) is is_read


def test_include_zones_hide_what_is_outside_of_them():
    left = ((0.0, 0.0), (0.45, 0.0), (0.45, 1.0), (0.0, 1.0))
    gate = _quality_gate(FacesSection(), Zones(include=(left,)))
    image = np.full((240, 320, 3), 128, np.uint8)
    assert QualityFault.CUT_OFF in gate.judge(image, Face(Box(100, 100, 100, 100), 1.0), portrait()).faults
    assert QualityFault.CUT_OFF not in gate.judge(image, Face(Box(20, 100, 100, 100), 1.0), portrait()).faults
