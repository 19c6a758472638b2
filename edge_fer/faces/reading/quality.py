"""The quality gate: whether a face can be read, and how well.

Thresholds lie where the shipped model, right on 92 % of FER2013's clear public-test faces as they are, has fallen to
about three quarters as those are blurred, overexposed, turned or cut off more and more, and so that no more than one
in a thousand or so of the unspoilt ones is refused for any one fault. docs/quality.md shows the numbers,
`python -m tests.benchmarks.quality` makes them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_fer.faces.reading.pose import pose
from edge_fer.types import Face, Image, Quality, QualityFault, Track

__all__ = ["STILL_LARGE", "Limit", "QualityGate", "SteadyGate", "features_inside", "grey_levels", "light", "sharpness"]


@dataclass(frozen=True, slots=True)
class Limit:
    """How a measurement becomes a grade: 0 at `hopeless`, 0.5 at `gate`, 1 at `good`, straight lines between.

    Whether more or less of it is better follows from the order of the three.
    """

    hopeless: float
    gate: float
    good: float

    def __post_init__(self) -> None:
        if not (self.hopeless < self.gate < self.good or self.hopeless > self.gate > self.good):
            msg = f"hopeless, gate and good must rise or fall, not {self.hopeless}, {self.gate}, {self.good}"
            raise ValueError(msg)

    def moved_to(self, gate: float) -> Limit:
        """The same with another gate, the other two as far from it as they were."""
        by = gate - self.gate
        return Limit(self.hopeless + by, gate, self.good + by)

    def grade(self, measured: float) -> float:
        """0 to 1; 0.5 and more is good enough."""
        past = measured - self.gate
        better = (past > 0) == (self.good > self.gate)
        span = self.good - self.gate if better else self.gate - self.hopeless
        return min(max(0.5 + 0.5 * past / span, 0.0), 1.0)


#: Side at which faces are measured, pixels: that of FER2013, about what emotion models see. A large face that is
#: blurred but sharp at this size is as good as any.
SIDE = 48
#: FER2013: median 0.22, one in a hundred below 0.06, one in a thousand below 0.035; taken as by a webcam, with a
#: softer lens, noise and compression: one in a thousand below 0.02. Blurred with a sigma of 2 of the 48 pixels, where
#: expressions begin to go, half of them are below 0.02; with 3, forty-nine in fifty.
SHARPNESS = Limit(0.0, 0.02, 0.1)
#: Grey level (0 to 255) that nine tenths of the face's middle stay below. A level of its bright parts and not its
#: mean, so that dark skin in good light is not taken for poor light. FER2013: median 196, one in twenty below 123,
#: one in a thousand below 62.
BRIGHT_PARTS = Limit(10.0, 40.0, 100.0)
#: Grey level that three quarters of the face's middle stay above. FER2013: one in twenty above 180, one in a hundred
#: above 201, one in a thousand above 224.
DARK_PARTS = Limit(250.0, 230.0, 180.0)
#: Share of FEATURES inside the picture. A tenth is gone where a face ends close below the mouth, or beside an eye.
INSIDE = Limit(0.7, 0.9, 1.0)
#: Degrees of yaw either way, where there are keypoints: from about 45 on, the far eye and mouth corner are hidden.
YAW = Limit(75.0, 45.0, 20.0)

#: Grade from which on an aspect is good enough, and down to which it stays so for the same person: a fifth of the way
#: from gate to hopeless, for measurements jitter from frame to frame. The share inside of a large face jitters by 0.02
#: to 0.03, and has 0.04.
ENOUGH, STILL_ENOUGH = 0.5, 0.4
#: Share of the smallest size to read from which on a face is large enough: detectors measure small faces as up to a
#: tenth smaller than they are.
LARGE = 0.9
#: Share of it down to which a face stays large enough.
STILL_LARGE = LARGE - (1 - STILL_ENOUGH / ENOUGH) * (LARGE - 0.5)

#: The part of a face that must be seen: brows, eyes, nose and mouth, in sides of the box from its left upper corner
#: (left, top, right, bottom). Foreheads, cheeks, ears and chins may be cut off.
FEATURES = (0.1, 0.05, 0.9, 0.85)

#: How far a picture is taken to reach beyond its borders for the smallest face to be read, in its sides, because
#: detectors place small faces less exactly; less for larger ones, and nothing for those twice as large.
BEYOND = 0.06
#: What a face's box may be of the larger of two distances, from the eyes to the mouth and from eye to eye, for what
#: must be seen: at a border, small boxes are drawn up to a fifth too large, and those of faces larger than the picture
#: far too small. On portraits a box is 2.0 to 2.3 times the larger distance.
LEAST_LONG, MOST_LONG = 1.92, 2.25

#: What is left out around the face's middle as hair and background, as a share of the crop's side.
MARGIN = 0.2

#: Sigma of the smoothing before edges are measured, pixels at SIDE; without it, the noise of a dark picture
#: would pass for sharpness.
NOISE_SIGMA = 0.8


#: People whose last quality is remembered.
MOST_PEOPLE = 64


class QualityGate:
    """Judges faces, each by itself.

    Args:
        min_size: smallest face to be read, pixels between brows and chin; boxes down to `LARGE` of it are taken for as
            large, and twice this is good.
        sharpness: limits for what `sharpness` measures.
        bright_parts: limits for the level (0 to 255) below which nine tenths of the face lie; lower is too dark.
        dark_parts: limits for the level above which three quarters of the face lie; higher is too bright.
        inside: limits for the share inside the picture of the part with brows, eyes, nose and mouth, 0 to 1.
        yaw: limits for the turn of the head, degrees; only faces with keypoints are judged by it.
        share_seen: how much of a part (left, top, right, bottom in pixels) of a picture of a height and width may be
            looked at, 0 to 1; what a zone hides of a face is cut off.
    """

    def __init__(
        self,
        *,
        min_size: float = 48.0,
        sharpness: Limit = SHARPNESS,
        bright_parts: Limit = BRIGHT_PARTS,
        dark_parts: Limit = DARK_PARTS,
        inside: Limit = INSIDE,
        yaw: Limit = YAW,
        share_seen: Callable[[Sequence[float], int, int], float] | None = None,
    ) -> None:
        self._min_size = min_size
        self._size = Limit(min_size / 2, LARGE * min_size, min_size * 2)
        self._sharpness = sharpness
        self._bright_parts = bright_parts
        self._dark_parts = dark_parts
        self._inside = inside
        self._yaw = yaw
        self._share_seen = share_seen

    def judge(self, image: Image, face: Face, crop: Image, *, before: Quality | None = None) -> Quality:
        """Judges one face.

        Args:
            image: uint8 (H, W, 3) or (H, W), in which the face was found; only its size counts.
            face: as found.
            crop: RGB uint8 (S, S, 3) or grey (S, S), the face's canonical crop, S from 1 on, best as large as in the
                picture.
            before: what was said of the same person's face last, if anything. An aspect that was good enough stays so
                down to a grade of 0.4; one that was not must reach 0.5.

        Returns:
            Each aspect is graded from 0 to 1, with the gate at 0.5. The value is the worst grade, for a face is read
            no better than its worst aspect lets. There are faults wherever it is below 0.4, and none from 0.5 on.
        """
        height, width = image.shape[:2]
        levels = grey_levels(crop)
        dark, bright = light(levels)
        beyond = BEYOND * min(max(2 * self._min_size - face.box.width, 0.0), self._min_size)
        grades = {
            QualityFault.TOO_SMALL: self._size.grade(min(face.box.width, face.box.height)),
            QualityFault.CUT_OFF: self._inside.grade(self._features_seen(face, width, height, beyond)),
            QualityFault.TOO_DARK: self._bright_parts.grade(bright),
            QualityFault.TOO_BRIGHT: self._dark_parts.grade(dark),
            QualityFault.BLURRED: self._sharpness.grade(sharpness(levels)),
        }
        if face.keypoints is not None:
            grades[QualityFault.TURNED_AWAY] = self._yaw.grade(abs(pose(face.keypoints).yaw))
        faults = (fault for fault, grade in grades.items() if grade < _enough(fault, before))
        return Quality(min(grades.values()), tuple(faults))

    def _features_seen(self, face: Face, width: int, height: int, beyond: float) -> float:
        """How much of what must be seen of a face is inside the picture, and hidden by no zone; 0 to 1."""
        inside = features_inside(face, width, height, beyond=beyond)
        if self._share_seen is None:
            return inside
        box, (left, top, right, bottom) = face.box, FEATURES
        part = (
            box.x + left * box.width,
            box.y + top * box.height,
            box.x + right * box.width,
            box.y + bottom * box.height,
        )
        return inside * self._share_seen(part, height, width)


class SteadyGate:
    """Judges people's faces, each against what was said of it last, so that none flickers between read and not read.

    Args:
        gate: judges single faces.
    """

    def __init__(self, gate: QualityGate) -> None:
        self._gate = gate
        self._last: dict[str, Quality] = {}

    def judge(self, image: Image, person: Track, crop: Image) -> Quality:
        """Judges a person's face.

        Args:
            image: uint8 (H, W, 3) or (H, W), in which it was found.
            person: whose face it is; nothing is known of one who was never judged.
            crop: as for `QualityGate.judge`.
        """
        quality = self._gate.judge(image, person.face, crop, before=self._last.pop(person.id, None))
        # whoever was judged longest ago is forgotten first, for nobody says who left
        self._last[person.id] = quality
        if len(self._last) > MOST_PEOPLE:
            del self._last[next(iter(self._last))]
        return quality


def _enough(fault: QualityFault, before: Quality | None) -> float:
    """The grade that an aspect needs."""
    return ENOUGH if before is None or fault in before.faults else STILL_ENOUGH


def features_inside(face: Face, width: int, height: int, *, beyond: float = 0.0) -> float:
    """How much of what must be seen of a face, 0 to 1, lies in a picture of `width` x `height` pixels.

    The picture reaches so many pixels `beyond` its borders. With keypoints, it is turned with the face.
    """
    down, side = 1j, face.box.width
    if face.keypoints is not None:
        eyes = (complex(*face.keypoints.right_eye) + complex(*face.keypoints.left_eye)) / 2
        towards = complex(*face.keypoints.mouth) - eyes
        down = towards / abs(towards) if towards else down
        apart = abs(complex(*face.keypoints.left_eye) - complex(*face.keypoints.right_eye))
        side = max(min(side, MOST_LONG * max(abs(towards), apart)), LEAST_LONG * abs(towards))
    left, top, right, bottom = (place - 0.5 for place in FEATURES)
    corners = (complex(left, top), complex(right, top), complex(right, bottom), complex(left, bottom))
    middle, turn = complex(*face.box.centre), down / 1j * side
    places = [middle + corner * turn for corner in corners]
    right_end, lower_end = width + beyond, height + beyond
    if all(-beyond <= place.real <= right_end and -beyond <= place.imag <= lower_end for place in places):
        return 1.0
    part = np.array([(place.real, place.imag) for place in places], np.float32)
    whole = np.array(
        ((-beyond, -beyond), (right_end, -beyond), (right_end, lower_end), (-beyond, lower_end)), np.float32
    )
    area, _ = cv2.intersectConvexConvex(part, whole)
    return area / ((right - left) * (bottom - top) * side**2)


def grey_levels(crop: Image) -> NDArray[np.float32]:
    """The grey levels, 0 to 255, of an RGB uint8 (S, S, 3) or grey (S, S) crop, as (SIDE, SIDE)."""
    grey = crop if crop.ndim == 2 else cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    if grey.shape != (SIDE, SIDE):
        how = cv2.INTER_AREA if grey.shape[0] > SIDE else cv2.INTER_LINEAR
        grey = cv2.resize(grey, (SIDE, SIDE), interpolation=how)
    return grey.astype(np.float32)


def sharpness(levels: NDArray[np.float32]) -> float:
    """How much of the contrast of a face is in its edges, from 0 on; scenes lit more or less strongly compare.

    The variance of the Laplacian (Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000)
    over that of the levels. A face without any contrast has 0.

    Args:
        levels: of the crop, (SIDE, SIDE), 0 to 255.
    """
    smooth = cv2.GaussianBlur(levels, (0, 0), NOISE_SIGMA)
    contrast = _variance(_middle(smooth))
    # below one grey level there is nothing but rounding
    if contrast < 1.0:
        return 0.0
    return _variance(_middle(cv2.Laplacian(smooth, cv2.CV_32F))) / contrast


def light(levels: NDArray[np.float32]) -> tuple[float, float]:
    """The levels, 0 to 255, that three quarters of a face lie above, and that nine tenths lie below.

    Args:
        levels: of the crop, (SIDE, SIDE), 0 to 255.
    """
    ordered = np.sort(np.asarray(_middle(levels), np.float32), axis=None)
    return _quantile(ordered, 0.25), _quantile(ordered, 0.9)


def _quantile(ordered: NDArray[np.float32], share: float) -> float:
    """What np.quantile gives, at a tenth of its time."""
    at = share * (len(ordered) - 1)
    below = int(at)
    low, high = ordered[below : below + 2].tolist()
    return float(low + (at - below) * (high - low))


def _variance(levels: cv2.typing.MatLike) -> float:
    _, deviation = cv2.meanStdDev(levels)
    return float(deviation[0, 0]) ** 2


def _middle(levels: cv2.typing.MatLike) -> cv2.typing.MatLike:
    margin = round(SIDE * MARGIN)
    return levels[margin : SIDE - margin, margin : SIDE - margin]
