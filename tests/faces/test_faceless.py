"""Few faces are seen where there is none."""

from __future__ import annotations

from tests.faces.contract import DETECTORS
from tests.faces.faceless import SIZES, false_faces
from tests.faces.portraits import sfhq


def test_blazeface_sees_few_faces_where_there_is_none():
    # four of them are one piece of a background, mirrored
    told = false_faces(DETECTORS["blazeface"](), 3, of=sfhq(40))
    assert {shown for shown, _ in told.values()} == {3 * len(SIZES)}
    assert sum(found for _, found in told.values()) <= 6, told
