"""`edge-fer acceptance`: whether this device is fit for its work."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from edge_fer import __version__
from edge_fer.acceptance.page import acceptance_page, row
from edge_fer.acceptance.step import Ending, Result, StepResult, as_json
from edge_fer.acceptance.steps import FULL, QUICK, Under, camera_facts, machine_facts, steps
from edge_fer.cli._config_arguments import add_config_arguments, load_from
from edge_fer.cli._say import say
from edge_fer.cli._silence import libraries_silenced
from edge_fer.cli._source import add_source_argument, camera_of
from edge_fer.cli._verbs import Subparsers, add_verb
from edge_fer.errors import EdgeFerError
from edge_fer.support.redact import redacted

__all__ = ["add_parser"]

PAGE, FIGURES = "acceptance.html", "acceptance.json"
_MARKS = {Ending.PASSED: "passed", Ending.WARNED: "warning", Ending.FAILED: "FAILED", Ending.SKIPPED: "-"}

_DESCRIPTION = """\
Tries for about ten minutes whether this device is fit for its work: the camera's frames and light, speed, heat,
memory, a killed daemon, a full disk (a small one in memory, made for that), and, if somebody is at the terminal, a
pulled cable. It writes a page, acceptance.html, and acceptance.json, which may be sent in: no picture is in them, no
name of the device and no address. Nothing is published.

A camera has one user: stop the daemon before. Where there is no camera, a recording is taken.
"""
_EPILOG = """\
exit status:
  0    no step failed; there may be warnings
  1    a step failed, or the files could not be written
  2    the command line was wrong
  78   the configuration or a model is wrong
"""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the verb."""
    parser = add_verb(
        subparsers,
        "acceptance",
        help="try whether this device is fit for its work",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        handler=_acceptance,
    )
    add_source_argument(parser, or_sample=True)
    parser.add_argument(
        "--out", metavar="FOLDER", type=Path, default=Path(), help="where to write the two files; here, by default"
    )
    parser.add_argument("--quick", action="store_true", help="seconds in place of minutes, only to see that it works")
    add_config_arguments(parser)


def _acceptance(args: argparse.Namespace) -> int:
    settings = load_from(args).config
    name, camera = camera_of(settings, args.source, or_sample=True)
    asks = sys.stdin.isatty() and sys.stdout.isatty()
    times = QUICK if args.quick else FULL
    under = Under(name, camera, settings, times, _ask if asks else None)
    _prepare(args.out)
    say(f"This takes {'a minute' if args.quick else 'about ten minutes'}. The source is {redacted(camera.source)}.")
    found = []
    with libraries_silenced():
        for step in steps(under):
            found.append(step)
            _tell(step)
    result = Result(
        version=__version__,
        date=datetime.now(UTC).date().isoformat(),
        quick=args.quick,
        machine=machine_facts(),
        camera=camera_facts(under),
        steps=tuple(found),
    )
    _write(args.out, result)
    say()
    say(f"{args.out / PAGE} and {args.out / FIGURES} tell it all. The row for docs/hardware.md:")
    say(row(result))
    return int(bool(result.failures))


def _tell(step: StepResult) -> None:
    say(f"{_MARKS[step.outcome]:8} {step.name:22} {step.what}")


def _ask(what: str) -> None:
    say(f"{'ASKED':8} {what}")


def _prepare(folder: Path) -> None:
    """Makes sure, before time is spent, that the files can be written.

    Raises:
        EdgeFerError: they cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in (PAGE, FIGURES):
            (folder / name).open("a", encoding="utf-8").close()
    except OSError as error:
        msg = f"--out {folder}: cannot be written: {error.strerror}"
        raise EdgeFerError(msg, remedy="Name a folder that you may write to") from error


def _write(folder: Path, result: Result) -> None:
    (folder / PAGE).write_text(acceptance_page(result), encoding="utf-8")
    (folder / FIGURES).write_text(json.dumps(as_json(result), indent=1) + "\n", encoding="utf-8")
