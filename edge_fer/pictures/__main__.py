"""`python -m edge_fer.pictures`: reads one picture that somebody has sent to the page, in a process that ends then.

Standard input has the settings as one line of JSON, then the picture. Standard output gets what `predict --json` tells.
Nothing is written, and whatever a picture does to a decoder ends with this process.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from contextlib import suppress
from typing import Any, BinaryIO, Final

from edge_fer import __version__
from edge_fer.capture.opencv.common import quieten
from edge_fer.config import Layer, load
from edge_fer.config.tree import CameraSection
from edge_fer.errors import EdgeFerError, PictureError
from edge_fer.inference.store import Store
from edge_fer.pictures.decoding import decode, see_that_it_is_no_larger
from edge_fer.pictures.faces import PictureReading, read_picture, read_whole
from edge_fer.pictures.records import JsonRecords
from edge_fer.wiring import build_stages

__all__ = ["main"]

#: Bytes of the settings, and of a picture.
_LARGEST_SETTINGS: Final = 65_536
_LARGEST: Final = 12 << 20
#: Pixels of a picture: those of most phones.
_MOST_PIXELS: Final = 16_400_000
#: Seconds of processor time, and bytes of memory that is no file's, used or not: NumPy and OpenCV reserve 300 MB of it.
_SECONDS: Final = 60
_MEMORY: Final = 768 << 20
#: How readily this process lets others go first.
_NICE: Final = 10


def main() -> int:
    """Reads one picture from standard input."""
    _limit()
    records = JsonRecords(sys.stdout, {"version": __version__})
    try:
        records.add(_reading(sys.stdin.buffer))
    except PictureError as error:
        records.failed("", PictureError(f"the file {error.message}", remedy=error.remedy))
    except MemoryError:
        records.failed("", PictureError("the file needs too much memory", remedy="Make the picture smaller"))
    except EdgeFerError as error:
        # such as a model that the page's user may not read
        records.failed("", PictureError(error.message, remedy=error.remedy))
    records.end()
    return 0


def _reading(stream: BinaryIO) -> PictureReading:
    settings: dict[str, Any] = json.loads(stream.readline(_LARGEST_SETTINGS))
    config = load([Layer.mapping("settings", settings)], environ={}, settings=False).config
    data = stream.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        msg = f"is larger than {_LARGEST >> 20} MB"
        raise PictureError(msg, remedy="Save it as JPEG, or make it smaller")
    quieten()
    see_that_it_is_no_larger(data, _MOST_PIXELS)
    picture = decode(data)
    camera = CameraSection(faces=config.faces, emotion=config.emotion, attributes=config.attributes)
    stages = build_stages(camera, store=Store(config.models_dir))
    emotion = config.emotion
    faces = read_picture(stages, picture.image, min_confidence=emotion.min_confidence, min_lead=emotion.min_lead)
    return PictureReading("", picture.image, faces, picture.notes, read_whole(stages, picture.image))


def _limit() -> None:
    """Takes away what a picture that has taken over the decoder could do harm with."""
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CPU, _SECONDS),
        (resource.RLIMIT_DATA, _MEMORY),
    ):
        with suppress(OSError, ValueError):
            resource.setrlimit(what, (most, most))
    # where memory is short, it is this that goes
    with suppress(OSError):
        os.nice(_NICE)
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:  # noqa: PTH123 - of the kernel
        file.write("1000")
    # libjpeg and libpng know no other place for their words
    nowhere = os.open(os.devnull, os.O_WRONLY)
    sys.stderr = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="backslashreplace")
    os.dup2(nowhere, 2)
    os.close(nowhere)


if __name__ == "__main__":
    sys.exit(main())
