"""`edge-fer bench`: what the pipeline costs on this machine, and how steady it is."""

from __future__ import annotations

import argparse
import math

from edge_fer.bench.measure import measure
from edge_fer.bench.report import STAGES, as_json, as_table
from edge_fer.capture.sources import kind_of
from edge_fer.cli._config_arguments import add_config_arguments, load_from
from edge_fer.cli._say import say_ours
from edge_fer.cli._source import add_source_argument, camera_of
from edge_fer.cli._verbs import Subparsers, add_verb
from edge_fer.support.harmless import harmless_lines

__all__ = ["add_parser"]

#: How long a camera, which never ends by itself, is looked at unless told otherwise.
CAMERA_SECONDS = 30.0

_DESCRIPTION = """\
Runs one camera's pipeline over a recording or camera, as fast as frames come, and measures each stage: the median and
95th percentile of its time; frames a second, processor, memory, the time from start to first event; how often labels
change, and how late a change of expression is told. What it would publish goes into an outbox of its own, for which
there is no broker; nothing is sent, and nothing is kept.
"""
_EPILOG = """\
exit status:
  0    measured
  1    the source cannot be read, or gave no frame
  2    the command line was wrong
  78   the configuration or a model is wrong

Measure on one core and with nothing else running:  taskset -c 0 edge-fer bench --source clip.mp4 --every-frame
"""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the verb."""
    parser = add_verb(
        subparsers,
        "bench",
        help="measure speed, memory and steadiness on this machine",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        handler=_bench,
    )
    add_source_argument(parser, or_sample=True)
    parser.add_argument(
        "--every-frame",
        action="store_true",
        help="leave no work out: search and read every frame, for comparison with other programs",
    )
    parser.add_argument(
        "--seconds",
        type=_positive,
        metavar="S",
        help=f"stop after so many seconds; by default recordings are looked at in full, cameras for {CAMERA_SECONDS:g}",
    )
    parser.add_argument("--frames", type=_whole, metavar="N", help="stop after so many frames")
    parser.add_argument("--stage", choices=STAGES, metavar="NAME", help=f"show one stage only: {', '.join(STAGES)}")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_config_arguments(parser)


def _bench(args: argparse.Namespace) -> int:
    settings = load_from(args).config
    name, camera = camera_of(settings, args.source, or_sample=True)
    if args.every_frame:
        every = camera.faces.model_copy(update={"detect_every": 0.0, "rest_every": 0.0})
        emotion = camera.emotion.model_copy(update={"read_every": 0.0})
        camera = camera.model_copy(update={"faces": every, "emotion": emotion})
    endless = camera.loop or kind_of(camera.source).live
    seconds = args.seconds or (CAMERA_SECONDS if endless and args.frames is None else None)
    report = measure(name, camera, settings=settings, seconds=seconds, frames=args.frames)
    say_ours(harmless_lines((as_json if args.json else as_table)(report, args.stage)))
    return 0


def _positive(text: str) -> float:
    value = float(text)
    if not (value > 0 and math.isfinite(value)):
        msg = f"{text} is not above 0"
        raise argparse.ArgumentTypeError(msg)
    return value


def _whole(text: str) -> int:
    value = int(text)
    if value < 1:
        msg = f"{text} is not at least 1"
        raise argparse.ArgumentTypeError(msg)
    return value
