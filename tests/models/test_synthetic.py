"""DiffusionFER and EmoNet-Face, read from small stand-ins of their layouts."""

from __future__ import annotations

import sys

import cv2
import pytest

from models.recipe.data.portraits import COLUMNS
from models.recipe.data.synthetic import diffusionfer, emonet, vote_of
from models.recipe.errors import RecipeError
from tests.faces.pictures import head
from tests.models.heads import rated, save_head, write_ratings


def chosen(portrait):
    return {column: count for column, count in zip(COLUMNS, portrait.votes, strict=True) if count}


@pytest.mark.parametrize(
    ("ratings", "vote"),
    [
        (rated(Elation=6, Amusement=4, Sadness=1), "happy"),
        (rated(Elation=5, Amusement=5), "happy"),
        (rated(Elation=5, Sadness=5), "none"),
        (rated(Longing=7, Sadness=6), "none"),
        (rated(Elation=0, Sadness=0), "none"),
        (rated(Surprise=2), "surprise"),
        ({"Anger": 3, "Extra Dimensions|Arousal": 7}, "angry"),
        ({}, "none"),
    ],
)
def test_an_expert_chooses_what_is_rated_highest(ratings, vote):
    assert vote_of(ratings, "row 1") == vote


def test_ratings_that_are_none_are_told():
    with pytest.raises(RecipeError, match=r"row 1: Anger is rated True, not a number .*the binary set has other"):
        vote_of({"Anger": True}, "row 1")


@pytest.mark.parametrize("below", ["DiffusionEmotion_S", "."])
def test_diffusionfer_is_labelled_by_folders(tmp_path, below):
    for label, number in (("angry", 2), ("neutral", 1)):
        for at in range(number):
            save_head(tmp_path / below / "cropped" / label / f"{at}.png")
    found = list(diffusionfer(tmp_path))
    assert [(one.name, chosen(one)) for one in found] == [
        ("angry/0.png", {"angry": 1}),
        ("angry/1.png", {"angry": 1}),
        ("neutral/0.png", {"neutral": 1}),
    ]
    assert found[0].image().shape == (200, 200, 3)
    # whole pictures, where there are any
    save_head(tmp_path / below / "original" / "sad" / "7.png")
    assert [one.name for one in diffusionfer(tmp_path)] == ["sad/7.png"]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("something/happy/1.png", "has neither original nor cropped"),
        ("cropped/people/1.png", r"cropped/people: the folder's name is no label"),
        ("cropped/happy/notes.txt", "cropped: no pictures"),
    ],
)
def test_what_is_not_diffusionfer(tmp_path, made, said):
    (tmp_path / made).parent.mkdir(parents=True)
    (tmp_path / made).touch()
    with pytest.raises(RecipeError, match=said):
        list(diffusionfer(tmp_path))


def test_emonets_table_counts_people_and_not_models(tmp_path):
    save_head(tmp_path / "a.png")
    rows = [
        ("a.png", "human-1", "True", str(rated(Elation=6))),
        ("a.png", "human-2", "True", str(rated(Elation=2, Longing=1))),
        ("a.png", "human-5", "True", str(rated(Longing=4))),
        ("a.png", "some model", "False", str(rated(Sadness=7))),
        ("b.png", "human-1", "True", str(rated(Sadness=3))),
    ]
    write_ratings(tmp_path, rows)
    found = list(emonet(tmp_path))
    assert [(one.name, chosen(one)) for one in found] == [("a.png", {"happy": 2, "none": 1}), ("b.png", {"sad": 1})]
    assert found[0].image().shape == (200, 200, 3)
    assert found[0].group != found[1].group
    with pytest.raises(RecipeError, match=r"b\.png: cannot be read: No such file"):
        found[1].image()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("a.png", "human-1", "True", "Elation"), r"hq\.csv, line 2: holds 'Elation', not a Python dict of ratings"),
        (("a.png", "human-1", "True", "{'Anger': 'much'}"), r"hq\.csv, a\.png: Anger is rated 'much', not a number"),
        (("a.png", "a model", "False", "{}"), r"hq\.csv: no rating by an expert"),
    ],
)
def test_spoilt_tables_of_emonet(tmp_path, row, said):
    write_ratings(tmp_path, [row])
    with pytest.raises(RecipeError, match=said):
        list(emonet(tmp_path))
    write_ratings(tmp_path, [row[:3]], columns=("image", "annotator", "human"))
    with pytest.raises(RecipeError, match=r"hq\.csv, line 1: no column annotations"):
        list(emonet(tmp_path))


def test_what_is_not_emonet(tmp_path):
    with pytest.raises(RecipeError, match=r"has neither \.parquet files nor hq\.csv"):
        list(emonet(tmp_path))


def write_parquet(path, rows, **renamed):
    pyarrow = pytest.importorskip("pyarrow", reason="only EmoNet-Face's own files need it")
    from pyarrow import parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {"path": [{"bytes": picture, "path": None} for picture, _ in rows], "label": [text for _, text in rows]}
    columns["age"] = ["30"] * len(rows)
    parquet.write_table(pyarrow.table({renamed.get(key, key): value for key, value in columns.items()}), path)


def test_emonets_parquet_files(tmp_path):
    picture = cv2.imencode(".png", head(120))[1].tobytes()
    experts = [{"human-1": rated(Sadness=4)}, {"human-3": rated(Sadness=2)}, {"human-4": rated(Elation=1)}]
    path = tmp_path / "data" / "train-00000-of-00001.parquet"
    write_parquet(path, [(picture, str(experts)), (b"", str(experts[:1])), (picture, "nothing")])
    found = emonet(tmp_path)
    first = next(found)
    assert (first.name, chosen(first)) == ("train-00000-of-00001-00000", {"happy": 1, "sad": 2})
    assert first.image().shape == (120, 120, 3)
    with pytest.raises(RecipeError, match=r"parquet, row 1: not a picture that OpenCV can read"):
        next(found).image()
    with pytest.raises(RecipeError, match=r"parquet, row 2: holds 'nothing', not a Python list"):
        next(found)
    write_parquet(path, [(picture, "[3]")])
    with pytest.raises(RecipeError, match=r"row 0: label holds '3', not"):
        next(emonet(tmp_path))
    write_parquet(path, [(picture, "[]")], label="labels")
    with pytest.raises(RecipeError, match="no column label"):
        next(emonet(tmp_path))
    path.write_bytes(b"PAR1 nothing")
    with pytest.raises(RecipeError, match="not a Parquet file that can be read"):
        next(emonet(tmp_path))


def test_without_pyarrow_it_is_asked_for(tmp_path, monkeypatch):
    (tmp_path / "a.parquet").touch()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(RecipeError, match=r"a\.parquet: a Parquet file, which needs pyarrow.*pip install pyarrow"):
        next(emonet(tmp_path))
