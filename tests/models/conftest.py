"""What the tests of the recipe share."""

from __future__ import annotations

import pytest

from tests.models.tables import invented, write_tables


@pytest.fixture
def data(tmp_path):
    """A folder with FER2013's and FER+'s tables of a few invented pictures."""
    folder = tmp_path / "data"
    folder.mkdir()
    write_tables(folder, [invented("train", 24), invented("public-test", 4, seed=1)])
    return folder
