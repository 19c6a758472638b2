"""What a machine may lack."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Skips the test for want of `what`; in CI, where nothing should be missing, fails it."""
    if os.environ.get("CI"):
        pytest.fail(f"{what}; CI must run this test")
    pytest.skip(what)
