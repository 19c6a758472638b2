"""`edge-fer try-faces`: somebody makes each face in turn, and sees what is read of it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Generator
from contextlib import closing
from shutil import get_terminal_size
from time import perf_counter
from typing import TextIO

from edge_fer.cli._config_arguments import add_config_arguments, load_from
from edge_fer.cli._say import say, say_json
from edge_fer.cli._silence import libraries_silenced
from edge_fer.cli._source import add_source_argument, camera_of
from edge_fer.cli._units import value_of
from edge_fer.cli._verbs import Subparsers, add_verb
from edge_fer.clock.system import SystemClock
from edge_fer.config import Config
from edge_fer.config.tree import CameraSection
from edge_fer.emotion.trial import NO_FACE, Prompt, Trial, TrialReading, as_json, lines, reasons_of
from edge_fer.errors import SourceError
from edge_fer.inference.store import Store
from edge_fer.pipeline.step import Pipeline
from edge_fer.support.redact import redacted
from edge_fer.types import LABEL_SETS, LABELS, Reading
from edge_fer.values.units import DURATION
from edge_fer.wiring import build_stages, overview_of, play

__all__ = ["add_parser"]

#: Seconds between two drawings of what is read.
EVERY = 0.1
#: What somebody is asked to do for each emotion.
ASKED = {label.name: label.ask for label in LABELS}

_DESCRIPTION = """\
Asks somebody in front of the camera to make each face in turn, shows what is read meanwhile, and prints in the end in
what share of the time each emotion was read, and for which others it was taken. Frames go through the same pipeline
that runs live, with the settings of the config. Of several people in view, the one with the largest face counts.
Nothing is published, and nothing is kept.

A camera has one user: stop the daemon before. Ctrl-C ends it early.
"""
_EPILOG = """\
exit status:
  0    every emotion was tried that there was time for
  1    the source cannot be read, or gave no frame
  2    the command line was wrong
  78   the configuration or a model is wrong
  130  ended early with Ctrl-C; what was read by then is printed
"""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the verb."""
    parser = add_verb(
        subparsers,
        "try-faces",
        help="make each face in turn and see what is read",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        handler=_try_faces,
    )
    add_source_argument(parser, or_sample=False)
    parser.add_argument(
        "--ready",
        metavar="TIME",
        type=value_of(DURATION),
        help="how long there is to make each face; by default 3s, or the time constant of the smoothing where that is "
        "longer",
    )
    parser.add_argument(
        "--hold", metavar="TIME", type=_held, default=5.0, help="how long each is to be held (default: 5s)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON in the end; prompts go to standard error")
    add_config_arguments(parser)


def _held(text: str) -> float:
    seconds = value_of(DURATION)(text)
    if seconds <= 0:
        msg = f"`{text}` is no time. Write one above 0, such as 5s"
        raise argparse.ArgumentTypeError(msg)
    return seconds


def _try_faces(args: argparse.Namespace) -> int:
    settings = load_from(args).config
    name, camera = camera_of(settings, args.source, or_sample=False)
    ready = max(3.0, camera.emotion.smoothing.time_constant) if args.ready is None else args.ready
    trial = Trial(LABEL_SETS[camera.emotion.labels], ready=ready, hold=args.hold)
    interrupted, frames = False, 0
    with libraries_silenced():
        screen = _Screen(sys.stderr if args.json else sys.stdout)
        try:
            with closing(_readings(name, camera, settings)) as readings:
                for seconds, reading in readings:
                    frames += 1
                    trial.take(seconds, TrialReading.of(reading))
                    prompt = trial.prompt(seconds)
                    if prompt is None:
                        break
                    screen.show(prompt, reading)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            screen.clear()
    if not frames and not interrupted:
        msg = f"source {redacted(camera.source)}: no frame came"
        raise SourceError(msg, remedy="Check the camera, or name another with --source")
    if args.json:
        say_json({"camera": name, "interrupted": interrupted, "tried": as_json(trial.tried)})
    else:
        say()
        for line in lines(trial.tried):
            say(line)
    return 130 if interrupted else 0


def _readings(
    name: str, camera: CameraSection, settings: Config
) -> Generator[tuple[float, Reading | None], None, None]:
    """For each frame the seconds since the first, and what was read of the largest face."""
    stages = build_stages(camera, store=Store(settings.models_dir), overview=overview_of(camera))
    emotion = camera.emotion
    pipeline = Pipeline(name, stages, min_confidence=emotion.min_confidence, min_lead=emotion.min_lead)
    standing: tuple[Reading, ...] = ()
    first: float | None = None
    with closing(play(name, camera, clock=SystemClock())) as frames:
        for frame in frames:
            told, mono = pipeline.step(frame), frame.at.mono
            first = mono if first is None else first
            standing = standing if told.readings is None else told.readings
            yield mono - first, max(standing, key=_area, default=None)


def _area(reading: Reading) -> float:
    """How large the face is, in square pixels."""
    return reading.box.area if reading.box else 0.0


class _Screen:
    """Tells what is asked and what is read: in one line, over and over, on a terminal; else a line a prompt."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._drawn = float("-inf")
        self._asked: tuple[str, bool] | None = None
        self._terminal = out.isatty()

    def show(self, prompt: Prompt, reading: Reading | None) -> None:
        """Shows what holds at the moment."""
        if self._asked != (prompt.label, prompt.counts):
            self._asked, self._drawn = (prompt.label, prompt.counts), float("-inf")
            if not prompt.counts or not self._terminal:
                self.clear()
                asked = f"Please {ASKED[prompt.label]}"
                left = f"{round(prompt.left, 1):g} s"
                say(f"Hold it for {left}." if prompt.counts else f"{asked}, within {left}.", out=self._out)
        if self._terminal and (now := perf_counter()) - self._drawn >= EVERY:
            self._drawn = now
            do = "hold it" if prompt.counts else "get ready"
            self._draw(f"  {do}, {prompt.left:2.0f} s left   read: {_read(reading)}")

    def clear(self) -> None:
        """Clears the line."""
        if self._terminal:
            self._draw("")
            self._out.write("\r")
            self._out.flush()

    def _draw(self, line: str) -> None:
        room = get_terminal_size().columns - 1
        self._out.write("\r" + line[:room].ljust(room))
        self._out.flush()


def _read(reading: Reading | None) -> str:
    if reading is None:
        return NO_FACE.replace("_", " ")
    reasons = reasons_of(reading)
    return f"{reading.label}: {', '.join(reasons)}" if reasons else f"{reading.label} {100 * reading.confidence:.0f} %"
