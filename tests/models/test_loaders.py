"""Reading pictures from .npz files, FER2013's own tables, and folders; and what is said of wrong ones."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from models.recipe.data import LABELS, load
from models.recipe.data.folders import label_of, part_of_each
from models.recipe.errors import RecipeError
from tests.faces.pictures import head
from tests.models.tables import USAGE, invented, write_tables
from tests.shared import shared_data


@pytest.mark.slow
def test_tables_give_what_the_npz_files_give(tmp_path):
    shared = shared_data() / "fer2013"
    train, public = load(shared, "train"), load(shared, "public-test")
    rows = np.flatnonzero(train.twins | (np.arange(len(train)) < 60) | (train.votes.sum(axis=1) == 0))
    some = train.take(rows)
    splits = [
        ("train", some.images, some.labels, some.votes),
        ("public-test", public.images, public.labels, public.votes),
        invented("private-test"),
    ]
    write_tables(tmp_path, splits)
    for path in (tmp_path, tmp_path / "fer2013.csv"):
        found = load(path, "public-test")
        for name in ("images", "labels", "votes", "twins"):
            assert np.array_equal(getattr(found, name), getattr(public, name)), name
    found = load(tmp_path, "train")
    for name in ("images", "labels", "votes"):
        assert np.array_equal(getattr(found, name), getattr(some, name)), name
    # the others have their twin in the private test, which is not there
    assert found.twins.sum() > 250
    assert not (found.twins & ~some.twins).any()
    assert len(load(tmp_path, "private-test")) == 4


def test_pictures_that_ferplus_threw_out_have_no_votes(tmp_path):
    write_tables(tmp_path, [invented("train"), invented("private-test", seed=1)], nameless={2})
    assert load(tmp_path, "train").votes.sum(axis=1).tolist() == [10, 10, 0, 10]


def test_without_votes_the_labels_stand_in(tmp_path, capsys):
    write_tables(tmp_path, [invented("train"), invented("public-test", seed=1)])
    (tmp_path / "fer2013new.csv").unlink()
    assert load(tmp_path, "train").votes.argmax(axis=1).tolist() == [4, 5, 6, 1]
    assert "fer2013new.csv: not there; the labels stand in for the votes" in capsys.readouterr().err


#: Which file, how it is spoilt, and what is said.
SPOILT = {
    "label": ("fer2013.csv", lambda t: t.replace("\r\n1,", "\r\n9,", 1), r"line 3: emotion is '9', not .* 0 to 6"),
    "too few pixels": ("fer2013.csv", lambda t: t.replace(" ", "", 1), r"line 2: pixels are not 2304 whole"),
    "no number": ("fer2013.csv", lambda t: t.replace(" ", " x", 1), r"line 2: pixels are not 2304 whole"),
    "usage": ("fer2013.csv", lambda t: t.replace("Training", "Train", 1), r"line 2: Usage is 'Train', none of"),
    "column": ("fer2013.csv", lambda t: t.replace("pixels", "pix", 1), r"line 1: no column pixels.*must be emotion"),
    "cut short": ("fer2013.csv", lambda t: t[:-1000], r"line 9: ends before Usage.*download it again"),
    "votes": ("fer2013new.csv", lambda t: t.replace(",10,", ",11,", 1), r"line 2: happiness is '11', not .* 0 to 10"),
    "other order": (
        "fer2013new.csv",
        lambda t: t.replace("Training", "PublicTest", 1),
        r"line 2: Usage is 'PublicTest'",
    ),
    "more rows": (
        "fer2013new.csv",
        lambda t: t + t.splitlines(keepends=True)[-1],
        r": has more rows than .*fer2013\.csv, though",
    ),
    "no text": ("fer2013.csv", lambda t: t[:100] + "\udcff", "not a table of comma-separated values"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_spoilt_tables(name, tmp_path):
    write_tables(tmp_path, [invented("train"), invented("public-test", seed=1)])
    file, spoil, said = SPOILT[name]
    path = tmp_path / file
    with path.open(newline="") as source:
        text = source.read()
    path.write_bytes(spoil(text).encode("utf-8", "surrogateescape"))
    with pytest.raises(RecipeError, match=rf"{file}.*{said}"):
        load(tmp_path, "train")


def write_npz(folder, name="public-test.npz", **changed):
    _, images, labels, votes = invented("public-test")
    arrays = {"images": images, "labels": labels, "ferplus_votes": votes, "twin_of_train": np.zeros(4, bool)} | changed
    np.savez(folder / name, **{key: value for key, value in arrays.items() if value is not None})


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"labels": None}, "labels is not a file in the archive.*It must hold images, labels"),
        ({"images": np.zeros((4, 32, 32), np.uint8)}, r"images is uint8 \(4, 32, 32\), not uint8 \(4, 48, 48\)"),
        ({"ferplus_votes": np.zeros((4, 8), np.uint8)}, r"ferplus_votes is uint8 \(4, 8\), not uint8 \(4, 10\)"),
        ({"labels": np.full(4, 7, np.uint8)}, "labels go up to 7, but there are 7 labels"),
    ],
)
def test_spoilt_npz(changed, said, tmp_path):
    write_npz(tmp_path, **changed)
    with pytest.raises(RecipeError, match=rf"public-test\.npz: {said}"):
        load(tmp_path, "public-test")


def test_damaged_or_missing_npz(tmp_path):
    write_npz(tmp_path)
    assert len(load(tmp_path, "public-test")) == 4
    with pytest.raises(RecipeError, match=r"train-a\.npz: no such file, though others of FER2013 lie beside it"):
        load(tmp_path, "train")
    (tmp_path / "public-test.npz").write_bytes(b"no archive")
    with pytest.raises(RecipeError, match=r"public-test\.npz: not a \.npz file"):
        load(tmp_path, "public-test")


def save(path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))


def test_folders_by_label_are_cut_out_and_divided_by_person(tmp_path):
    for person in range(12):
        for folder in ("Anger", "happiness", "neutral"):
            save(tmp_path / folder / f"p{person}" / "1.png", head(120 + person))
    parts = {split: load(tmp_path, split) for split in USAGE}
    assert [len(part) for part in parts.values()] == [30, 3, 3]
    for part in parts.values():
        assert part.images.shape[1:] == (48, 48)
        assert np.bincount(part.labels, minlength=7)[[0, 3, 6]].tolist() == [len(part) // 3] * 3
        assert (part.votes.max(axis=1) == 10).all()
    # cut out by detector and canonical crop: not the whole head with its hair
    whole = cv2.resize(cv2.cvtColor(head(120), cv2.COLOR_RGB2GRAY), (48, 48), interpolation=cv2.INTER_AREA)
    assert np.abs(parts["train"].images.astype(int) - whole).mean(axis=(1, 2)).min() > 10


def test_copies_of_a_picture_on_both_sides_are_twins(tmp_path):
    """Whether nobody is known, as in FER2013 as folders, or the two are said to be of different people."""
    random = np.random.default_rng(0)
    faces = random.integers(0, 256, (20, 48, 48, 3)).astype(np.uint8)
    for number, face in enumerate(faces):
        save(tmp_path / "happy" / f"{number}.png", face)
        # of another file format, so that only the pixels are the same
        save(tmp_path / "happy" / f"{number}-again.bmp", face)
    save(tmp_path / "sad" / "anna" / "1.png", faces[0])
    parts = {split: load(tmp_path, split) for split in USAGE}
    assert [len(part) for part in parts.values()] == [33, 4, 4]
    tests = {image.tobytes() for split in ("public-test", "private-test") for image in parts[split].images}
    training = {image.tobytes() for image in parts["train"].images}
    assert tests & training
    assert parts["train"].twins.tolist() == [image.tobytes() in tests for image in parts["train"].images]
    for split in ("public-test", "private-test"):
        assert parts[split].twins.tolist() == [image.tobytes() in training for image in parts[split].images]


def test_kdef_names(tmp_path):
    people = [f"{sex}{number:02}" for sex in "FM" for number in range(1, 7)]
    for person in people:
        for session in "AB":
            for code in ("AF", "AN", "DI", "HA", "NE", "SA", "SU"):
                for angle in ("S", "FL"):
                    save(tmp_path / f"A{person}" / f"{session}{person}{code}{angle}.JPG", head(48)[:48, :48])
    parts = {split: load(tmp_path, split) for split in USAGE}
    # one person a test, both sessions, seven expressions; faces seen wholly from the side are left out
    assert [len(part) for part in parts.values()] == [10 * 14, 14, 14]
    assert all(np.bincount(part.labels).tolist() == [len(part) // 7] * 7 for part in parts.values())


def test_people_are_divided_the_same_way_every_time(tmp_path):
    people = {f"person {number}" for number in range(100)}
    parts = part_of_each(people, tmp_path)
    assert parts == part_of_each({*sorted(people)[::-1]}, tmp_path)
    assert sorted(parts.values()).count("public-test") == 10
    with pytest.raises(RecipeError, match="pictures of 2 people cannot be divided"):
        part_of_each({"a", "b"}, tmp_path)


@pytest.mark.parametrize(("name", "label"), [("Afraid", "fear"), ("JOY", "happy"), ("sad", "sad"), ("misc", None)])
def test_names_of_folders(name, label):
    assert label_of(name) == label
    assert all(label_of(one) == one for one in LABELS)


def test_pictures_without_faces(tmp_path):
    for number in range(6):
        save(tmp_path / "happy" / f"{number}.png", np.full((100, 100, 3), 90, np.uint8))
    with pytest.raises(RecipeError, match=r"a face was found in only 0 of 4 pictures for train.*upright frontal"):
        load(tmp_path, "train")


def test_broken_picture(tmp_path):
    for number in range(6):
        (tmp_path / "happy").mkdir(exist_ok=True)
        (tmp_path / "happy" / f"{number}.png").write_bytes(b"no picture" if number else b"")
    with pytest.raises(RecipeError, match=r"happy/\d\.png: not a picture that OpenCV can read.*Remove it"):
        load(tmp_path, "train")


def test_nothing_there(tmp_path):
    with pytest.raises(
        RecipeError, match=r"no pictures to learn from .*neither train-a\.npz, nor fer2013\.csv.*--data"
    ):
        load(tmp_path, "train")
    with pytest.raises(RecipeError, match="no such file or folder"):
        load(tmp_path / "gone", "train")
