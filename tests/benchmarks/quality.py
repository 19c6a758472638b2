"""How well faces are read when they are bad: `python -m tests.benchmarks.quality`.

Spoils face pictures more and more (FER2013's, labelled by the majority of FER+), reads each with the shipped model,
and prints accuracy beside what the quality gate measured and refused. The thresholds in `edge_fer/faces/reading/quality.py`,
and the numbers in docs/quality.md, come from it. With `--portraits` it does likewise with portraits that
BlazeFace finds. With a YuNet model file, it also measures how far the tip of the nose stands out (`NOSE` in
edge_fer/faces/reading/pose.py), and how well turned faces are read.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_fer.emotion.classifier import EmotionClassifier
from edge_fer.faces.reading.crop import crop_face
from edge_fer.faces.reading.pose import pose
from edge_fer.faces.reading.quality import QualityGate, grey_levels, light, sharpness
from edge_fer.types import Box, Face, Image, Keypoints, QualityFault
from tests.faces.contract import DETECTORS
from tests.faces.portraits import Portrait, london, placed, sfhq
from tests.shared import SHARED

Pictures = NDArray[np.uint8]
Spoil = Callable[[Image], Image]

#: So many of three readings must agree on a label.
LOOKERS = 2
#: FER+ calls them so, in this order, before contempt, unknown and no face.
VOTES = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear")
#: A face of FER2013, from brows to chin, in its 48 pixels: the eyes at 0.388 and the mouth at 0.74 of them, which are a
#: fifth and two thirds of the box.
TIGHT = Box(6, 11.4, 36, 36)


def blurred(sigma: float) -> Spoil:
    return lambda image: np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


def lit(gain: float, offset: float = 0.0, noise: float = 0.0) -> Spoil:
    random = np.random.default_rng(0)

    def spoil(image: Image) -> Image:
        # what a sensor adds does not become less with the light
        shown = image * gain + offset + random.normal(0, noise, image.shape)
        return np.asarray(np.clip(shown, 0, 255), np.uint8)

    return spoil


def small(side: int) -> Spoil:
    """The face taken with so few pixels from brows to chin."""
    whole = max(1, round(side * 48 / 38))
    return lambda image: np.asarray(cv2.resize(image, (whole, whole), interpolation=cv2.INTER_AREA), np.uint8)


def kept(side: str, share: float, box: Box) -> tuple[slice, slice]:
    """Rows and columns of a picture that is cut off where that share of the face is gone."""
    gone = share * box.width
    if side == "below":
        return slice(0, round(box.y + box.height - gone)), slice(None)
    if side == "above":
        return slice(max(round(box.y + gone), 0), None), slice(None)
    return slice(None), slice(max(round(box.x + gone), 0), None)


def cut(share: float, side: str) -> Spoil:
    """That share of the face beyond the picture's edge, which the crop repeats."""

    def spoil(image: Image) -> Image:
        rows, columns = (part.indices(48) for part in kept(side, share, TIGHT))
        edges = ((rows[0], 48 - rows[1]), (columns[0], 48 - columns[1]), (0, 0))
        return np.pad(image[rows[0] : rows[1], columns[0] : columns[1]], edges, mode="edge")

    return spoil


SIDES, CUTS = ("below", "beside", "above"), (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4)
STEPS: Mapping[str, Mapping[float, Spoil]] = {
    "blur: sigma in 48ths of the crop": {sigma: blurred(sigma) for sigma in (0.5, 1, 1.5, 2, 2.5, 3, 4)},
    "dark: share of the light, noise of 3": {
        gain: lit(gain, noise=3) for gain in (0.7, 0.5, 0.3, 0.2, 0.15, 0.1, 0.05)
    },
    "bright: levels added": {offset: lit(1.0, offset) for offset in (40, 80, 120, 150, 180, 210)},
    "small: pixels from brows to chin": {side: small(side) for side in (38, 32, 24, 20, 16, 12, 8)},
    **{f"cut off {side}: share of the face": {share: cut(share, side) for share in CUTS} for side in SIDES},
}


def labelled(file: Path) -> tuple[Pictures, list[str]]:
    """The pictures on which more than half of FER+'s people agree, and what they say."""
    with np.load(file) as arrays:
        images, votes = arrays["images"], arrays["ferplus_votes"].astype(int)
    clear = votes[:, : len(VOTES)].max(axis=1) * 2 > votes.sum(axis=1)
    return images[clear], [VOTES[best] for best in votes[clear, : len(VOTES)].argmax(axis=1)]


def measure(pictures: Pictures, labels: list[str], classifier: EmotionClassifier, spoil: Spoil) -> dict[str, float]:
    """Accuracy over all, mean score of the leading emotion, measures of the gate (median), and its refusals."""
    gate = QualityGate(min_size=1)
    right, scores, sharp, dark, bright, refused = [], [], [], [], [], []
    for picture, label in zip(pictures, labels, strict=True):
        crop = spoil(np.repeat(picture[:, :, None], 3, axis=2))
        (given,) = classifier.classify([crop])
        leading = max(given, key=given.__getitem__)
        levels = grey_levels(crop)
        quarter, nine_tenths = light(levels)
        faults = set(gate.judge(crop, Face(Box(0, 0, len(crop), len(crop)), 1.0), crop).faults)
        right.append(leading == label)
        scores.append(given[leading])
        sharp.append(sharpness(levels))
        dark.append(quarter)
        bright.append(nine_tenths)
        refused.append(bool(faults - {QualityFault.TOO_SMALL, QualityFault.CUT_OFF}))
    kept = [fine for fine, gone in zip(right, refused, strict=True) if not gone]
    return {
        "accuracy": float(np.mean(right)),
        "score": float(np.mean(scores)),
        "sharpness": float(np.median(sharp)),
        "bright": float(np.median(bright)),
        "dark": float(np.median(dark)),
        "refused": float(np.mean(refused)),
        "of the rest": float(np.mean(kept)) if kept else float("nan"),
    }


def keypoints(pictures: Pictures, model: Path) -> list[Keypoints | None]:
    """What YuNet sees in each picture, enlarged; None where it sees no face, or several."""
    detector = cv2.FaceDetectorYN.create(str(model), "", (160, 160), 0.7)
    found: list[Keypoints | None] = []
    for picture in pictures:
        large = cv2.resize(picture, (120, 120), interpolation=cv2.INTER_CUBIC)
        framed = cv2.copyMakeBorder(large, 20, 20, 20, 20, cv2.BORDER_REPLICATE)
        rows = detector.detect(cv2.cvtColor(framed, cv2.COLOR_GRAY2BGR))[1]
        if rows is None or len(rows) != 1:
            found.append(None)
            continue
        right, left, nose, corner, other = rows[0][4:14].reshape(5, 2).astype(float).tolist()
        mouth = ((corner[0] + other[0]) / 2, (corner[1] + other[1]) / 2)
        found.append(Keypoints(tuple(right), tuple(left), tuple(nose), mouth))
    return found


def nose(found: list[Keypoints]) -> float:
    """How far the nose stands out, in distances between the eyes.

    With the eyes' middle one above the mouth, yaw takes the eyes' distance to r cos(yaw), and the nose r n sin(yaw)
    aside: (distance / r)^2 + (aside / r n)^2 = 1, a line through the squares. Medians of bins, because the pictures
    are of different people.
    """
    points = np.array([[point.right_eye, point.left_eye, point.nose, point.mouth] for point in found]) @ (1, 1j)
    right, left, tip, mouth = points.T
    middle = (right + left) / 2
    upright = 1j / (mouth - middle)
    distance, aside = ((left - right) * upright).real, np.abs(((tip - middle) * upright).real)
    bins = [(aside >= low) & (aside < low + 0.04) & (distance > 0.1) for low in np.arange(0, 0.4, 0.04)]
    medians = np.array([[np.median(aside[bin_]), np.median(distance[bin_])] for bin_ in bins if bin_.sum() > 15])
    slope, _ = np.polyfit(medians[:, 0] ** 2, medians[:, 1] ** 2, 1)
    return float(1 / np.sqrt(-slope))


def turned(pictures: Pictures, labels: list[str], classifier: EmotionClassifier, model: Path) -> None:
    """Prints accuracy by how far faces are turned."""
    found = keypoints(pictures, model)
    print(f"\nturned: the nose stands out {nose([points for points in found if points]):.3f} of the eyes' distance")
    yaws = np.array([abs(pose(points).yaw) if points else np.nan for points in found])
    for low, high in ((0, 10), (10, 20), (20, 30), (30, 40), (40, 50), (50, 90)):
        chosen = np.flatnonzero((yaws >= low) & (yaws < high))
        given = classifier.classify([np.repeat(pictures[index][:, :, None], 3, axis=2) for index in chosen])
        leading = [max(scores, key=scores.__getitem__) for scores in given]
        right = np.mean([best == labels[index] for best, index in zip(leading, chosen, strict=True)])
        print(f"{low:4d} to {high} degrees  {len(chosen)} faces  accuracy {right:.3f}")


def on_portraits(
    chosen: Sequence[Portrait], labels: Mapping[str, str], classifier: EmotionClassifier, spoil: Callable[..., Image]
) -> str:
    """How many portraits are found, which faults the gate sees, and how many are read right, refused or not."""
    detector, gate, faults, right, refused = DETECTORS["blazeface"](), QualityGate(), Counter[str](), [], []
    for portrait in chosen:
        # what is spoilt is a frame in which the face is half as wide as the frame is high
        image, box = placed(portrait, 400, 400, 200)
        image = np.ascontiguousarray(spoil(image, box))
        faces = sorted(detector.detect(image), key=lambda face: face.box.iou(box), reverse=True)
        if not faces:
            continue
        crop = crop_face(image, faces[0], classifier.crop_frame, at_most=96)
        seen = gate.judge(image, faces[0], crop).faults
        faults.update(seen)
        refused.append(bool(seen))
        if portrait.name in labels:
            (given,) = classifier.classify([crop])
            right.append(max(given, key=given.__getitem__) == labels[portrait.name])
    told = ", ".join(f"{fault} {number}" for fault, number in faults.items())
    read = f"read right {np.mean(right):.3f} of {len(right)}" if right else ""
    return f"found {len(refused)} of {len(chosen)}  refused {np.mean(refused):.3f}  {read}  {told}"


def portraits(classifier: EmotionClassifier, every: int) -> None:
    """Prints what the gate makes of London and SFHQ (labels: three readings by a vision-language model, not people)."""
    with (SHARED / "data" / "faces" / "sfhq" / "labels.csv").open(encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if int(row["group"]) % 3]
    labels = {f"sfhq/{row['picture']}": label for row in rows for label in VOTES if int(row[label]) >= LOOKERS}
    spoils: dict[str, dict[float, Callable[..., Image]]] = {
        "as they are": {0.0: lambda image, _: image},
        "blur: sigma in 48ths of the face": {
            sigma: lambda image, box, sigma=sigma: blurred(sigma * box.width / 38)(image) for sigma in (1, 2, 3)
        },
        "dark: share of the light": {
            gain: lambda image, _, gain=gain: lit(gain, noise=3)(image) for gain in (0.5, 0.3, 0.2, 0.15)
        },
        "bright: levels added": {
            offset: lambda image, _, offset=offset: lit(1.0, offset)(image) for offset in (40, 80, 120)
        },
        **{
            f"cut off {side}: share of the face": {
                share: lambda image, box, side=side, share=share: image[kept(side, share, box)] for share in CUTS
            }
            for side in SIDES
        },
    }
    wanted = {name.removeprefix("sfhq/") for name in labels}
    sets = {"London": london()[::every], "SFHQ": [p for p in sfhq() if p.name.removeprefix("sfhq/") in wanted][::every]}
    for name, chosen in sets.items():
        for what, steps in spoils.items():
            print(f"\n{name}, {what}")
            for much, spoil in steps.items():
                print(f"{much:8g}  {on_portraits(chosen, labels, classifier, spoil)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, default=SHARED / "data" / "fer2013" / "public-test.npz")
    parser.add_argument("--every", type=int, default=1, help="take every so many pictures")
    parser.add_argument("--yunet", type=Path, help="face_detection_yunet or yunet_n_*.onnx")
    parser.add_argument("--portraits", action="store_true", help="measure on London and SFHQ as well")
    args = parser.parse_args()
    pictures, labels = labelled(args.pictures)
    pictures, labels = pictures[:: args.every], labels[:: args.every]
    classifier = EmotionClassifier.load()
    if args.portraits:
        portraits(classifier, args.every)
    print(f"{len(pictures)} pictures")
    if args.yunet:
        turned(pictures, labels, classifier, args.yunet)
    for name, steps in {"as they are": {0.0: lit(1.0)}, **STEPS}.items():
        print(f"\n{name}")
        for much, spoil in steps.items():
            row = measure(pictures, labels, classifier, spoil)
            print(f"{much:8g}  " + "  ".join(f"{what} {value:.3f}" for what, value in row.items()), flush=True)


if __name__ == "__main__":
    main()
