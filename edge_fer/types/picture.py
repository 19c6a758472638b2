"""What a camera sees, and the faces in it. Pixels are counted from the top left, x to the right, y down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge_fer.types.instant import Instant

__all__ = [
    "Box",
    "CropFrame",
    "Face",
    "Frame",
    "Image",
    "Keypoints",
    "Planes",
    "Point",
    "Quality",
    "QualityFault",
    "Track",
    "View",
]

#: RGB uint8 (height, width, 3), everywhere inside; sources convert.
Image: TypeAlias = NDArray[np.uint8]
#: (x, y) in pixels of the frame, x to the right, y down.
Point: TypeAlias = tuple[float, float]


class View(StrEnum):
    """What a camera gets to see at all."""

    CLEAR = "clear"
    DARK = "dark"
    COVERED = "covered"
    WASHED_OUT = "washed_out"
    MOVED = "moved"


class Planes:
    """A picture as a codec has it: its colours become RGB only when somebody asks for them. For one thread.

    Args:
        luma: uint8 (height, width), with the levels that video has: 16 is black, 235 white.
        to_rgb: makes RGB uint8 (height, width, 3) of it.
    """

    __slots__ = ("_image", "_to_rgb", "luma")

    def __init__(self, luma: Image, to_rgb: Callable[[], Image]) -> None:
        self.luma = luma
        self._to_rgb = to_rgb
        self._image: Image | None = None

    @property
    def image(self) -> Image:
        """RGB uint8 (height, width, 3)."""
        if self._image is None:
            self._image = self._to_rgb()
        return self._image


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of one camera.

    Attributes:
        camera: the camera's name in the config.
        index: counts the frames the source delivered, from 0.
        pixels: RGB uint8 (height, width, 3), or a codec's planes.
        at: when it was captured; for recordings, the start of the run plus the presentation time.
        small: the same picture in fewer pixels, RGB uint8 too, where the camera makes one at no cost of ours; for
            whoever looks at all of it and needs no detail.
        key: whether the codec stored all of it anew, rather than what changed; None where there is no codec.
    """

    camera: str
    index: int
    pixels: Image | Planes
    at: Instant
    small: Image | None = None
    key: bool | None = None

    def __post_init__(self) -> None:
        for image in (self.pixels, self.small):
            if image is None or isinstance(image, Planes):
                continue
            shape, dtype = image.shape, image.dtype
            if len(shape) != 3 or shape[2] != 3 or 0 in shape or dtype != np.uint8:
                msg = f"a frame is RGB uint8 (height, width, 3), not {dtype} {shape}"
                raise ValueError(msg)

    @property
    def image(self) -> Image:
        """RGB uint8 (height, width, 3)."""
        return self.pixels.image if isinstance(self.pixels, Planes) else self.pixels

    @property
    def raw(self) -> Image:
        """The picture as it came, at no cost: `image`, or the luma alone, uint8 (height, width), of planes."""
        return self.pixels.luma if isinstance(self.pixels, Planes) else self.pixels

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, pixels."""
        height, width = self.raw.shape[:2]
        return width, height

    @property
    def glance(self) -> Image:
        """The overview for whoever needs no colours: RGB, or the luma alone of planes."""
        return self.raw if self.small is None else self.small

    @property
    def overview(self) -> Image:
        """The picture with the fewest pixels that shows everything."""
        return self.image if self.small is None else self.small


@dataclass(frozen=True, slots=True)
class Box:
    """A bounding box in pixels of the frame; may reach beyond its edges."""

    x: float
    y: float
    width: float
    height: float

    def __post_init__(self) -> None:
        if not (self.width > 0 and self.height > 0):
            msg = f"a box has a positive size, not {self.width} x {self.height}"
            raise ValueError(msg)

    @property
    def area(self) -> float:
        """Square pixels."""
        return self.width * self.height

    @property
    def centre(self) -> Point:
        """The middle of the box."""
        return self.x + self.width / 2, self.y + self.height / 2

    def iou(self, other: Box) -> float:
        """Intersection over union, 0 to 1."""
        # in a crowd most boxes have nothing in common, and this is asked of each pair
        if self.x + self.width <= other.x or other.x + other.width <= self.x:
            return 0.0
        across = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        down = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        if across <= 0 or down <= 0:
            return 0.0
        shared = across * down
        return shared / (self.area + other.area - shared)


@dataclass(frozen=True, slots=True)
class Keypoints:
    """Points of a face in pixels of the frame; left and right are the person's own.

    The mouth is the middle between its corners.
    """

    right_eye: Point
    left_eye: Point
    nose: Point
    mouth: Point


@dataclass(frozen=True, slots=True)
class Face:
    """A face found in one frame.

    Attributes:
        box: the detector's box, brought to the common convention of a tight square face (brows to chin).
        confidence: the detector's own, 0 to 1; not comparable between detectors.
        keypoints: where the detector gives them.
    """

    box: Box
    confidence: float
    keypoints: Keypoints | None = None


@dataclass(frozen=True, slots=True)
class CropFrame:
    """The canonical crop: where a face sits in the emotion model's input, whatever detector found it.

    Attributes:
        eyes: middle between the eyes, (x, y) as fractions of the input's side.
        mouth: middle of the mouth, likewise.
        box_scale: side of the crop over the side of the face box, where there are no keypoints.
        box_shift: offset of the crop's centre from the box's, as fractions of the box's side.
    """

    eyes: Point
    mouth: Point
    box_scale: float = 1.0
    box_shift: Point = (0.0, 0.0)


class QualityFault(StrEnum):
    """Why a face cannot be read."""

    TOO_SMALL = "too_small"
    BLURRED = "blurred"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    TURNED_AWAY = "turned_away"
    CUT_OFF = "cut_off"
    UNFAMILIAR = "unfamiliar"


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a face can be read.

    Attributes:
        value: 0 (not at all) to 1 (nothing better to wish for).
        faults: what keeps it from being read; empty when it can be.
    """

    value: float
    faults: tuple[QualityFault, ...] = ()


@dataclass(frozen=True, slots=True)
class Track:
    """A person followed from frame to frame, for as long as they are in view.

    Attributes:
        id: random, never linked to a later visit.
        face: as last found.
        since: when first found.
        seen: when last found; earlier than now while the detector misses them.
    """

    id: str
    face: Face
    since: Instant
    seen: Instant
