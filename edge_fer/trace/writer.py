"""Writes a trace: one JSON object a line, the first of which says what it is.

    {"edge_fer_trace": 2, "version": "0.1.0", "cameras": {"front": ["angry", ..., "neutral"]}}
    {"clock": {"t": 0.0, "utc": "2026-01-31T09:00:00.000000+00:00", "synced": true}}
    {"t": 12.3, "s": [1280, 720], "r": [[1, "happy", 0.881, [0.02, ...], 0.93, {"b": [401.2, 96.0, 88.1, 88.1]}]]}

`t` is in seconds since the first frame, by the clock that never jumps; `clock` says what the wall clock showed
then, and again whenever it was set. `c` is the camera, left out where there is one only. Each of `r` is a reading:
the person, the label, its confidence, the scores in the order of the camera's labels (empty: nothing read yet),
the quality, and what else there is to say of it, by key: `b`, the box of the face (x, y, width and height in pixels of
the picture); `f`, the faults of the quality; `d`, why a face that could be read is uncertain all the same; `a`, further
attributes, each with its value, its confidence (null for a number) and its scores by label. `s` is the width and height
of the picture, told whenever that changes. `a` of a line are the attributes of the picture as a whole, told whenever
they change. `same` says that nothing had changed. `v` is what the
camera gets to see at all, told whenever that changes; null, as before it is first told: not known. `n` is how many
people were in view, where that is another number than there are readings; `l` are those who left. `unwatched` says
that the camera was lost, or stopped: nobody watched until the next line of that camera. People are numbered anew in
each trace, so that nobody can be found in what was published.

Version 1 had no boxes, sizes and attributes; a reading's faults and doubt were the sixth and seventh part of it.
"""

from __future__ import annotations

import gzip
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Any

from edge_fer.errors import TraceError
from edge_fer.types import EMOTION, AttributeValue, Instant, Reading, View

__all__ = ["VERSION", "TraceWriter"]

#: The version of the format.
VERSION = 2
#: A wall clock that moved by less against the other is not worth a line, in seconds.
DRIFT = 0.05

_NONE: Mapping[str, AttributeValue] = MappingProxyType({})


class TraceWriter:
    """Writes what cameras tell, until the file is full. May be used by all cameras' threads at once.

    Args:
        path: of the file, which must not exist; compressed where it ends in `.gz`. Only its owner may read it.
        cameras: names, and the labels of each one's scores in their order.
        made_by: version of edge-fer.
        most_bytes: the file is full at this size, before compression.
        most_seconds: and after this time.

    Attributes:
        full: whether it takes no more.
        steps: how many frames it has taken.

    Raises:
        TraceError: the file exists, or cannot be made.
    """

    def __init__(
        self,
        path: Path,
        cameras: Mapping[str, Sequence[str]],
        *,
        made_by: str,
        most_bytes: int,
        most_seconds: float = float("inf"),
    ) -> None:
        self.full = False
        self.steps = 0
        self._path = path
        self._labels = cameras
        self._room = most_bytes
        self._seconds = most_seconds
        self._lock = Lock()
        self._begin: float | None = None
        self._clock: tuple[float, bool] | None = None
        self._views: dict[str, View | None] = {}
        self._sizes: dict[str, tuple[int, int]] = {}
        self._attributes: dict[str, dict[str, Any]] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        self._count = 0
        self._raw = _made(path)
        # no name and no time inside, so that the same trace is the same file
        packed = (
            gzip.GzipFile(filename="", mode="wb", fileobj=self._raw, mtime=0) if path.suffix == ".gz" else self._raw
        )
        self._file = io.TextIOWrapper(packed, encoding="utf-8")
        self._line(
            {"edge_fer_trace": VERSION, "version": made_by, "cameras": {name: list(of) for name, of in cameras.items()}}
        )

    def step(
        self,
        camera: str,
        at: Instant,
        readings: Sequence[Reading] | None,
        *,
        people: int,
        left: Sequence[str],
        view: View | None = None,
        unwatched: bool = False,
        attributes: Mapping[str, AttributeValue] = _NONE,
    ) -> None:
        """Takes what one frame told; once the file is full, nothing more.

        Args:
            camera: the camera's name.
            at: when the frame was captured.
            readings: one for each person found; None where nothing has changed since the last frame.
            people: how many are in view.
            left: ids of the people given up.
            view: what the camera gets to see at all; None where that is not known.
            unwatched: whether there were no frames from then on, for a while at least.
            attributes: what is known of the picture as a whole, by attribute.
        """
        with self._lock:
            if self.full:
                return
            if self._begin is None:
                self._begin = at.mono
            time = round(at.mono - self._begin, 3)
            self._tell_clock(time, at)
            line: dict[str, Any] = {"c": camera} if len(self._labels) > 1 else {}
            line |= {"t": time} | self._size(camera, readings) | self._readings(camera, readings)
            if people != len(readings or ()):
                line["n"] = people
            if view is not self._views.get(camera):
                self._views[camera] = view
                line["v"] = view
            known = _told(attributes)
            if known != self._attributes.get(camera, {}):
                self._attributes[camera] = line["a"] = known
            if left:
                line["l"] = [self._number(camera, who) for who in left]
            if unwatched:
                line["unwatched"] = True
            self._line(line)
            self.steps += 1
            for who in left:
                self._numbers.pop((camera, who), None)
            if time >= self._seconds or self._room <= 0:
                self._end()

    def close(self) -> None:
        """Ends the file in good order."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if not self._file.closed:
            self.full = True
            try:
                self._file.close()
                self._raw.close()
            except OSError as error:
                raise self._cannot(error) from error

    def _readings(self, camera: str, readings: Sequence[Reading] | None) -> dict[str, Any]:
        if readings is None:
            return {"same": True}
        return {"r": [self._reading(camera, reading) for reading in readings]} if readings else {}

    def _size(self, camera: str, readings: Sequence[Reading] | None) -> dict[str, Any]:
        """The size of the picture, where it is another than before."""
        size = next((reading.size for reading in readings or () if reading.size), None)
        if size is None or size == self._sizes.get(camera):
            return {}
        self._sizes[camera] = size
        return {"s": list(size)}

    def _reading(self, camera: str, reading: Reading) -> list[Any]:
        scores = [round(reading.scores[label], 4) for label in self._labels[camera]] if reading.scores else []
        quality = reading.quality
        told = [
            self._number(camera, reading.track_id),
            reading.label,
            round(reading.confidence, 4),
            scores,
            round(quality.value, 3),
        ]
        more: dict[str, Any] = {}
        if reading.box:
            box = reading.box
            more["b"] = [round(side, 1) for side in (box.x, box.y, box.width, box.height)]
        if quality.faults:
            more["f"] = [str(fault) for fault in quality.faults]
        if reading.doubt:
            more["d"] = str(reading.doubt)
        if len(reading.attributes) > 1:
            more["a"] = _told({name: known for name, known in reading.attributes.items() if name != EMOTION})
        return [*told, more] if more else told

    def _number(self, camera: str, who: str) -> int:
        if (camera, who) not in self._numbers:
            self._count += 1
            self._numbers[camera, who] = self._count
        return self._numbers[camera, who]

    def _tell_clock(self, time: float, at: Instant) -> None:
        ahead = at.utc.timestamp() - at.mono
        if self._clock is None or abs(ahead - self._clock[0]) > DRIFT or at.synced != self._clock[1]:
            self._clock = ahead, at.synced
            self._line({"clock": {"t": time, "utc": at.utc.isoformat(timespec="microseconds"), "synced": at.synced}})

    def _line(self, content: Mapping[str, Any]) -> None:
        text = json.dumps(content, separators=(",", ":"), ensure_ascii=False) + "\n"
        self._room -= len(text)
        try:
            self._file.write(text)
        except OSError as error:
            self.full = True
            raise self._cannot(error) from error

    def _cannot(self, error: OSError) -> TraceError:
        return TraceError(f"{self._path} cannot be written: {error.strerror}", remedy="Name a file where there is room")


def _told(attributes: Mapping[str, AttributeValue]) -> dict[str, Any]:
    """Attributes as they are written."""
    return {
        name: [
            known.value if isinstance(known.value, str) else round(known.value, 4),
            None if known.confidence is None else round(known.confidence, 4),
            {label: round(score, 4) for label, score in known.scores.items()},
        ]
        for name, known in attributes.items()
    }


def _made(path: Path) -> io.BufferedWriter:
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except FileExistsError:
        msg = f"{path} exists already"
        raise TraceError(msg, remedy="Name another file, or remove this one") from None
    except OSError as error:
        msg = f"{path} cannot be made: {error.strerror}"
        raise TraceError(msg, remedy="Name a file in a folder that you may write to") from error
