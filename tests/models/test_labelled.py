"""Labelled pictures of other sets, found in small stand-ins of their layouts; and what is said of wrong ones."""

from __future__ import annotations

import csv
from collections import Counter

import cv2
import numpy as np
import pytest

from models.recipe.data import LABELS
from models.recipe.data.labelled import find
from models.recipe.errors import RecipeError


def save(path, level=90, side=60):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((side, side, 3), level, np.uint8))


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def levels(found):
    """The labels with the level of each picture, by which it is known."""
    return [(one.label, round(float(one.image().mean()))) for one in found.pictures]


def raf_db(root):
    names = ["train_00001.jpg", "test_0001.jpg", "test_0002.jpg"]
    write(root / "EmoLabel" / "list_patition_label.txt", "".join(f"{name} {at + 4}\n" for at, name in enumerate(names)))
    for at, name in enumerate(names):
        save(root / "Image" / "original" / name, 10 * at)
        save(root / "Image" / "aligned" / name.replace(".jpg", "_aligned.jpg"), 100 + 10 * at)


@pytest.mark.parametrize("above", ["", "basic", "RAF-DB/basic"])
def test_raf_db(tmp_path, above):
    raf_db(tmp_path / above)
    found = find(tmp_path)
    assert (found.layout, found.part) == ("raf-db", "test")
    assert levels(found) == [("sad", 110), ("angry", 120)]
    assert levels(find(tmp_path, part="all")) == [("happy", 100), ("sad", 110), ("angry", 120)]
    assert levels(find(tmp_path, part="train")) == [("happy", 100)]


def test_raf_db_without_aligned_pictures_is_read_from_the_originals(tmp_path):
    raf_db(tmp_path)
    (tmp_path / "Image" / "aligned").rename(tmp_path / "Image" / "other")
    assert levels(find(tmp_path)) == [("sad", 10), ("angry", 20)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("test_0001.jpg 8\n", r"list_patition_label\.txt, line 1: the label is '8', not a number from 1 to 7"),
        ("test_0001.jpg happy\n", "line 1: the label is 'happy'"),
        ("\ntest_0001.jpg\n", "line 2: is 'test_0001.jpg', not a picture's name and a number"),
    ],
)
def test_spoilt_labels_of_raf_db(tmp_path, text, said):
    raf_db(tmp_path)
    write(tmp_path / "EmoLabel" / "list_patition_label.txt", text)
    with pytest.raises(RecipeError, match=said):
        find(tmp_path)


def test_raf_db_without_pictures(tmp_path):
    write(tmp_path / "list_patition_label.txt", "test_0001.jpg 1\n")
    with pytest.raises(RecipeError, match="but neither aligned nor original"):
        find(tmp_path)
    (tmp_path / "aligned").mkdir()
    with pytest.raises(RecipeError, match=r"test_0001_aligned\.jpg: cannot be read: No such file"):
        find(tmp_path).pictures[0].image()


HEAD = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal\n"
ROWS = ["1/a.jpg,5,6,40,41,1;2,3,0.1,0.2", "1/b.jpg,NULL,NULL,NULL,NULL,,7,-2,-2", "2/c.jpg,0,0,9,9,1;2,6,0,0"]


@pytest.mark.parametrize("head", [HEAD, ""], ids=["with a first line", "without"])
@pytest.mark.parametrize("lists", ["", "Manually_Annotated_file_lists"])
def test_affectnets_tables(tmp_path, head, lists):
    write(tmp_path / lists / "validation.csv", head + "\n".join(ROWS) + "\n")
    write(tmp_path / lists / "training.csv", head + "2/d.jpg,0,0,9,9,1;2,0,0,0\n")
    write(tmp_path / lists / "automatically_annotated.csv", head + "2/e.jpg,0,0,9,9,1;2,0,0,0\n")
    for at, name in enumerate(("1/a.jpg", "1/b.jpg", "2/c.jpg", "2/d.jpg")):
        save(tmp_path / "Manually_Annotated" / "Manually_Annotated_Images" / name, 10 * at)
    found = find(tmp_path)
    assert (found.layout, found.part, found.left_out) == ("affectnet", "validation", {"contempt": 1})
    assert levels(found) == [("surprise", 0), ("angry", 20)]
    assert [one.box for one in found.pictures] == [(5, 6, 40, 41), (0, 0, 9, 9)]
    assert levels(find(tmp_path, part="train")) == [("neutral", 30)]
    if not lists:
        assert levels(find(tmp_path / "validation.csv")) == levels(found)


def test_affectnets_tables_without_pictures_or_with_a_wrong_label(tmp_path):
    write(tmp_path / "validation.csv", HEAD + ROWS[0] + "\n")
    with pytest.raises(RecipeError, match=r"validation\.csv, line 2: no picture 1/a\.jpg in .*Manually_Annotated_Imag"):
        find(tmp_path)
    save(tmp_path / "1" / "a.jpg")
    write(tmp_path / "validation.csv", HEAD + ROWS[0].replace(",3,0.1", ",11,0.1") + "\n")
    with pytest.raises(RecipeError, match=r"validation\.csv, line 2: the label is '11', not a number from 0 to 10"):
        find(tmp_path)


def test_affectnets_folders(tmp_path):
    for half, first in (("train_set", 0), ("val_set", 4)):
        (tmp_path / half / "annotations").mkdir(parents=True)
        for at in range(first, first + 4):
            save(tmp_path / half / "images" / f"{at}.jpg", 10 * at)
            np.save(tmp_path / half / "annotations" / f"{at}_exp.npy", np.array(str(at)))
            np.save(tmp_path / half / "annotations" / f"{at}_val.npy", np.array("0.5"))
    found = find(tmp_path)
    assert (found.layout, found.part, found.left_out) == ("affectnet", "validation", {"contempt": 1})
    assert levels(found) == [("fear", 40), ("disgust", 50), ("angry", 60)]
    assert levels(find(tmp_path / "val_set")) == levels(found)
    assert len(find(tmp_path, part="all").pictures) == 7
    (tmp_path / "val_set" / "annotations" / "4_exp.npy").write_bytes(b"nothing")
    with pytest.raises(RecipeError, match=r"4_exp\.npy: not what AffectNet holds"):
        find(tmp_path)


def test_diffusionfers_sheet_is_read_as_affectnets(tmp_path):
    root = tmp_path / "DiffusionEmotion_S"
    write(root / "dataset_sheet.csv", "subDirectory_filePath,expression,valence,arousal\ncropped/sad/1.png,2,-0.5,0\n")
    save(root / "cropped" / "sad" / "1.png", 70)
    save(root / "original" / "sad" / "1.png", 80)
    assert levels(find(tmp_path)) == [("sad", 70)]


def ck_plus(root, labels="Emotion_labels/Emotion", pictures="extended-cohn-kanade-images/cohn-kanade-images"):
    for who, label, frames in (("S005", 3, 11), ("S010", 2, 3), ("S011", 7, 1)):
        for at in range(1, frames + 1):
            save(root / pictures / who / "001" / f"{who}_001_{at:08}.png", 10 * at)
        write(root / labels / who / "001" / f"{who}_001_{frames:08}_emotion.txt", f"   {label:.7e}\n")
    # a sequence that nobody labelled
    save(root / pictures / "S999" / "001" / "S999_001_00000001.png")
    (root / labels / "S999" / "001").mkdir(parents=True)


def test_ck_plus_shows_the_emotion_last_and_a_neutral_face_first(tmp_path):
    ck_plus(tmp_path)
    found = find(tmp_path)
    assert (found.layout, found.part, found.left_out) == ("ck+", "all", {"contempt": 1})
    assert levels(found) == [("disgust", 110), ("neutral", 10), ("neutral", 10), ("surprise", 10)]
    assert levels(find(tmp_path, part="peak")) == [("disgust", 110), ("surprise", 10)]
    ck_plus(tmp_path / "plain", "Emotion", "cohn-kanade-images")
    assert levels(find(tmp_path / "plain")) == levels(found)


def test_spoilt_ck_plus(tmp_path):
    ck_plus(tmp_path)
    path = tmp_path / "Emotion_labels" / "Emotion" / "S005" / "001" / "S005_001_00000011_emotion.txt"
    path.write_text("nothing")
    with pytest.raises(RecipeError, match=r"S005_001_00000011_emotion\.txt: the label is 'nothing'"):
        find(tmp_path)
    path.rename(path.with_name("S005_001_00000012_emotion.txt"))
    with pytest.raises(RecipeError, match=r"S005_001_00000012\.png: no such picture, though .*tells its label"):
        find(tmp_path)


def write_ck_48(path, rows):
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["emotion", "pixels", "Usage"])
        table.writerows((label, " ".join([str(level)] * 2304), usage) for label, level, usage in rows)


def test_ck_plus_at_48_px_is_not_divided(tmp_path):
    path = tmp_path / "ckextended.csv"
    write_ck_48(path, [(0, 10, "Training"), (6, 20, "PublicTest"), (7, 30, "PrivateTest"), (5, 40, "PrivateTest")])
    for place in (tmp_path, path):
        found = find(place)
        assert (found.layout, found.part, found.left_out) == ("ck+48", "all", {"contempt": 1})
        assert levels(found) == [("angry", 10), ("neutral", 20), ("surprise", 40)]
        assert found.pictures[0].image().shape == (48, 48)
    write_ck_48(path, [(8, 10, "Training")])
    with pytest.raises(RecipeError, match=r"ckextended\.csv, line 2: the label is '8', not a number from 0 to 7"):
        find(tmp_path)
    write_ck_48(path, [(1, 300, "Training")])
    with pytest.raises(RecipeError, match=r"ckextended\.csv, line 2: pixels are not 2304 whole numbers"):
        find(tmp_path)


def test_folders_by_label(tmp_path):
    save(tmp_path / "test" / "Anger" / "anna" / "1.png", 10)
    save(tmp_path / "test" / "joy" / "7" / "2.png", 20)
    save(tmp_path / "train" / "happy" / "3.png", 30)
    save(tmp_path / "test" / "contempt" / "4.png")
    save(tmp_path / "test" / "no_face" / "5.png")
    save(tmp_path / "test" / "AF01SUS.JPG", 60)
    (tmp_path / "__MACOSX" / "happy").mkdir(parents=True)
    (tmp_path / "__MACOSX" / "happy" / "3.png").write_bytes(b"no picture")
    (tmp_path / "train" / "happy" / "._3.png").write_bytes(b"no picture")
    found = find(tmp_path, part="all")
    assert found.layout == "folders"
    assert levels(found) == [("surprise", 60), ("angry", 10), ("happy", 20), ("happy", 30)]
    assert found.left_out == {"contempt": 1, "no face": 1}
    assert levels(find(tmp_path)) == [("angry", 10), ("happy", 20)]


@pytest.mark.parametrize(("first", "wanted"), [(0, {0: "neutral", 6: "angry"}), (1, {1: "surprise", 7: "neutral"})])
def test_folders_named_by_numbers(tmp_path, first, wanted):
    for number in range(first, first + 7):
        save(tmp_path / "test" / str(number) / "1.png", 10 * number)
    found = find(tmp_path)
    assert (found.layout, found.part) == ("numbered", "test")
    told = dict(levels(found))
    assert sorted(told) == sorted(LABELS)
    assert {level // 10: label for label, level in told.items()}.items() >= wanted.items()


def test_names_that_are_no_labels_are_told(tmp_path):
    save(tmp_path / "happy" / "1.png")
    for name in ("calmish", "bored"):
        save(tmp_path / name / "1.png")
    save(tmp_path / "2.png")
    with pytest.raises(
        RecipeError, match=r"3 pictures lie in folders whose names are no labels: \(none\), bored, calm"
    ):
        find(tmp_path)


def test_nothing_that_is_known(tmp_path):
    with pytest.raises(RecipeError, match="gone: no such file or folder"):
        find(tmp_path / "gone")
    write(tmp_path / "notes.csv", "a,b\n1,2\n")
    with pytest.raises(
        RecipeError, match=r"no layout that is known \(looked for raf-db, affectnet, ck\+, ck\+48, numb"
    ):
        find(tmp_path)
    with pytest.raises(RecipeError, match=r"no layout that is known \(looked for ck\+\)"):
        find(tmp_path, layout="ck+")
    save(tmp_path / "contempt" / "1.png")
    with pytest.raises(RecipeError, match="folders, part all: no picture with one of the labels angry, disgust"):
        find(tmp_path)


def test_parts_that_there_are_not(tmp_path):
    save(tmp_path / "happy" / "1.png")
    with pytest.raises(RecipeError, match=r"folders has no part 'test'\. It has no parts: leave --part out"):
        find(tmp_path, part="test")
    save(tmp_path / "train" / "happy" / "1.png")
    with pytest.raises(RecipeError, match=r"folders has no part 'test'\. Choose from train, all"):
        find(tmp_path, part="test")


def test_every_label_of_a_set_is_one_of_ours_or_known_to_be_none(tmp_path):
    write(tmp_path / "t.csv", HEAD + "".join(f"a.jpg,,,,,,{number},0,0\n" for number in range(11)))
    save(tmp_path / "a.jpg")
    found = find(tmp_path)
    assert Counter(one.label for one in found.pictures) == dict.fromkeys(LABELS, 1)
    assert found.left_out == dict.fromkeys(("contempt", "none", "uncertain", "no face"), 1)
