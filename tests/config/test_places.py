"""Where models are looked for, and where they are fetched to, if nobody says."""

from __future__ import annotations

import sys

import pytest

from edge_fer.config.engine import places


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """The three folders, in their order: the environment's, the system's, the user's. None is there yet."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path / "usr"))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    (tmp_path / "venv").mkdir()
    environment = tmp_path / "venv" / "share" / "edge-fer" / "models"
    return environment, tmp_path / "state" / "models", tmp_path / "home" / "edge-fer" / "models"


def fill(folder):
    folder.mkdir(parents=True)
    (folder / "face.tflite").write_bytes(b"x")


def test_the_first_that_has_models(folders):
    for folder in reversed(folders):
        fill(folder)
        assert places.default_models_dir() == folder


def test_what_is_only_being_written_does_not_count(folders):
    folders[0].mkdir(parents=True)
    (folders[0] / ".face.tflite.x1").write_bytes(b"x")
    fill(folders[2])
    assert places.default_models_dir() == folders[2]


def test_where_none_has_any_they_come_beside_the_program(folders):
    assert places.default_models_dir() == folders[0]


def test_but_never_among_the_packages_of_the_system(folders, monkeypatch):
    monkeypatch.setattr(sys, "base_prefix", sys.prefix)
    assert places.default_models_dir() == folders[1]


def test_where_neither_may_be_written_they_are_the_users_own(folders, monkeypatch):
    monkeypatch.setattr(places.os, "access", lambda *_: False)
    assert places.default_models_dir() == folders[2]
