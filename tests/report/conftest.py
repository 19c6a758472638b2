"""A browser for the tests of what pages of reports look like."""

from __future__ import annotations

import pytest

from tests.browser import Browser


@pytest.fixture(scope="module")
def browser():
    with Browser() as opened:
        yield opened
