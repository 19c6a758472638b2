"""Faces from elsewhere: what may be learned from them, what they say, and what is measured on them."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from models.recipe.abroad import errors_in_unsurest, measure_abroad
from models.recipe.data import LABELS, NO_MAJORITY
from models.recipe.data.portraits import choosing, learned_from, read_portraits
from models.recipe.data.portraits import testing as for_testing
from models.recipe.errors import RecipeError
from models.recipe.evaluate import abroad_line, parts_of
from tests.models.portraits import portraits, row

ANGRY, HAPPY, NEUTRAL = (LABELS.index(label) for label in ("angry", "happy", "neutral"))


def test_two_of_three_readers_decide_and_one_votes_alone_where_there_is_one():
    some = portraits(
        [row(happy=3), row(happy=2, sad=1), row(happy=1, sad=1, angry=1), row(none=3), row(angry=1)],
    )
    assert some.truth.tolist() == [HAPPY, HAPPY, NO_MAJORITY, NO_MAJORITY, ANGRY]


def test_readers_who_are_divided_decide_nothing():
    some = portraits([row(happy=2, sad=2), row(happy=2, none=2), row(happy=2, none=3), row(happy=3, sad=2)])
    assert some.truth.tolist() == [NO_MAJORITY, NO_MAJORITY, NO_MAJORITY, HAPPY]


def test_a_second_thought_counts_a_quarter_and_what_is_none_of_the_seven_teaches_nothing():
    second = np.zeros((3, 7))
    second[0, NEUTRAL] = 3
    some = portraits([row(happy=3), row(happy=2, sad=1), row(none=3)], second)
    assert some.targets[0] == pytest.approx(np.array(row(happy=0.8, neutral=0.2)[:7]))
    assert some.targets[1] == pytest.approx(np.array(row(happy=2 / 3, sad=1 / 3)[:7]))
    assert some.targets[2].sum() == 0


def test_nobody_learns_from_what_is_for_testing_or_choosing():
    some = portraits([row(happy=3)] * 60, group=np.arange(60))
    kept = set(learned_from("sfhq", some).group.tolist())
    assert kept == {number for number in range(60) if number % 3 and number % 6 != 1}
    assert not (for_testing(some.group) & choosing(some.group)).any()
    assert len(learned_from("sfhq1", some)) == 60


@pytest.mark.parametrize("name", ["dhi", "london"])
def test_what_is_for_measuring_only_is_not_learned_from(name):
    with pytest.raises(RecipeError, match=f"{name}: is for measuring only .*Learn from sfhq, sfhq1"):
        learned_from(name, portraits([row(happy=3)]))


def test_what_was_cut_is_read_again_and_damage_is_named(tmp_path):
    np.savez(tmp_path / "sfhq.npz", **asdict(portraits([row(happy=3), row(sad=3)])))
    assert read_portraits(tmp_path, "sfhq").names.tolist() == ["0.jpg", "1.jpg"]
    with pytest.raises(RecipeError, match=r"sfhq1\.npz: no such file\. Make it with .*cut_portraits"):
        read_portraits(tmp_path, "sfhq1")
    (tmp_path / "sfhq1.npz").write_bytes(b"PK nothing")
    with pytest.raises(RecipeError, match=r"sfhq1\.npz: not what cut_portraits makes"):
        read_portraits(tmp_path, "sfhq1")
    with pytest.raises(RecipeError, match="fer2014: no such set"):
        read_portraits(tmp_path, "fer2014")


def test_the_unsurest_third_holds_the_errors_where_confidence_is_worth_something():
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.55, 0.45]])
    assert errors_in_unsurest(probabilities, np.array([0, 0, 1])) == 1
    assert errors_in_unsurest(probabilities, np.array([0, 1, 1])) == 0.5
    assert errors_in_unsurest(probabilities, np.array([1, 0, 0])) == 0
    assert errors_in_unsurest(probabilities, np.array([0, 0, 0])) == 1


def test_a_set_is_measured_by_the_labels_that_it_shows_often_enough():
    truth = np.array([HAPPY] * 20 + [NEUTRAL] * 20 + [ANGRY] * 3 + [NO_MAJORITY])
    logits = np.full((len(truth), 7), -5.0)
    logits[np.arange(43), truth[:43]] = 5.0
    logits[40:43] = -5.0
    logits[40:43, NEUTRAL] = 5.0
    report = measure_abroad(logits, truth, intervals=False)
    assert report["pictures"] == 43
    assert report["accuracy"] == pytest.approx(40 / 43)
    # three angry faces are too few to count; that they were taken for neutral costs neutral's precision
    assert report["macro_f1"] == pytest.approx((1 + 2 * 20 / (20 + 23)) / 2)
    assert report["taken_for_neutral"] == pytest.approx(3 / 43)
    assert report["labels"]["angry"]["recall"] == 0


def test_a_model_is_measured_on_nothing_that_it_learned_from(tmp_path):
    some = portraits([row(happy=3)] * 12)
    for name in ("sfhq", "sfhq1", "london"):
        np.savez(tmp_path / f"{name}.npz", **asdict(some))
    parts = parts_of(tmp_path, private=False)
    assert {name: part.group.tolist() for name, part in parts.items()} == {
        "sfhq, choosing": [1, 7],
        "london": list(range(12)),
    }
    assert parts_of(tmp_path, private=True)["sfhq, testing"].group.tolist() == [0, 3, 6, 9]


def test_a_sets_figures_are_told_in_a_line_with_intervals():
    truth = np.array([HAPPY] * 20 + [NEUTRAL] * 20)
    logits = np.full((40, 7), -5.0)
    logits[np.arange(40), truth] = 5.0
    said = abroad_line(measure_abroad(logits, truth))
    assert said.startswith("40 pictures, accuracy 1.000 (1.000 to 1.000), macro_f1 1.000 (")
    assert said.endswith("recall/precision happy 1.00/1.00, neutral 1.00/1.00")
