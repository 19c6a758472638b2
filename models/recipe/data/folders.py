"""Folders of pictures: one folder a label, or pictures named as KDEF's are (Lundqvist et al., 1998).

Every face is found by the daemon's own Haar detector and cut out as the sidecar's canonical crop says, because a model
serves what it was trained on. Pictures of at most 48 px are taken to be cut out already.

Nobody may stand on both sides of a split. Who somebody is comes from KDEF's names, or from a folder within the label's
(``angry/anna/1.png``); a picture that tells neither counts as a person of its own. So copies of a picture may be dealt
to both sides: they are marked as twins there.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from edge_fer.emotion.preprocess import grey, resize
from edge_fer.faces.detectors.haar import HaarDetector
from edge_fer.faces.reading.crop import crop_face
from edge_fer.types import CropFrame
from models.recipe.errors import RecipeError

from .images import SUFFIXES, read_image
from .split import LABELS, SIZE, SPLITS, Split, twins_across, unanimous

__all__ = ["Picture", "crop_frame", "kdef_label", "knows", "label_of", "load", "part_of_each"]

CROP = Path(__file__).resolve().parents[1] / "crop.json"

_SYNONYMS = {
    "angry": ("anger", "an"),
    "disgust": ("disgusted", "di"),
    "fear": ("afraid", "fearful", "scared", "af"),
    "happy": ("happiness", "joy", "smile", "ha"),
    "sad": ("sadness", "sa"),
    "surprise": ("surprised", "su"),
    "neutral": ("neutrality", "calm", "ne"),
}
_LABEL_OF_NAME = {name: label for label, names in _SYNONYMS.items() for name in (label, *names)}

# Session, sex, number; expression; angle. Somebody keeps sex and number over the two sessions.
_KDEF = re.compile(r"[AB]([FM]\d\d)(AF|AN|DI|HA|NE|SA|SU)(S|HL|HR|FL|FR)", re.IGNORECASE)
_FULL_PROFILES = {"FL", "FR"}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture file, what it shows, and who is in it."""

    path: Path
    label: str
    person: str


def knows(path: Path) -> bool:
    """Whether the folder holds folders named as labels, or pictures named as KDEF's."""
    return path.is_dir() and bool(_pictures(path))


def load(path: Path, split: str) -> Split:
    """Read a split: of all people, a tenth are the public test, a tenth the private one, chosen by hashing their names.

    Raises:
        RecipeError: a picture cannot be read, there are too few people to divide, or faces are found
            in less than half of the pictures.
    """
    return _all(path)[split]


@lru_cache(maxsize=1)
def _all(path: Path) -> dict[str, Split]:
    """All splits at once, because twins on both sides can only be seen so."""
    pictures = _pictures(path)
    people = part_of_each({picture.person for picture in pictures}, path)
    frame = crop_frame()
    detector = HaarDetector(min_size=SIZE / 2)
    faces, labels, splits = [], [], []
    for split in SPLITS:
        wanted = [picture for picture in pictures if people[picture.person] == split]
        found = [(_face(picture, detector, frame), picture) for picture in tqdm(wanted, desc=split, leave=False)]
        kept = [(face, picture) for face, picture in found if face is not None]
        _check_found(len(kept), len(wanted), path, split)
        faces += [face for face, _ in kept]
        labels += [LABELS.index(picture.label) for _, picture in kept]
        splits += [split] * len(kept)
    images, numbers, parts = np.array(faces, np.uint8), np.array(labels, np.uint8), np.array(splits)
    whole = Split(images, numbers, unanimous(numbers), twins_across(images, parts == SPLITS[0]))
    return {split: whole.take(parts == split) for split in SPLITS}


def _check_found(found: int, wanted: int, path: Path, split: str) -> None:
    if found * 2 < wanted or not found:
        msg = f"{path}: a face was found in only {found} of {wanted} pictures for {split}"
        raise RecipeError(msg, remedy=f"Give upright frontal faces from 60 px on, or cut them out at {SIZE} px")
    if found < wanted:
        left_out = f"{wanted - found} of {wanted} pictures"
        print(f"{path}: {left_out} left out of {split}: no face found", file=sys.stderr)


def part_of_each(people: set[str], path: Path) -> dict[str, str]:
    """Return the split of each person: the same for the same people, whatever the order."""
    if len(people) < len(SPLITS):
        msg = f"{path}: pictures of {len(people)} people cannot be divided into training and two tests"
        raise RecipeError(msg, remedy="Give pictures of at least three people, better of hundreds")
    drawn = sorted(people, key=lambda person: hashlib.sha256(person.encode()).digest())
    tenth = max(1, len(drawn) // 10)
    parts = [SPLITS[1]] * tenth + [SPLITS[2]] * tenth + [SPLITS[0]] * (len(drawn) - 2 * tenth)
    return dict(zip(drawn, parts, strict=True))


def label_of(name: str) -> str | None:
    """Return the label that a folder's name means, None for another name."""
    return _LABEL_OF_NAME.get(name.lower())


def kdef_label(stem: str) -> str | None:
    """Return the label that a picture's name tells if it is named as KDEF's are, None for another name."""
    found = _KDEF.fullmatch(stem)
    return label_of(found[2]) if found else None


def _pictures(root: Path) -> list[Picture]:
    found = [_told(path, root) for path in sorted(root.rglob("*")) if path.suffix.lower() in SUFFIXES]
    return [picture for picture in found if picture is not None]


def _told(path: Path, root: Path) -> Picture | None:
    """What names tell of a picture; None where they tell nothing, or a face seen wholly from the side."""
    kdef = _KDEF.fullmatch(path.stem)
    if kdef:
        profile = kdef[3].upper() in _FULL_PROFILES
        return None if profile else Picture(path, str(label_of(kdef[2])), f"kdef-{kdef[1].upper()}")
    folders = path.relative_to(root).parts[:-1]
    for at, folder in enumerate(folders):
        label = label_of(folder)
        if label:
            within = folders[at + 1 :]
            return Picture(path, label, "/".join(within) if within else str(path.relative_to(root)))
    return None


def _face(picture: Picture, detector: HaarDetector, frame: CropFrame) -> NDArray[np.uint8] | None:
    """The face as the model sees it, uint8 (48, 48); None where none is found."""
    image = read_image(picture.path)
    if max(image.shape[:2]) > SIZE:
        faces = detector.detect(image)
        if not faces:
            return None
        image = crop_face(image, faces[0], frame)
    return resize(grey(image), (SIZE, SIZE))


def crop_frame() -> CropFrame:
    """Return where a face must sit in a crop, as the sidecar will say."""
    crop = json.loads(CROP.read_text(encoding="utf-8"))["crop"]
    box = crop["box"]
    return CropFrame(tuple(crop["eyes"]), tuple(crop["mouth"]), box["scale"], (box["shift_x"], box["shift_y"]))
