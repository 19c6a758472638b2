"""Draws what was read in a picture over it: a box and a label for each face, its scores as bars, what the model saw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge_fer.drawing import brush
from edge_fer.drawing.activation import lay_activation
from edge_fer.drawing.brush import Plate
from edge_fer.drawing.palette import rgb
from edge_fer.emotion.classifier import EmotionClassifier
from edge_fer.pictures.faces import FaceReading, PictureReading, percent
from edge_fer.types import UNCERTAIN, Image

__all__ = ["annotated"]

#: A smaller picture is enlarged until its longer side has so many pixels, but by no more than `MOST_TIMES`.
LEAST_SIDE = 1000
MOST_TIMES = 8
#: Height of capital letters: this part of the picture's longer side, for a face of ordinary size.
LETTER = 1 / 70
#: Rows of a score panel where there is no place for all.
FEW = 3
DARK, LIGHT = (20, 20, 24), (255, 255, 255)


def annotated(reading: PictureReading, *, classifier: EmotionClassifier | None = None) -> Image:
    """A drawing of what was read.

    Args:
        reading: of a picture.
        classifier: that read them, to lay over each face where the model saw its leading emotion.

    Returns:
        RGB uint8 (height, width, 3), a copy; enlarged where the picture is too small for letters.
    """
    image = reading.image.copy()
    if classifier is not None:
        lay_activation(image, reading, classifier)
    times = min(max(1.0, LEAST_SIDE / max(image.shape[:2])), MOST_TIMES)
    if times > 1:
        image = np.asarray(cv2.resize(image, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    marks = [_Marked(face, image, times) for face in reading.faces]
    taken = [mark.box for mark in marks]
    for mark in reversed(marks):  # the largest last, on top of others
        mark.draw_box(image)
    for mark in marks:
        taken.append(mark.draw_label(image, taken))
    for mark in marks:
        panel = mark.draw_scores(image, taken)
        if panel:
            taken.append(panel)
    return image


@dataclass(frozen=True, slots=True)
class _Panel:
    """How large a panel of scores is."""

    rows: Sequence[tuple[str, float]]
    letter: int

    @property
    def pad(self) -> int:
        return self.letter

    @property
    def row(self) -> int:
        return 2 * self.letter

    @property
    def names(self) -> int:
        return max(brush.text_width(name, self.letter) for name, _ in self.rows)

    @property
    def bar(self) -> int:
        return 7 * self.letter

    @property
    def size(self) -> tuple[int, int]:
        numbers = brush.text_width("100 %", self.letter)
        return self.names + self.bar + numbers + 4 * self.pad, len(self.rows) * self.row + self.pad


class _Marked:
    """One face, and what is drawn of it."""

    def __init__(self, face: FaceReading, image: Image, times: float) -> None:
        box = face.face.box
        self.face = face
        self.box = Plate(
            round(box.x * times),
            round(box.y * times),
            round((box.x + box.width) * times),
            round((box.y + box.height) * times),
        )
        usual = max(image.shape[:2]) * LETTER
        # small faces among many get smaller letters, but such as can be read
        self.letter = max(8, round(min(usual, max(usual * 0.6, box.width * times / 9))))
        self.colour = rgb(face.label)

    def draw_box(self, image: Image) -> None:
        brush.outline(image, self.box, self.colour, width=max(2, self.letter // 4))

    def draw_label(self, image: Image, taken: Sequence[Plate]) -> Plate:
        """The label above the box, below it, or within, wherever it covers least; tells where."""
        face, letter = self.face, self.letter
        words = face.label if face.label == UNCERTAIN else f"{face.label} {percent(face.confidence)}"
        if face.doubt:
            words = f"{face.label}: {face.doubt}"
        if face.quality.faults:
            words = f"{face.label}: {face.quality.faults[0].replace('_', ' ')}"
        width, height = brush.text_width(words, letter) + 2 * letter, 2 * letter + letter // 2
        left = min(max(self.box.left - letter // 4, 0), max(image.shape[1] - width, 0))
        tops = (self.box.top - height, self.box.bottom, self.box.top, self.box.bottom - height)
        places = [Plate(left, top, left + width, top + height) for top in tops]
        inside = [place for place in places if place.inside(image)] or [Plate(left, 0, left + width, height)]
        place = min(inside, key=lambda place: sum(place.overlap(other) for other in taken))
        brush.plate(image, place, self.colour)
        middle = (place.top + place.bottom) // 2
        brush.text(image, place.left + letter, middle, words, height=letter, colour=brush.contrasting(self.colour))
        return place

    def draw_scores(self, image: Image, taken: Sequence[Plate]) -> Plate | None:
        """The scores beside the box, as many as have place; tells where, None where there is none."""
        rows = sorted(self.face.scores.items(), key=lambda score: score[1], reverse=True)
        if not rows:
            return None
        small = max(8, round(self.letter * 0.8))
        for panel in (_Panel(rows, self.letter), _Panel(rows, small), _Panel(rows[:FEW], small)):
            for place in self._places(image, panel):
                if place.inside(image) and not any(place.overlap(other) for other in taken):
                    _draw_panel(image, place, panel)
                    return place
        return None

    def _places(self, image: Image, panel: _Panel) -> Iterator[Plate]:
        """Beside the box: to the right, to the left, below, above; moved along it into the picture."""
        (width, height), gap = panel.size, self.letter // 2
        top = min(max(self.box.top, 0), image.shape[0] - height)
        left = min(max(self.box.left, 0), image.shape[1] - width)
        over = self.box.top - 3 * self.letter - gap
        for x, y in (
            (self.box.right + gap, top),
            (self.box.left - gap - width, top),
            (left, self.box.bottom + gap),
            (left, over - height),
        ):
            yield Plate(x, y, x + width, y + height)


def _draw_panel(image: Image, place: Plate, panel: _Panel) -> None:
    brush.plate(image, place, DARK, opaque=0.7)
    for index, (name, score) in enumerate(panel.rows):
        top = place.top + panel.pad // 2 + index * panel.row
        middle, letter = top + panel.row // 2, panel.letter
        left = place.left + panel.pad
        brush.text(image, left, middle, name, height=letter, colour=LIGHT)
        left += panel.names + panel.pad
        bar = Plate(left, middle - letter // 2, left + panel.bar, middle + (letter + 1) // 2)
        brush.plate(image, bar, LIGHT, opaque=0.15)
        brush.plate(image, bar._replace(right=left + max(1, round(panel.bar * score))), rgb(name))
        number = percent(score)
        right = place.right - panel.pad
        brush.text(image, right - brush.text_width(number, letter), middle, number, height=letter, colour=LIGHT)
