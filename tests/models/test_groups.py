"""Figures by perceived group."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.recipe.data import LABELS
from models.recipe.evaluate import group_lines
from models.recipe.groups import groups_of, measure_groups
from tests.models.portraits import portraits, row

HAPPY, SAD, NEUTRAL = (LABELS.index(label) for label in ("happy", "sad", "neutral"))


def faces(*, count=40):
    """Happy faces of adults with glasses, sad ones of old people with beard and hat, and one that divides readers."""
    votes = [row(happy=3)] * (count // 2) + [row(sad=3)] * (count // 2) + [row(sad=1, happy=1, angry=1)]
    half = np.arange(count + 1) < count // 2
    return replace(
        portraits(votes),
        age=np.where(half, "adult", "old"),
        skin=np.where(half, "light", ""),
        cover=np.where(half, "glasses", "beard+hat"),
    )


def test_groups_are_told_apart_by_what_readers_perceived():
    groups = groups_of(faces(count=4))
    assert groups["age: old"].tolist() == [False, False, True, True, True]
    assert groups["skin: light"].tolist() == [True, True, False, False, False]
    assert groups["glasses"].tolist() == [True, True, False, False, False]
    assert groups["hat"].tolist() == groups["beard"].tolist() == groups["no glasses"].tolist()
    assert not groups["age: baby"].any()
    # sunglasses are no glasses
    assert not groups_of(replace(faces(count=4), cover=np.full(5, "sunglasses")))["glasses"].any()


def test_each_group_has_its_own_figures():
    some = faces()
    guess = np.array([HAPPY] * 20 + [SAD] * 8 + [NEUTRAL] * 10 + [HAPPY] * 2 + [NEUTRAL])
    told = measure_groups(np.eye(7)[guess], np.arange(41) >= 30, some)
    old, adult = told["age: old"], told["age: adult"]
    # the face that divides readers counts nowhere
    assert (old["pictures"], adult["pictures"]) == (20, 20)
    assert (old["accuracy"], adult["accuracy"]) == (pytest.approx(0.4), 1)
    assert (old["neutral_bias"], adult["neutral_bias"]) == (pytest.approx(0.5), 0)
    assert (old["uncertain"], adult["uncertain"]) == (pytest.approx(0.5), 0)
    # a mean over one label is none
    assert "macro_f1" not in old
    both = measure_groups(np.eye(7)[guess], np.zeros(41, bool), replace(some, age=np.full(41, "old")))["age: old"]
    assert (both["macro_f1"], both["labels"]) == (pytest.approx((40 / 42 + 16 / 28) / 2), ["happy", "sad"])
    assert old["accuracy_95"] == pytest.approx([0.219, 0.613], abs=0.01)
    assert adult["accuracy_95"][0] < 0.9
    assert told["age: baby"] == {"pictures": 0}


def test_of_few_pictures_nothing_is_said():
    told = measure_groups(np.eye(7)[[HAPPY] * 5 + [SAD] * 6], np.zeros(11, bool), faces(count=10))
    assert told["age: old"] == {"pictures": 5}
    assert told["no glasses"] == {"pictures": 5}
    assert group_lines(told)[0] == "age: baby, 0 pictures: too few"


def test_neutral_faces_say_nothing_of_a_bias_towards_neutral():
    some = replace(faces(), votes=np.array([row(neutral=3)] * 41, np.uint8))
    told = measure_groups(np.eye(7)[[NEUTRAL] * 41], np.zeros(41, bool), some)
    assert told["age: old"]["accuracy"] == 1
    assert "neutral_bias" not in told["age: old"]
    assert "uncertain 0.00 (0.00 to 0.15)" in group_lines(told)[3]
