"""Runs another program's face detector or emotion reader over a clip, in that program's own environment.

    python peer.py fer-haar|fer-mtcnn|mediapipe-short|mediapipe-full CLIP FRAMES

Prints one line of JSON. Knows nothing of edge-fer, which is not installed there.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sized
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import cv2


def fer(*, mtcnn: bool) -> Callable[[object], Sized]:
    """Finds faces and reads emotions."""
    from fer.fer import FER

    return FER(mtcnn=mtcnn).detect_emotions


def mediapipe(selection: int) -> Callable[[object], Sized]:
    """Finds faces and no more."""
    from mediapipe import solutions

    detector = solutions.face_detection.FaceDetection(model_selection=selection, min_detection_confidence=0.5)
    return lambda picture: detector.process(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)).detections or ()


PEERS = {
    "fer-haar": lambda: fer(mtcnn=False),
    "fer-mtcnn": lambda: fer(mtcnn=True),
    "mediapipe-short": lambda: mediapipe(0),
    "mediapipe-full": lambda: mediapipe(1),
}


def main(peer: str, clip: str, frames: int) -> None:
    cv2.setNumThreads(1)
    look = PEERS[peer]()
    ready = time.monotonic()
    capture = cv2.VideoCapture(clip)
    taken = with_face = 0
    first = begin = None
    while taken < frames:
        there, picture = capture.read()
        if not there:
            break
        found = len(look(picture)) > 0
        now = time.monotonic()
        taken += 1
        with_face += found
        first = first or (now if found else None)
        # the first frame pays for what is set up late, and does not count
        begin = begin or time.process_time()
    spent = time.process_time() - begin
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
    figures = {"fps": (taken - 1) / spent, "ready": ready, "first": first, "peak_rss": peak}
    print(json.dumps(figures | {"with_face": with_face / taken}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
