"""What is kept on disk over restarts: whole or not at all, and never in anybody's way."""

from __future__ import annotations

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from edge_fer.support.keeping import Keeper, write_whole


class Thing:
    def __init__(self):
        self.value = None

    def restore(self, kept):
        if kept == "bad":
            msg = "it is bad"
            raise ValueError(msg)
        self.value = kept


def kept(folder, *names, file="file.json"):
    keeper, things = Keeper(folder), {}
    for name in names:
        thing = Thing()
        keep = keeper.keep(file, name, snapshot=lambda thing=thing: thing.value, restore=thing.restore)
        things[name] = (thing, keep)
    keeper.start()
    return keeper, things


def test_what_is_kept_is_there_after_a_restart(tmp_path):
    keeper, things = kept(tmp_path, "a", "b")
    things["a"][0].value, things["b"][0].value = {"x": 1}, [2]
    things["a"][1]()
    keeper.close()
    _, again = kept(tmp_path, "a", "b")
    assert (again["a"][0].value, again["b"][0].value) == ({"x": 1}, [2]), "b was kept at the end"


def test_one_bad_thing_does_not_harm_the_others(tmp_path, caplog):
    (tmp_path / "file.json").write_text(json.dumps({"v": 1, "kept": {"a": "bad", "b": 7}}))
    _, things = kept(tmp_path, "a", "b")
    assert (things["a"][0].value, things["b"][0].value) == (None, 7)
    assert "a: it is bad" in caplog.text


def test_what_belongs_to_a_camera_that_is_switched_off_stays(tmp_path):
    keeper, things = kept(tmp_path, "a", "b")
    things["a"][0].value = things["b"][0].value = 1
    keeper.close()
    keeper, things = kept(tmp_path, "b")
    things["b"][0].value = 2
    keeper.close()
    assert json.loads((tmp_path / "file.json").read_text())["kept"] == {"a": 1, "b": 2}


def test_a_folder_that_cannot_be_written_is_told_once_and_nothing_stops(tmp_path, caplog):
    keeper, things = kept(tmp_path / "missing", "a")
    for value in range(3):
        things["a"][0].value = value
        things["a"][1]()
    keeper.close()
    assert caplog.text.count("cannot be written") == 1


def test_whoever_reads_the_file_finds_it_whole(tmp_path):
    keeper, things = kept(tmp_path, "a")
    things["a"][0].value = "old"
    keeper.close()
    with (tmp_path / "file.json").open() as file:
        keeper, things = kept(tmp_path, "a")
        things["a"][0].value = "new"
        keeper.close()
        assert json.load(file)["kept"] == {"a": "old"}, "a new file has taken its place"
    assert json.loads((tmp_path / "file.json").read_text())["kept"] == {"a": "new"}


def test_two_writers_on_a_slow_disk_come_one_after_another(tmp_path, monkeypatch):
    """A service that a reload has left behind, and its successor."""
    entered, both, go_on = threading.Event(), threading.Event(), threading.Event()
    fsync = os.fsync

    def slow(number):
        (both if entered.is_set() else entered).set()
        assert go_on.wait(60)
        fsync(number)

    monkeypatch.setattr(os, "fsync", slow)
    file = tmp_path / "kept.json"
    with ThreadPoolExecutor() as pool:
        before = pool.submit(write_whole, file, "old")
        assert entered.wait(60)
        after = pool.submit(write_whole, file, "new")
        assert not both.wait(0.5)
        go_on.set()
        assert (before.result(60), after.result(60)) == (None, None)
    assert file.read_text() == "new"


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    keeper, things = kept(tmp_path, "a")
    things["a"][0].value = 1
    keeper.close()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    keeper, things = kept(tmp_path, "a")
    things["a"][0].value = 2
    keeper.close()
    assert json.loads((tmp_path / "file.json").read_text())["kept"] == {"a": 1}


@pytest.mark.parametrize("text", ["[]", "null", '{"v": 1}', '{"v": 1, "kept": []}'])
def test_a_file_that_is_none_of_ours_starts_anew(tmp_path, text, caplog):
    (tmp_path / "file.json").write_text(text)
    _, things = kept(tmp_path, "a")
    assert things["a"][0].value is None
    assert "starts anew" in caplog.text
