"""A camera before which somebody smiles all the time: the sample's, back and forth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2

from edge_fer.sample import sample_path

__all__ = ["smiling_camera"]

#: Seconds of the sample between which the face is there.
BEGIN, END = 2.5, 8.5


def smiling_camera(folder: Path) -> dict[str, Any]:
    """The config of such a camera, with three emotions to tell apart.

    Args:
        folder: for its recording.
    """
    video = cv2.VideoCapture(str(sample_path()))
    rate = video.get(cv2.CAP_PROP_FPS)
    video.set(cv2.CAP_PROP_POS_FRAMES, round(BEGIN * rate))
    frames = [video.read()[1] for _ in range(round((END - BEGIN) * rate))]
    video.release()
    height, width = frames[0].shape[:2]
    path = folder / "smiling.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), rate, (width, height))
    for frame in frames + frames[-2:0:-1]:
        writer.write(frame)
    writer.release()
    return {"source": str(path), "loop": True, "emotion": {"labels": "three"}}
