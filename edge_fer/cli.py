"""The `edge-fer` command: gathers the verbs and turns what can go wrong into a sentence and an exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from edge_fer.commands import (
    analyze,
    bench,
    collect_logs,
    config,
    doctor,
    models,
    predict,
    record,
    replay,
    run,
    version,
)
from edge_fer.errors import EdgeFerError
from edge_fer.log import complain

__all__ = ["main"]

_EPILOG = """\
exit codes:
  0    done, or stopped by SIGINT or SIGTERM
  1    a camera, broker or file failed; starting again may help
  2    the command line was wrong
  78   the configuration or the model is wrong; starting again will not help

Start with `edge-fer run --demo`, then write a config: `edge-fer config default`.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one verb.

    Args:
        arguments: the command line without the program's name; by default the process's own.

    Returns:
        The exit code, as the epilog of `--help` documents it.
    """
    args = _parser().parse_args(arguments)
    try:
        code: int = args.handler(args)
        sys.stdout.flush()
    except EdgeFerError as error:
        complain(error)
        return error.exit_code
    except BrokenPipeError:
        # whoever read our output has seen enough; keep Python from complaining at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="edge-fer",
        description="A facial-emotion sensor: watches a camera and publishes emotion events and alerts over MQTT.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for verb in (run, predict, analyze, record, replay, config, doctor, models, bench, collect_logs, version):
        verb.add_parser(verbs)
    return parser
