"""Measure what the crop's margin and alignment are worth: ``python -m models.recipe.measure_margins --models DIR``.

Writes ``models/recipe/margins.json``. Pictures of the public test, whose truth is known, are enlarged, moved, tilted
and laid into larger frames, found there by the daemon's own detectors with their imperfect boxes, cut out by its own
code at several margins, and read by the shipped model. Their borders are drawn out to fill the frame: FER2013 is cut
so tightly that nothing else is known of what was around, so that wide margins see less here than in a real frame.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_fer.config.tree import FacesSection
from edge_fer.emotion.classifier import EmotionClassifier
from edge_fer.faces.detectors.port import FaceDetector
from edge_fer.faces.reading.crop import crop_face
from edge_fer.inference.store import Store
from edge_fer.types import CropFrame, Face, Image
from edge_fer.wiring.detectors import make_detector

from .data import NO_MAJORITY, data_folder, ferplus_majority, load
from .errors import plainly
from .evaluate import to_json

__all__ = ["framed", "main", "measure_margins", "table", "widened"]

OUT = Path(__file__).resolve().parent / "margins.json"

#: Sides of the crop over that of the canonical one.
MARGINS = (0.87, 0.93, 1.0, 1.07, 1.14)
#: Degrees by which heads lean, besides what they do in the pictures, and who is to find them: Haar finds few that lean.
HEADS = {"as they are": (0.0, ("blazeface", "haar")), "20° aside": (20.0, ("blazeface",))}

FRAME = (320, 240)  # px
SIDES = (80, 160)  # px, from the smallest to the largest face picture in it


def framed(picture: NDArray[np.uint8], tilt: float, random: np.random.Generator) -> Image:
    """Return an RGB frame with a picture, uint8 (48, 48), anywhere in it, leaning by so many degrees to either side."""
    size = random.uniform(*SIDES) / len(picture)
    room = [(length - 1.2 * SIDES[1]) / 2 for length in FRAME]
    middle = (len(picture) / 2 - 0.5,) * 2
    to_frame = np.array(cv2.getRotationMatrix2D(middle, tilt * random.choice([-1, 1]), size), dtype=np.float64)
    to_frame[:, 2] += np.array(FRAME) / 2 - len(picture) / 2 + random.uniform(-1, 1, 2) * room
    frame = cv2.warpAffine(picture, to_frame, FRAME, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_GRAY2RGB), dtype=np.uint8)


def widened(frame: CropFrame, margin: float) -> CropFrame:
    """Return the crop of the same centre and so many times the side."""
    eyes, mouth = ((0.5 + (x - 0.5) / margin, 0.5 + (y - 0.5) / margin) for x, y in (frame.eyes, frame.mouth))
    return replace(frame, eyes=eyes, mouth=mouth, box_scale=frame.box_scale * margin)


def measure_margins(
    pictures: NDArray[np.uint8],
    truth: NDArray[np.uint8],
    classifier: EmotionClassifier,
    detectors: Mapping[str, FaceDetector],
    tilt: float,
) -> dict[str, object]:
    """Return how many pictures (N, 48, 48) were found, and the accuracy at each margin for each way to place the crop.

    Only those in which each detector finds one face count, so that all ways are measured on the same.
    """
    random = np.random.default_rng(0)
    labels: list[int] = []
    ways: dict[str, list[tuple[Image, Face]]] = {}
    for picture, label in zip(pictures, truth, strict=True):
        image = framed(picture, tilt, random)
        found = {name: detector.detect(image) for name, detector in detectors.items()}
        if any(len(faces) != 1 for faces in found.values()):
            continue
        labels.append(int(label))
        for name, (face,) in found.items():
            ways.setdefault(f"{name}, box", []).append((image, replace(face, keypoints=None)))
            if face.keypoints:
                ways.setdefault(f"{name}, keypoints", []).append((image, face))
    frames = [widened(classifier.crop_frame, margin) for margin in MARGINS]
    accuracy = {way: [_accuracy(placed, labels, classifier, one) for one in frames] for way, placed in ways.items()}
    return {"found": len(labels), "accuracy": accuracy}


def _accuracy(
    placed: Sequence[tuple[Image, Face]], truth: Sequence[int], classifier: EmotionClassifier, frame: CropFrame
) -> float:
    logits = classifier.logits([crop_face(image, face, frame) for image, face in placed])
    return round(float((logits.argmax(axis=1) == truth).mean()), 4)


def table(told: dict) -> str:
    """Return what was measured as a Markdown table, a row a margin."""
    columns = {
        f"{way}; heads {heads}": values
        for heads, of_heads in told["heads"].items()
        for way, values in of_heads["accuracy"].items()
    }
    lines = [("margin", *columns), ("---",) * (1 + len(columns))]
    for at, margin in enumerate(told["margins"]):
        lines.append((f"{margin:.2f}", *(f"{100 * values[at]:.1f} %" for values in columns.values())))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Read the command line, measure, and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="folder of FER2013 (else EDGE_FER_DATA, else beside the checkout)")
    parser.add_argument("--models", type=Path, required=True, help="the folder with BlazeFace's files")
    parser.add_argument("--count", type=int, default=1500, help="how many pictures of the public test to look at")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    with plainly():
        public = load(data_folder(given.data), "public-test")
        majority = ferplus_majority(public.votes)
        rows = np.random.default_rng(0).permutation(np.flatnonzero(majority != NO_MAJORITY))[: given.count]
        pictures, truth = public.images[rows], majority[rows]
        classifier, store = EmotionClassifier.load(), Store(given.models)
        detectors = {name: make_detector(FacesSection(detector=name), store) for name in ("blazeface", "haar")}
        heads = {
            name: measure_margins(pictures, truth, classifier, {one: detectors[one] for one in wanted}, tilt)
            for name, (tilt, wanted) in HEADS.items()
        }
    told = {"model": classifier.sidecar.sha256, "margins": MARGINS, "pictures": len(rows), "heads": heads}
    given.out.write_text(to_json(told), encoding="utf-8")
    print(table(told))


if __name__ == "__main__":
    main()
