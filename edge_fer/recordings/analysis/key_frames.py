"""The strongest moments of each emotion across a recording, in a memory that does not grow with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge_fer.faces.boxes import scaled_box
from edge_fer.recordings.analysis.blur import blurred
from edge_fer.types import UNCERTAIN, Box, Image, Reading

__all__ = ["KeyFrame", "KeyFrames"]

#: For each emotion, one candidate is kept in each of so many stretches of time; when they are full, two become one.
STRETCHES = 8
#: Seconds of a stretch at first.
SHORTEST = 2.0
#: A moment must be stronger by this much than the one it takes the place of, or a growing smile would be kept anew
#: with each frame.
STRONGER = 0.02
#: So many are shown of each emotion.
SHOWN = 3
#: Longest side of the pictures while they are kept, and when they are shown.
KEPT_SIDE, SHOWN_SIDE = 960, 480


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """A moment that is shown.

    Attributes:
        label: the emotion.
        confidence: its score.
        seconds: when, in seconds of the recording.
        jpeg: the picture.
    """

    label: str
    confidence: float
    seconds: float
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A moment that may be shown; its picture is whole, and never leaves the memory like this."""

    confidence: float
    seconds: float
    jpeg: bytes
    face: Box
    others: tuple[Box, ...]


class KeyFrames:
    """Keeps candidates while a recording is looked at."""

    def __init__(self) -> None:
        self._width = SHORTEST
        self._kept: dict[str, dict[int, _Candidate]] = {}

    def offer(self, seconds: float, image: Image, readings: Sequence[Reading], missed: Sequence[Box]) -> None:
        """Takes what a frame shows.

        Args:
            seconds: of the recording.
            image: RGB uint8 (H, W, 3).
            readings: of everybody found in it.
            missed: where the faces of those in view were last seen who were not found in it.
        """
        self._widen(seconds)
        stretch = int(seconds / self._width)
        for reading in readings:
            if reading.label == UNCERTAIN or reading.box is None:
                continue
            kept = self._kept.setdefault(reading.label, {})
            before = kept.get(stretch)
            if before is None or reading.confidence > before.confidence + STRONGER:
                others = [other.box for other in readings if other is not reading and other.box is not None]
                kept[stretch] = _candidate(reading, reading.box, seconds, image, [*others, *missed])

    def chosen(self, find: Callable[[Image], Sequence[Box]], *, show_faces: bool) -> list[KeyFrame]:
        """The strongest moments of each emotion, in the order of time.

        Args:
            find: finds the faces in a picture: those, too, that nobody was made of when it was looked at.
            show_faces: leave the faces as they are.
        """
        chosen = []
        for label, kept in self._kept.items():
            for moment in self._strongest(kept.values()):
                image = _decoded(moment.jpeg)
                if not show_faces:
                    image = blurred(image, [moment.face, *moment.others, *find(image)])
                chosen.append(KeyFrame(label, moment.confidence, moment.seconds, _finished(image, moment.face)))
        return sorted(chosen, key=lambda moment: moment.seconds)

    def _strongest(self, kept: Iterable[_Candidate]) -> list[_Candidate]:
        """A few of one emotion, none so close to a stronger one that both are the same moment."""
        found: list[_Candidate] = []
        for candidate in sorted(kept, key=lambda one: -one.confidence):
            if all(abs(candidate.seconds - other.seconds) >= self._width / 2 for other in found):
                found.append(candidate)
        return found[:SHOWN]

    def _widen(self, seconds: float) -> None:
        while seconds >= STRETCHES * self._width:
            self._width *= 2
            for label, kept in self._kept.items():
                halved: dict[int, _Candidate] = {}
                for stretch, candidate in kept.items():
                    other = halved.get(stretch // 2, candidate)
                    halved[stretch // 2] = max(candidate, other, key=lambda one: one.confidence)
                self._kept[label] = halved


def _candidate(reading: Reading, box: Box, seconds: float, image: Image, others: Sequence[Box]) -> _Candidate:
    small, factor = _at_most(image, KEPT_SIDE)
    face, *rest = (scaled_box(one, factor, factor) for one in (box, *others))
    return _Candidate(reading.confidence, seconds, _encoded(small, quality=88), face, tuple(rest))


def _finished(image: Image, face: Box) -> bytes:
    """As it is shown: small, with the face that it is about framed."""
    small, factor = _at_most(image, SHOWN_SIDE)
    x, y = round(face.x * factor), round(face.y * factor)
    corners = (x, y), (x + round(face.width * factor), y + round(face.height * factor))
    framed = np.ascontiguousarray(small)
    cv2.rectangle(framed, *corners, (0, 0, 0), 3, cv2.LINE_AA)
    cv2.rectangle(framed, *corners, (255, 255, 255), 1, cv2.LINE_AA)
    return _encoded(framed, quality=80)


def _at_most(image: Image, side: int) -> tuple[Image, float]:
    """The picture, no longer or wider than so many pixels, and by what it was scaled."""
    height, width = image.shape[:2]
    factor = min(1.0, side / max(height, width))
    if factor == 1:
        return image, factor
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8), factor


def _encoded(image: Image, *, quality: int) -> bytes:
    found, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not found:
        msg = f"OpenCV cannot make a JPEG of {image.shape}"
        raise RuntimeError(msg)
    return data.tobytes()


def _decoded(jpeg: bytes) -> Image:
    picture = np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), dtype=np.uint8)
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).astype(np.uint8)
