"""Find where faces sit in FER2013's pictures: ``python -m models.recipe.measure_crop --yunet FILE``.

Writes ``models/recipe/crop.json``, from which the sidecar's canonical crop is taken. YuNet (Wu et al., 2023) tells
where eyes and mouth are; the daemon's Haar detector, of the kind that FER2013 itself was cut out with, how its box
lies in the picture. Both look at training pictures, enlarged; the medians are kept.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_fer.faces.detectors.haar import HaarDetector

from .data import data_folder, load
from .evaluate import to_json

__all__ = ["main"]

OUT = Path(__file__).resolve().parent / "crop.json"
SIDE = 192  # px that a picture is enlarged to
BORDER = 48  # px around it, so that a box may reach beyond it


def points(pictures: NDArray[np.uint8], yunet: Path) -> NDArray[np.float64]:
    """Return (M, 4): the middle between the eyes and the middle of the mouth, as fractions of the picture's side."""
    whole = SIDE + 2 * BORDER
    detector = cv2.FaceDetectorYN.create(str(yunet), "", (whole, whole), 0.8)
    found = []
    for picture in pictures:
        _, faces = detector.detect(cv2.cvtColor(_enlarged(picture), cv2.COLOR_GRAY2BGR))
        if faces is None or len(faces) != 1:
            continue
        right_eye, left_eye, _, right_mouth, left_mouth = faces[0, 4:14].reshape(5, 2)
        found.append(np.concatenate([(right_eye + left_eye) / 2, (right_mouth + left_mouth) / 2]))
    return (np.array(found) - BORDER) / SIDE


def boxes(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return (M, 3): the picture's side over the box's, and the offset of its centre as fractions of the box's side.

    Boxes are those that the daemon's own detectors give, which all follow one convention (`edge_fer.types.Face`).
    """
    detector = HaarDetector(min_size=SIDE // 2, scale_factor=1.05)
    found = []
    for picture in pictures:
        faces = detector.detect(np.asarray(cv2.cvtColor(_enlarged(picture), cv2.COLOR_GRAY2RGB), dtype=np.uint8))
        if len(faces) != 1:
            continue
        box = faces[0].box
        (x, y), middle = box.centre, BORDER + SIDE / 2
        found.append([SIDE / box.width, (middle - x) / box.width, (middle - y) / box.height])
    return np.array(found)


def _enlarged(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    large = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    framed = cv2.copyMakeBorder(large, BORDER, BORDER, BORDER, BORDER, cv2.BORDER_REPLICATE)
    return np.asarray(framed, dtype=np.uint8)


def _told(values: NDArray[np.float64]) -> list[float]:
    return [round(float(value), 3) for value in values]


def main() -> None:
    """Read the command line, measure, and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="folder of FER2013 (else EDGE_FER_DATA, else beside the checkout)")
    parser.add_argument("--yunet", type=Path, required=True, help="the YuNet detector, an .onnx file")
    parser.add_argument("--count", type=int, default=2000, help="how many training pictures to look at")
    given = parser.parse_args()
    images = load(data_folder(given.data), "train").images
    images = images[np.random.default_rng(0).permutation(len(images))[: given.count]]
    face, box = points(images, given.yunet), boxes(images)
    _, eyes_y, _, mouth_y = _told(np.median(face, axis=0))
    box_scale, _, shift_y = _told(np.median(box, axis=0))
    told = {
        "crop": {
            # Training flips half of all pictures, so that left and right are alike to the model.
            "eyes": [0.5, eyes_y],
            "mouth": [0.5, mouth_y],
            "box": {"scale": box_scale, "shift_x": 0.0, "shift_y": shift_y},
        },
        "pictures": len(images),
        "with_points": len(face),
        "with_box": len(box),
        "points_quartiles": [_told(row) for row in np.percentile(face, [25, 75], axis=0)],
        "box_quartiles": [_told(row) for row in np.percentile(box, [25, 75], axis=0)],
    }
    OUT.write_text(to_json(told), encoding="utf-8")
    print(json.dumps(told))


if __name__ == "__main__":
    main()
