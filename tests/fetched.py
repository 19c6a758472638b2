"""Where the model files are that the repository does not carry: `make tests` fetches them first."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from edge_fer.config.engine.places import default_models_dir
from edge_fer.inference.catalogue import BLAZEFACE
from edge_fer.inference.store import Store
from tests.missing import missing

#: Where the program looks for them; elsewhere by EDGE_FER_MODELS.
FOLDER = Path(os.environ.get("EDGE_FER_MODELS") or default_models_dir())


def models_folder() -> Path:
    """The folder with the BlazeFace files; where it should have them (CI) and has not, the test fails."""
    store = Store(FOLDER)
    if absent := [asset.file for asset in BLAZEFACE.values() if not store.has(asset)]:
        missing(f"needs {', '.join(absent)} in {FOLDER}: run `make models`, which fetches them from PyPI")
    return FOLDER


@cache
def _contents(folder: Path) -> dict[str, bytes]:
    return {which: Store(folder).read(asset) for which, asset in BLAZEFACE.items()}


def blazeface_models() -> dict[str, bytes]:
    """The BlazeFace files by range."""
    return dict(_contents(models_folder()))
