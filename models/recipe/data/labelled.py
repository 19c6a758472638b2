"""Labelled pictures of other sets, to measure on: folders by label, RAF-DB, AffectNet, CK+.

Nothing is learned from them. The layouts are known from the sets' pages and from public programs that read them:

- RAF-DB, basic (Li, Deng and Du, "Reliable crowdsourcing and deep locality-preserving learning for expression
  recognition in the wild", 2017): `EmoLabel/list_patition_label.txt`, a line `train_00001.jpg 5` each, 1 to 7;
  `Image/aligned/train_00001_aligned.jpg`, or `Image/original/train_00001.jpg`.
- AffectNet (Mollahosseini, Hasani and Mahoor, "AffectNet: a database for facial expression, valence, and arousal
  computing in the wild", 2017): tables of the manual annotations with `subDirectory_filePath` and `expression`, 0 to
  10; or `val_set/images/1.jpg` with `val_set/annotations/1_exp.npy`. `dataset_sheet.csv` of DiffusionFER is such a
  table.
- CK+ (Lucey et al., "The extended Cohn-Kanade dataset", 2010): `Emotion/S005/001/S005_001_00000011_emotion.txt` with a
  number 0 to 7, and `cohn-kanade-images/S005/001/S005_001_00000011.png`. The last picture of a sequence shows the
  emotion, its first a neutral face. Or `ckextended.csv` (CK+ at 48 px): `emotion`, `pixels`, `Usage`.
- Folders named by numbers, as copies of AffectNet (0 to 7) and of RAF-DB (1 to 7) have them.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.recipe.errors import RecipeError

from .csv_files import read_pixels, rows_of
from .folders import kdef_label, label_of
from .images import SUFFIXES, read_image
from .split import LABELS

__all__ = ["LAYOUTS", "OTHERS", "Labelled", "LabelledSet", "find"]

#: What other sets also tell apart; such pictures are left out.
OTHERS = ("contempt", "none", "uncertain", "no face")

#: Their numbers, in order; RAF-DB's count from 1.
_RAF_DB = ("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral")
_AFFECTNET = (
    "neutral",
    "happy",
    "sad",
    "surprise",
    "fear",
    "disgust",
    "angry",
    "contempt",
    "none",
    "uncertain",
    "no face",
)
_CK_PLUS = ("neutral", "angry", "contempt", "disgust", "fear", "happy", "sad", "surprise")
_CK_48 = (*LABELS, "contempt")

_PARTS = {"train": "train", "training": "train", "train_set": "train"}
_PARTS |= dict.fromkeys(("val", "valid", "validation", "val_set"), "validation")
_PARTS |= dict.fromkeys(("test", "testing", "test_set"), "test")

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture with its label.

    Attributes:
        image: reads it, RGB or grey uint8.
        label: of the seven, or of `OTHERS`.
        part: of the set: train, validation, test, or what else it is divided into; empty where it is not.
        box: where the face that the label is of lies, (x, y, width, height); None where nothing is said.
    """

    image: Callable[[], NDArray[np.uint8]]
    label: str
    part: str = ""
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """What was found in a folder.

    Attributes:
        layout: its name.
        part: what was taken of it; "all" for the whole.
        pictures: those with one of the seven labels.
        left_out: how many there were of each other label.
    """

    layout: str
    part: str
    pictures: tuple[Labelled, ...]
    left_out: dict[str, int]


def find(folder: Path, *, layout: str | None = None, part: str | None = None) -> LabelledSet:
    """Find the labelled pictures in a folder, or in a table of pixels.

    Args:
        folder: the set's, or one above it; or `ckextended.csv`.
        layout: a key of `LAYOUTS`; the first that fits, if left out.
        part: of the set; "all" for the whole. If left out, the test part, else the validation part, else all.

    Raises:
        RecipeError: there is no such folder, no known layout, no picture, a label that is not known, or no such part.
    """
    if not folder.exists():
        msg = f"{folder}: no such file or folder"
        raise RecipeError(msg, remedy="Check the path")
    for name in LAYOUTS if layout is None else (layout,):
        found = LAYOUTS[name](folder)
        if found is not None:
            return _taken(folder, name, found, part)
    wanted = LAYOUTS if layout is None else (layout,)
    msg = f"{folder}: no layout that is known (looked for {', '.join(wanted)})"
    remedy = f"Lay the pictures into folders named {', '.join(LABELS)}, or give another folder of the set"
    raise RecipeError(msg, remedy=remedy)


def _taken(folder: Path, layout: str, found: Sequence[Labelled], part: str | None) -> LabelledSet:
    parts = sorted({one.part for one in found})
    if part is None:
        part = next((one for one in ("test", "validation") if one in parts), "all")
    if part != "all" and part not in parts:
        named = ", ".join(one for one in parts if one)
        msg = f"{folder}: {layout} has no part {part!r}"
        raise RecipeError(msg, remedy=f"Choose from {named}, all" if named else "It has no parts: leave --part out")
    taken = [one for one in found if part in ("all", one.part)]
    pictures = tuple(one for one in taken if one.label in LABELS)
    if not pictures:
        msg = f"{folder}: {layout}, part {part}: no picture with one of the labels {', '.join(LABELS)}"
        raise RecipeError(msg, remedy="Check that the set was unpacked whole")
    return LabelledSet(layout, part, pictures, dict(Counter(one.label for one in taken if one.label not in LABELS)))


def _beneath(folder: Path, name: str) -> Path | None:
    """The first file or folder of this name: in the folder, or one to three below."""
    if not folder.is_dir():
        return None
    return next((path for depth in ("", "*/", "*/*/", "*/*/*/") for path in sorted(folder.glob(depth + name))), None)


def _named(number: str, names: Sequence[str], where: str, *, first: int = 0) -> str:
    """The label that a number stands for; RecipeError where it stands for none."""
    try:
        at = int(float(number)) - first
    except (ValueError, OverflowError):
        at = -1
    if not 0 <= at < len(names):
        msg = f"{where}: the label is {number.strip()!r}, not a number from {first} to {first + len(names) - 1}"
        raise RecipeError(msg, remedy="Take the set as it was published")
    return names[at]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        msg = f"{path}: not a text file (byte {error.start})"
        raise RecipeError(msg, remedy="Take the set as it was published") from error
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}"
        raise RecipeError(msg, remedy="Check its permissions") from error


def _raf_db(folder: Path) -> list[Labelled] | None:
    table = _beneath(folder, "list_patition_label.txt") or _beneath(folder, "list_partition_label.txt")
    if table is None:
        return None
    aligned = _beneath(folder, "aligned")
    pictures = aligned or _beneath(folder, "original")
    if pictures is None:
        msg = f"{folder}: has {table.name}, but neither aligned nor original"
        raise RecipeError(msg, remedy="Unpack the pictures of RAF-DB there as well")
    found = []
    for number, line in enumerate(_lines(table), 1):
        name, _, label = line.strip().rpartition(" ")
        if not line.strip():
            continue
        where = f"{table}, line {number}"
        if not name:
            msg = f"{where}: is {line!r}, not a picture's name and a number"
            raise RecipeError(msg, remedy="Take the set as it was published")
        stem, dot, suffix = name.rpartition(".")
        path = pictures / (f"{stem}_aligned{dot}{suffix}" if aligned else name)
        part = name.partition("_")[0]
        found.append(
            Labelled(partial(read_image, path), _named(label, _RAF_DB, where, first=1), _PARTS.get(part, part))
        )
    return found


#: The columns of AffectNet's tables where their first line is missing.
_COLUMNS = ("subDirectory_filePath", "face_x", "face_y", "face_width", "face_height", "facial_landmarks", "expression")


def _affectnet_tables(folder: Path) -> list[Labelled] | None:
    found: list[Labelled] = []
    for table in [folder] if folder.is_file() else _tables(folder):
        rows = _affectnet_rows(table)
        if rows is not None:
            found += _affectnet_table(folder, table, rows)
    return found or None


def _tables(folder: Path) -> list[Path]:
    """AffectNet's tables, but for those that a net has filled in."""
    sheet, lists = _beneath(folder, "dataset_sheet.csv"), _beneath(folder, "Manually_Annotated_file_lists")
    found = {*folder.glob("*.csv"), *(lists.glob("*.csv") if lists else ()), *((sheet,) if sheet else ())}
    return sorted(path for path in found if not path.name.lower().startswith("automatic"))


def _affectnet_rows(table: Path) -> Iterator[tuple[int, dict[str, str]]] | None:
    """The rows with their lines; None where it is another table."""
    csv.field_size_limit(1_000_000)
    first = next(iter(_lines_of_table(table)), [])
    if {"subDirectory_filePath", "expression"} <= set(first):
        return rows_of(table, ("subDirectory_filePath", "expression"))
    if len(first) == len(_COLUMNS) + 2 and Path(first[0]).suffix.lower() in SUFFIXES:
        numbered = enumerate(_lines_of_table(table), 1)
        return ((line, dict(zip(_COLUMNS, row, strict=False))) for line, row in numbered)
    return None


def _lines_of_table(table: Path) -> Iterator[list[str]]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            yield from csv.reader(file)
    except (UnicodeDecodeError, csv.Error) as error:
        msg = f"{table}: not a table of comma-separated values ({error})"
        raise RecipeError(msg, remedy="Take the set as it was published") from error
    except OSError as error:
        msg = f"{table}: cannot be read: {error.strerror}"
        raise RecipeError(msg, remedy="Check its permissions") from error


def _affectnet_table(folder: Path, table: Path, rows: Iterable[tuple[int, dict[str, str]]]) -> Iterator[Labelled]:
    pictures: Path | None = None
    for line, row in rows:
        name = row["subDirectory_filePath"].replace("\\", "/")
        pictures = pictures or _pictures_of(folder, table, name, line)
        label = _named(row["expression"], _AFFECTNET, f"{table}, line {line}")
        part = _PARTS.get(table.stem.lower(), "")
        yield Labelled(partial(read_image, pictures / name), label, part, _box(row))


def _pictures_of(folder: Path, table: Path, name: str, line: int) -> Path:
    """The folder that a table's names of pictures count from."""
    within = _beneath(folder, "Manually_Annotated_Images") or _beneath(table.parent, "Manually_Annotated_Images")
    places = [table.parent, *((within,) if within else ())]
    found = next((place for place in places if (place / name).is_file()), None)
    if found is None:
        msg = f"{table}, line {line}: no picture {name} in {' or '.join(map(str, places))}"
        raise RecipeError(msg, remedy="Lay the pictures into Manually_Annotated_Images beside the table")
    return found


def _box(row: dict[str, str]) -> Box | None:
    try:
        x, y, width, height = (float(row[f"face_{side}"]) for side in ("x", "y", "width", "height"))
    except (KeyError, ValueError, TypeError):
        return None
    return (x, y, width, height) if min(width, height) > 0 else None


def _affectnet_folders(folder: Path) -> list[Labelled] | None:
    """The set's later form, a small file a picture; one of its two halves is enough."""
    halves = [folder] if (folder / "annotations").is_dir() else sorted(folder.glob("*_set"))
    if not any((half / "annotations").is_dir() and (half / "images").is_dir() for half in halves):
        return None
    found = []
    for half in halves:
        for path in sorted((half / "annotations").glob("*_exp.npy")):
            try:
                number = str(np.load(path))
            except (ValueError, OSError, EOFError) as error:
                msg = f"{path}: not what AffectNet holds ({error})"
                raise RecipeError(msg, remedy="Copy the set again") from error
            picture = half / "images" / f"{path.stem.removesuffix('_exp')}.jpg"
            label = _named(number, _AFFECTNET, str(path))
            found.append(Labelled(partial(read_image, picture), label, _PARTS.get(half.name, half.name)))
    return found


def _ck_plus(folder: Path) -> list[Labelled] | None:
    labels, pictures = _beneath(folder, "Emotion"), _beneath(folder, "cohn-kanade-images")
    if labels is None or pictures is None:
        return None
    found = []
    for path in sorted(labels.rglob("*_emotion.txt")):
        sequence = pictures / path.parent.relative_to(labels)
        frames = sorted(one for one in sequence.glob("*.png") if not one.name.startswith("."))
        peak = sequence / f"{path.stem.removesuffix('_emotion')}.png"
        if peak not in frames:
            msg = f"{peak}: no such picture, though {path} tells its label"
            raise RecipeError(msg, remedy="Unpack cohn-kanade-images whole")
        label = _named(" ".join(_lines(path)), _CK_PLUS, str(path))
        found.append(Labelled(partial(read_image, peak), label, "peak"))
        if len(frames) > 1:
            found.append(Labelled(partial(read_image, frames[0]), "neutral", "onset"))
    return found


def _ck_48(folder: Path) -> list[Labelled] | None:
    table = folder if folder.name == "ckextended.csv" else folder / "ckextended.csv"
    if not table.is_file():
        return None
    found = []
    for line, row in rows_of(table, ("emotion", "pixels")):
        pixels = read_pixels(row["pixels"], table, line)
        label = _named(row["emotion"], _CK_48, f"{table}, line {line}")
        # its parts are drawn by lot, with the same people in all of them
        found.append(Labelled(partial(_itself, pixels), label))
    return found


def _itself(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return pixels


def _pictures(folder: Path) -> list[Path]:
    hidden = re.compile(r"\.|__MACOSX")
    found = [path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES]
    return sorted(path for path in found if not any(map(hidden.match, path.relative_to(folder).parts)))


def _numbered(folder: Path) -> list[Labelled] | None:
    """Folders named by numbers: with a 0, AffectNet's, else RAF-DB's from 1 on."""
    pictures = _pictures(folder) if folder.is_dir() else []
    kept = [path for path in pictures if path.parent != folder and re.fullmatch(r"\d{1,2}", path.parent.name)]
    # in folders named after labels, numbers are people
    if not kept or any(map(_label, {name for path in pictures for name in path.relative_to(folder).parts[:-1]})):
        return None
    names, first = (_AFFECTNET, 0) if any(int(path.parent.name) == 0 for path in kept) else (_RAF_DB, 1)
    return [
        Labelled(
            partial(read_image, path),
            _named(path.parent.name, names, str(path.parent), first=first),
            _part_above(path.parent.relative_to(folder).parts[:-1]),
        )
        for path in kept
    ]


def _part_above(folders: Sequence[str]) -> str:
    return next((_PARTS[name.lower()] for name in folders if name.lower() in _PARTS), "")


def _folders(folder: Path) -> list[Labelled] | None:
    """Folders named after labels, at any depth, or pictures named as KDEF's are."""
    if not folder.is_dir():
        return None
    found: list[Labelled] = []
    unknown: Counter[str] = Counter()
    for path in _pictures(folder):
        above = path.relative_to(folder).parts[:-1]
        at = next((at for at, name in enumerate(above) if _label(name)), None)
        kdef = kdef_label(path.stem)
        if kdef is not None:
            one = Labelled(partial(read_image, path), kdef)
        elif at is not None:
            one = Labelled(partial(read_image, path), str(_label(above[at])), _part_above(above[:at]))
        else:
            unknown[path.parent.name if above else "(none)"] += 1
            continue
        found.append(one)
    if not found and not unknown:
        return None
    if unknown:
        several = ", ".join(sorted(unknown)[:5]) + (", …" if len(unknown) > 5 else "")
        msg = f"{folder}: {sum(unknown.values())} pictures lie in folders whose names are no labels: {several}"
        remedy = f"Name the folders {', '.join(LABELS)} (or {', '.join(OTHERS)}, to leave them out), or move them out"
        raise RecipeError(msg, remedy=remedy)
    return found


def _label(name: str) -> str | None:
    """The label that a folder's name means, one of `OTHERS` among them."""
    plain = name.lower().replace("_", " ").replace("-", " ")
    return label_of(name) or (plain if plain in OTHERS else None)


#: How to read each layout: the pictures of a folder, or None where it is laid out otherwise. In the order in which
#: they are tried, the plainest last.
LAYOUTS: dict[str, Callable[[Path], list[Labelled] | None]] = {
    "raf-db": _raf_db,
    "affectnet": lambda folder: _affectnet_tables(folder) or _affectnet_folders(folder),
    "ck+": _ck_plus,
    "ck+48": _ck_48,
    "numbered": _numbered,
    "folders": _folders,
}
