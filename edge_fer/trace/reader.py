"""Reads a trace, line by line; what is wrong is told with the line's number."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import isfinite
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, Self, cast

from edge_fer.errors import TraceError
from edge_fer.support.files import open_file
from edge_fer.support.json_text import read_json
from edge_fer.trace.writer import VERSION
from edge_fer.types import (
    EMOTION,
    LABEL_SETS,
    UNCERTAIN,
    AttributeValue,
    Box,
    Doubt,
    Instant,
    Quality,
    QualityFault,
    Reading,
    View,
)

__all__ = ["Step", "TraceReader"]

#: The versions of the format that can be read.
READABLE = (1, VERSION)
#: No line of ours is longer.
LONGEST_LINE = 1_000_000
#: Where a later version of the format could be read.
_NEWER = "Read it with the version of edge-fer that wrote it, or a newer one"


@dataclass(frozen=True, slots=True)
class Step:
    """What one frame told.

    Attributes:
        camera: the camera's name.
        at: when; `mono` is in seconds since the trace began.
        readings: one for each person found; None where nothing had changed since the last frame.
        people: how many were in view.
        left: ids of the people given up.
        view: what the camera got to see at all; None where that was not known.
        unwatched: whether there were no frames from then on, for a while at least.
        attributes: what was known of the picture as a whole, by attribute.
    """

    camera: str
    at: Instant
    readings: tuple[Reading, ...] | None
    people: int
    left: tuple[str, ...]
    view: View | None = None
    unwatched: bool = False
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)


class TraceReader:
    """A trace that is open; iterate over its steps, once.

    Args:
        path: of the file; compressed where it ends in `.gz`.

    Attributes:
        cameras: names, and the labels of each one's scores in their order.
        first: when its first step was; None before that was read.
        last: when the last one was that was read.
        cut_off: whether the last line was incomplete, as it is when the recording was killed; it is left out.

    Raises:
        TraceError: it is no trace.
    """

    def __init__(self, path: Path) -> None:
        self.first: Instant | None = None
        self.last: Instant | None = None
        self.cut_off = False
        self._path = path
        self._number = 0
        try:
            self._raw = open_file(path)
        except OSError as error:
            msg = f"{path} cannot be read: {error.strerror}"
            raise TraceError(msg, remedy="Name a trace that `edge-fer record` has written") from error
        file = gzip.GzipFile(fileobj=self._raw) if path.suffix == ".gz" else self._raw
        self._file = cast("BinaryIO", file)
        try:
            self.cameras = self._header()
        except TraceError:
            self._close()
            raise
        self._only = next(iter(self.cameras)) if len(self.cameras) == 1 else None
        self._views: dict[str, View | None] = {}
        self._sizes: dict[str, tuple[int, int]] = {}
        self._attributes: dict[str, Mapping[str, AttributeValue]] = {}
        self._anchor: tuple[float, datetime, bool] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def __iter__(self) -> Iterator[Step]:
        while (line := self._next_line()) is not None:
            try:
                found = read_json(line.decode())
                if "clock" in found:
                    self._set_clock(found["clock"])
                else:
                    step = self._step(found)
                    self.first, self.last = self.first or step.at, step.at
                    yield step
            except (KeyError, TypeError, AttributeError, IndexError, ValueError, OverflowError) as error:
                self._fail(_told(error), cause=error)

    def _close(self) -> None:
        self._file.close()
        self._raw.close()

    def _header(self) -> Mapping[str, tuple[str, ...]]:
        line = self._next_line()
        try:
            found = read_json(line or b"")
            version, cameras = found["edge_fer_trace"], found["cameras"]
            labels = {str(name): tuple(map(str, of)) for name, of in cameras.items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            self._fail("is no trace", "Name one that `edge-fer record` has written")
        if type(version) is not int or version not in READABLE:
            self._fail(f"is a trace of version {version!r}, and this reads versions 1 to {VERSION}", _NEWER)
        if not labels or not all(of in LABEL_SETS.values() for of in labels.values()):
            self._fail("names no camera, or labels that are no label set", _NEWER)
        return labels

    def _next_line(self) -> bytes | None:
        try:
            line = self._file.readline(LONGEST_LINE)
        except EOFError:
            self.cut_off = True
            return None
        except OSError as error:
            self._fail(f"cannot be read: {error.strerror or error}", "Copy the file again", cause=error)
        self._number += 1
        if not line.endswith(b"\n"):
            if len(line) == LONGEST_LINE:
                self._fail("is too long for a line of a trace", "Copy the file again")
            self.cut_off = bool(line)
            return None
        return line

    def _set_clock(self, clock: Any) -> None:
        utc = datetime.fromisoformat(clock["utc"])
        if utc.utcoffset() != timedelta(0):
            msg = f"the clock shows {clock['utc']!r}, which is not in UTC"
            raise ValueError(msg)
        self._anchor = float(clock["t"]), utc.replace(tzinfo=UTC), bool(clock["synced"])

    def _step(self, found: Any) -> Step:
        time = float(found["t"])
        if self._anchor is None:
            msg = "there is no clock before it"
            raise ValueError(msg)
        # cameras take turns in a file, but each comes in order
        if not (self.last.mono - 60 if self.last else 0.0) <= time < float("inf"):
            msg = f"its time {time} is before that of the line above"
            raise ValueError(msg)
        since, utc, synced = self._anchor
        at = Instant(time, utc + timedelta(seconds=time - since), synced)
        camera = self._only or found["c"]
        labels = self.cameras[camera]
        if "s" in found:
            self._sizes[camera] = _size(found["s"])
        size = self._sizes.get(camera)
        told = None if found.get("same") else tuple([_reading(camera, labels, at, r, size) for r in found.get("r", ())])
        if "a" in found:
            self._attributes[camera] = _attributes(found["a"])
        people = int(found.get("n", len(told or ())))
        if "v" in found:
            self._views[camera] = None if found["v"] is None else View(found["v"])
        left, unwatched = tuple(map(str, found.get("l", ()))), bool(found.get("unwatched"))
        view, known = self._views.get(camera), self._attributes.get(camera, {})
        return Step(camera, at, told, people, left, view, unwatched, known)

    def _fail(
        self, problem: str, remedy: str = "Copy the file again, or take the line out", *, cause: Exception | None = None
    ) -> NoReturn:
        msg = f"{self._path}:{max(1, self._number)}: {problem}"
        raise TraceError(msg, remedy=remedy) from cause


def _reading(
    camera: str, labels: tuple[str, ...], at: Instant, found: list[Any], size: tuple[int, int] | None
) -> Reading:
    who, label, confidence, scores, quality, *rest = found
    # in version 1, faults and doubt were parts of their own
    more = rest[0] if rest and isinstance(rest[0], dict) else dict(zip(("f", "d"), rest, strict=False))
    if label not in labels and label != UNCERTAIN:
        msg = f"{label!r} is no label of camera {camera}"
        raise ValueError(msg)
    if scores and (len(scores) != len(labels) or not (min(scores) >= 0 and max(scores) <= 1)):
        msg = f"{scores!r} are not {len(labels)} scores from 0 to 1"
        raise ValueError(msg)
    if not (0 <= confidence <= 1 and 0 <= quality <= 1):
        msg = f"the confidence {confidence} or the quality {quality} is not from 0 to 1"
        raise ValueError(msg)
    judged = Quality(quality, tuple(map(QualityFault, more.get("f", ()))))
    doubt = Doubt(more["d"]) if "d" in more else None
    told = dict(zip(labels, scores, strict=False))
    emotion = AttributeValue(label, confidence, told, doubt)
    attributes = {EMOTION: emotion} | _attributes(more.get("a", {}))
    box = _box(more["b"]) if "b" in more else None
    return Reading(camera, str(who), at, judged, attributes, box, size=size if box else None)


def _box(found: Any) -> Box:
    x, y, width, height = map(float, found)
    if not all(map(isfinite, (x, y, width, height))):
        msg = f"{found!r} is no box"
        raise ValueError(msg)
    return Box(x, y, width, height)


def _size(found: Any) -> tuple[int, int]:
    width, height = found
    if type(width) is not int or type(height) is not int or not (width > 0 and height > 0):
        msg = f"{found!r} is no size of a picture"
        raise ValueError(msg)
    return width, height


def _attributes(found: Any) -> dict[str, AttributeValue]:
    return {str(name): _attribute(str(name), *known) for name, known in found.items()}


def _attribute(name: str, value: Any, confidence: Any, scores: Any) -> AttributeValue:
    shares = [*scores.values(), *([] if confidence is None else [confidence])]
    known = isinstance(value, str) or (type(value) in {int, float} and isfinite(value))
    if name == EMOTION or not known or not all(0 <= share <= 1 for share in shares):
        msg = f"{[value, confidence, scores]!r} is no value of an attribute {name!r}"
        raise ValueError(msg)
    return AttributeValue(value, confidence, {str(label): float(score) for label, score in scores.items()})


def _told(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"is not JSON: {error.msg}"
    if isinstance(error, KeyError):
        return f"has no {error}, or one that is not known"
    return str(error) if isinstance(error, ValueError) else "is no step of a trace"
