"""Where the data is that the repository does not carry: recordings and face pictures for training and tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

#: The folder beside the checkout; elsewhere by EDGE_FER_SHARED.
SHARED = Path(os.environ.get("EDGE_FER_SHARED", Path(__file__).resolve().parents[2] / "shared"))


def shared_data() -> Path:
    """The `data` folder; where it should be (CI) and is not, the test fails, elsewhere it is skipped."""
    data = SHARED / "data"
    if data.is_dir():
        return data
    if os.environ.get("CI"):
        pytest.fail(f"{data} is missing, and CI must run the tests that need it")
    pytest.skip(f"needs {data} (recordings and face pictures that the repository does not carry)")
