"""Find and cut out the faces of the portrait sets: ``python -m models.recipe.cut_portraits FOLDER``.

FOLDER holds ``sfhq``, ``sfhq1``, ``london`` and ``dhi``, or some of them, as ``data/portraits.py`` knows them. Leaves a
``.npz`` file a set. Faces are found by the daemon's BlazeFace (`edge-fer models fetch` gets its files) and cut by the
daemon's own code, so that a net learns what it will be shown.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from edge_fer.emotion.preprocess import grey, resize
from edge_fer.faces.blazeface import BlazeFaceDetector
from edge_fer.faces.crop import crop_face
from edge_fer.faces.following import moved_face
from edge_fer.fetching.catalogue import BLAZEFACE
from edge_fer.fetching.store import Store
from edge_fer.types import CropFrame, Face

from .data import LABELS, SIZE
from .data.folders import crop_frame
from .data.portraits import COLUMNS, EXTENT, WIDE, Portraits
from .errors import RecipeError, plainly

__all__ = ["main", "wider"]

#: At how many times the canonical side the daemon cuts at most; it shrinks the rest away when it reads.
AT_MOST = 2 * SIZE

Row = dict[str, str]


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


def _read(path: Path) -> NDArray[np.uint8]:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        msg = f"{path}: not a picture that OpenCV can read"
        raise RecipeError(msg, remedy="Copy it again")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _votes(row: Row) -> list[int]:
    return [int(row[column]) for column in COLUMNS]


def _second(row: Row) -> list[int]:
    said = row["second"].split("+")
    return [said.count(label) for label in LABELS]


def _labelled(folder: Path) -> list[Row]:
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _london(folder: Path) -> list[Row]:
    """London's pictures in the same columns: what people were asked for counts as three votes."""
    with (folder / "info.csv").open(encoding="utf-8", newline="") as file:
        known = {row["face_id"]: row for row in csv.DictReader(file)}
    rows = []
    for path in sorted(folder.glob("*_*.jpg")):
        who, shown = path.stem.split("_")
        label = {"neutral": "neutral", "smiling": "happy"}[shown]
        votes = {column: "3" if column == label else "0" for column in COLUMNS}
        rows.append(
            {**votes, "picture": path.name, "second": "", "age": "adult", "skin": "", "cover": "", "group": who}
        )
        if who not in known:
            msg = f"{folder / 'info.csv'}: says nothing of {who}, of whom there is {path.name}"
            raise RecipeError(msg, remedy="Copy the set again")
    return rows


def _dhi(path: Path) -> Portraits:
    """DHI comes cut out, by a canonical crop a ninth wider than today's."""
    with np.load(path) as file:
        images, votes = file["images"], file["votes"]
    side, count = images.shape[1], len(images)
    across, down = 0.05 * side, 0.0388 * side
    inner = [
        cv2.warpAffine(image, np.float32([[1, 0, -across], [0, 1, -down]]), (round(0.9 * side),) * 2)
        for image in images
    ]
    nothing = np.full(count, "")
    return Portraits(
        names=np.array([f"{number:04d}" for number in range(count)]),
        wide=np.stack([cv2.resize(image, (WIDE, WIDE), interpolation=cv2.INTER_AREA) for image in images]),
        crops=np.stack([resize(grey(image), (SIZE, SIZE)) for image in inner]),
        votes=votes.astype(np.uint8),
        second=np.zeros((count, len(LABELS)), np.uint8),
        group=np.arange(count),
        age=nothing,
        skin=nothing,
        cover=nothing,
    )


def cut(folder: Path, rows: list[Row], detector: BlazeFaceDetector, frame: CropFrame) -> Portraits:
    """Return the faces of a set's pictures; those in which none is found are left out, and told."""
    kept, wide, crops = [], [], []
    for row in tqdm(rows, desc=folder.name, leave=False):
        found = _cut(_read(folder / row["picture"]), detector, frame)
        if found is not None:
            kept.append(row)
            wide.append(found[0])
            crops.append(found[1])
    if len(kept) < len(rows):
        print(f"{folder}: no face found in {len(rows) - len(kept)} of {len(rows)} pictures", file=sys.stderr)
    return Portraits(
        names=np.array([row["picture"] for row in kept]),
        wide=np.stack(wide),
        crops=np.stack(crops),
        votes=np.array([_votes(row) for row in kept], np.uint8),
        second=np.array([_second(row) for row in kept], np.uint8),
        group=np.array([int(row["group"]) for row in kept]),
        age=np.array([row["age"] for row in kept]),
        skin=np.array([row["skin"] for row in kept]),
        cover=np.array([row["cover"] for row in kept]),
    )


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
        for name in ("sfhq", "sfhq1", "london", "dhi"):
            if not (given.folder / name).is_dir():
                continue
            if name == "dhi":
                portraits = _dhi(given.folder / name / "dhi-112.npz")
            else:
                rows = (_london if name == "london" else _labelled)(given.folder / name)
                portraits = cut(given.folder / name, rows, detector, frame)
            np.savez_compressed(given.out / f"{name}.npz", **asdict(portraits))
            print(json.dumps({"set": name, "faces": len(portraits)}))


if __name__ == "__main__":
    main()
