"""The table of what was tried."""

from __future__ import annotations

from tests.capture.tried import table
from tests.capture.tried_page import PAGE


def test_the_page_has_the_table_of_these_tests():
    assert table() in PAGE.read_text(encoding="utf-8"), "python -m tests.capture.tried_page"
