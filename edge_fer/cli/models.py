"""`edge-fer models`: fetch the model files of others that are not shipped, and show which are there."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from edge_fer.cli._config_arguments import add_config_arguments, load_from
from edge_fer.cli._say import say
from edge_fer.cli._verbs import Subparsers, add_verb
from edge_fer.errors import EdgeFerError
from edge_fer.inference.catalogue import ALL, Asset, InWheel
from edge_fer.inference.store import Store

__all__ = ["add_parser"]

_MODELS = "Fetch the model files of face detectors that are not shipped, and show which are there."
_FETCH = """\
Gets model files from their homes, checks their sha256, and keeps them in `models_dir`; does nothing for those that
are there already. For blazeface (the default), pip downloads the mediapipe wheel (36 MB) with its own settings for
indexes, proxies and certificates; two files are taken out of it and nothing is installed. yunet comes from the
OpenCV zoo. Exit status: 0 when all are there, 1 when one could not be fetched.
"""
_LIST = """\
Lists the model files that can be fetched: the detector that needs each, whether it is there and undamaged, its
sha256, home and licence. Exit status: 0.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the verb and its own verbs."""
    parser = subparsers.add_parser("models", help="fetch and list model files", description=_MODELS)
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)

    fetched = add_verb(
        verbs,
        "fetch",
        help="get model files from their homes",
        description=_FETCH,
        handler=_fetch,
    )
    fetched.add_argument(
        "detectors",
        metavar="DETECTOR",
        nargs="*",
        help=f"whose files: {' or '.join(_detectors())}; blazeface if left out",
    )
    fetched.add_argument(
        "--from",
        dest="file",
        metavar="FILE",
        type=Path,
        help="take them out of this mediapipe wheel, or take this model file, and download nothing",
    )
    add_config_arguments(fetched)

    listed = add_verb(
        verbs,
        "list",
        help="show which there are",
        description=_LIST,
        handler=_list,
    )
    add_config_arguments(listed)


def _fetch(args: argparse.Namespace) -> int:
    # what fetching needs of the standard library is nothing that a daemon should hold in memory for months
    from edge_fer.inference.download import fetch, take  # noqa: PLC0415

    wanted = _assets(args.detectors or ["blazeface"])
    store = Store(load_from(args).config.models_dir)
    missing = [asset for asset in wanted if not store.has(asset)]
    if missing:
        store.check_writable()
    if missing and args.file is not None:
        take(store, missing, args.file)
    elif missing:
        say(f"Fetching {' and '.join(asset.file for asset in missing)} from {_home(missing[0])} …")
        fetch(store, missing)
    for asset in wanted:
        say(f"{asset.detector}: {store.path(asset)} ({'fetched' if asset in missing else 'already there'})")
    return 0


def _list(args: argparse.Namespace) -> int:
    store = Store(load_from(args).config.models_dir)
    say(f"In {store.folder}:")
    for asset in ALL:
        there = "there" if store.has(asset) else "damaged" if os.access(store.path(asset), os.F_OK) else "not fetched"
        say()
        say(asset.file)
        say(f"  detector  {asset.detector}")
        say(f"  state     {there}")
        say(f"  size      {asset.size} bytes")
        say(f"  sha256    {asset.sha256}")
        say(f"  home      {_home(asset)}")
        say(f"  licence   {asset.licence}")
    return 0


def _detectors() -> list[str]:
    return sorted({asset.detector for asset in ALL})


def _assets(detectors: Sequence[str]) -> list[Asset]:
    """The files of the detectors, each once."""
    for name in detectors:
        if name not in _detectors():
            msg = f"`{name}` needs no model file that could be fetched"
            raise EdgeFerError(msg, remedy=f"Name {' or '.join(_detectors())}")
    return [asset for asset in ALL if asset.detector in detectors]


def _home(asset: Asset) -> str:
    return f"PyPI's wheel of {asset.home.requirement}" if isinstance(asset.home, InWheel) else asset.home.url
