"""FER2013 with the FER+ votes as ``.npz`` files, which load in a moment."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.recipe.errors import RecipeError

from .split import FERPLUS, LABELS, SIZE, Split

__all__ = ["FILES", "knows", "load"]

FILES = {
    "train": ("train-a.npz", "train-b.npz"),
    "public-test": ("public-test.npz",),
    "private-test": ("private-test.npz",),
}

_REMEDY = "Copy the file again"


def knows(path: Path) -> bool:
    """Whether the folder holds any of the files."""
    return any((path / name).is_file() for names in FILES.values() for name in names)


def load(path: Path, split: str) -> Split:
    """Read a split from its files in the folder; RecipeError names the missing or damaged one."""
    parts = [_read(path / name, split) for name in FILES[split]]
    images, labels, votes, twins = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Split(images, labels, votes, twins)


def _read(path: Path, split: str) -> tuple[NDArray, ...]:
    if not path.is_file():
        msg = f"{path}: no such file, though others of FER2013 lie beside it"
        raise RecipeError(msg, remedy=_REMEDY)
    names = ("images", "labels", "ferplus_votes", "twin_of_test" if split == "train" else "twin_of_train")
    try:
        with np.load(path) as file:
            arrays = tuple(file[name] for name in names)
    except KeyError as error:
        msg = f"{path}: {error.args[0]}"
        raise RecipeError(msg, remedy=f"It must hold {', '.join(names)}") from error
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        msg = f"{path}: not a .npz file ({error})"
        raise RecipeError(msg, remedy=_REMEDY) from error
    count = len(arrays[1])
    shapes = ((count, SIZE, SIZE), (count,), (count, len(FERPLUS)), (count,))
    for name, array, shape in zip(names, arrays, shapes, strict=True):
        kind = np.dtype(bool if name.startswith("twin") else np.uint8)
        if array.shape != shape or array.dtype != kind:
            msg = f"{path}: {name} is {array.dtype} {array.shape}, not {kind} {shape}"
            raise RecipeError(msg, remedy=_REMEDY)
    if count and arrays[1].max() >= len(LABELS):
        msg = f"{path}: labels go up to {arrays[1].max()}, but there are {len(LABELS)} labels"
        raise RecipeError(msg, remedy=_REMEDY)
    return arrays
