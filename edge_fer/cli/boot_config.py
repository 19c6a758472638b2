"""`edge-fer boot-config`: takes over what was written on the boot partition."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

from edge_fer.boot.takeover import Places, take_over
from edge_fer.cli._say import say_ours
from edge_fer.cli._verbs import Subparsers, add_verb
from edge_fer.config import BOOT_COPY, BOOT_FILE, Layer, load, standard_files
from edge_fer.errors import EdgeFerError
from edge_fer.support.harmless import harmless_lines

__all__ = ["add_parser"]

_DESCRIPTION = f"""\
Checks {BOOT_FILE}, which can be written on any computer that holds the memory card, and takes it
over as a layer of the config; a wrong one changes nothing. What became of it is told beside it, in edge-fer.log.
Secrets in it are moved into files of root's own. The service does this at every boot; by hand, as root:
`sudo systemctl restart edge-fer-boot-config edge-fer`.
Exit status: 0 done, or there is no such file; 78 it is wrong.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the verb."""
    parser = add_verb(
        subparsers,
        "boot-config",
        help="take over the settings on the boot partition",
        description=_DESCRIPTION,
        handler=_boot_config,
    )
    parser.add_argument(
        "--file", metavar="FILE", type=Path, default=BOOT_FILE, help=f"read this in place of {BOOT_FILE}"
    )
    parser.add_argument(
        "--copy", metavar="FILE", type=Path, default=BOOT_COPY, help=f"take it over into this in place of {BOOT_COPY}"
    )


def _boot_config(args: argparse.Namespace) -> int:
    try:
        outcome = take_over(Places(args.file, args.copy), _check)
    except OSError as error:
        if isinstance(error, EdgeFerError):
            raise
        msg = f"{error.filename or args.copy.parent}: cannot be written: {error.strerror}"
        raise EdgeFerError(msg, remedy="Run it as root, and see that the disk is not full") from error
    if outcome.fault is not None:
        raise outcome.fault
    say_ours(harmless_lines(outcome.said))
    return 0


def _check(layer: Layer, variables: Mapping[str, str]) -> None:
    system, _ = standard_files()
    load([system, layer], environ={**os.environ, **variables})
