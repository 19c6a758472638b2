"""BlazeFace, MediaPipe's face detector: fast, with keypoints; its model files are fetched and not shipped.

Bazarevsky et al., "BlazeFace: sub-millisecond neural face detection on mobile GPUs", 2019. The short-range network
is for faces that fill a good part of the picture, the full-range one for people up to five metres away as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

from edge_fer.faces.blazeface_network import RANGES, BlazeFaceNetwork, Layout, Turn
from edge_fer.faces.boxes import face_of, without_doubles
from edge_fer.types import Box, Face, Image, Keypoints

__all__ = ["BlazeFaceDetector"]


@dataclass(frozen=True, slots=True)
class _View:
    """A part of the picture that is searched by itself, in pixels."""

    x: int
    y: int
    width: int
    height: int

    def of(self, image: Image) -> Image:
        return image[self.y : self.y + self.height, self.x : self.x + self.width]


class BlazeFaceDetector:
    """Finds faces with one or both of the BlazeFace networks.

    The whole picture is searched at once, and where the smallest face would then come out smaller than the full-range
    network can find, also in overlapping parts. One instance serves one thread at a time.

    Args:
        models: the model files' bytes by range, `short` or `full`; of both, the short-range one is taken where the
            smallest face is large enough for it, because it takes a third of the time.
        min_size: smallest face to find, pixels of the frame between brows and chin.
        turns: degrees clockwise by which the picture is turned for each search; the networks find faces that lean to
            within some 45 degrees, so that people who lie need 90 and 270 as well. Each takes its time.
        min_confidence: surer than this, 0 to 1.
        runtime: one of `edge_fer.runtime.RUNTIMES`; the first that can be imported if left out.

    Raises:
        ModelError: a model is not what it should be.
        RuntimeMissingError: there is no TFLite runtime.
    """

    name = "blazeface"

    def __init__(
        self,
        models: Mapping[str, bytes],
        *,
        min_size: float = 48.0,
        turns: Sequence[Turn] = (0,),
        min_confidence: float = 0.5,
        runtime: str | None = None,
    ) -> None:
        self._min_size = max(min_size, 1.0)
        self._turns = tuple(turns)
        self._make = {
            which: partial(
                BlazeFaceNetwork,
                models[which],
                name=f"BlazeFace, {which} range",
                layout=RANGES[which],
                min_score=min_confidence,
                runtime=runtime,
            )
            for which in ("short", "full")
            if which in models
        }
        # each is made here, so that a wrong one is told at the start, but only the last is kept: pictures of one size
        # need only one of them, and the other would hold 4 MB
        self._networks: dict[str, BlazeFaceNetwork] = {}
        for which, make in self._make.items():
            self._networks = {which: make()}

    def detect(self, image: Image) -> list[Face]:
        """Finds the faces in RGB uint8 (H, W, 3), largest first."""
        height, width = image.shape[:2]
        network = self._network(max(height, width))
        faces = []
        for view in self._views(width, height, network.layout):
            for turn in self._turns:
                scores, places = network.search(view.of(image), turn=turn)
                faces += [
                    _face(score, row, view, network.layout)
                    for score, row in zip(scores.tolist(), places.tolist(), strict=True)
                    if min(row[1]) > 0
                ]
        large = [face for face in faces if face.box.width >= self._min_size]
        # turned otherwise, a face is found again with its keypoints, and so its box, in other places
        overlap = 0.5 if len(self._turns) == 1 else 0.2
        return sorted(without_doubles(large, overlap=overlap), key=lambda face: face.box.area, reverse=True)

    def _network(self, longest: int) -> BlazeFaceNetwork:
        """The quickest network that finds the smallest face in a picture of so many pixels."""
        large_enough = (which for which in self._make if _shown(self._min_size, longest, RANGES[which]))
        which = next(large_enough, [*self._make][-1])
        if which not in self._networks:
            self._networks[which] = self._make[which]()
        return self._networks[which]

    def _views(self, width: int, height: int, layout: Layout) -> Iterator[_View]:
        """The whole picture, and overlapping parts of it where the smallest face is too small in the whole.

        The parts overlap so far that every face too small for the whole lies in one of them uncut. The short-range
        network searches no parts: who chose it alone has people near by.
        """
        yield _View(0, 0, width, height)
        longest = max(width, height)
        if layout is RANGES["short"] or _shown(self._min_size, longest, layout):
            return
        part = math.floor(self._min_size * layout.side / layout.smallest)
        overlap = min(math.ceil(1.5 * layout.smallest * longest / layout.side), part // 2)
        for (y, down), (x, across) in product(_cuts(height, part, overlap), _cuts(width, part, overlap)):
            yield _View(x, y, across, down)


def _shown(min_size: float, longest: int, layout: Layout) -> bool:
    """Whether the smallest face is large enough in a picture of `longest` pixels that is searched at once."""
    return min_size * layout.side >= layout.smallest * longest


def _cuts(length: int, part: int, overlap: int) -> list[tuple[int, int]]:
    """Start and length of evenly spread parts."""
    if length <= part:
        return [(0, length)]
    number = math.ceil((length - overlap) / (part - overlap))
    return [(round(index * (length - part) / (number - 1)), part) for index in range(number)]


def _face(score: float, places: Sequence[Sequence[float]], view: _View, layout: Layout) -> Face:
    """What the network says of one face in a view of the picture, in the common convention."""
    (x, y), (width, height), *points = places
    right_eye, left_eye, nose, mouth = ((across + view.x, down + view.y) for across, down in points[:4])
    box = Box(view.x + x - width / 2, view.y + y - height / 2, width, height)
    keypoints = Keypoints(right_eye, left_eye, nose, mouth)
    return face_of(box, score, keypoints, scale=layout.tight_scale)
