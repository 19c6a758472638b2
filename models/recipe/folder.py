"""Measuring on labelled pictures that somebody has: `evaluate --folder`.

Faces are found, cut, judged and read by the daemon's own code, as it is set by default; every other system reads the
same crops.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_fer.emotion.classifier import EmotionClassifier
from edge_fer.faces.detectors.port import FaceDetector
from edge_fer.faces.reading.crop import crop_face
from edge_fer.faces.reading.quality import QualityGate
from edge_fer.types import Face

from .abroad import measure_abroad
from .data import LABELS, SIZE
from .data.labelled import Box, Labelled, LabelledSet
from .errors import RecipeError
from .metrics import share_interval
from .systems import Loaded

__all__ = ["CONFIDENT", "SMALLEST", "Faces", "measure_folder", "read_faces", "told_of_folder", "uncertain"]

#: The daemon's default for `emotion.min_confidence`: readings that are less sure are told as uncertain.
CONFIDENT = 0.45

#: The daemon's default for `faces.min_size`, pixels.
SMALLEST = 48.0

#: At how many pixels the daemon cuts at most.
AT_MOST = 2 * SIZE

#: So many pictures at a time: their crops are held, the pictures are not.
BATCH = 64


@dataclass(slots=True)
class Faces:
    """What was read, a row a face that was found.

    Attributes:
        truth: indices into LABELS.
        ours: edge-fer's probabilities, (7,) each.
        uncertain: whether the daemon would tell it as uncertain.
        faults: why the gate refuses faces, and of how many.
        others: by system, its probabilities of the labels that it shares with us.
        missed: of the pictures in which no face was found, the labels.
    """

    truth: list[int] = field(default_factory=list)
    ours: list[NDArray[np.float64]] = field(default_factory=list)
    uncertain: list[bool] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    others: dict[str, list[NDArray[np.float64]]] = field(default_factory=dict)
    missed: list[int] = field(default_factory=list)


def uncertain(classifier: EmotionClassifier, crops: Sequence[NDArray[np.uint8]]) -> NDArray[np.bool_]:
    """Return which crops (N,) the daemon would tell as uncertain: unlike anything learned, or not sure enough."""
    read = classifier.read(list(crops))
    return np.array([scores is None or max(scores.values()) < CONFIDENT for scores in read], bool)


def read_faces(
    pictures: Iterable[Labelled], detector: FaceDetector, classifier: EmotionClassifier, systems: Sequence[Loaded]
) -> Faces:
    """Read each picture's face: that in the picture's box if there is one, else the largest.

    Pictures of at most 48 px are taken to be cut out already; the gate is not asked about them.
    """
    faces, gate = Faces(others={system.name: [] for system in systems}), QualityGate(min_size=SMALLEST)
    for some in _batches(pictures):
        crops: list[NDArray[np.uint8]] = []
        refused: list[bool] = []
        for picture in some:
            image, label = picture.image(), LABELS.index(picture.label)
            faults: tuple = ()
            if max(image.shape[:2]) > SIZE:
                face = _wanted(detector.detect(image), picture.box)
                if face is None:
                    faces.missed.append(label)
                    continue
                crop = crop_face(image, face, classifier.crop_frame, at_most=AT_MOST)
                faults, image = gate.judge(image, face, crop).faults, crop
            faces.faults.update(str(fault) for fault in faults)
            faces.truth.append(label)
            refused.append(bool(faults))
            crops.append(image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2))
        if crops:
            faces.ours += [np.array([*scores.values()]) for scores in classifier.classify(crops)]
            faces.uncertain += (uncertain(classifier, crops) | np.array(refused)).tolist()
            for system in systems:
                faces.others[system.name] += [*system.ask(crops)]
    return faces


def _batches(pictures: Iterable[Labelled]) -> Iterator[list[Labelled]]:
    left = iter(pictures)
    while some := list(islice(left, BATCH)):
        yield some


def _wanted(faces: Sequence[Face], box: Box | None) -> Face | None:
    """The largest face, whose middle lies in the box where there is one."""
    if box is None:
        return faces[0] if faces else None
    x, y, width, height = box

    def within(face: Face) -> bool:
        across, down = face.box.centre
        return x <= across <= x + width and y <= down <= y + height

    return next(filter(within, faces), None)


def measure_folder(faces: Faces, systems: Sequence[Loaded]) -> dict:
    """Return what is reported of the faces read: edge-fer's figures, and each system's beside edge-fer's own.

    Each system is compared over the labels that it shares with edge-fer: pictures with another label are left out for
    both, and both answer with one of these labels.

    Raises:
        RecipeError: no face was found.
    """
    if not faces.truth:
        msg = f"no face was found in any of {len(faces.missed)} pictures"
        raise RecipeError(msg, remedy="Give pictures of faces from some 48 px on, or cut out at 48 px")
    ours, unsure = np.array(faces.ours), np.array(faces.uncertain)
    report: dict[str, Any] = {
        "pictures": len(faces.truth) + len(faces.missed),
        "found": len(faces.truth),
        "edge-fer": _measured(ours, faces, LABELS) | _abstaining(ours, np.array(faces.truth), unsure),
        "refused": dict(faces.faults),
        "systems": {},
    }
    for system in systems:
        columns = [LABELS.index(label) for label in system.labels]
        shared = ours[:, columns] / ours[:, columns].sum(axis=1, keepdims=True)
        report["systems"][system.name] = {
            "labels": list(system.labels),
            "it": _measured(np.array(faces.others[system.name]), faces, system.labels),
            "edge-fer": _measured(shared, faces, system.labels),
        }
    return report


def _measured(probabilities: NDArray[np.float64], faces: Faces, labels: Sequence[str]) -> dict:
    """Figures over the pictures that show one of the labels."""
    of_seven = {LABELS.index(label): at for at, label in enumerate(labels)}
    truth = np.array([of_seven.get(label, -1) for label in faces.truth])
    shown = truth >= 0
    if not shown.any():
        return {"pictures": 0}
    known = truth[shown].astype(np.uint8)
    told = measure_abroad(np.log(np.maximum(probabilities[shown], 1e-12)), known, labels=tuple(labels), enough=1)
    missed = sum(label in of_seven for label in faces.missed)
    right = np.concatenate([probabilities[shown].argmax(axis=1) == known, np.zeros(missed, bool)])
    return told | _share("accuracy", right[: len(known)]) | _share("accuracy_end_to_end", right)


def _abstaining(probabilities: NDArray[np.float64], truth: NDArray[np.int64], unsure: NDArray[np.bool_]) -> dict:
    right = probabilities.argmax(axis=1) == truth
    told = _share("accuracy_of_told", right[~unsure]) if (~unsure).any() else {}
    return _share("uncertain", unsure) | told


def _share(name: str, rows: NDArray[np.bool_]) -> dict:
    return {name: float(rows.mean()), f"{name}_95": share_interval(int(rows.sum()), len(rows))}


_FIGURES = {
    "accuracy": "accuracy, faces found",
    "accuracy_end_to_end": "accuracy, end to end",
    "macro_f1": "macro-F1",
    "calibration_error": "calibration error",
    "uncertain": "told as uncertain",
    "accuracy_of_told": "accuracy of the others",
}


def told_of_folder(found: LabelledSet, report: dict, lacking: dict[str, str]) -> str:
    """Return all of it as lines for people."""
    left = ", ".join(f"{count} {label}" for label, count in sorted(found.left_out.items()))
    lines = [
        f"{found.layout}, part {found.part}: {report['pictures']} pictures" + (f" (left out: {left})" if left else ""),
        f"faces found in {report['found']} of them",
        "",
        *_lines("edge-fer", report["edge-fer"]),
    ]
    if report["refused"]:
        why = ", ".join(f"{fault} {count}" for fault, count in sorted(report["refused"].items()))
        lines.append(f"  refused by the gate, and so uncertain: {why}")
    lines.append("  label: pictures, recall, precision")
    lines += [
        f"    {label}: {row['pictures']}, {row['recall']:.2f}, {row['precision']:.2f}"
        for label, row in report["edge-fer"]["labels"].items()
        if row["pictures"]
    ]
    for name, both in report["systems"].items():
        lines += ["", f"over {', '.join(both['labels'])}:", *_lines(name, both["it"])]
        if tuple(both["labels"]) != LABELS:
            lines += _lines("edge-fer", both["edge-fer"])
    lines += [""] if lacking else []
    lines += [f"left out: {name}: {why}" for name, why in lacking.items()]
    return "\n".join(lines)


def _lines(name: str, told: dict) -> list[str]:
    if not told["pictures"]:
        return [f"{name}: no picture with one of these labels"]
    width = max(map(len, _FIGURES.values()))
    return [
        f"{name}:",
        *(
            f"  {what:{width}}  {told[key]:.3f} ({told[f'{key}_95'][0]:.3f} to {told[f'{key}_95'][1]:.3f})"
            for key, what in _FIGURES.items()
            if key in told
        ),
    ]
