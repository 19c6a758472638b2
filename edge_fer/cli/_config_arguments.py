"""The arguments by which every command that needs the config finds it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edge_fer.config import SYSTEM_FILE, Layer, Loaded, load, standard_files

if TYPE_CHECKING:
    from edge_fer.config.engine.desired import Document

__all__ = ["add_config_arguments", "load_from"]


def add_config_arguments(parser: argparse.ArgumentParser) -> None:
    """Add `--config FILE` and `-o key.path=value`."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help=f"read this file in place of {SYSTEM_FILE}",
    )
    parser.add_argument(
        "-o",
        "--set",
        dest="settings",
        metavar="KEY.PATH=VALUE",
        type=_setting,
        action="append",
        default=[],
        help="set one thing on top of all files, for example -o faces.min_size=64px; may be repeated",
    )


def load_from(
    args: argparse.Namespace,
    *,
    extra_layers: Sequence[Layer] = (),
    remote: Layer | None = None,
    desired: Sequence[Document] | None = None,
) -> Loaded:
    """The config that the arguments ask for.

    Args:
        args: as parsed by a parser with `add_config_arguments`.
        extra_layers: what the command itself prefers: above the profile, below every file.
        remote: settings to take in place of those that were made by command.
        desired: likewise of what the operator of a fleet wants.

    Raises:
        ConfigFaults: everything that is wrong with it.
    """
    layers = [*extra_layers, *standard_files(args.config)]
    return load(layers, overrides=args.settings, settings=remote or True, desired=desired)


def _setting(text: str) -> Layer:
    try:
        return Layer.setting(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
