"""Where the model files are that the repository does not carry: `make tests` fetches them first."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest

from edge_fer.fetching.catalogue import BLAZEFACE
from edge_fer.fetching.store import Store

#: The Makefile's; elsewhere by EDGE_FER_MODELS.
FOLDER = Path(os.environ.get("EDGE_FER_MODELS", Path(__file__).resolve().parents[1] / ".venv" / "models"))


def models_folder() -> Path:
    """The folder with the BlazeFace files; where it should have them (CI) and has not, the test fails."""
    store = Store(FOLDER)
    missing = [asset.file for asset in BLAZEFACE.values() if not store.has(asset)]
    if not missing:
        return FOLDER
    said = f"needs {', '.join(missing)} in {FOLDER}: run `make models`, which fetches them from PyPI"
    if os.environ.get("CI"):
        pytest.fail(f"{said}; CI must run the tests of BlazeFace")
    pytest.skip(said)


@cache
def _contents(folder: Path) -> dict[str, bytes]:
    return {which: Store(folder).read(asset) for which, asset in BLAZEFACE.items()}


def blazeface_models() -> dict[str, bytes]:
    """The BlazeFace files by range."""
    return dict(_contents(models_folder()))
