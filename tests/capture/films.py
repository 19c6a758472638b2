"""Recordings made for a test, as real encoders and cameras make them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

__all__ = ["add_sound", "busy", "moving", "write_film"]

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
    pixel_format: str | None = None,
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
        pixel_format: FFmpeg's name of it; None: what the codec is mostly used with.
        options: of the encoder.
        container_options: of the container.
    """
    with av.open(str(path), "w", options=dict(container_options or {})) as container:
        stream = container.add_stream(codec, rate=fps)
        stream.pix_fmt = pixel_format or ("yuvj420p" if codec == "mjpeg" else "yuv420p")
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


def add_sound(path: Path, film: Path, *, seconds: float, codec: str, begins: float = 0.0) -> Path:
    """Copies a film, with silence beside its pictures.

    Args:
        path: its suffix says which container.
        film: with the pictures.
        seconds: of sound.
        codec: FFmpeg's name of the encoder.
        begins: seconds at which the sound begins.
    """
    with av.open(str(film)) as pictures, av.open(str(path), "w") as container:
        stream = container.add_stream_from_template(pictures.streams.video[0])
        sound = container.add_stream(codec, rate=48000)
        sound.bit_rate = 64_000
        for packet in pictures.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                container.mux(packet)
        count = sound.codec_context.frame_size or 1152
        for number in range(round(seconds * 48000 / count)):
            layout = sound.codec_context.layout
            frame = av.AudioFrame(format=sound.codec_context.format, layout=layout, samples=count)
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            frame.rate, frame.pts = 48000, round(begins * 48000) + number * count
            frame.time_base = Fraction(1, 48000)
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    return path
