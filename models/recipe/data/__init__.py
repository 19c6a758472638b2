"""The pictures: reading them from whatever they come in, and making targets of labels and votes.

FER2013: Goodfellow et al., "Challenges in Representation Learning", 2013. FER+: Barsoum et al., "Training Deep
Networks for Facial Expression Recognition with Crowd-Sourced Label Distribution", ICMI 2016. No PyTorch here.
"""

from __future__ import annotations

import os
from pathlib import Path

from models.recipe.errors import RecipeError

from . import csv_files, folders, npz_files
from .split import LABELS, RANGE, SIZE, SPLITS, Split
from .targets import NO_MAJORITY, ferplus_majority, soft_targets

__all__ = [
    "LABELS",
    "NO_MAJORITY",
    "RANGE",
    "SIZE",
    "SPLITS",
    "Split",
    "data_folder",
    "ferplus_majority",
    "load",
    "soft_targets",
]

#: The kinds of data, and who reads them; the first that knows a path has it.
_KINDS = (npz_files, csv_files, folders)


def data_folder(given: str | None = None) -> Path:
    """Return where the pictures are: the given path, else ``EDGE_FER_DATA``, else beside the checkout."""
    beside = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "fer2013"
    return Path(given or os.environ.get("EDGE_FER_DATA") or beside)


def load(path: Path, split: str) -> Split:
    """Read one of :data:`SPLITS` from whatever lies at a path.

    Args:
        path: a folder with the ``.npz`` files; ``fer2013.csv``, or a folder with it; a folder of pictures.
        split: which part.

    Raises:
        RecipeError: there is nothing of these, or it is damaged; names the file, and the line where it has lines.
    """
    if split not in SPLITS:
        msg = f"no split {split!r}; there are {', '.join(SPLITS)}"
        raise ValueError(msg)
    for kind in _KINDS:
        if kind.knows(path):
            return kind.load(path, split)
    msg = (
        f"{path}: no pictures to learn from (neither {npz_files.FILES['train'][0]}, nor {csv_files.PICTURES}, nor "
        f"folders of pictures named {', '.join(LABELS)}, nor pictures named as KDEF's are)"
        if path.exists()
        else f"{path}: no such file or folder"
    )
    raise RecipeError(msg, remedy="Give their place with --data or EDGE_FER_DATA; models/recipe/README.md tells more")
