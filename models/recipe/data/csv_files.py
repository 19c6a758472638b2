"""FER2013 as it is published, ``fer2013.csv``, with FER+'s ``fer2013new.csv`` beside it.

The two have the same rows in the same order. Without the second, the labels stand in for the votes.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.recipe.errors import RecipeError

from .split import FERPLUS, LABELS, SIZE, Split, twins_across, unanimous

__all__ = ["PICTURES", "VOTES", "knows", "load", "read_pixels", "rows_of"]

PICTURES = "fer2013.csv"
VOTES = "fer2013new.csv"

_COLUMNS = ("emotion", "pixels", "Usage")
_VOTE_COLUMNS = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
)
_USAGE = {"Training": "train", "PublicTest": "public-test", "PrivateTest": "private-test"}
_REMEDY = "Take the file as it was published"


def knows(path: Path) -> bool:
    """Whether the path is such a file, or a folder with one."""
    return _pictures(path).is_file()


def load(path: Path, split: str) -> Split:
    """Read a split; RecipeError names file and line of what is wrong."""
    return _all(_pictures(path))[split]


def _pictures(path: Path) -> Path:
    return path if path.suffix == ".csv" else path / PICTURES


@lru_cache(maxsize=1)
def _all(path: Path) -> dict[str, Split]:
    images, labels, usage = _read_pictures(path)
    beside = path.with_name(VOTES)
    if beside.is_file():
        votes = _read_votes(beside, path, usage)
    else:
        print(f"{beside}: not there; the labels stand in for the votes", file=sys.stderr)
        votes = unanimous(labels)
    whole = Split(images, labels, votes, twins_across(images, usage == "train"))
    return {split: whole.take(usage == split) for split in _USAGE.values()}


def _read_pictures(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.str_]]:
    images, labels, usage = [], [], []
    for line, row in rows_of(path, _COLUMNS):
        images.append(read_pixels(row["pixels"], path, line))
        labels.append(_whole_number(row["emotion"], len(LABELS) - 1, path, line, "emotion"))
        usage.append(_known_usage(row["Usage"], path, line))
    return np.array(images, np.uint8), np.array(labels, np.uint8), np.array(usage)


def _read_votes(path: Path, pictures: Path, usage: NDArray[np.str_]) -> NDArray[np.uint8]:
    votes = []
    for wanted, found in zip_longest(usage, rows_of(path, ("Usage", "Image name", *_VOTE_COLUMNS))):
        if wanted is None or found is None:
            more, fewer = (path, pictures) if wanted is None else (pictures, path)
            msg = f"{more}: has more rows than {fewer}, though each row of the one belongs to the same row of the other"
            raise RecipeError(msg, remedy=_REMEDY)
        line, row = found
        if _known_usage(row["Usage"], path, line) != wanted:
            msg = f"{path}, line {line}: Usage is {row['Usage']!r}, but {pictures.name} has this picture elsewhere"
            raise RecipeError(msg, remedy="Take both files as published: each row belongs to the same row of the other")
        numbers = [_whole_number(row[name], 10, path, line, name) for name in _VOTE_COLUMNS]
        # A picture without a name is one that FER+ threw out before the vote: nothing is known of it.
        votes.append(numbers if row["Image name"] else [0] * len(numbers))
    return np.array(votes, np.uint8).reshape(-1, len(FERPLUS))


def rows_of(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each row with its line, all columns there."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                msg = f"{path}, line 1: no column {', '.join(missing)}"
                raise RecipeError(msg, remedy=f"The first line must be {','.join(columns)}")
            for row in reader:
                if any(row[name] is None for name in columns):
                    msg = f"{path}, line {reader.line_num}: ends before {columns[-1]}"
                    raise RecipeError(msg, remedy="The file was cut short: download it again")
                yield reader.line_num, row
    except (UnicodeDecodeError, csv.Error) as error:
        msg = f"{path}: not a table of comma-separated values ({error})"
        raise RecipeError(msg, remedy=_REMEDY) from error
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}"
        raise RecipeError(msg, remedy="Check the path and its permissions") from error


def read_pixels(text: str, path: Path, line: int) -> NDArray[np.uint8]:
    """Return a picture, uint8 (48, 48), of its pixels in a row; RecipeError names file and line."""
    try:
        values = np.array(text.split(), dtype=np.int64)
    except (ValueError, OverflowError):
        values = np.empty(0, dtype=np.int64)
    if len(values) != SIZE * SIZE or np.min(values) < 0 or np.max(values) > 255:
        msg = f"{path}, line {line}: pixels are not {SIZE * SIZE} whole numbers from 0 to 255 ({text[:20]!r}…)"
        raise RecipeError(msg, remedy=_REMEDY)
    return values.astype(np.uint8).reshape(SIZE, SIZE)


def _whole_number(text: str, highest: int, path: Path, line: int, column: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > highest:
        msg = f"{path}, line {line}: {column} is {text!r}, not a whole number from 0 to {highest}"
        raise RecipeError(msg, remedy=_REMEDY)
    return int(text)


def _known_usage(text: str, path: Path, line: int) -> str:
    if text not in _USAGE:
        msg = f"{path}, line {line}: Usage is {text!r}, none of {', '.join(_USAGE)}"
        raise RecipeError(msg, remedy=_REMEDY)
    return _USAGE[text]
