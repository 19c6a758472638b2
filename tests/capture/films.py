"""Recordings made for a test, as real encoders and cameras make them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

__all__ = ["busy", "moving", "write_film"]

Picture = NDArray[np.uint8]


def moving(count: int, *, size: tuple[int, int] = (160, 96), seed: int = 1) -> list[Picture]:
    """Pictures (height, width, 3) of a bright square that moves over a grey ground with a little noise."""
    random = np.random.default_rng(seed)
    width, height = size
    found = []
    for number in range(count):
        picture = random.normal(90, 2, (height, width, 3)).clip(0, 255).astype(np.uint8)
        left, side = (number * 3) % (width - height // 2), height // 2
        picture[height // 4 : height // 4 + side, left : left + side] = 220
        found.append(picture)
    return found


def busy(count: int, size: tuple[int, int]) -> list[Picture]:
    """Pictures in which much moves, so that damage is seen in them."""
    random = np.random.default_rng(5)
    width, height = size
    ground = random.integers(40, 160, (height // 8, width // 8, 3)).repeat(8, 0).repeat(8, 1)
    found = []
    for number in range(count):
        picture = ground.copy()
        for one in range(5):
            left, top = (40 * one + (one + 2) * 3 * number) % (width - 40), (30 * one + 9 * number) % (height - 40)
            picture[top : top + 40, left : left + 40] = (60 * one + 20) % 255
        found.append((picture + random.normal(0, 2, picture.shape)).clip(0, 255).astype(np.uint8))
    return found


def write_film(
    path: Path,
    pictures: Iterable[Picture],
    *,
    codec: str = "libx264",
    fps: int = 10,
    times: Sequence[int] | None = None,
    pixels: Fraction | None = None,
    key_every: int = 10,
    options: Mapping[str, str] | None = None,
    container_options: Mapping[str, str] | None = None,
) -> Path:
    """Encodes pictures.

    Args:
        path: its suffix says which container.
        pictures: RGB, all of one size.
        codec: FFmpeg's name of the encoder.
        fps: frames a second.
        times: of each picture, in frames; in order, if left out. Those below 0 are hidden by an edit list, in an MP4.
        pixels: width of a pixel by its height.
        key_every: frames from one key frame to the next.
        options: of the encoder.
        container_options: of the container.
    """
    with av.open(str(path), "w", options=dict(container_options or {})) as container:
        stream = container.add_stream(codec, rate=fps)
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.gop_size = key_every
        if codec.startswith("lib"):
            # by quality; some versions of PyAV ask for a megabit a second
            stream.bit_rate = 0
        if options or codec == "libx264":
            stream.options = dict(options or {"preset": "ultrafast", "tune": "zerolatency"})
        for number, picture in enumerate(pictures):
            if number == 0:
                stream.height, stream.width = picture.shape[:2]
                if pixels:
                    stream.sample_aspect_ratio = pixels
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number if times is None else times[number]
            frame.time_base = Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
