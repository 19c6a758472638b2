"""`edge-fer replay`: what alerts and summaries a config makes of a trace."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge_fer.cli._config_arguments import add_config_arguments, load_from
from edge_fer.cli._say import say, say_json
from edge_fer.cli._verbs import Subparsers, add_verb
from edge_fer.clock.zone import local_zone
from edge_fer.config import Config
from edge_fer.config.tree import CameraSection
from edge_fer.errors import ConfigError, TraceError
from edge_fer.recordings.replay.attributes import AttributeTally
from edge_fer.recordings.replay.chart import draw
from edge_fer.recordings.replay.outcome import Judge, ReplayOutcome, replay
from edge_fer.recordings.replay.report import as_json, as_text
from edge_fer.recordings.replay.timeline import TraceTimeline
from edge_fer.trace.reader import TraceReader
from edge_fer.types import LABEL_SETS
from edge_fer.wiring import build_rules, build_scale, build_summaries

__all__ = ["add_parser", "judges_for"]

_QUARTER = 900

_DESCRIPTION = """\
Takes a trace, as `edge-fer record` writes it, through the alert rules and summaries of a config, as fast as it can, and
prints which alerts would have fired, when, and for how long. With --against, another config is shown beside it.

What comes before the alerts (faces, quality, smoothing, labels) is in the trace as it was recorded and stays as it is.
A camera of the trace that the config does not name has the config's general settings.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the verb."""
    parser = add_verb(
        subparsers,
        "replay",
        help="try a config on a trace",
        description=_DESCRIPTION,
        handler=_replay,
    )
    parser.add_argument("trace", metavar="TRACE", type=Path, help="a file that `edge-fer record` has written")
    add_config_arguments(parser)
    parser.add_argument("--against", metavar="FILE", type=Path, help="show what this config makes of it, too")
    parser.add_argument("--json", action="store_true", help="print JSON, with every summary")
    parser.add_argument("--plot", metavar="FILE", type=Path, help="draw a timeline as .svg or .png")


def _replay(args: argparse.Namespace) -> int:
    named = [(str(args.config or "config"), load_from(args).config)]
    if args.against:
        other = argparse.Namespace(config=args.against, settings=[])
        named.append((str(args.against), load_from(other).config))
    if args.plot and args.plot.suffix.lower() not in {".svg", ".png"}:
        msg = f"the picture {args.plot} is neither .svg nor .png"
        raise TraceError(msg, remedy="Let its name end in one of the two")
    settings = named[0][1]
    zone, timeline, attributes = local_zone(settings.node.timezone), TraceTimeline(), AttributeTally()
    with TraceReader(args.trace) as trace:
        # a table shows the longest windows alone, and a long trace has many short ones
        shortest = 0 if args.json else _QUARTER
        outcomes = [_outcome(name, config, trace, shortest) for name, config in named]
        seen = attributes.watching(trace)
        steps, readings = replay(timeline.watching(seen) if args.plot else seen, outcomes)
    if trace.last is None or trace.first is None:
        msg = f"{args.trace} holds no frames"
        raise TraceError(msg, remedy="Record a longer one")
    if args.json:
        told = {"trace": str(args.trace), "frames": steps, "readings": readings, "cut_off": trace.cut_off}
        others = {"attributes": found} if (found := attributes.as_json()) else {}
        say_json({**told, **others, "configs": as_json(outcomes, trace.last)})
    else:
        long = (trace.last.mono - trace.first.mono) / 60
        cut_off = "; its last line is cut off" if trace.cut_off else ""
        say(f"{args.trace}: {long:.1f} min, {steps} frames, {readings} readings{cut_off}")
        say()
        for line in as_text(outcomes, trace.last, zone):
            say(line)
        if counted := list(attributes.lines()):
            for line in ("", "readings of attributes", *counted):
                say(line)
    if args.plot:
        _plot(args.plot, timeline, outcomes, settings)
    return 0


def _outcome(name: str, settings: Config, trace: TraceReader, shortest: int) -> ReplayOutcome:
    return ReplayOutcome(name, judges_for(name, settings, trace), shortest)


def judges_for(name: str, settings: Config, trace: TraceReader) -> dict[str, Judge]:
    """The rules and summaries of a config for each camera of a trace.

    Raises:
        ConfigError: the trace was recorded with other labels.
    """
    judges = {}
    for camera, labels in trace.cameras.items():
        general = CameraSection(faces=settings.faces, emotion=settings.emotion, alerts=settings.alerts)
        given = settings.cameras.get(camera, general)
        if LABEL_SETS[given.emotion.labels] != labels:
            recorded = next(name for name, of in LABEL_SETS.items() if of == labels)
            msg = f"{name}: `emotion.labels` is {given.emotion.labels}, but the trace was recorded with {recorded}"
            raise ConfigError(msg, remedy=f"Set it to {recorded}, or record another trace")
        summaries = build_summaries(camera, given, settings)
        judges[camera] = Judge(build_rules(camera, given, settings, summaries.trend), summaries)
    return judges


def _plot(path: Path, timeline: TraceTimeline, outcomes: list[ReplayOutcome], settings: Config) -> None:
    try:
        draw(path, timeline, outcomes, build_scale(settings.mood), local_zone(settings.node.timezone))
    except OSError as error:
        msg = f"the picture {path} cannot be written: {error.strerror}"
        raise TraceError(msg, remedy="Name a file in a folder that you may write to") from error
