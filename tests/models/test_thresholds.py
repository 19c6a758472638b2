"""Thresholds from curves: the sums, what is chosen, and that the profiles' pages say what was measured."""

import json

import numpy as np
import pytest

from edge_fer.emotion.classifier import packaged_model
from edge_fer.emotion.sidecar import Sidecar, beside
from models.recipe.calm_hours import PLACES, profile_config
from models.recipe.errors import RecipeError
from models.recipe.thresholds import (
    BEGIN,
    END,
    OUT,
    PAGES,
    available,
    chosen,
    found_and_false,
    measure_rule,
    page_part,
    picture,
    rule_of,
    with_part,
)

CALM = np.array([0.9, 0.5, *np.linspace(0.0, 0.4, 38)])
UNHAPPY = np.array([0.95, 0.8, 0.55, 0.45, 0.1])


def test_a_threshold_finds_what_reaches_it():
    assert found_and_false(UNHAPPY, CALM, 0.5) == (0.6, 0.05)
    assert found_and_false(np.array([0.5]), np.array([0.5]), 0.5) == (1.0, 1.0)


def test_what_is_available_leaves_one_calm_face_in_twenty():
    # two of forty may be above: the third lies at 0.4
    assert available(UNHAPPY, CALM) == (0.8, 0.45)
    assert available(UNHAPPY, np.zeros(40)) == (1.0, 0.1)
    # with fewer than twenty, none may be
    assert available(UNHAPPY, np.array([0.9])) == (0.2, 0.95)
    assert available(np.array([0.1]), np.array([0.9])) == (0.0, 1.0)


def test_a_rule_is_held_against_what_is_available():
    told = measure_rule(UNHAPPY, CALM, 0.6)
    assert (told["unhappy"], told["calm"]) == (5, 40)
    assert (told["shipped"]["found"], told["shipped"]["false"]) == (0.4, 0.025)
    assert told["of_available"] == 0.5
    low, high = told["shipped"]["found_95"]
    assert low < 0.4 < high
    assert {row["score"]: row["found"] for row in told["curve"]}[0.45] == 0.8


def test_the_lowest_threshold_is_chosen_that_has_few_false_alarms_and_alerts():
    curve = measure_rule(UNHAPPY, CALM, 0.6)["curve"]
    assert chosen(curve, 0.8, None) == 0.45
    assert chosen(curve, 0.6, {row["score"]: 3 if row["score"] < 0.55 else 1 for row in curve}) == 0.55
    # few enough alerts, but too little is found then
    assert chosen(curve, 0.8, {row["score"]: 3 if row["score"] < 0.55 else 1 for row in curve}) is None
    assert chosen(curve, 0.8, dict.fromkeys((row["score"] for row in curve), 2)) is None


@pytest.mark.parametrize("profile", PLACES)
def test_a_profile_ships_one_rule_about_the_emotions_of_a_person(profile):
    rule = rule_of(profile, profile_config(profile))
    assert {"sad", "angry"} <= set(rule.emotions)
    assert 0 < rule.score < 1


def test_a_profile_without_such_a_rule_is_told():
    with pytest.raises(RecipeError, match="crowd: has no alert about the emotions of one person"):
        rule_of("crowd", profile_config("crowd"))


def test_a_page_keeps_what_stands_around_the_curves():
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert with_part(page, "new\n") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    with pytest.raises(RecipeError, match="no <!-- curves"):
        with_part("before", "new\n")


AGAIN = "run: python -m models.recipe.thresholds --write"


@pytest.mark.parametrize("profile", PLACES)
def test_the_pages_show_what_was_measured(profile):
    report = json.loads(OUT.read_text(encoding="utf-8"))["profiles"][profile]
    page = (PAGES / f"{profile}.md").read_text(encoding="utf-8")
    assert with_part(page, page_part(report)) == page, AGAIN
    assert picture(report) == (PAGES / f"{profile}-threshold.svg").read_text(encoding="utf-8"), AGAIN
    assert set(report["sets"]) == {"sfhq"}, "the figures of other sets are not told"


@pytest.mark.parametrize("profile", PLACES)
def test_what_was_measured_is_what_ships(profile):
    report = json.loads(OUT.read_text(encoding="utf-8"))
    assert report["sha256"] == Sidecar.load(beside(packaged_model())).sha256, AGAIN
    rule, told = rule_of(profile, profile_config(profile)), report["profiles"][profile]
    assert (told["rule"], tuple(told["emotions"])) == (rule.name, rule.emotions), AGAIN
    assert told["sets"]["sfhq"]["shipped"]["score"] == rule.score, AGAIN
