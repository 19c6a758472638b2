"""The portrait sets' faces, found and cut."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from models.recipe import cut_portraits
from models.recipe.cut_portraits import LOADERS
from models.recipe.data.portraits import SETS, learned_from, read_portraits
from tests.fetched import models_folder
from tests.models.heads import rated, save_head, write_ratings


def test_every_set_has_its_loader():
    assert {*LOADERS, "dhi"} == set(SETS)


def run(monkeypatch, folder, out):
    models = models_folder()
    monkeypatch.setattr("sys.argv", ["cut_portraits", str(folder), "--out", str(out), "--models", str(models)])
    cut_portraits.main()


def test_sets_are_cut_and_may_be_learned_from_as_their_licences_say(tmp_path, monkeypatch, capsys):
    for label in ("happy", "sad"):
        save_head(tmp_path / "sets" / "diffusionfer" / "original" / label / "1.png", 300)
    wall = tmp_path / "sets" / "diffusionfer" / "original" / "sad" / "2.png"
    cv2.imwrite(str(wall), np.full((200, 200, 3), 90, np.uint8))
    for number in range(12):
        save_head(tmp_path / "sets" / "emonet" / f"{number}.png", 300)
    rows = [(f"{number}.png", "human-1", "True", str(rated(Elation=6))) for number in range(12)]
    write_ratings(tmp_path / "sets" / "emonet", rows)
    run(monkeypatch, tmp_path / "sets", tmp_path / "faces")
    said = capsys.readouterr()
    assert [json.loads(line) for line in said.out.splitlines()] == [
        {"set": "diffusionfer", "faces": 2},
        {"set": "emonet", "faces": 12},
    ]
    assert "diffusionfer: no face found in 1 of 3 pictures" in said.err
    prompted, experts = (read_portraits(tmp_path / "faces", name) for name in ("diffusionfer", "emonet"))
    assert len(learned_from("diffusionfer", prompted)) == 2
    # a part of what experts labelled is kept to judge by
    kept = learned_from("emonet", experts)
    assert 0 < len(kept) < 12
    assert not (set(kept.group % 3) & {0})


def test_no_set_and_no_face_are_told(tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run(monkeypatch, tmp_path, tmp_path / "faces")
    assert "has no folder of a set that is known. Name the sets' folders sfhq, sfhq1" in capsys.readouterr().err
    wall = tmp_path / "diffusionfer" / "original" / "sad" / "2.png"
    wall.parent.mkdir(parents=True)
    cv2.imwrite(str(wall), np.full((200, 200, 3), 90, np.uint8))
    with pytest.raises(SystemExit):
        run(monkeypatch, tmp_path, tmp_path / "faces")
    assert "diffusionfer: no face found in any of 1 pictures" in capsys.readouterr().err
