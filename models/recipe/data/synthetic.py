"""Synthetic sets that anybody with a network can fetch: DiffusionFER and EmoNet-Face.

DiffusionFER: huggingface.co/datasets/FER-Universe/DiffusionFER, CC0 1.0. Its archive unpacks to `DiffusionEmotion_S`
with `original` and `cropped`, each with a folder a label. The label is what the picture was made to show; no person
has looked at it.

EmoNet-Face: Schuhmann et al., "EmoNet-Face: An Expert-Annotated Benchmark for Synthetic Emotion Recognition", 2025,
arXiv 2505.20033; huggingface.co/datasets/laion/emonet-face-hq, CC BY 4.0. Several experts a picture have given each of
40 emotions 0 to 7. Read are

- its Parquet files, which have the picture in `path` (bytes) and, in `label`, a Python list of
  `{expert: {"Family|Emotion": rating}}`; they need pyarrow;
- pictures in a folder, with `hq.csv` of github.com/LAION-AI/emonet-face beside them: `image`, `annotator`, `human`,
  and `annotations`, a Python dictionary `{"Family|Emotion": rating}`, a row an expert.
"""

from __future__ import annotations

import ast
import csv
import zlib
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from models.recipe.errors import RecipeError

from .folders import label_of
from .images import SUFFIXES, decode_image, read_image
from .portraits import COLUMNS, Portrait
from .split import LABELS

__all__ = ["EMOTIONS", "diffusionfer", "emonet", "vote_of"]

#: EmoNet-Face's emotions that one of the seven stands for. The others (contempt, longing, fatigue, …) are "none of
#: them"; there is none for neutral.
EMOTIONS = {
    "Amusement": "happy",
    "Elation": "happy",
    "Pleasure/Ecstasy": "happy",
    "Astonishment/Surprise": "surprise",
    "Fear": "fear",
    "Sadness": "sad",
    "Disgust": "disgust",
    "Anger": "angry",
}

#: Ratings that are no emotions.
_NO_EMOTION = "Extra Dimensions"

#: The largest field of a table; experts' ratings are long.
_FIELD = 1_000_000

#: Rows of a Parquet file held at a time; pictures take megabytes.
_ROWS = 16


def _portrait(name: str, image: Any, votes: list[int]) -> Portrait:
    """A picture of which no group is told, so that its name makes one."""
    return Portrait(name, image, votes, group=zlib.crc32(name.encode()), second=[0] * len(LABELS))


def diffusionfer(folder: Path) -> Iterator[Portrait]:
    """Yield the pictures of DiffusionFER, whole ones where they are there.

    RecipeError where there are none, or a folder's name is no label.
    """
    root = next((one for one in (folder / "DiffusionEmotion_S", folder) if one.is_dir()), folder)
    pictures = next((one for one in (root / "original", root / "cropped") if one.is_dir()), None)
    if pictures is None:
        msg = f"{root}: has neither original nor cropped, so it is not DiffusionFER"
        raise RecipeError(msg, remedy="Unpack the set's archive there")
    count = 0
    for within in sorted(one for one in pictures.iterdir() if one.is_dir()):
        label = label_of(within.name)
        if label is None:
            msg = f"{within}: the folder's name is no label"
            raise RecipeError(msg, remedy=f"DiffusionFER has the folders {', '.join(LABELS)}")
        for path in sorted(one for one in within.iterdir() if one.suffix.lower() in SUFFIXES):
            count += 1
            votes = [int(column == label) for column in COLUMNS]
            yield _portrait(f"{within.name}/{path.name}", partial(read_image, path), votes)
    if not count:
        msg = f"{pictures}: no pictures"
        raise RecipeError(msg, remedy="Unpack the set's archive again")


def emonet(folder: Path) -> Iterator[Portrait]:
    """Yield the pictures of EmoNet-Face HQ, out of Parquet files or of a folder with `hq.csv`.

    RecipeError where there is neither, or what they hold is not what it should be.
    """
    files = sorted(folder.rglob("*.parquet"))
    table = folder / "hq.csv"
    if files:
        yield from (portrait for file in files for portrait in _parquet(file))
    elif table.is_file():
        yield from _tabled(table)
    else:
        msg = f"{folder}: has neither .parquet files nor hq.csv, so it is not EmoNet-Face HQ"
        raise RecipeError(msg, remedy="Fetch emonet-face-hq, or lay hq.csv beside its pictures")


def vote_of(ratings: Mapping[str, Any], where: str) -> str:
    """Return what an expert chose: the label of the emotion rated highest, or "none".

    It is "none" where nothing was rated above 0, where that emotion is none of the seven, and where emotions of
    several labels were rated the same.

    Args:
        ratings: 0 to 7 by emotion, whose name may follow that of its family and "|".
        where: they stand, for the RecipeError where they are no numbers.
    """
    rated = {}
    for name, rating in ratings.items():
        family, _, emotion = str(name).rpartition("|")
        if isinstance(rating, bool) or not isinstance(rating, int | float):
            msg = f"{where}: {name} is rated {rating!r}, not a number from 0 to 7"
            raise RecipeError(msg, remedy="Take emonet-face-hq; the binary set has other labels")
        if family != _NO_EMOTION:
            rated[emotion] = rating
    most = max(rated.values(), default=0)
    if most <= 0:
        return "none"
    chosen = {EMOTIONS.get(emotion, "none") for emotion, rating in rated.items() if rating == most}
    return chosen.pop() if len(chosen) == 1 else "none"


def _votes(experts: Iterable[Mapping[str, Any]], where: str) -> list[int]:
    chosen = [vote_of(ratings, where) for ratings in experts]
    return [chosen.count(column) for column in COLUMNS]


def _literal(text: str, kind: type, where: str) -> Any:
    """A Python literal out of a table; RecipeError where it is none, or of another kind."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        value = None
    if not isinstance(value, kind):
        msg = f"{where}: holds {str(text)[:40]!r}, not a Python {kind.__name__} of ratings"
        raise RecipeError(msg, remedy="Take the file as it was published")
    return value


def _parquet(path: Path) -> Iterator[Portrait]:
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415  (wanted for this set alone)
    except ImportError as error:
        msg = f"{path}: a Parquet file, which needs pyarrow"
        raise RecipeError(msg, remedy="Install it: pip install pyarrow") from error
    number = 0
    try:
        file = parquet.ParquetFile(path)
        missing = {"path", "label"} - set(file.schema_arrow.names)
        if missing:
            msg = f"{path}: no column {', '.join(sorted(missing))}"
            raise RecipeError(msg, remedy="Take emonet-face-hq as it was published")
        for batch in file.iter_batches(batch_size=_ROWS, columns=["path", "label"]):
            for row in batch.to_pylist():
                where = f"{path}, row {number}"
                votes = _votes(_by_expert(_literal(row["label"], list, where), where), where)
                content = (row["path"] or {}).get("bytes") or b""
                yield _portrait(f"{path.stem}-{number:05d}", partial(decode_image, content, where), votes)
                number += 1
    except (ArrowException, OSError) as error:
        msg = f"{path}: not a Parquet file that can be read ({error})"
        raise RecipeError(msg, remedy="Fetch it again") from error


def _by_expert(told: list[Any], where: str) -> Iterator[Mapping[str, Any]]:
    for one in told:
        for ratings in one.values() if isinstance(one, dict) else (None,):
            if not isinstance(ratings, dict):
                msg = f"{where}: label holds {str(one)[:40]!r}, not {{expert: {{emotion: rating}}}}"
                raise RecipeError(msg, remedy="Take emonet-face-hq as it was published")
            yield ratings


def _tabled(path: Path) -> Iterator[Portrait]:
    experts: dict[str, list[Mapping[str, Any]]] = {}
    csv.field_size_limit(_FIELD)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            wanted = ("image", "human", "annotations")
            missing = [name for name in wanted if name not in (reader.fieldnames or ())]
            if missing:
                msg = f"{path}, line 1: no column {', '.join(missing)}"
                raise RecipeError(msg, remedy="Take hq.csv as it was published")
            for row in reader:
                # models have rated the pictures as well
                if str(row["human"]).strip().lower() in {"true", "1", "yes"}:
                    ratings = _literal(row["annotations"], dict, f"{path}, line {reader.line_num}")
                    experts.setdefault(row["image"], []).append(ratings)
    except (UnicodeDecodeError, csv.Error) as error:
        msg = f"{path}: not a table of comma-separated values ({error})"
        raise RecipeError(msg, remedy="Take hq.csv as it was published") from error
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}"
        raise RecipeError(msg, remedy="Check its permissions") from error
    if not experts:
        msg = f"{path}: no rating by an expert"
        raise RecipeError(msg, remedy="Take hq.csv as it was published")
    for name, told in sorted(experts.items()):
        yield _portrait(name, partial(read_image, path.parent / name), _votes(told, f"{path}, {name}"))
