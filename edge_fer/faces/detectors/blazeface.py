"""BlazeFace, MediaPipe's face detector: fast, with keypoints; its model files are fetched and not shipped.

Bazarevsky et al., "BlazeFace: sub-millisecond neural face detection on mobile GPUs", 2019. The short-range network
is for faces that fill a good part of the picture, the full-range one for people up to five metres away as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

from edge_fer.faces.boxes import apart, face_of, without_doubles
from edge_fer.faces.detectors.blazeface_network import RANGES, BlazeFaceNetwork, Layout, Turn
from edge_fer.types import Box, Face, Image, Keypoints, Point

__all__ = ["BlazeFaceDetector"]

#: Longer side of a part of the picture, pixels of the full-range network's input. Larger parts overlap less; of one as
#: large as this, a picture of 16:9 costs 1.8 times a search of the network's own square.
PART = 336
#: Side of the smallest face in a part, likewise; a little more than what is found, for faces at the border are harder.
SMALLEST = 12.6
#: Side of the largest face taken from a part, pixels of the full-range network's input. Up to 112, all were found in
#: inputs of 192 to 384; of 140 seven to nine in ten, of 200 hardly any, but pieces of them taken for smaller faces.
LARGEST = 88
#: Left grey beside a picture and above or below it, both sides together, pixels of the input. Without it, hardly any
#: face of 12 to 16 pixels is found that touches the border. The short-range network's is taken from the picture, whose
#: longer side has NEAR pixels then.
MARGINS = {"short": 6, "full": 16}
NEAR = 120
#: Longer side of the whole picture where only faces too large for another search are looked for, and the margin there,
#: pixels of the input. The short-range network finds faces from 20 pixels on up to its whole width at this size.
SMALL, SMALL_MARGIN = 56, 8
#: How much more is left below a part, for a face at its lower border.
BELOW = 4
#: Side of the input of a second look, pixels, and of what is looked at, in sides of the face.
LOOK, LOOK_AT = 64, 2.0
#: Overlap (IoU) from which on what is seen where a face is expected is that face. It is looked at by the network that
#: searches, for each draws faces a little otherwise. Eyes and mouth then lie as they do in the whole picture, to within
#: 1 to 3 % of the face's width; from frame to frame they jitter by 1 to 1.5 %.
SAME = 0.5
#: Looks at faces that are expected cost at most this share of a search together.
WORTH = 0.5
#: A face larger in the input than the first, pixels, is looked at again only from this score on: it is seen about as
#: well at the first look.
SEEN_WELL, NEARLY_SURE = 32, 0.4
#: Second looks at one picture end after so many that saw no face, the first of these, or fewer where there are fewer
#: searches than three, and after as many that saw one as the second.
IN_VAIN, MOST_LOOKS = 2, 16


@dataclass(frozen=True, slots=True)
class _View:
    """A part of the picture that is searched by itself, in pixels, and the sizes of faces that are taken from it."""

    x: int
    y: int
    width: int
    height: int
    least: float
    most: float = math.inf

    def of(self, image: Image) -> Image:
        return image[self.y : self.y + self.height, self.x : self.x + self.width]


@dataclass(frozen=True, slots=True)
class _Search:
    """One run of a network."""

    view: _View
    turn: Turn
    network: BlazeFaceNetwork

    @property
    def unit(self) -> float:
        """Pixels of the picture to one of the input."""
        return self.network.unit(self.view.width, self.view.height, turn=self.turn)

    def faces(self, image: Image) -> list[Face]:
        """The faces of these sizes, doubtful ones among them."""
        scores, places = self.network.search(self.view.of(image), turn=self.turn)
        faces = [
            _face(score, row, (self.view.x, self.view.y), self.network.layout, self.unit)
            for score, row in zip(scores.tolist(), places.tolist(), strict=True)
            if min(row[1]) > 0
        ]
        return [face for face in faces if self.view.least <= face.box.width <= self.view.most]


class BlazeFaceDetector:
    """Finds faces with one or both of the BlazeFace networks.

    The whole picture is searched at once, and where the smallest face would then come out smaller than the full-range
    network can find, also in parts. What may be a face is looked at once more by itself.
    Networks are made for the shape of the picture, anew where it changes. One instance serves one thread at a time.

    Args:
        models: the model files' bytes by range, `short` or `full`; of both, the short-range one is taken where it
            finds what is wanted, because it takes a third of the time.
        min_size: smallest face to find, pixels of the frame between brows and chin.
        leeway: share of `min_size` down to which faces are told as well, above 0 to 1, though no more is searched.
        turns: degrees clockwise by which the picture is turned for each search; the networks find faces that lean to
            within some 45 degrees, so that people who lie need 90 and 270 as well. Each takes its time.
        min_confidence: faces are surer than this, 0 to 1, at the first look. If left out, each network has its own
            bar, and what comes close to it is looked at again.
        runtime: one of `edge_fer.inference.runtime.RUNTIMES`; the first that can be imported if left out.

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
        leeway: float = 1.0,
        turns: Sequence[Turn] = (0,),
        min_confidence: float | None = None,
        runtime: str | None = None,
    ) -> None:
        self._min_size = max(min_size, 1.0)
        self._least = leeway * self._min_size
        self._turns = tuple(turns)
        self._make = {
            which: partial(
                BlazeFaceNetwork,
                models[which],
                name=f"BlazeFace, {which} range",
                layout=RANGES[which],
                min_score=RANGES[which].sure if min_confidence is None else min_confidence,
                least_score=RANGES[which].doubtful if min_confidence is None else None,
                runtime=runtime,
            )
            for which in ("short", "full")
            if which in models
        }
        # a wrong one is told at the start, at little cost; those that work are made for the pictures that come
        for which, make in self._make.items():
            make(size=(RANGES[which].step,) * 2)
        #: looks at single faces by range, made when first needed
        self._looks: dict[str, BlazeFaceNetwork] = {}
        self._shape = (0, 0)
        self._searches: list[_Search] = []

    def detect(self, image: Image) -> list[Face]:
        """Finds the faces in RGB uint8 (H, W, 3), largest first."""
        height, width = image.shape[:2]
        if (height, width) != self._shape:
            self._searches = []  # lets go of its networks before others are made
            self._searches = self._planned(width, height)
            self._shape = height, width
        found = [(face, search) for search in self._searches for face in search.faces(image)]
        # turned otherwise, a face is found again with its keypoints, and so its box, in other places
        overlap = 0.5 if len(self._turns) == 1 else 0.2
        sure = [face for face, search in found if face.confidence >= search.network.min_score]
        faces = without_doubles(sure, overlap=overlap)
        if len(sure) < len(found):
            doubtful = [
                (face, search.turn)
                for face, search in found
                if face.confidence < search.network.min_score
                and (face.confidence >= NEARLY_SURE or face.box.width <= SEEN_WELL * search.unit)
            ]
            faces = without_doubles([*faces, *self._confirmed(image, doubtful, faces, overlap)], overlap=overlap)
        return sorted(faces, key=lambda face: face.box.area, reverse=True)

    @property
    def most_places(self) -> int:
        """See `FaceLooker.most_places`; where pictures are turned, nothing is looked at alone."""
        pixels = sum(search.network.pixels for search in self._searches)
        return math.floor(WORTH * pixels / LOOK**2) if self._turns == (0,) else 0

    def look(self, image: Image, places: Sequence[Box]) -> list[Face] | None:
        """See `FaceLooker.look`."""
        known = []
        for place in places:
            seen = self._seen([*self._make][-1], image, place, 0)
            face = max(seen, key=lambda face, place=place: face.box.iou(place), default=None)  # type: ignore[misc]
            if face is None or face.box.iou(place) < SAME:
                return None
            known.append(face)
        return known

    def _confirmed(
        self, image: Image, doubtful: Sequence[tuple[Face, Turn]], sure: Sequence[Face], overlap: float
    ) -> list[Face]:
        """Those of the doubtful faces that are faces at a second look, the surest looked at first."""
        looked_at, seen, in_vain = [*sure], list[Face](), 0
        for face, turn in sorted(doubtful, key=lambda one: one[0].confidence, reverse=True):
            if not apart(face, looked_at, overlap=overlap):
                continue
            looked_at.append(face)
            closer = next(iter(self._seen(next(iter(self._make)), image, face.box, turn)), None)
            if closer is None:
                in_vain += 1
            else:
                seen.append(closer)
            if in_vain == min(max(len(self._searches) - 1, 1), IN_VAIN) or len(seen) == MOST_LOOKS:
                break
        return seen

    def _seen(self, which: str, image: Image, box: Box, turn: Turn) -> list[Face]:
        """The faces, surest first, that a network sees in a picture of a box and its surroundings alone."""
        height, width = image.shape[:2]
        side = round(LOOK_AT * box.width)
        left, top = (round(middle - side / 2) for middle in box.centre)
        if not 0 < side <= LOOK_AT * max(width, height) or not (-side < left < width and -side < top < height):
            return []
        if which not in self._looks:
            self._looks[which] = self._make[which](size=(LOOK, LOOK))
        network = self._looks[which]
        scores, places = network.search(image, turn=turn, square=(left, top, side))
        faces = [
            _face(score, row, (0, 0), network.layout, side / LOOK)
            for score, row in zip(scores.tolist(), places.tolist(), strict=True)
            if score >= network.min_score and min(row[1]) > 0
        ]
        return [face for face in faces if face.box.width >= self._least]

    def _planned(self, width: int, height: int) -> list[_Search]:
        """All searches of a picture of this size; those with inputs of one size share a network."""
        networks: dict[tuple[str, int, int], BlazeFaceNetwork] = {}

        def network(which: str, view: _View, longest: int, turn: Turn) -> BlazeFaceNetwork:
            margin = SMALL_MARGIN if longest == SMALL else MARGINS[which]
            sides = (view.height, view.width) if turn in {90, 270} else (view.width, view.height)
            whole = (view.width, view.height) == (width, height)
            part = longest > RANGES[which].side or not whole
            odd = part and whole and which == "full"
            across, down = RANGES[which].input_size(*sides, longest, margin, odd=odd)
            if part:
                _, down = RANGES[which].input_size(*sides, longest, margin + BELOW, odd=odd)
            if (which, across, down) not in networks:
                # what the short-range network takes for a large face, it would mostly take for one again
                made = self._make[which] if longest != SMALL else partial(self._make[which], least_score=None)
                networks[which, across, down] = made(size=(across, down), margin=margin)
            return networks[which, across, down]

        return [
            _Search(view, turn, network(which, view, longest, turn))
            for which, view, longest in self._views(width, height)
            for turn in self._turns
        ]

    def _views(self, width: int, height: int) -> Iterator[tuple[str, _View, int]]:
        """What is searched: by which network, and at how many pixels of its input.

        It is the whole picture, and parts of it where the smallest face is too small in the whole. Parts overlap so far
        that every face too small for the whole lies in one of them uncut. The short-range network searches no parts:
        who chose it alone has people near by.
        """
        longest = max(width, height)
        which = self._quickest(self._min_size, longest)
        if which == "short" or _shown(self._min_size, longest, RANGES[which]):
            yield from self._whole(which, width, height, self._least)
            return
        part = math.floor(self._min_size * PART / SMALLEST)
        largest = part * LARGEST / PART
        which = self._quickest(largest, longest)
        lost = RANGES[which].smallest * longest / RANGES[which].side
        overlap = min(math.ceil(1.5 * lost), part // 2)
        # what parts show whole and well is left to them: found twice, boxes would jump from one to the other
        left_to_parts = largest * 0.8 if longest <= part else min(overlap, largest * 0.8)
        yield from self._whole(which, width, height, left_to_parts)
        for (y, down), (x, across) in product(_cuts(height, part, overlap), _cuts(width, part, overlap)):
            view = _View(x, y, across, down, self._least, largest)
            yield "full", view, math.ceil(max(across, down) * SMALLEST / self._min_size)

    def _whole(self, which: str, width: int, height: int, least: float) -> Iterator[tuple[str, _View, int]]:
        """The whole picture, once more in a small input where the network misses the largest faces in its own."""
        longest, layout = max(width, height), RANGES[which]
        largest = longest * LARGEST / layout.side
        if which == "short" or min(width, height) <= largest:
            yield which, _View(0, 0, width, height, least), layout.side if which == "full" else NEAR
            return
        yield which, _View(0, 0, width, height, least, largest), layout.side
        quicker = next(iter(self._make))
        yield quicker, _View(0, 0, width, height, max(least, largest * 0.8)), SMALL

    def _quickest(self, size: float, longest: int) -> str:
        """The quickest network that finds faces of this size in a picture of so many pixels, or the best there is."""
        return next((which for which in self._make if _shown(size, longest, RANGES[which])), [*self._make][-1])


def _shown(min_size: float, longest: int, layout: Layout) -> bool:
    """Whether the smallest face is large enough in a picture of `longest` pixels that is searched at once."""
    return min_size * layout.side >= layout.smallest * longest


def _cuts(length: int, part: int, overlap: int) -> list[tuple[int, int]]:
    """Start and length of evenly spread parts."""
    if length <= part:
        return [(0, length)]
    number = math.ceil((length - overlap) / (part - overlap))
    return [(round(index * (length - part) / (number - 1)), part) for index in range(number)]


def _face(score: float, places: Sequence[Sequence[float]], start: Point, layout: Layout, unit: float) -> Face:
    """What the network says of one face in a view that starts at this point of the picture, in the common convention.

    A pixel of its input is `unit` pixels of the picture.
    """
    (x, y), (width, height), *points = places
    right_eye, left_eye, nose, mouth = ((across + start[0], down + start[1]) for across, down in points[:4])
    box = Box(start[0] + x - width / 2, start[1] + y - height / 2, width, height)
    scale = layout.scale((width + height) / 2 / unit)
    face = face_of(box, score, Keypoints(right_eye, left_eye, nose, mouth), scale=scale)
    if face.keypoints is None:
        return face
    # the box was measured with the network's own mouth point
    eyes = (complex(*right_eye) + complex(*left_eye)) / 2
    corners = eyes + (complex(*mouth) - eyes) * layout.mouth
    return replace(face, keypoints=replace(face.keypoints, mouth=(corners.real, corners.imag)))
