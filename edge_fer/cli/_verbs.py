"""What every verb of the command line has: a name, a sentence, a page of help, and a function that does it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

__all__ = ["Subparsers", "add_verb"]

if TYPE_CHECKING:
    Subparsers: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - it has no public name
else:
    Subparsers = object


def add_verb(
    subparsers: Subparsers,
    name: str,
    *,
    help: str,  # noqa: A002 - as argparse calls it
    description: str,
    handler: Callable[[argparse.Namespace], int],
    epilog: str | None = None,
) -> argparse.ArgumentParser:
    """Adds a verb.

    Args:
        subparsers: where to.
        name: as it is typed.
        help: a few words, for the list of verbs.
        description: what it does; its line breaks are kept.
        handler: does it, and returns the exit status.
        epilog: below the arguments, likewise.

    Returns:
        Its parser, for the arguments.
    """
    parser = subparsers.add_parser(
        name,
        help=help,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(handler=handler)
    return parser
