"""Find and cut out the faces of the portrait sets: ``python -m models.recipe.cut_portraits FOLDER``.

FOLDER holds a folder for each set that ``data/portraits.py`` knows, or for some of them. Leaves a ``.npz`` file a set.
Faces are found by the daemon's BlazeFace (`edge-fer models fetch` gets its files) and cut by the daemon's own code, so
that a net learns what it will be shown.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from edge_fer.emotion.preprocess import grey, resize
from edge_fer.faces.detectors.blazeface import BlazeFaceDetector
from edge_fer.faces.people.following import moved_face
from edge_fer.faces.reading.crop import crop_face
from edge_fer.inference.catalogue import BLAZEFACE
from edge_fer.inference.store import Store
from edge_fer.types import CropFrame, Face

from .data import LABELS, SIZE
from .data.folders import crop_frame
from .data.images import read_image
from .data.portraits import COLUMNS, EXTENT, SETS, WIDE, Portrait, Portraits
from .data.synthetic import diffusionfer, emonet
from .errors import RecipeError, plainly

__all__ = ["main", "wider"]

#: At how many times the canonical side the daemon cuts at most; it shrinks the rest away when it reads.
AT_MOST = 2 * SIZE


def wider(frame: CropFrame, times: float) -> CropFrame:
    """Return the frame of a crop so many times as wide around the same middle."""

    def moved(point: tuple[float, float]) -> tuple[float, float]:
        return 0.5 + (point[0] - 0.5) / times, 0.5 + (point[1] - 0.5) / times

    return CropFrame(moved(frame.eyes), moved(frame.mouth), frame.box_scale * times, frame.box_shift)


def _cut(image: NDArray[np.uint8], detector: BlazeFaceDetector, frame: CropFrame) -> tuple | None:
    """The wide colour crop and the canonical grey one of the largest face; None where there is none."""
    faces = detector.detect(image)
    if not faces:
        return None
    wide = _wide(image, faces[0], frame)
    return wide, resize(grey(crop_face(image, faces[0], frame, at_most=AT_MOST)), (SIZE, SIZE))


def _wide(image: NDArray[np.uint8], face: Face, frame: CropFrame) -> NDArray[np.uint8]:
    """The crop that training moves about in, of a picture that is drawn out from its borders where that is larger."""
    border = max(image.shape[:2])
    drawn_out = np.asarray(cv2.copyMakeBorder(image, *(border,) * 4, cv2.BORDER_REPLICATE), dtype=np.uint8)
    return crop_face(drawn_out, moved_face(face, (border, border)), wider(frame, EXTENT), side=WIDE)


def _read_table(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}"
        raise RecipeError(msg, remedy="Copy the set again") from error


def _labelled(folder: Path) -> Iterator[Portrait]:
    """The sets with `labels.csv`."""
    for row in _read_table(folder / "labels.csv"):
        said = row["second"].split("+")
        yield Portrait(
            name=row["picture"],
            image=partial(read_image, folder / row["picture"]),
            votes=[int(row[column]) for column in COLUMNS],
            group=int(row["group"]),
            second=[said.count(label) for label in LABELS],
            age=row["age"],
            skin=row["skin"],
            cover=row["cover"],
        )


def _london(folder: Path) -> Iterator[Portrait]:
    """London's pictures: what people were asked for counts as three votes."""
    known = {row["face_id"] for row in _read_table(folder / "info.csv")}
    for path in sorted(folder.glob("*_*.jpg")):
        who, shown = path.stem.split("_")
        if who not in known:
            msg = f"{folder / 'info.csv'}: says nothing of {who}, of whom there is {path.name}"
            raise RecipeError(msg, remedy="Copy the set again")
        label = {"neutral": "neutral", "smiling": "happy"}[shown]
        votes = [3 * (column == label) for column in COLUMNS]
        image = partial(read_image, path)
        yield Portrait(path.name, image, votes, group=int(who), second=[0] * len(LABELS), age="adult")


def _dhi(path: Path) -> Portraits:
    """DHI comes cut out, by a canonical crop a ninth wider than today's."""
    with np.load(path) as file:
        images, votes = file["images"], file["votes"]
    side, count = images.shape[1], len(images)
    across, down = 0.05 * side, 0.0388 * side
    inner = [
        cv2.warpAffine(image, np.array([[1, 0, -across], [0, 1, -down]], dtype=np.float32), (round(0.9 * side),) * 2)
        for image in images
    ]
    nothing = np.full(count, "")
    return Portraits(
        names=np.array([f"{number:04d}" for number in range(count)]),
        wide=np.stack([cv2.resize(image, (WIDE, WIDE), interpolation=cv2.INTER_AREA) for image in images]),
        crops=np.stack([resize(grey(np.asarray(image, dtype=np.uint8)), (SIZE, SIZE)) for image in inner]),
        votes=votes.astype(np.uint8),
        second=np.zeros((count, len(LABELS)), np.uint8),
        group=np.arange(count),
        age=nothing,
        skin=nothing,
        cover=nothing,
    )


def cut(folder: Path, portraits: Iterable[Portrait], detector: BlazeFaceDetector, frame: CropFrame) -> Portraits:
    """Return the faces of a set's pictures; those in which none is found are left out, and told.

    RecipeError where no face is found at all.
    """
    told, wide, crops, count = [], [], [], 0
    for one in tqdm(portraits, desc=folder.name, leave=False):
        count += 1
        found = _cut(one.image(), detector, frame)
        if found is not None:
            # not the portrait itself, which may hold on to megabytes
            told.append((one.name, one.votes, one.second, one.group, one.age, one.skin, one.cover))
            wide.append(found[0])
            crops.append(found[1])
    if not told:
        msg = f"{folder}: no face found in any of {count} pictures"
        raise RecipeError(msg, remedy="Look whether these are the set's pictures")
    if len(told) < count:
        print(f"{folder}: no face found in {count - len(told)} of {count} pictures", file=sys.stderr)
    names, votes, second, group, age, skin, cover = zip(*told, strict=True)
    return Portraits(
        names=np.array(names),
        wide=np.stack(wide),
        crops=np.stack(crops),
        votes=np.array(votes, np.uint8),
        second=np.array(second, np.uint8),
        group=np.array(group, np.int64),
        age=np.array(age),
        skin=np.array(skin),
        cover=np.array(cover),
    )


#: Who reads the pictures of each set; DHI comes cut out.
LOADERS: dict[str, Callable[[Path], Iterable[Portrait]]] = {
    "sfhq": _labelled,
    "sfhq1": _labelled,
    "london": _london,
    "diffusionfer": diffusionfer,
    "emonet": emonet,
}


def main() -> None:
    """Read the command line, cut, and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the sets are")
    parser.add_argument("--out", type=Path, required=True, help="folder for the .npz files")
    parser.add_argument("--models", type=Path, required=True, help="folder with BlazeFace's files")
    given = parser.parse_args()
    with plainly():
        store = Store(given.models)
        detector = BlazeFaceDetector({which: store.read(file) for which, file in BLAZEFACE.items()}, min_size=32)
        given.out.mkdir(parents=True, exist_ok=True)
        frame = crop_frame()
        there = [name for name in SETS if (given.folder / name).is_dir()]
        if not there:
            msg = f"{given.folder}: has no folder of a set that is known"
            raise RecipeError(msg, remedy=f"Name the sets' folders {', '.join(SETS)}")
        for name in there:
            if name == "dhi":
                portraits = _dhi(given.folder / name / "dhi-112.npz")
            else:
                portraits = cut(given.folder / name, LOADERS[name](given.folder / name), detector, frame)
            np.savez_compressed(given.out / f"{name}.npz", **asdict(portraits))
            print(json.dumps({"set": name, "faces": len(portraits)}))


if __name__ == "__main__":
    main()
