"""Makes the sample recording from one public-domain portrait: `python -m tools.sample_recording`.

Needs scikit-image (`pip install scikit-image`), whose wheel carries the portrait; the daemon itself does not need it.
A virtual camera looks at a plain wall, finds the person, comes closer, sees the light change, and looks away again.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import cv2
import numpy as np

from edge_fer.sample import sample_path
from edge_fer.types import Image

__all__ = ["main", "render"]

FPS = 15
SECONDS = 12.0
SIZE = (640, 360)

#: The keys of the virtual camera: second, x and y of what it looks at on the wall, zoom, light.
KEYS = np.array(
    [
        [0.0, 330, 182, 1.00, 1.00],
        [1.0, 330, 182, 1.00, 1.00],
        [2.2, 1000, 182, 1.00, 1.00],
        [3.5, 1000, 182, 1.00, 1.00],
        [4.7, 948, 118, 1.55, 1.00],
        [5.7, 948, 118, 1.55, 1.00],
        [6.3, 948, 118, 1.55, 0.55],
        [6.9, 948, 118, 1.55, 1.10],
        [8.0, 1000, 182, 1.00, 1.00],
        [8.4, 1000, 182, 1.00, 1.00],
        [9.6, 330, 182, 1.00, 1.00],
        [SECONDS, 330, 182, 1.00, 1.00],
    ]
)


def wall_with(portrait: Image) -> Image:
    """A plain grey wall, 1400 x 512, before which the portrait (512 x 512) stands with soft edges."""
    height, width = 512, 1400
    wall = np.broadcast_to(np.linspace(150, 110, height)[:, None, None], (height, width, 3)).astype(np.float32).copy()
    across = np.clip(np.minimum(np.arange(512), 511 - np.arange(512)) / 60, 0, 1)[None, :, None]
    left = 1000 - 256
    wall[:, left : left + 512] += (portrait - wall[:, left : left + 512]) * across
    return wall.astype(np.uint8)


def render(portrait: Image) -> list[Image]:
    """The frames, BGR uint8 (360, 640, 3), from the portrait, RGB uint8 (512, 512, 3)."""
    # a little smoothing takes away film grain, which would cost more bytes than the face
    smooth = np.asarray(cv2.bilateralFilter(portrait, 5, 20, 3), dtype=np.uint8)
    wall = cv2.cvtColor(wall_with(smooth), cv2.COLOR_RGB2BGR)
    frames = []
    for index in range(round(SECONDS * FPS)):
        now = index / FPS
        at = int(np.searchsorted(KEYS[:, 0], now, side="right")) - 1
        here, there = KEYS[at], KEYS[min(at + 1, len(KEYS) - 1)]
        share = (now - here[0]) / max(there[0] - here[0], 1e-9)
        eased = share * share * (3 - 2 * share)
        _, x, y, zoom, light = here + (there - here) * eased
        view = np.array([[zoom, 0, SIZE[0] / 2 - zoom * x], [0, zoom, SIZE[1] / 2 - zoom * y]])
        frame = cv2.warpAffine(wall, view, SIZE, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
        frames.append(np.asarray(cv2.convertScaleAbs(frame, alpha=light), dtype=np.uint8))
    return frames


def main(path: Path) -> None:
    """Writes the recording, in MPEG-4 part 2, which every OpenCV wheel can both write and play."""
    # only whoever makes the recording anew has it, so it is looked for no earlier, and not by the type checker
    portrait = import_module("skimage.data").astronaut()
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), FPS, SIZE)
    for frame in render(portrait):
        writer.write(frame)
    writer.release()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else sample_path())
