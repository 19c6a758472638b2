"""Telling faces that never change from people: posters, statues, and patterns that a detector takes for a face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_fer.faces.people.following import REACH, patch
from edge_fer.faces.people.movement import evened
from edge_fer.types import Box, Face, Image

__all__ = ["LifelessFilter"]

#: Correlation of a place with what it looked like before, from which on nothing has changed there. A portrait with
#: the noise of a poor sensor (15 levels), or with the bands of lamps, stays above 0.985; of a person who sat and
#: read, no picture was above 0.973 a second later; a shift by a sixtieth of the face's side makes 0.976 to 0.989.
SAME = 0.98
#: A face is at a place already known from this overlap (IoU) on.
SAME_PLACE = 0.5
#: Places remembered at most; those not seen for longest are forgotten first.
MOST_PLACES = 64


@dataclass(slots=True)
class _Place:
    """Where a face was found, and what it looked like."""

    box: Box
    pixels: NDArray[np.float32]
    since: float
    seen: float
    alive: bool = False


class LifelessFilter:
    """Leaves out faces that are found again and again and have not changed at all since they were found first.

    Nobody alive keeps as still as a picture for long. Whoever has moved once stays a person for as long as they are
    found at that place, however still they then keep.

    Args:
        after: seconds for which a face must have been the same; 0 leaves out none.
    """

    def __init__(self, after: float) -> None:
        self._after = after
        self._places: list[_Place] = []

    def sift(self, image: Image, faces: Sequence[Face], mono: float) -> list[Face]:
        """The faces without those that are lifeless, in the same order.

        Args:
            image: RGB uint8 (H, W, 3) in which they were found.
            faces: as found.
            mono: when, seconds.
        """
        if not self._after:
            return list(faces)
        # whoever comes back within that time may have been hidden by a passer-by
        kept = [place for place in self._places if 0 <= mono - place.seen <= self._after]
        self._places = sorted(kept, key=lambda place: place.seen)[-MOST_PLACES:]
        return [face for face in faces if not self._lifeless(image, face, mono)]

    def forget(self) -> None:
        """Forgets all places."""
        self._places = []

    def _lifeless(self, image: Image, face: Face, mono: float) -> bool:
        place = max(self._places, key=lambda place: place.box.iou(face.box), default=None)
        if place is None or place.box.iou(face.box) < SAME_PLACE:
            self._places.append(_Place(face.box, _pixels(image, face.box), mono, mono))
            return False
        place.seen = mono
        if place.alive:  # for good, so that nothing need be compared any more
            place.box = face.box
            return False
        if _correlation(place.pixels, _pixels(image, place.box)) < SAME:
            place.box, place.alive = face.box, True
        return not place.alive and mono - place.since >= self._after


def _pixels(image: Image, box: Box) -> NDArray[np.float32]:
    """What a face looks like, small and smoothed so that noise hardly shows."""
    return np.asarray(cv2.blur(patch(image, box)[REACH:-REACH, REACH:-REACH], (3, 3)), dtype=np.float32)


def _correlation(before: NDArray[np.float32], now: NDArray[np.float32]) -> float:
    return float(cv2.matchTemplate(evened(now, before), before, cv2.TM_CCOEFF_NORMED)[0, 0])
