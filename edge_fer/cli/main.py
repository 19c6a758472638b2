"""The `edge-fer` command: gathers the verbs and turns what can go wrong into a sentence and an exit code."""

from __future__ import annotations

import argparse
import gc
import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from edge_fer import __version__
from edge_fer.errors import EdgeFerError, OutputError, did_you_mean
from edge_fer.log import complain
from edge_fer.support.harmless import harmless_lines
from edge_fer.support.native_libraries import keep_small
from edge_fer.support.redact import redacted, redacted_text
from edge_fer.support.streams import give_up_output, set_up_streams

__all__ = ["build_parser", "main"]

#: The verbs, each a file of `commands/`, in the order in which help shows them.
VERBS = (
    "run",
    "predict",
    "analyze",
    "compare",
    "record",
    "replay",
    "config",
    "boot_config",
    "reload",
    "status",
    "pause",
    "resume",
    "silence",
    "acknowledge",
    "set",
    "notify",
    "doctor",
    "discovery",
    "models",
    "bench",
    "acceptance",
    "try_faces",
    "history",
    "report",
    "web",
    "backup",
    "restore",
    "fleet",
    "simulate",
    "collect_logs",
    "version",
)

_EPILOG = """\
exit codes:
  0    done, or stopped by SIGINT or SIGTERM
  1    a camera, broker or file failed; starting again may help
  2    the command line was wrong
  78   the configuration or the model is wrong; starting again will not help

Start with `edge-fer run --demo`, then write a config: `edge-fer config default`.
"""


class Parser(argparse.ArgumentParser):
    """Tells what is wrong with a command line without repeating the secrets in it."""

    def error(self, message: str) -> NoReturn:
        """Ends the program."""
        super().error(redacted_text(harmless_lines(message)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one verb.

    Args:
        arguments: the command line without the program's name; by default the process's own.

    Returns:
        The exit code, as the epilog of `--help` documents it.
    """
    given = sys.argv[1:] if arguments is None else arguments
    set_up_streams()
    try:
        try:
            with _loading_without_garbage_collection(own_process=arguments is None):
                args = _parsed(build_parser(given), given)
        except SystemExit:
            # help has been printed
            sys.stdout.flush()
            raise
        keep_small()
        code: int = args.handler(args)
        sys.stdout.flush()
    except EdgeFerError as error:
        complain(error)
        if isinstance(error, OutputError):
            give_up_output()
        return error.exit_code
    except BrokenPipeError:
        # whoever read our output has seen enough
        give_up_output()
        return 0
    except KeyboardInterrupt:
        return 130
    return code


@contextmanager
def _loading_without_garbage_collection(*, own_process: bool) -> Iterator[None]:
    """What is loaded stays: to look through it for garbage again and again takes a tenth of the start."""
    if not own_process:
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def build_parser(arguments: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The command line, of which the man page and the shells' completion are made, too.

    Args:
        arguments: what it is to understand; it then knows only the verb that they begin with, for the others would take
            time and memory.
    """
    parser = Parser(
        prog="edge-fer",
        description="A facial-emotion sensor: watches a camera and publishes emotion events and alerts over MQTT.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    named = [verb for verb in VERBS if _typed(verb) in arguments[:1]]
    for verb in named or VERBS:
        importlib.import_module(f"edge_fer.cli.{verb}").add_parser(verbs)
    return parser


def _typed(verb: str) -> str:
    return verb.replace("_", "-")


def _parsed(parser: argparse.ArgumentParser, given: Sequence[str]) -> argparse.Namespace:
    """The command line; what is wrong with it is told by the part of it that is, with what may have been meant."""
    known = [_typed(verb) for verb in VERBS]
    if given and not given[0].startswith("-") and given[0] not in known:
        remedy = did_you_mean(given[0], known) or f"Choose from {', '.join(known)}"
        parser.error(f"{redacted(given[0])} is no command. {remedy}")
    args, unknown = parser.parse_known_args(given)
    if unknown:
        asked = _part_asked(parser, given)
        options = [name for action in _actions(asked) for name in action.option_strings]
        remedy = did_you_mean(unknown[0].partition("=")[0], options) or f"See `{asked.prog} --help`"
        asked.error(f"unknown: {' '.join(map(redacted, unknown))}. {remedy}")
    return args


def _part_asked(parser: argparse.ArgumentParser, given: Sequence[str]) -> argparse.ArgumentParser:
    """The parser of the verb that was given, or of that verb's own."""
    for action in _actions(parser):
        if isinstance(action.choices, dict):
            for place, word in enumerate(given):
                if word in action.choices:
                    return _part_asked(action.choices[word], given[place + 1 :])
    return parser


def _actions(parser: argparse.ArgumentParser) -> Sequence[argparse.Action]:
    return parser._actions  # noqa: SLF001 - argparse has no public name
