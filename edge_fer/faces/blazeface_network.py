"""The two BlazeFace networks of MediaPipe, from a picture to what they say of it.

MediaPipe's own graph (`mediapipe/modules/face_detection/face_detection.pbtxt`) says how pictures go in and how boxes
come out; tests hold the two together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_fer.errors import ModelError
from edge_fer.faces.letterbox import Letterbox
from edge_fer.faces.ssd import anchors, blended, decoded
from edge_fer.runtime import Interpreter
from edge_fer.types import Image

__all__ = ["RANGES", "BlazeFaceNetwork", "Layout", "Turn"]

#: Degrees by which a picture is turned clockwise before it is searched.
Turn: TypeAlias = Literal[0, 90, 180, 270]

Floats: TypeAlias = NDArray[np.float32]

#: Box centre and size, right eye, left eye, nose, mouth, right ear, left ear.
PLACES = 8


@dataclass(frozen=True, slots=True)
class Layout:
    """How one of the networks is built, and what its boxes mean.

    Attributes:
        side: of the input, pixels.
        layers: (stride in pixels, anchors a cell) of each feature map.
        smallest: side of the smallest face, brows to chin, that is found most of the time, pixels of the input.
        tight_scale: side of the common box over the side of the network's.
    """

    side: int
    layers: tuple[tuple[int, int], ...]
    smallest: float
    tight_scale: float


# How large a face is in the networks' boxes was measured on 70 frames of recordings of two people and on 600 faces of
# FER2013: the eyes' middle lies at 0.26 and the mouth at 0.69 of the short-range box's height, at 0.305 and 0.72 of the
# full-range one's. What is found was measured on faces shrunk into larger frames of clutter: at `smallest`, some nine
# in ten; a fifth above it, nearly all; a third below it, two in three of the full range and none of the short one.
RANGES: dict[str, Layout] = {
    "short": Layout(side=128, layers=((8, 2), (16, 6)), smallest=18.0, tight_scale=0.91),
    "full": Layout(side=192, layers=((4, 1),), smallest=12.0, tight_scale=0.88),
}


class BlazeFaceNetwork:
    """One network, ready to search pictures. Not for two threads at once.

    Args:
        content: the bytes of its model file.
        name: what errors call it.
        layout: how it is built.
        min_score: surer than this, 0 to 1.
        runtime: one of `edge_fer.runtime.RUNTIMES`; the first that can be imported if left out.

    Raises:
        ModelError: the bytes are no model of this layout.
        RuntimeMissingError: there is no TFLite runtime.
    """

    def __init__(
        self, content: bytes, *, name: str, layout: Layout, min_score: float = 0.5, runtime: str | None = None
    ) -> None:
        self.layout = layout
        self._interpreter = Interpreter(content, name=name, runtime=runtime)
        self._anchors = anchors(layout.side, layout.layers)
        self._points_output, self._scores_output = self._checked_outputs(name)
        self._letterbox = Letterbox(layout.side)
        self._input = np.empty((layout.side, layout.side, 3), np.float32)
        self._least = math.log(min_score / (1 - min_score))

    def search(self, image: Image, *, turn: Turn = 0) -> tuple[Floats, Floats]:
        """Searches a picture.

        Args:
            image: RGB uint8 (H, W, 3), from one pixel on.
            turn: how far to turn it first; what is found is turned back.

        Returns:
            As of `read`, in pixels of `image`.
        """
        square = self._letterbox.fill(image)
        scores, places = self.read(_turned(square, turn))
        sizes = self._letterbox.back_size(places[:, 1, ::-1] if turn in {90, 270} else places[:, 1])
        places = self._letterbox.back(_turned_back(places, turn, self.layout.side))
        places[:, 1] = sizes
        return scores, places

    def read(self, square: Image) -> tuple[Floats, Floats]:
        """What the network says of a picture of its own size, RGB uint8 (side, side, 3).

        Returns:
            Scores (N,), 0 to 1, surest first, and places (N, 8, 2) in pixels: the box's centre, its width and height,
            right eye, left eye, nose, mouth, right ear, left ear.
        """
        np.multiply(square, np.float32(1 / 127.5), out=self._input)
        np.subtract(self._input, np.float32(1), out=self._input)
        told = self._interpreter.run(self._input)
        points, logits = told[self._points_output][0], told[self._scores_output][0, :, 0]
        return blended(*decoded(points, logits, self._anchors, least=self._least))

    def _checked_outputs(self, name: str) -> tuple[int, int]:
        """Which output tells points, and which scores."""
        side, number = self.layout.side, len(self._anchors)
        shapes = [tensor.shape for tensor in self._interpreter.outputs]
        wanted = [(1, number, 2 * PLACES), (1, number, 1)]
        if self._interpreter.input.shape != (1, side, side, 3) or sorted(shapes) != sorted(wanted):
            msg = f"{name}: takes {self._interpreter.input.shape} and gives {shapes}, which is no such face detector"
            raise ModelError(msg, remedy="Fetch it again: edge-fer models fetch")
        return shapes.index(wanted[0]), shapes.index(wanted[1])


_ROTATIONS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


def _turned(square: Image, turn: Turn) -> NDArray[np.uint8]:
    return np.asarray(cv2.rotate(square, _ROTATIONS[turn]), np.uint8) if turn else square


def _turned_back(places: NDArray[np.float32], turn: Turn, side: int) -> NDArray[np.float32]:
    """Points of a square of `side` pixels that was turned clockwise, as points of the square before."""
    across, down = places[..., 0], places[..., 1]
    if turn == 90:
        return np.stack((down, side - across), axis=-1)
    if turn == 180:
        return side - places
    if turn == 270:
        return np.stack((side - down, across), axis=-1)
    return places
