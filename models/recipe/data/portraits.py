"""Faces from elsewhere than FER2013: which sets there are, what each may be used for, and reading them.

`models.recipe.cut_portraits` finds the faces in their pictures once and leaves a `.npz` file a set; training and
evaluation read those. No PyTorch here.

SFHQ: github.com/SelfishGene/SFHQ-T2I-dataset and SFHQ-dataset, MIT. London: DeBruine and Jones, "Face Research Lab
London Set", 2017, doi 10.6084/m9.figshare.5047666, CC BY 4.0. DiffusionFER and EmoNet-Face: `synthetic.py`.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.recipe.errors import RecipeError

from .split import LABELS
from .targets import NO_MAJORITY

__all__ = [
    "COLUMNS",
    "EXTENT",
    "SETS",
    "WIDE",
    "Portrait",
    "Portraits",
    "Set",
    "choosing",
    "chosen_by",
    "learned_from",
    "read_portraits",
    "testing",
]

#: Side of the stored colour pictures, pixels, and how many canonical crops wide they are: training moves, turns and
#: zooms within them.
WIDE = 96
EXTENT = 1.5

#: The columns of the votes: the seven labels, and "none of them".
COLUMNS = (*LABELS, "none")

#: A reader's second thought counts this much beside the first.
SECOND = 0.25


@dataclass(frozen=True, slots=True)
class Set:
    """What a set of portraits may be used for.

    Attributes:
        licence: as its authors give it; "none stated" where they give none.
        learn: whether a net may learn from it.
        split: whether its groups are divided into learning, choosing and testing; if not, a set that may be learned
            from is for learning alone.
        tell: whether its figures may stand in reports and docs.
    """

    licence: str
    learn: bool
    split: bool = False
    tell: bool = True


SETS: dict[str, Set] = {
    "sfhq": Set("MIT", learn=True, split=True),
    "sfhq1": Set("MIT", learn=True),
    # few people, two expressions: it says more as a check of what was learned elsewhere
    "london": Set("CC BY 4.0", learn=False),
    "dhi": Set("none stated", learn=False, tell=False),
    # labelled by the prompts that it was made from, which nobody checked: nothing to judge a model by
    "diffusionfer": Set("CC0 1.0", learn=True),
    "emonet": Set("CC BY 4.0", learn=True, split=True),
}


@dataclass(frozen=True, slots=True)
class Portrait:
    """One picture of a set, before its face was cut out.

    Attributes:
        name: of the picture file.
        image: reads it, RGB uint8 (H, W, 3).
        votes: as in `Portraits`, a row of eight.
        group: likewise.
        second: likewise, a row of seven.
        age: likewise.
        skin: likewise.
        cover: likewise.
    """

    name: str
    image: Callable[[], NDArray[np.uint8]]
    votes: list[int]
    group: int
    second: list[int]
    age: str = ""
    skin: str = ""
    cover: str = ""


@dataclass(frozen=True, slots=True)
class Portraits:
    """Faces of one set, one row a picture.

    Attributes:
        names: of the picture files, str (N,).
        wide: RGB uint8 (N, 96, 96, 3), 1.5 canonical crops wide around the face.
        crops: grey uint8 (N, 48, 48), the canonical crop as the daemon makes it.
        votes: uint8 (N, 8), how many readers chose each of the seven labels, or none of them.
        second: uint8 (N, 7), how many readers named each label as their second thought.
        group: int64 (N,), the same for pictures of the same face.
        age: perceived, str (N,): baby, child, adult, old; empty where nothing is said.
        skin: perceived, str (N,): light, medium, dark; empty likewise.
        cover: what covers the face, str (N,): beard, glasses, hat and so on, joined by "+"; empty for nothing.
    """

    names: NDArray[np.str_]
    wide: NDArray[np.uint8]
    crops: NDArray[np.uint8]
    votes: NDArray[np.uint8]
    second: NDArray[np.uint8]
    group: NDArray[np.int64]
    age: NDArray[np.str_]
    skin: NDArray[np.str_]
    cover: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.group)

    def take(self, rows: NDArray[np.bool_] | slice) -> Portraits:
        """Return the given rows only."""
        return Portraits(*(getattr(self, field.name)[rows] for field in fields(self)))

    @property
    def truth(self) -> NDArray[np.uint8]:
        """The label that more readers chose than any other, and at least two, (N,); else :data:`NO_MAJORITY`.

        Where a picture has a single reader, that one decides.
        """
        seven, most = self.votes[:, : len(LABELS)], self.votes.max(axis=1, keepdims=True)
        alone = (self.votes == most).sum(axis=1) == 1
        enough = most[:, 0] >= np.where(self.votes.sum(axis=1) > 1, 2, 1)
        one_of_seven = seven.max(axis=1) == most[:, 0]
        return np.where(alone & enough & one_of_seven, seven.argmax(axis=1), NO_MAJORITY).astype(np.uint8)

    @property
    def targets(self) -> NDArray[np.float32]:
        """What a net should say, (N, 7), each row summing to 1: first choices, and second thoughts for a quarter.

        A row without any choice among the seven is zero.
        """
        mixed = self.votes[:, : len(LABELS)] + SECOND * self.second
        total = mixed.sum(axis=1, keepdims=True)
        chosen = self.votes[:, : len(LABELS)].sum(axis=1, keepdims=True) > 0
        return np.divide(mixed, total, out=np.zeros_like(mixed), where=chosen & (total > 0)).astype(np.float32)


def testing(group: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which groups of a divided set are for testing: read once for a finished model."""
    return group % 3 == 0


def choosing(group: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which groups of a divided set are for choosing between models."""
    return group % 6 == 1


def chosen_by(folder: Path) -> Portraits:
    """Return the portraits that models are chosen by: the decided ones of SFHQ's choosing part."""
    portraits = read_portraits(folder, "sfhq")
    return portraits.take(choosing(portraits.group) & (portraits.truth != NO_MAJORITY))


def learned_from(name: str, portraits: Portraits) -> Portraits:
    """Return the part of a set that may be learned from.

    RecipeError where the set is for measuring only.
    """
    if not SETS[name].learn:
        msg = f"{name}: is for measuring only (licence: {SETS[name].licence}), and nothing may be learned from it"
        learnable = ", ".join(key for key, one in SETS.items() if one.learn)
        raise RecipeError(msg, remedy=f"Learn from {learnable}")
    if not SETS[name].split:
        return portraits
    return portraits.take(~testing(portraits.group) & ~choosing(portraits.group))


def read_portraits(folder: Path, name: str) -> Portraits:
    """Read a set that `cut_portraits` left; RecipeError names the missing or damaged file."""
    if name not in SETS:
        msg = f"{name}: no such set of portraits"
        raise RecipeError(msg, remedy=f"There are {', '.join(SETS)}")
    path = folder / f"{name}.npz"
    remedy = "Make it with python -m models.recipe.cut_portraits"
    try:
        with np.load(path) as file:
            portraits = Portraits(**{field.name: file[field.name] for field in fields(Portraits)})
    except FileNotFoundError as error:
        msg = f"{path}: no such file"
        raise RecipeError(msg, remedy=remedy) from error
    except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        msg = f"{path}: not what cut_portraits makes ({error})"
        raise RecipeError(msg, remedy=remedy) from error
    count = len(portraits.group)
    if portraits.wide.shape != (count, WIDE, WIDE, 3) or portraits.votes.shape != (count, len(COLUMNS)):
        msg = f"{path}: holds pictures {portraits.wide.shape} and votes {portraits.votes.shape} of {count} faces"
        raise RecipeError(msg, remedy=remedy)
    return portraits
