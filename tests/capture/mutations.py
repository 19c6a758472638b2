"""Damages recordings and streams at random, and reads them: `python -m tests.capture.mutations FILE FIRST COUNT`.

Each copy is read by the pipeline that runs live. A line of JSON tells what came of it. It is a process of its own,
because a fault in a native library would end it.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random

import cv2
import numpy as np
from PIL import Image

from edge_fer import Analyzer
from edge_fer.capture.ffmpeg.recording import VideoFile
from edge_fer.capture.network.camera import NetworkCamera
from edge_fer.capture.network.jpeg_stream import JpegStream, TooLongError
from edge_fer.clock.system import SystemClock
from edge_fer.config.tree import CameraSection
from edge_fer.errors import PictureError, SourceError
from edge_fer.inference.store import Store
from edge_fer.pipeline.step import Told
from edge_fer.sample import sample_path
from edge_fer.support.stopwatch import Stopwatch
from edge_fer.types import Frame, Instant
from edge_fer.wiring import build_pipeline
from tests.capture.films import Picture, write_film
from tests.faults.trace import dice
from tests.fetched import FOLDER

__all__ = ["KINDS", "base", "mutated"]

#: Kinds of what is damaged, and the suffix of their files; pictures are of several.
KINDS = {"pictures": "", "mjpeg": ".mjpeg", "mp4": ".mp4", "ts": ".ts", "hevc": ".mkv"}
PICTURES = (".bmp", ".gif", ".jpg", ".png", ".tiff", ".webp")
#: Pictures of the sample recording in which the person is seen.
FROM, TO, FPS = 50, 86, 15
#: Grey levels, on average, that a picture may be away from the nearest one of the whole file.
FAR = 8
#: Bytes that come at a time.
PART = 1 << 16
#: Seconds without a picture in which a face can move so far that it is taken for another one.
LONG = 0.5
#: Seconds for one file; one that takes longer hangs.
LONGEST = 120


def base(folder: Path, kind: str) -> Path:
    """A small recording with one person in it, or a folder of such pictures."""
    pictures: list[Picture] = [
        frame.image for frame in VideoFile("sample", sample_path(), clock=SystemClock()).frames()
    ][FROM:TO]
    path = folder / f"whole{KINDS[kind]}"
    if kind == "pictures":
        path.mkdir()
        for suffix in PICTURES:
            Image.fromarray(pictures[len(pictures) // 2]).save(path / f"whole{suffix}")
        return path
    if kind == "mjpeg":
        path.write_bytes(b"".join(cv2.imencode(".jpg", picture[..., ::-1])[1].tobytes() for picture in pictures))
        return path
    # with its table of contents in front, an MP4 that is cut off can still be read
    front = {"movflags": "faststart"} if kind == "mp4" else {}
    if kind == "hevc":
        options = {"preset": "ultrafast", "x265-params": "log-level=0:keyint=6:min-keyint=6:bframes=0:open-gop=0"}
        return write_film(path, pictures, codec="libx265", fps=FPS, options=options)
    options = {"preset": "fast", "bf": "0"}
    return write_film(path, pictures, fps=FPS, key_every=6, options=options, container_options=front)


def mutated(whole: bytes, chance: Random) -> bytes:
    """A copy with one to three damages: bits flipped, a cut, bytes put in or left out, a block of zeros."""
    data = bytearray(whole)
    for _ in range(chance.randint(1, 3)):
        # headers, at the beginning or at the end, are hit more often than their size would have it
        place = chance.choice([chance.random(), chance.random(), chance.random() ** 4, 1 - chance.random() ** 4])
        at, length = int(place * len(data)), chance.choice([1, 4, 60, 700, 4096])
        match chance.choice(["flip", "cut", "insert", "delete", "zeros"]):
            case "flip":
                for _ in range(chance.choice([1, 10, 100])):
                    where = min(at + chance.randrange(4096), len(data) - 1)
                    data[where] ^= 1 << chance.randrange(8)
            case "cut":
                del data[max(at, 64) :]
            case "insert":
                data[at:at] = chance.randbytes(length)
            case "delete":
                del data[at : at + length]
            case "zeros":
                data[at : at + length] = bytes(length)
    return bytes(data)


def _stream(data: bytes) -> Iterator[Frame]:
    """What a camera gives that sends these bytes over HTTP, at the pace of the recording."""
    camera, began = NetworkCamera("video", "http://127.0.0.1/", clock=SystemClock()), datetime(2026, 1, 2, tzinfo=UTC)
    stream, parts = JpegStream(), (data[at : at + PART] for at in range(0, len(data), PART))
    for number, picture in enumerate(picture for part in parts for picture in stream.feed(part)):
        try:
            image = camera._decoded(picture)
        except ValueError:
            continue
        yield Frame("video", number, image, Instant(number / FPS, began + timedelta(seconds=number / FPS)))


@cache
def _analyzer() -> Analyzer:
    return Analyzer(settings={"models_dir": str(FOLDER)})


def _told(path: Path) -> Iterator[tuple[Told, Picture | None]]:
    if path.suffix != ".mjpeg":
        for moment in _analyzer().watch(path):
            yield moment.told, moment.frame and moment.frame.image
        return
    pipeline, at = build_pipeline("video", CameraSection(), store=Store(FOLDER), time=Stopwatch()), None
    for frame in _stream(path.read_bytes()):
        at = frame.at
        yield pipeline.step(frame), frame.image
    if at is not None:
        yield pipeline.finish(at), None


def _is_like(image: Picture, pictures: Sequence[Picture]) -> bool:
    return any(
        one.shape == image.shape and np.abs(image[::4, ::4].astype(np.int16) - one[::4, ::4]).mean() < FAR
        for one in pictures
    )


def outcome(path: Path, pictures: Sequence[Picture] = ()) -> dict[str, int]:
    """What came of a file.

    Args:
        path: the file.
        pictures: those of the whole one.

    Returns:
        How many pictures were read, how many of them are unlike all of the whole file, how often there were none for
        long, how many people were in view at once, and how many in all.
    """
    if path.suffix in PICTURES:
        try:
            found = _analyzer().read(path)
        except PictureError:
            return {"pictures": 0, "unlike": 0, "gaps": 0, "at_once": 0, "people": 0}
        people = len(found.faces)
        return {"pictures": 1, "unlike": 0, "gaps": 0, "at_once": people, "people": people}
    read, unlike, gaps, most, ids, before = 0, 0, 0, 0, set(), None
    try:
        for told, image in _told(path):
            if image is not None:
                read += 1
                unlike += not _is_like(image, pictures)
                gaps += before is not None and told.at.mono - before > LONG
                before = told.at.mono
            most = max(most, told.people or 0)
            ids |= {reading.track_id for reading in told.readings or ()}
    except (SourceError, TooLongError):
        pass
    return {"pictures": read, "unlike": unlike, "gaps": gaps, "at_once": most, "people": len(ids)}


def main(path: Path, first: int, count: int) -> None:
    """Reads copies by their numbers; the copy of number 0 is whole."""
    if path.is_dir():
        files, pictures = sorted(path.iterdir()), []
    else:
        files, pictures = [path], [image for _, image in _told(path) if image is not None]
    with tempfile.TemporaryDirectory() as folder:
        for number in range(first, first + count):
            # ends the process
            signal.alarm(LONGEST)
            chosen = files[number % len(files)]
            whole, copy = chosen.read_bytes(), Path(folder) / f"copy{chosen.suffix}"
            copy.write_bytes(mutated(whole, dice(f"{chosen.suffix} {number}")) if number else whole)
            found = outcome(copy, pictures)
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
            print(json.dumps({"number": number, **found, "memory": memory}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
