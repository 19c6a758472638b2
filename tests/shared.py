"""Where the data is that the repository does not carry: recordings and face pictures for training and tests."""

from __future__ import annotations

import os
from pathlib import Path

from tests.missing import missing

#: The folder beside the checkout; elsewhere by EDGE_FER_SHARED.
SHARED = Path(os.environ.get("EDGE_FER_SHARED", Path(__file__).resolve().parents[2] / "shared"))


def shared_data() -> Path:
    """The `data` folder; where it should be (CI) and is not, the test fails, elsewhere it is skipped."""
    data = SHARED / "data"
    if not data.is_dir():
        missing(f"needs {data} (recordings and face pictures that the repository does not carry)")
    return data
