"""The two BlazeFace networks of MediaPipe, from a picture to what they say of it.

MediaPipe's own graph (`mediapipe/modules/face_detection/face_detection.pbtxt`) says how pictures go in and how boxes
come out; tests hold the two together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_fer.errors import ModelError
from edge_fer.faces.detectors.input_size import buffered, inlined, with_constants
from edge_fer.faces.detectors.letterbox import Letterbox
from edge_fer.faces.detectors.ssd import anchors, blended, decoded
from edge_fer.inference.runtime import Interpreter
from edge_fer.types import Image

__all__ = ["RANGES", "BlazeFaceNetwork", "Layout", "Turn"]

#: Degrees by which a picture is turned clockwise before it is searched.
Turn: TypeAlias = Literal[0, 90, 180, 270]

Floats: TypeAlias = NDArray[np.float32]

#: What the networks see of each of 256 levels.
_LEVELS = np.arange(256, dtype=np.float32) * np.float32(1 / 127.5) - np.float32(1)

#: Box centre and size, right eye, left eye, nose, mouth, right ear, left ear.
PLACES = 8
#: Shortest side of an input, pixels: that of the deepest layers' steps.
LEAST_SIDE = 32
#: Share of a margin that lies to the left of a picture, and above it. The networks need more of it on the right and
#: below: of 80 faces of 13 pixels in the lower right corner, the full-range network finds 98 % so, and 55 % where the
#: margin is the same on all sides.
BEFORE = 0.25
FETCH_AGAIN = "Fetch it again: edge-fer models fetch"


@dataclass(frozen=True, slots=True)
class Layout:
    """How one of the networks is built, and what its boxes mean.

    Attributes:
        side: of the square that it takes by its file, pixels.
        step: the input's sides may be any multiple of it, pixels.
        layers: (stride in pixels, anchors a cell) of each feature map.
        constants: what ties its file to an input of so many pixels across and down.
        smallest: side of the smallest face, brows to chin, that is found most of the time, pixels of the input.
        tight_scale: side of the common box over the side of the network's.
        small: (side of a common box in the input, pixels; what it is to be multiplied by), straight lines between:
            the networks draw small faces too small.
        sure: score from which on something is a face, 0 to 1.
        doubtful: score from which on it may be one, and is worth a second look.
        mouth: distance from the eyes to the middle between the mouth's corners, over that to the network's mouth point.
    """

    side: int
    step: int
    layers: tuple[tuple[int, int], ...]
    constants: Callable[[int, int], Sequence[bytes]]
    smallest: float
    tight_scale: float
    small: tuple[tuple[float, float], tuple[float, float]]
    sure: float
    doubtful: float
    mouth: float

    def scale(self, side: float) -> float:
        """Side of the common box over that of the network's of so many pixels of the input."""
        (least, more), (most, _) = self.small
        part = min(max((most - self.tight_scale * side) / (most - least), 0.0), 1.0)
        return self.tight_scale * (1 + part * (more - 1))

    def input_size(
        self, width: int, height: int, longest: int, margin: int = 0, *, odd: bool = False
    ) -> tuple[int, int]:
        """Width and height of the smallest input that holds a picture shrunk to `longest` pixels, in its proportions.

        Of a wide or tall picture, a square would be black for the most part, and cost as much as the picture.

        Args:
            width: of the picture.
            height: likewise.
            longest: pixels of its longer side in the input.
            margin: left free in each direction, both sides together, pixels of the input.
            odd: whether the sides must be odd multiples of the step.
        """
        shrink = longest / max(width, height)

        def length(side: int) -> int:
            steps = max(math.ceil((round(side * shrink) + margin) / self.step), LEAST_SIDE // self.step)
            return self.step * (steps + (odd and steps % 2 == 0))

        return length(width), length(height)


def _laid_flat(width: int, height: int) -> list[bytes]:
    """The short-range network's constants: the shapes of its outputs, for each feature map a row an anchor."""
    rows = [width // stride * (height // stride) * number for stride, number in ((8, 2), (16, 6))]
    return [inlined(1, number, values) for number, values in product(rows, (1, 2 * PLACES))]


def _enlarged(width: int, height: int) -> list[bytes]:
    """The full-range network's constants: height and width to which it enlarges its feature maps."""
    return [buffered(height // stride, width // stride) for stride in (16, 8, 4)]


# How large a face is in the networks' boxes was measured on 70 frames of recordings of two people and on 600 faces of
# FER2013: the eyes' middle lies at 0.26 and the mouth at 0.69 of the short-range box's height, at 0.305 and 0.72 of the
# full-range one's. What is found was measured on faces shrunk into larger frames of clutter: at `smallest`, some nine
# in ten; a fifth above it, nearly all; a third below it, two in three of the full range and none of the short one.
#
# The full-range network is worse at the lower right border where a side is an even multiple of 16 pixels: of 24 faces
# of 14 pixels in that corner of a picture, with 12 pixels of grey on both sides, it is sure of 46 % in inputs of
# 352x224 and 50 % in 256x256, of 88 to 96 % in 240x240, 336x208, 352x240 and 368x240.
#
# Boxes of small faces were measured on 100 portraits of London and SFHQ, against YuNet's of the same faces when large.
#
# The networks' mouth point is the middle of the mouth's opening, lower than the middle between its corners that other
# detectors tell and that the canonical crop was measured with (models/recipe/measure_crop.py): on 372 faces of FER2013
# it lies 0.395 (short) and 0.382 (full) of the picture's side below the eyes, the corners 0.352. On portraits the
# difference is the same, measured against the distance between the eyes.
RANGES: dict[str, Layout] = {
    "short": Layout(
        side=128,
        step=16,
        layers=((8, 2), (16, 6)),
        constants=_laid_flat,
        smallest=18.0,
        tight_scale=0.91,
        small=((18.0, 1.04), (28.0, 1.0)),
        sure=0.6,
        doubtful=0.2,
        mouth=0.89,
    ),
    "full": Layout(
        side=192,
        step=16,
        layers=((4, 1),),
        constants=_enlarged,
        smallest=12.0,
        tight_scale=0.88,
        small=((16.0, 1.085), (25.0, 1.0)),
        sure=0.6,
        doubtful=0.15,
        mouth=0.92,
    ),
}


class BlazeFaceNetwork:
    """One network, ready to search pictures. Not for two threads at once.

    Args:
        content: the bytes of its model file.
        name: what errors call it.
        layout: how it is built.
        size: width and height of its input, multiples of `layout.step`; the square of its file if left out.
        margin: of the input that is left grey at least in each direction, pixels.
        min_score: surer than this, 0 to 1.
        least_score: what is less sure is told as well, down to this score; nothing, if left out.
        runtime: one of `edge_fer.inference.runtime.RUNTIMES`; the first that can be imported if left out.

    Raises:
        ModelError: the bytes are no model of this layout.
        RuntimeMissingError: there is no TFLite runtime.
    """

    def __init__(
        self,
        content: bytes,
        *,
        name: str,
        layout: Layout,
        size: tuple[int, int] | None = None,
        margin: int = 0,
        min_score: float = 0.5,
        least_score: float | None = None,
        runtime: str | None = None,
    ) -> None:
        self.layout = layout
        width, height = size or (layout.side, layout.side)
        shape = (1, height, width, 3)
        self._interpreter = Interpreter(
            _resized(content, layout, width, height, name), name=name, shape=shape, runtime=runtime
        )
        self._anchors = anchors(width, height, layout.layers)
        self._points_output, self._scores_output = self._checked_outputs(name)
        before = BEFORE if margin else 0.5
        self._letterboxes = {turn: _letterbox(width, height, margin, before, turn) for turn in _TURNS}
        self.min_score = min_score
        least = min_score if least_score is None else least_score
        self._least = math.log(least / (1 - least))

    def search(
        self, image: Image, *, turn: Turn = 0, square: tuple[int, int, int] | None = None
    ) -> tuple[Floats, Floats]:
        """Searches a picture.

        Args:
            image: RGB uint8 (H, W, 3), from one pixel on.
            turn: how far to turn it first; what is found is turned back.
            square: left, top and side of what alone is searched, pixels of the picture, some of which is in it; the
                input must be a square, and has no margin then.

        Returns:
            As of `read`, in pixels of `image`.
        """
        letterbox = self._letterboxes[turn]
        filled = letterbox.fill(image) if square is None else letterbox.fill_square(image, *square)
        scores, places = self.read(_turned(filled, turn))
        sizes = letterbox.back_size(places[:, 1, ::-1] if turn in {90, 270} else places[:, 1])
        places = letterbox.back(_turned_back(places, turn, filled.shape[1], filled.shape[0]))
        places[:, 1] = sizes
        return scores, places

    @property
    def pixels(self) -> int:
        """Of its input."""
        _, height, width, _ = self._interpreter.input.shape
        return height * width

    def unit(self, width: int, height: int, *, turn: Turn = 0) -> float:
        """Pixels of a picture of this size to one of the input, where `search` turns it so far."""
        return self._letterboxes[turn].unit(width, height)

    def read(self, picture: Image) -> tuple[Floats, Floats]:
        """What the network says of a picture of its input's size, RGB uint8 (height, width, 3).

        Returns:
            Scores (N,), 0 to 1, surest first, and places (N, 8, 2) in pixels: the box's centre, its width and height,
            right eye, left eye, nose, mouth, right ear, left ear.
        """

        def write(into: Floats) -> None:
            cv2.LUT(picture, _LEVELS, dst=into[0])

        told = self._interpreter.run_on(write)
        points, logits = told[self._points_output][0], told[self._scores_output][0, :, 0]
        return blended(*decoded(points, logits, self._anchors, least=self._least), sure=self.min_score)

    def _checked_outputs(self, name: str) -> tuple[int, int]:
        """Which output tells points, and which scores."""
        number = len(self._anchors)
        shapes = [tensor.shape for tensor in self._interpreter.outputs]
        wanted = [(1, number, 2 * PLACES), (1, number, 1)]
        if sorted(shapes) != sorted(wanted):
            msg = f"{name}: takes {self._interpreter.input.shape} and gives {shapes}, which is no such face detector"
            raise ModelError(msg, remedy=FETCH_AGAIN)
        return shapes.index(wanted[0]), shapes.index(wanted[1])


def _resized(content: bytes, layout: Layout, width: int, height: int, name: str) -> bytes:
    """The model file for an input of this size."""
    try:
        return with_constants(content, layout.constants(layout.side, layout.side), layout.constants(width, height))
    except ValueError as error:
        msg = f"{name}: {len(content)} bytes that are no such face detector"
        raise ModelError(msg, remedy=FETCH_AGAIN) from error


_TURNS: tuple[Turn, ...] = (0, 90, 180, 270)
_ROTATIONS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


def _letterbox(width: int, height: int, margin: int, before: float, turn: Turn) -> Letterbox:
    """What a picture is put into before it is turned, to have so much of its margin on its left and above it then."""
    if turn in {90, 270}:
        width, height = height, width
    across = 1 - before if turn in {180, 270} else before
    down = 1 - before if turn in {90, 180} else before
    return Letterbox(width, height, margin=margin, before=(across, down))


def _turned(picture: Image, turn: Turn) -> Image:
    return np.asarray(cv2.rotate(picture, _ROTATIONS[turn]), np.uint8) if turn else picture


def _turned_back(places: Floats, turn: Turn, width: int, height: int) -> Floats:
    """Points of a picture that was turned clockwise, as points of it as it was, of so many pixels."""
    across, down = places[..., 0], places[..., 1]
    if turn == 90:
        return np.stack((down, height - across), axis=-1)
    if turn == 180:
        return np.stack((width - across, height - down), axis=-1)
    if turn == 270:
        return np.stack((width - down, across), axis=-1)
    return places
