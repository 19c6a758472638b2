"""What must not be looked at is gone before anything sees it."""

from __future__ import annotations

import threading

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edge_fer.capture.loop import CaptureLoop
from edge_fer.capture.zones import EVERYWHERE, Zones, _mask
from edge_fer.faces.detectors.haar import HaarDetector
from edge_fer.types import Frame
from tests.capture.helpers import InventedClock, KeepingSlot
from tests.capture.recorded import RecordedSource
from tests.faces.pictures import on_wall

LEFT_HALF = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
MIDDLE = ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))


def white(height, width):
    return np.full((height, width, 3), 255, np.uint8)


def test_without_zones_the_very_picture_goes_on():
    image = white(10, 10)
    assert EVERYWHERE.blank(image) is image


def test_an_exclude_zone_takes_every_pixel_it_touches_and_no_other():
    image = white(100, 200)
    blanked = Zones(exclude=(LEFT_HALF,)).blank(image)
    assert not blanked[:, :100].any()
    assert (blanked[:, 101:] == 255).all()
    assert (image == 255).all(), "the picture itself is left as it is"


def clipped(corners, axis, edge, side):
    """What of a polygon lies below (side -1) or above (1) an edge across an axis (Sutherland and Hodgman, 1974)."""
    kept = []
    for before, corner in zip([corners[-1], *corners], corners, strict=False):
        depths = [side * (point[axis] - edge) for point in (before, corner)]
        if min(depths) < 0 < max(depths):
            share = depths[0] / (depths[0] - depths[1])
            kept.append(tuple(start + share * (end - start) for start, end in zip(before, corner, strict=True)))
        if depths[1] >= 0:
            kept.append(corner)
    return kept


def area(corners):
    pairs = zip([*corners[-1:], *corners], corners, strict=False)
    return abs(sum(x * down - across * y for (x, y), (across, down) in pairs)) / 2


def touched(polygon, height, width):
    """Where a polygon of fractions covers anything of a pixel, by exact geometry."""
    inside = np.zeros((height, width), bool)
    whole = [(x * width, y * height) for x, y in polygon]
    for row in range(height):
        strip = whole
        for edge, side in ((row, 1), (row + 1, -1)):
            strip = strip and clipped(strip, 1, edge, side)
        for column in range(width):
            part = strip
            for edge, side in ((column, 1), (column + 1, -1)):
                part = part and clipped(part, 0, edge, side)
            inside[row, column] = area(part) > 1e-6
    return inside


CORNER = st.tuples(st.floats(0, 1), st.floats(0, 1))


@settings(max_examples=200, deadline=None)
@given(polygon=st.lists(CORNER, min_size=3, max_size=3, unique=True))
def test_every_pixel_that_a_slanted_exclude_zone_touches_is_gone_and_none_beyond_its_neighbours(polygon):
    height, width = 18, 32
    assume(area([(x * width, y * height) for x, y in polygon]) > 0.5)
    must = touched(polygon, height, width)
    gone = Zones(exclude=(tuple(polygon),)).mask(height, width) == 0
    assert gone[must].all()
    beside = cv2.dilate(must.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert (beside | ~gone).all()
    kept = Zones(include=(tuple(polygon),)).mask(height, width) == 255
    assert (gone | ~kept).all(), "an include zone is drawn no larger"


def test_an_include_zone_keeps_its_inside_alone():
    blanked = Zones(include=(MIDDLE,)).blank(white(80, 80))
    assert (blanked[20:60, 20:60] == 255).all()
    blanked[19:61, 19:61] = 0
    assert not blanked.any()


def test_exclude_zones_win_over_include_zones_and_several_add_up():
    right_edge = ((0.9, 0.0), (1.0, 0.0), (1.0, 1.0), (0.9, 1.0))
    kept = Zones(include=(MIDDLE, right_edge), exclude=(LEFT_HALF,)).mask(100, 100) == 255
    assert kept[50, 60]
    assert kept[5, 95]
    assert not kept[50, 40]
    assert not kept[5, 60]


def test_exclude_zones_that_overlap_exclude_where_they_do():
    shifted = tuple((x + 0.2, y) for x, y in MIDDLE)
    assert not Zones(exclude=(MIDDLE, shifted)).mask(100, 100)[30:70, 30:90].any()


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (90, 160), (720, 1280), (1080, 1920)])
def test_a_zone_is_the_same_part_of_a_picture_of_any_size(size):
    kept = Zones(exclude=(MIDDLE,)).mask(*size).mean() / 255
    assert kept == pytest.approx(0.75, abs=0.02) or min(size) < 4
    everything = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    assert not Zones(exclude=(everything,)).mask(*size).any()
    assert Zones(include=(everything,)).mask(*size).all()


def test_zones_that_leave_nothing_are_told(caplog):
    everything = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    Zones(exclude=(everything,)).blank(white(33, 44))
    assert "leave nothing of a picture of 44 x 33" in caplog.text


def looped(image, **options):
    """The picture as it leaves the capture loop."""
    slot = KeepingSlot()
    clock = InventedClock()
    CaptureLoop("front", RecordedSource("front", [image], clock=clock), slot, clock=clock, **options).run(
        threading.Event()
    )
    (frame,) = slot.kept
    return frame.image


def test_a_face_in_an_excluded_zone_is_never_found_and_its_pixels_are_gone():
    staff, guest = (60, 60, 160), (400, 60, 160)
    image = on_wall(300, 640, staff, guest)
    detector = HaarDetector()
    assert len(detector.detect(looped(image))) == 2
    seen = looped(image, zones=Zones(exclude=(LEFT_HALF,)))
    (face,) = detector.detect(seen)
    assert face.box.x > 320
    assert not seen[:, :320].any()
    assert np.array_equal(seen[:, 321:], image[:, 321:])


def test_the_small_picture_of_a_pi_camera_is_blanked_and_turned_too():
    clock, slot = InventedClock(), KeepingSlot()

    class TwoStreams:
        live = False  # ends with its only frame

        def frames(self):
            yield Frame("front", 0, white(60, 120), clock(), white(30, 60))

    zones = Zones(exclude=(LEFT_HALF,))
    CaptureLoop("front", TwoStreams(), slot, clock=clock, rotate=90, zones=zones).run(threading.Event())
    small = slot.kept[0].small
    assert small.shape == (60, 30, 3)
    assert not small[:, :15].any()
    assert small[:, 16:].all()


def test_zones_refer_to_the_picture_as_it_is_after_it_was_turned_and_flipped():
    image = white(60, 120)
    seen = looped(image, rotate=90, flip="horizontal", zones=Zones(exclude=(LEFT_HALF,)))
    assert seen.shape == (120, 60, 3)
    assert not seen[:, :30].any()
    assert seen[:, 31:].all()


def test_the_mask_is_made_once_for_each_size():
    zones = Zones(exclude=(MIDDLE,))
    image = white(71, 91)
    made = _mask.cache_info().misses
    for _ in range(5):
        zones.blank(image)
    assert _mask.cache_info().misses == made + 1
