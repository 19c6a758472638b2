"""`edge-fer record`: writes a trace of what the cameras see, as numbers."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge_fer.cli._config_arguments import add_config_arguments, load_from
from edge_fer.cli._say import say
from edge_fer.cli._units import value_of
from edge_fer.cli._verbs import Subparsers, add_verb
from edge_fer.daemon.process import Daemon
from edge_fer.sinks.registry import Asked
from edge_fer.sinks.trace import MOST_BYTES, TraceRecording
from edge_fer.values.units import DURATION, SIZE
from edge_fer.wiring import build_service

__all__ = ["add_parser"]

_DESCRIPTION = """\
Watches the cameras of the config and writes what it reads into a file of JSON Lines: numbers, never pictures.
`edge-fer replay` shows what alerts and summaries any config makes of it. Nothing is published, and no broker is needed.

A camera has one user: stop the daemon before, or record while it runs with `edge-fer run --record TRACE`.
Ctrl-C ends it.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the verb."""
    parser = add_verb(
        subparsers,
        "record",
        help="write a trace of readings, for tuning",
        description=_DESCRIPTION,
        handler=_record,
    )
    parser.add_argument("trace", metavar="TRACE", type=Path, help="the file to write; compressed if it ends in .gz")
    parser.add_argument("--for", dest="seconds", metavar="TIME", type=value_of(DURATION), help="how long, such as 2h")
    parser.add_argument(
        "--max-size",
        metavar="SIZE",
        type=value_of(SIZE),
        default=MOST_BYTES,
        help="end at this size, before compression (default: 500MB)",
    )
    add_config_arguments(parser)


def _record(args: argparse.Namespace) -> int:
    settings = load_from(args).config
    recording = TraceRecording(
        args.trace,
        settings,
        most_bytes=int(args.max_size),
        most_seconds=args.seconds or float("inf"),
        on_end=lambda: service.stop(),  # noqa: PLW0108 - it is built after this
    )
    service = build_service(settings, asked=Asked(publish=False, record=recording))
    say(f"recording {', '.join(settings.cameras)} into {args.trace}; Ctrl-C ends it")
    try:
        Daemon(service).run()
    finally:
        recording.close()
    if recording.error:
        raise recording.error
    say(f"{recording.steps} frames were recorded")
    return 0
