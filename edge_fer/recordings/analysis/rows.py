"""The files that grow with a recording, written line by line: a row a reading, and what would have been published."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from typing import IO

from edge_fer.contract.composer import Composer
from edge_fer.contract.messages import Message
from edge_fer.pipeline.step import Told
from edge_fer.support.harmless import harmless_cell
from edge_fer.types import AttributeValue, Reading

__all__ = ["EventRows", "ReadingRows"]

#: What each row begins with; the scores of the labels follow.
HEAD = (
    "frame",
    "seconds",
    "track_id",
    "label",
    "confidence",
    "quality",
    "faults",
    "doubt",
    "x",
    "y",
    "width",
    "height",
)


class ReadingRows:
    """Writes `readings.csv`: one row a person and frame, none for frames in which nothing had moved.

    Scores have four decimals, as in messages and traces; boxes are in pixels.

    Args:
        file: to write into.
        labels: of the label set.
        attributes: names of what else is read: a column each, for its value.
    """

    def __init__(self, file: IO[str], labels: Sequence[str], attributes: Sequence[str] = ()) -> None:
        self._writer = csv.writer(file, lineterminator="\n")
        self._labels = labels
        self._attributes = attributes
        self._writer.writerow([*HEAD, *labels, *(f"attribute.{name}" for name in attributes)])

    def write(self, frame: int, seconds: float, readings: Sequence[Reading]) -> None:
        """Writes what was read of a frame."""
        for reading in readings:
            scores = [f"{reading.scores[label]:.4f}" for label in self._labels] if reading.scores else []
            self._writer.writerow(
                [
                    frame,
                    f"{seconds:.3f}",
                    reading.track_id,
                    reading.label,
                    f"{reading.confidence:.4f}",
                    f"{reading.quality.value:.3f}",
                    " ".join(reading.quality.faults),
                    reading.doubt or "",
                    *_place(reading),
                    *(scores or [""] * len(self._labels)),
                    *(_value(reading.attributes.get(name)) for name in self._attributes),
                ]
            )


def _value(known: AttributeValue | None) -> str:
    """The value of an attribute; empty where it is not known."""
    if known is None:
        return ""
    return harmless_cell(known.value) if isinstance(known.value, str) else f"{known.value:.4f}"


def _place(reading: Reading) -> list[str]:
    """The face's box; empty where it is not known."""
    box = reading.box
    return [""] * 4 if box is None else [f"{value:.1f}" for value in (box.x, box.y, box.width, box.height)]


class EventRows:
    """Writes `events.jsonl`: what the daemon would have published.

    Each message has its kind before it and `t`, its time in the recording in seconds.

    Args:
        file: to write into.
        composer: makes the messages.

    Attributes:
        events: how many events were written.
    """

    def __init__(self, file: IO[str], composer: Composer) -> None:
        self.events = 0
        self._file = file
        self._composer = composer

    def write(self, seconds: float, told: Told) -> None:
        """Writes what a step told."""
        for event in told.events:
            self._line("event", seconds, self._composer.event(event))
            self.events += 1
        for change in told.changes:
            self._line("alert_event", seconds, self._composer.alert_event(change))
        for summary in told.summaries:
            self._line("summary", seconds, self._composer.summary(summary))

    def _line(self, kind: str, seconds: float, message: Message) -> None:
        content = {"kind": kind, "t": round(seconds, 3)} | message.model_dump(mode="json")
        self._file.write(json.dumps(content, separators=(",", ":"), ensure_ascii=False) + "\n")
