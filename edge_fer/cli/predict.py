"""`edge-fer predict`: what the faces in pictures say."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from edge_fer import __version__
from edge_fer.analyzer import Analyzer
from edge_fer.cli._config_arguments import add_config_arguments, load_from
from edge_fer.cli._say import say_ours
from edge_fer.cli._silence import libraries_silenced
from edge_fer.cli._verbs import Subparsers, add_verb
from edge_fer.errors import PictureError
from edge_fer.log import complain
from edge_fer.pictures.faces import PictureReading
from edge_fer.pictures.files import listed, shown
from edge_fer.pictures.records import CsvRecords, JsonRecords, Records
from edge_fer.pictures.saving import Drawings
from edge_fer.pictures.table import Style, lines
from edge_fer.sample import sample_picture
from edge_fer.support.redact import redacted
from edge_fer.types import Image

__all__ = ["add_parser"]

STDIN = "-"

_DESCRIPTION = """\
Reads the faces in pictures (JPEG, PNG, WebP, GIF, BMP, TIFF, PNM) as the daemon would: with the detector, quality gate,
label set and thresholds of the config. Shows each face with its label, confidence, all scores and quality. Nothing is
kept or sent; pictures are written only with --annotate.
"""
_EPILOG = """\
exit status:
  0    every picture was read, with faces in it or without
  1    one or more could not be read, which standard error tells; the others were
  2    the command line was wrong
  78   the configuration or a model is wrong

Try it:  edge-fer predict sample --annotate seen.jpg
"""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the verb."""
    parser = add_verb(
        subparsers,
        "predict",
        help="read the faces in pictures",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        handler=_predict,
    )
    parser.add_argument(
        "pictures",
        metavar="IMAGE|FOLDER|-",
        nargs="+",
        help="files; folders, for the pictures in them; - for one on standard input; "
        "sample for the one that comes with edge-fer",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object, with a line for each picture")
    form.add_argument("--csv", action="store_true", help="print CSV, with a row for each face")
    parser.add_argument(
        "--annotate",
        metavar="OUT",
        type=Path,
        help="write the picture with boxes, labels and score bars into this file (.jpg, .png or .webp), "
        "or, for several pictures, into this folder",
    )
    parser.add_argument(
        "--activation",
        action="store_true",
        help="lay over each face in --annotate where the model saw its leading emotion; coarse, and no reason for it",
    )
    parser.add_argument(
        "--camera",
        metavar="NAME",
        help="read them as this camera of the config would, with its zones, rotation and own settings",
    )
    add_config_arguments(parser)


def _predict(args: argparse.Namespace) -> int:
    if args.activation and not args.annotate:
        msg = "--activation needs --annotate"
        raise PictureError(msg, remedy="Name a file or folder for the drawing, for example --annotate seen.jpg")
    settings = load_from(args).config
    analyzer = Analyzer(settings, camera=args.camera)
    work = _Work(analyzer, _records(args, analyzer), args.activation)
    several = len(args.pictures) > 1 or os.path.isdir(args.pictures[0])  # noqa: PTH112 - as in `_Work.paths`
    drawings = Drawings(args.annotate, several=several) if args.annotate else None
    with libraries_silenced():
        for given in args.pictures:
            for path in work.paths(given):
                work.one(path, drawings)
    work.records.end()
    return 1 if work.failed else 0


def _records(args: argparse.Namespace, analyzer: Analyzer) -> Records:
    if args.json:
        return JsonRecords(sys.stdout, {"version": __version__, "labels": list(analyzer.labels)})
    if args.csv:
        return CsvRecords(sys.stdout, analyzer.labels, analyzer.attributes)
    return _Table(analyzer.min_size)


class _Table:
    """For people; what fails is told on standard error, where it is anyway."""

    def __init__(self, min_size: float) -> None:
        self._style = Style(sys.stdout)
        self._min_size = min_size

    def add(self, reading: PictureReading) -> None:
        """Prints a picture's faces."""
        for line in lines(reading, self._style, min_size=self._min_size):
            say_ours(line)

    def failed(self, name: str, error: PictureError) -> None:
        """It is told already."""

    def end(self) -> None:
        """Nothing stands below."""


def _stdin() -> BinaryIO:
    if sys.stdin is None or sys.stdin.isatty():
        msg = "standard input holds no picture"
        raise PictureError(msg, remedy="Pipe one into it, for example edge-fer predict - < photo.jpg")
    return sys.stdin.buffer


#: Words that stand for pictures; a file of such a name is written with its folder, as ./sample.
WORDS: Mapping[str, Callable[[], BinaryIO | Image]] = {STDIN: _stdin, "sample": sample_picture}


@dataclass
class _Work:
    """What is done with each picture."""

    analyzer: Analyzer
    records: Records
    activation: bool
    failed: int = field(default=0)

    def paths(self, given: str) -> Iterator[str]:
        """The pictures that an argument means; of a folder, those in it."""
        if given in WORDS or not os.path.isdir(given):  # noqa: PTH112 - a Path refuses what no path can be
            yield given
            return
        try:
            yield from (str(path) for path in listed(Path(given)))
        except PictureError as error:
            self._fail(shown(given), error)

    def one(self, given: str, drawings: Drawings | None) -> None:
        """Reads one picture, and draws it where that is wanted; what goes wrong with it holds up no other."""
        name = "standard input" if given == STDIN else shown(redacted(given))
        try:
            if "://" in given:
                msg = f"{name} is an address, and no file"
                raise PictureError(msg, remedy="Save a picture from there; `edge-fer run` watches streams")  # noqa: TRY301
            source = WORDS[given]() if given in WORDS else given
            reading = self.analyzer.read(source, name=name)
            self.records.add(reading)
            if drawings:
                drawings.save(given, self.analyzer.annotate(reading, activation=self.activation))
        except PictureError as error:
            self._fail(name, error)

    def _fail(self, name: str, error: PictureError) -> None:
        self.failed += 1
        complain(error)
        self.records.failed(name, error)
