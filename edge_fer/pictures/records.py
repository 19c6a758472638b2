"""What was read in pictures, for programs: JSON and CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TextIO

from edge_fer.errors import PictureError
from edge_fer.pictures.faces import FaceReading, PictureReading
from edge_fer.support.harmless import harmless_cell
from edge_fer.types import EMOTION, AttributeValue

__all__ = ["CsvRecords", "JsonRecords", "Records"]


class Records(Protocol):
    """Takes one picture after the other, and writes each at once; nothing is written before the first."""

    def add(self, reading: PictureReading, /) -> None:
        """Writes a picture."""

    def failed(self, name: str, error: PictureError, /) -> None:
        """Writes that a picture could not be read."""

    def end(self) -> None:
        """Writes what stands after the last."""


class JsonRecords:
    """One JSON object, with one line a picture.

    Args:
        out: where to.
        head: what stands before the pictures.
    """

    def __init__(self, out: TextIO, head: Mapping[str, Any]) -> None:
        self._out = out
        self._before = json.dumps(head)[:-1] + ', "pictures": [\n'

    def add(self, reading: PictureReading) -> None:
        """Writes a picture."""
        height, width = reading.image.shape[:2]
        faces = [_face(face) for face in reading.faces]
        told = {"file": reading.name, "size": [width, height], "notes": list(reading.notes)}
        self._write(told | _attributes(reading.attributes) | {"faces": faces})

    def failed(self, name: str, error: PictureError) -> None:
        """Writes that a picture could not be read."""
        self._write({"file": name, "error": error.message, "remedy": error.remedy})

    def end(self) -> None:
        """Ends the object."""
        self._out.write(self._before.removesuffix(",\n") + "\n]}\n")

    def _write(self, record: Mapping[str, Any]) -> None:
        self._out.write(self._before + json.dumps(record))
        self._before = ",\n"


class CsvRecords:
    """A row for each face, or for a picture without any, or that could not be read.

    Args:
        out: where to.
        labels: of the label set: a column each.
        attributes: names of what else is read: a column each, for its value.
    """

    def __init__(self, out: TextIO, labels: Sequence[str], attributes: Sequence[str] = ()) -> None:
        columns = ["file", "face", "x", "y", "width", "height", "label", "confidence", "quality", "faults", "doubt"]
        columns += [*labels, *map(_column, attributes), "error"]
        self._rows = csv.DictWriter(out, columns, restval="", lineterminator="\n")
        self._begun = False

    def add(self, reading: PictureReading) -> None:
        """Writes a picture's faces."""
        whole = {_column(name): known.value for name, known in reading.attributes.items()}
        if not reading.faces:
            self._write({"file": reading.name, **whole})
        for number, face in enumerate(reading.faces, start=1):
            record = _face(face)
            x, y, width, height = record["box"]
            row = {key: record[key] for key in ("label", "confidence", "quality", "doubt")} | record["scores"]
            where = {"x": x, "y": y, "width": width, "height": height}
            faults = " ".join(record["faults"])
            others = {_column(name): known.value for name, known in face.attributes.items() if name != EMOTION}
            self._write({"file": reading.name, "face": number, "faults": faults, **where, **row, **whole, **others})

    def failed(self, name: str, error: PictureError) -> None:
        """Writes that a picture could not be read."""
        self._write({"file": name, "error": str(error)})

    def end(self) -> None:
        """Writes the names of the columns, should there be no row."""
        self._begin()

    def _write(self, row: Mapping[str, Any]) -> None:
        self._begin()
        self._rows.writerow({key: harmless_cell(cell) if isinstance(cell, str) else cell for key, cell in row.items()})

    def _begin(self) -> None:
        if not self._begun:
            self._rows.writeheader()
        self._begun = True


def _face(face: FaceReading) -> dict[str, Any]:
    box = face.face.box
    return {
        "box": [round(side, 1) for side in (box.x, box.y, box.width, box.height)],
        "label": face.label,
        "confidence": round(face.confidence, 4),
        "scores": {label: round(score, 4) for label, score in face.scores.items()},
        "quality": round(face.quality.value, 4),
        "faults": [str(fault) for fault in face.quality.faults],
        "doubt": None if face.doubt is None else str(face.doubt),
        **_attributes({name: known for name, known in face.attributes.items() if name != EMOTION}),
    }


def _attributes(known: Mapping[str, AttributeValue]) -> dict[str, Any]:
    """A key for attributes, where there are some."""
    told = {
        name: {
            "value": _rounded(one.value),
            "confidence": None if one.confidence is None else round(one.confidence, 4),
            "scores": {label: round(score, 4) for label, score in one.scores.items()},
        }
        for name, one in known.items()
    }
    return {"attributes": told} if told else {}


def _rounded(value: str | float) -> str | float:
    return value if isinstance(value, str) else round(value, 4)


def _column(attribute: str) -> str:
    """The column of an attribute, which may be called as another column is."""
    return f"attribute.{attribute}"
