"""`edge-fer analyze`: a recording as numbers, and as a report to look at."""

from __future__ import annotations

import argparse
import json
import os
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from edge_fer.capture.ffmpeg.recording import promised_seconds
from edge_fer.capture.sources import VIDEO, kind_of
from edge_fer.cli._config_arguments import add_config_arguments, load_from
from edge_fer.cli._progress import Progress
from edge_fer.cli._say import say
from edge_fer.cli._units import value_of
from edge_fer.cli._verbs import Subparsers, add_verb
from edge_fer.clock.system import Clock, SystemClock
from edge_fer.clock.zone import local_zone
from edge_fer.config import Config
from edge_fer.config.tree import CameraSection
from edge_fer.errors import AnalysisError, ConfigError, SourceError
from edge_fer.recordings.analysis.analyse import Recording, analyse
from edge_fer.recordings.analysis.cut import Cut
from edge_fer.recordings.analysis.folder import READINGS, REPORT, SUMMARY, Folder, check_ours
from edge_fer.recordings.analysis.outcome import AnalysisOutcome, as_json
from edge_fer.report.page import page
from edge_fer.report.words import clock_time, percent
from edge_fer.sample import SAMPLES
from edge_fer.support.harmless import harmless
from edge_fer.support.redact import redacted
from edge_fer.types import UNCERTAIN, Instant
from edge_fer.values.units import DURATION

__all__ = ["add_parser"]

_DESCRIPTION = """\
Takes a recording through the same pipeline that runs live, with the alert rules and summaries of the config, and writes
a folder: readings.csv (a row a face and frame), events.jsonl (what would have been published), summary.json, and
report.html, which needs no network and can be printed. Nothing is published. The files hold no pictures, except the
report: a few of the strongest moments, with faces blurred.
"""
_EPILOG = """\
exit status:
  0    analysed, also where nobody was seen
  1    the recording cannot be read, or the folder not be written
  2    the command line was wrong
  78   the configuration or a model is wrong
  130  ended early with Ctrl-C; what was seen by then is in the folder
"""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the verb."""
    parser = add_verb(
        subparsers,
        "analyze",
        help="make a report of a recording",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        handler=_analyze,
    )
    samples = " or ".join(SAMPLES)
    parser.add_argument("video", metavar="VIDEO", help=f"a video file; {samples}: a recording that comes with edge-fer")
    parser.add_argument("--out", metavar="FOLDER", type=Path, help="by default VIDEO-analysis, here")
    parser.add_argument(
        "--every", metavar="TIME", type=_time, default=0.0, help="look at one frame in so much time: 1s"
    )
    parser.add_argument(
        "--from", dest="begin", metavar="TIME", type=_time, default=0.0, help="begin there: 90s or 1:30"
    )
    parser.add_argument("--to", dest="end", metavar="TIME", type=_time, default=float("inf"), help="end there")
    parser.add_argument("--camera", metavar="NAME", help="use this camera's part of the config; by default the first's")
    parser.add_argument(
        "--began",
        metavar="WHEN",
        type=_moment,
        help="when the recording began, such as 2026-01-31T09:00, for summaries and schedules; by default now",
    )
    parser.add_argument("--show-faces", action="store_true", help="do not blur the faces in the report's pictures")
    add_config_arguments(parser)


def _analyze(args: argparse.Namespace) -> int:
    settings = load_from(args).config
    if args.begin >= args.end:
        msg = f"--from {clock_time(args.begin)} is not before --to {clock_time(args.end)}"
        raise AnalysisError(msg, remedy="Let the recording's part begin before it ends")
    path = _path(args.video)
    name, camera = _camera(settings, args.camera)
    out = args.out or Path(f"{path.stem}-analysis")
    check_ours(out)  # before an hour of work, not after it
    promised = promised_seconds(path)
    progress = Progress(None if promised is None else min(promised, args.end))
    recording = Recording(
        file=harmless(path.name),
        camera=name,
        promised=promised,
        cut=Cut(args.begin, args.end, args.every),
        clock=_clock(args.began, settings),
    )
    camera = camera.model_copy(update={"source": str(path), "loop": False})
    try:
        folder, found = analyse(
            recording,
            camera,
            settings,
            make_folder=partial(Folder, out),
            show_faces=args.show_faces,
            on_time=progress,
        )
    finally:
        progress.close()
    folder.write(REPORT, page(found))
    folder.write(SUMMARY, json.dumps(as_json(found), indent=1) + "\n")
    for line in _told(found, out):
        say(line)
    return 130 if found.interrupted else 0


def _path(video: str) -> Path:
    """The file; a recording alone comes to an end."""
    if video in SAMPLES:
        return SAMPLES[video]
    try:
        kind = kind_of(video)
    except SourceError:
        kind = None
    if kind in {VIDEO, None} and "://" not in video and not os.path.lexists(video):
        msg = f"{video} cannot be read: there is no such file"
        raise AnalysisError(msg, remedy="Check the path")
    if kind is not VIDEO:
        msg = f"{redacted(video)} is no video file"
        remedy = "Name a recording; `edge-fer predict` reads pictures, `edge-fer run` watches cameras"
        raise AnalysisError(msg, remedy=remedy)
    return Path(video)


def _camera(settings: Config, wanted: str | None) -> tuple[str, CameraSection]:
    name = wanted or next(iter(settings.cameras))
    if name not in settings.cameras:
        msg = f"--camera {name}: the config has no such camera"
        raise ConfigError(msg, remedy=f"Choose one of {', '.join(settings.cameras)}")
    return name, settings.cameras[name]


def _clock(began: datetime | None, settings: Config) -> Clock:
    """What is read when the recording begins."""
    if began is None:
        return SystemClock()
    local = began if began.tzinfo else began.replace(tzinfo=local_zone(settings.node.timezone))
    return lambda: Instant(0.0, local.astimezone(UTC))


def _told(found: AnalysisOutcome, out: Path) -> list[str]:
    totals = found.timeline.totals()
    whole = sum(totals.values())
    most = sorted(totals, key=totals.__getitem__, reverse=True)[:3]
    shown = ", ".join(f"{label} {percent(totals[label] / whole)}" for label in most)
    fired = len(found.firings) + found.firings_left_out
    count = found.timeline.count
    seen = f"{_counted(count, 'person', 'people')}: {shown}" if count else "nobody was seen"
    alerts = f"{_counted(fired, 'alert', 'alerts')} fired"
    lines = [f"{found.file}: {clock_time(found.seconds)}, {found.frames} frames; {seen}; {alerts}"]
    if found.cut_off:
        lines.append(f"The file ends at {clock_time(found.end)} of {clock_time(found.promised or 0)}: it was cut off.")
    if found.interrupted:
        lines.append(f"Ended early, at {clock_time(found.end)}.")
    if whole and totals.get(UNCERTAIN, 0.0) > whole / 2:
        lines.append(f"Most readings are uncertain; {READINGS} says why in `faults` and `doubt`.")
    return [*lines, f"Look at {out / REPORT}"]


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _time(text: str) -> float:
    """A duration with its unit, or a time such as 1:30 or 1:02:03."""
    parts = text.split(":")
    if 2 <= len(parts) <= 3 and all(part.isdecimal() for part in parts):
        seconds = 0.0
        for part in parts:
            seconds = 60 * seconds + int(part)
        return seconds
    return value_of(DURATION)(text)


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        msg = f"`{text}` is no moment. Write it like 2026-01-31T09:00"
        raise argparse.ArgumentTypeError(msg) from None
