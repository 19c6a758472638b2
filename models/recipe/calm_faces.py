"""Faces of calm people as a camera sees them, frame by frame: talking, chewing, looking down, eyes closed.

Portraits of neutral (and, of the same person, smiling) faces are warped and lit differently from frame to frame. Pure
but for the pictures that it is given; no PyTorch here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from .data import LABELS, SIZE
from .data.portraits import EXTENT, WIDE, Portraits

__all__ = ["Doing", "Look", "Person", "calm_people", "rendered"]

#: Where portraits have the middle between the eyes and the line of the lips in the canonical crop.
EYES, MOUTH = (0.5, 0.388), (0.5, 0.765)
#: Half of the distance between the eyes there.
EYE = 0.2
#: What the inside of a mouth keeps of the light.
MOUTH_DARK = 0.3

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]


class Doing(StrEnum):
    """What somebody calm does."""

    LOOKING = "looking"
    TALKING = "talking"
    CHEWING = "chewing"
    LOOKING_DOWN = "looking down"
    EYES_CLOSED = "eyes closed"
    SMILING = "smiling"


@dataclass(frozen=True, slots=True)
class Look:
    """How a face looks in one frame.

    Attributes:
        smiling: whether the person's smiling portrait is shown, where there is one.
        mouth: how far the mouth is open, as a share of the crop's side.
        jaw: how far the jaw is moved down with the lips closed, and aside, likewise.
        lids: how far the lids are closed, 0 to 1.
        pitch: how far the head looks down, radians.
        roll: how far it is turned in the picture, radians.
        shift: of the face in the crop, as shares of its side.
        scale: of the face in the crop.
        gain: of the light.
        gamma: of the light.
        slope: how much lighter the right border is than the middle.
        noise: of the sensor, standard deviation in grey levels.
    """

    smiling: bool = False
    mouth: float = 0.0
    jaw: tuple[float, float] = (0.0, 0.0)
    lids: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)
    scale: float = 1.0
    gain: float = 1.0
    gamma: float = 1.0
    slope: float = 0.0
    noise: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Somebody calm.

    Attributes:
        name: of the portrait, with its set.
        neutral: grey uint8 (96, 96), 1.5 canonical crops wide.
        smiling: likewise, where there is one.
    """

    name: str
    neutral: Image
    smiling: Image | None = None


def calm_people(name: str, portraits: Portraits) -> list[Person]:
    """Return those of a set's portraits whom all readers of the labels call neutral, but for babies and children.

    Portraits of the same group are of the same face; one that all readers call happy is the person's smile.
    """
    votes, whole = portraits.votes, portraits.votes.sum(axis=1)
    neutral, happy = (votes[:, LABELS.index(label)] == whole for label in ("neutral", "happy"))
    grown = ~np.isin(portraits.age, ("baby", "child"))
    smiles = {portraits.group[row]: _grey(portraits.wide[row]) for row in np.flatnonzero(happy & grown)}
    return [
        Person(f"{name}/{portraits.names[row]}", _grey(portraits.wide[row]), smiles.get(portraits.group[row]))
        for row in np.flatnonzero(neutral & grown & (whole > 0))
    ]


def _grey(picture: Image) -> Image:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


#: The canonical crop's pixels as fractions of its side: x and y.
_ROWS, _COLUMNS = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
_X, _Y = (_COLUMNS + 0.5) / SIZE, (_ROWS + 0.5) / SIZE


def rendered(person: Person, look: Look, random: np.random.Generator) -> Image:
    """Return the canonical crop of a person as they look now: grey uint8 (48, 48)."""
    picture = person.smiling if look.smiling and person.smiling is not None else person.neutral
    x, y = _turned(_X, _Y, look)
    open_mouth, (x, y) = _jaw(x, y, look)
    y = _lids(x, y, look.lids)
    # the stored picture is wider than the crop
    seen = cv2.remap(picture, _in_wide(x), _in_wide(y), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    light = np.power(seen.astype(np.float32) / 255, look.gamma) * look.gain * (1 + look.slope * 2 * (_X - 0.5))
    light *= 1 - (1 - MOUTH_DARK) * open_mouth
    noisy = 255 * light + random.normal(0, look.noise, light.shape) if look.noise else 255 * light
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def _in_wide(fraction: Floats) -> Floats:
    return np.asarray(((fraction - 0.5) / EXTENT + 0.5) * WIDE - 0.5, dtype=np.float32)


def _turned(x: Floats, y: Floats, look: Look) -> tuple[Floats, Floats]:
    """Where in an upright crop each pixel comes from: shift, scale, roll and, by perspective, pitch."""
    right, down = x - 0.5 - look.shift[0], y - 0.5 - look.shift[1]
    cos, sin = math.cos(look.roll), math.sin(look.roll)
    across, along = (cos * right + sin * down) / look.scale, (cos * down - sin * right) / look.scale
    # the crop keeps eyes and mouth where they are: a head that looks down grows wider, and its forehead nearer
    depth = 1 + 0.6 * math.sin(look.pitch) * along
    return (across * depth * math.cos(look.pitch) + 0.5).astype(np.float32), (along * depth + 0.5).astype(np.float32)


def _jaw(x: Floats, y: Floats, look: Look) -> tuple[Floats, tuple[Floats, Floats]]:
    """How much each pixel is the inside of the mouth, 0 to 1; and where each comes from when the jaw has moved."""
    across = np.exp(-(((x - MOUTH[0]) / 0.16) ** 2))
    gap = look.mouth * across
    below = y > MOUTH[1]
    inside = below & (y < MOUTH[1] + gap)
    # nothing above the mouth moves, and what is below it moves as one, less and less towards the cheeks
    moved = np.where(below, np.minimum(y - MOUTH[1], gap), 0.0)
    lower = np.clip((y - MOUTH[1] + 0.12) / 0.2, 0, 1) * np.exp(-(((x - MOUTH[0]) / 0.3) ** 2))
    y = y - moved - look.jaw[0] * lower
    edge = cv2.GaussianBlur(inside.astype(np.float32), (3, 3), 0.7)
    return np.asarray(edge, np.float32), ((x - look.jaw[1] * lower).astype(np.float32), y.astype(np.float32))


def _lids(x: Floats, y: Floats, closed: float) -> Floats:
    """Where each pixel comes from when the upper lids are drawn over the eyes."""
    if not closed:
        return y
    pulled = np.zeros_like(y)
    for side in (-1, 1):
        centre = EYES[0] + side * EYE
        pulled += np.exp(-(((x - centre) / 0.11) ** 2) - ((y - EYES[1]) / 0.05) ** 2)
    return np.asarray(y - 0.055 * closed * np.minimum(pulled, 1), dtype=np.float32)
