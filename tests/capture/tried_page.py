"""Writes what was tried into docs/camera.md: `python -m tests.capture.tried_page`."""

from __future__ import annotations

from pathlib import Path

from tests.capture.tried import table
from tests.marked import replace

PAGE = Path(__file__).resolve().parents[2] / "docs" / "camera.md"

if __name__ == "__main__":
    replace(PAGE, "tried", table())
