"""What MediaPipe's own Python detector says of recordings, stored for the tests to compare with.

`python tests/faces/mediapipe_reference.py` writes mediapipe_reference.json beside itself. MediaPipe brings another
OpenCV, so this makes an environment of its own (beside the checkout's, in `.venv-mediapipe`) and starts over in it;
it imports nothing of ours. Needs Python 3.12 or older, x86-64, and the recordings of `../shared`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ENVIRONMENT = ROOT / ".venv-mediapipe"
REQUIREMENT = "mediapipe==0.10.21"
STORED = HERE / "mediapipe_reference.json"

SHARED = Path(os.environ.get("EDGE_FER_SHARED", ROOT.parent / "shared"))
#: Recording, and every how many of its frames are looked at; the tests read both from what is stored.
RECORDINGS = {
    "sample": (ROOT / "edge_fer" / "sample" / "astronaut.mp4", 7),
    "clip": (SHARED / "data" / "clips" / "wolfgang-langer-pexels.mp4", 16),
}
#: MediaPipe's names for the networks' ranges.
SELECTION = {"short": 0, "full": 1}


def start_over() -> int:
    """Runs this file in an environment with MediaPipe."""
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        venv.create(ENVIRONMENT, with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", REQUIREMENT], check=True)
    return subprocess.run([python, __file__, "--here"], check=True).returncode


def pictures(path: Path, every: int) -> Iterator[tuple[int, Any]]:
    """Index and RGB picture of every so many frames."""
    import cv2

    video = cv2.VideoCapture(str(path))
    assert video.isOpened(), path
    index = 0
    while video.grab():
        if index % every == 0:
            yield index, cv2.cvtColor(video.retrieve()[1], cv2.COLOR_BGR2RGB)
        index += 1


def told(detections: Any, width: int, height: int) -> list[dict[str, Any]]:
    """Scores, boxes (x, y, width, height) and the six keypoints, in pixels."""
    faces = []
    for detection in detections or []:
        place = detection.location_data
        box = place.relative_bounding_box
        faces.append(
            {
                "score": round(detection.score[0], 5),
                "box": [
                    round(value, 3)
                    for value in (box.xmin * width, box.ymin * height, box.width * width, box.height * height)
                ],
                "keypoints": [
                    [round(point.x * width, 3), round(point.y * height, 3)] for point in place.relative_keypoints
                ],
            }
        )
    return faces


def main() -> None:
    import mediapipe

    stored: dict[str, Any] = {
        "made_with": f"mediapipe {mediapipe.__version__}",
        "every": {name: every for name, (_, every) in RECORDINGS.items()},
    }
    for which, selection in SELECTION.items():
        detector = mediapipe.solutions.face_detection.FaceDetection(
            model_selection=selection, min_detection_confidence=0.5
        )
        stored[which] = {
            name: {
                str(index): told(detector.process(image).detections, image.shape[1], image.shape[0])
                for index, image in pictures(path, every)
            }
            for name, (path, every) in RECORDINGS.items()
        }
    STORED.write_text(json.dumps(stored, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main() if "--here" in sys.argv else start_over())
