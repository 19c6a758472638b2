"""Which faces are found and read, by size and place: `python -m tests.faces.contract`.

Portraits (`tests/faces/portraits.py`) are put into frames, found by a detector, and judged by the quality gate. A row
is a size of frame and face, a column a place; a cell tells how many of a hundred are found, and how many of a hundred
are found without any fault. For SFHQ, `turned_away` is no fault here, for some of its heads are.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from edge_fer.emotion.classifier import EmotionClassifier
from edge_fer.faces.detectors.blazeface import BlazeFaceDetector
from edge_fer.faces.detectors.haar import HaarDetector
from edge_fer.faces.detectors.port import FaceDetector
from edge_fer.faces.detectors.yunet import YuNetDetector
from edge_fer.faces.reading.crop import crop_face
from edge_fer.faces.reading.quality import STILL_LARGE, QualityGate
from edge_fer.types import QualityFault
from tests.faces.portraits import PLACES, Portrait, london, placed, sfhq, turned
from tests.fetched import blazeface_models
from tests.shared import shared_data

__all__ = ["DETECTORS", "FRAMES", "SHARES", "Cell", "cell", "face_sizes"]

MIN_SIZE = 48.0
#: Width and height of frames.
FRAMES = (
    (320, 240),
    (340, 340),
    (400, 400),
    (480, 480),
    (560, 560),
    (640, 640),
    (720, 720),
    (760, 760),
    (800, 800),
    (360, 640),
    (480, 640),
    (600, 800),
    (720, 1280),
    (640, 360),
    (640, 480),
    (800, 600),
    (1280, 720),
    (1920, 1080),
)
#: The face's box over the shorter side of the frame.
SHARES = (0.25, 0.4, 0.55, 0.7, 0.8, 0.9, 1.0)
#: From this overlap (IoU) on, a box is of the face.
SAME = 0.35

DETECTORS: Mapping[str, Callable[[], FaceDetector]] = {
    "blazeface": lambda: BlazeFaceDetector(blazeface_models(), min_size=MIN_SIZE, leeway=STILL_LARGE),
    "haar": lambda: HaarDetector(min_size=MIN_SIZE),
    "yunet": lambda: YuNetDetector(
        (shared_data() / "reference" / "yunet_n_320_320.onnx").read_bytes(), min_size=MIN_SIZE, leeway=STILL_LARGE
    ),
}


@dataclass
class Cell:
    """What became of the portraits in frames of one kind."""

    shown: int = 0
    found: int = 0
    fine: int = 0
    faults: Counter[QualityFault] = field(default_factory=Counter)
    others: int = 0
    missed: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{100 * self.found / self.shown:.0f}/{100 * self.fine / self.shown:.0f}"


def face_sizes(width: int, height: int) -> list[float]:
    """From little more than the smallest that is looked for, up to the whole of the shorter side, pixels."""
    shares = (share * min(width, height) for share in SHARES)
    return [1.1 * MIN_SIZE, *(size for size in shares if size > 1.2 * MIN_SIZE)]


def cell(
    detector: FaceDetector,
    portraits: Iterable[Portrait],
    frame: tuple[int, int],
    face: float,
    place: tuple[float, float],
    *,
    allowed: frozenset[QualityFault] = frozenset(),
) -> Cell:
    """Puts each portrait into a frame, its face so many pixels wide; `allowed` faults do not count."""
    gate, crop_frame, told = QualityGate(min_size=MIN_SIZE), EmotionClassifier.load().crop_frame, Cell()
    for portrait in portraits:
        image, box = placed(portrait, *frame, face, place)
        faces = sorted(detector.detect(image), key=lambda found: found.box.iou(box), reverse=True)
        told.shown += 1
        if not faces or faces[0].box.iou(box) < SAME:
            told.others += len(faces)
            told.missed.append(portrait.name)
            continue
        told.found += 1
        told.others += len(faces) - 1
        crop = crop_face(image, faces[0], crop_frame, at_most=96)
        faults = set(gate.judge(image, faces[0], crop).faults) - allowed
        told.faults.update(faults)
        told.fine += not faults
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detector", choices=DETECTORS, default="blazeface")
    parser.add_argument("--count", type=int, default=40, help="how many portraits of each set in each cell")
    args = parser.parse_args()
    detector, away = DETECTORS[args.detector](), frozenset({QualityFault.TURNED_AWAY})
    sets: dict[str, tuple[list[Portrait], frozenset[QualityFault]]] = {
        "London": (london(args.count), frozenset()),
        "SFHQ": (sfhq(args.count), away),
        "SFHQ, hats": (sfhq(args.count // 2, cover="hat"), away),
        "London, leaning 45°": (
            [turned(one, 45 * (-1) ** at) for at, one in enumerate(london(args.count // 2))],
            frozenset(),
        ),
    }
    for name, (chosen, allowed) in sets.items():
        print(f"\n{name}: {len(chosen)} portraits; found/without faults, of a hundred\n")
        print(f"| frame | face | {' | '.join(PLACES)} | faults | others |\n|{' --- |' * (len(PLACES) + 4)}")
        total: Cell = Cell()
        for frame in FRAMES:
            for face in face_sizes(*frame):
                cells = [cell(detector, chosen, frame, face, place, allowed=allowed) for place in PLACES.values()]
                for one in cells:
                    total.shown, total.found = total.shown + one.shown, total.found + one.found
                    total.fine, total.others = total.fine + one.fine, total.others + one.others
                faults = sum((one.faults for one in cells), Counter())
                told = ", ".join(f"{fault} {number}" for fault, number in faults.items())
                row = " | ".join(str(one) for one in cells)
                others = sum(one.others for one in cells)
                print(f"| {frame[0]} x {frame[1]} | {face:.0f} | {row} | {told} | {others} |", flush=True)
        print(f"| all | | {total} | | {total.others} |")


if __name__ == "__main__":
    main()
