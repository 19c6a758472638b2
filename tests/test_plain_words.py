"""What conditions of alerts say in plain words."""

from __future__ import annotations

import pytest

from edge_fer.rules.conditions.when import KINDS
from edge_fer.values.plain_words import condition_words, duration_words, label_texts, measured_words

#: One of each kind, with its defaults filled in, and what it says.
SAID = [
    (
        {"emotion": ["angry", "disgust", "sad"], "score": 0.65, "repeated": 1},
        "a face looks angry, disgusted or sad, together 65 % sure or more",
        "ein Gesicht wirkt verärgert, angewidert oder traurig, zusammen mindestens 65 % sicher",
    ),
    (
        {"emotion": ["sad"], "score": 0.5, "repeated": 5},
        "a face looks sad, 50 % sure or more, 5 readings in a row",
        "ein Gesicht wirkt traurig, mindestens 50 % sicher, 5 Messwerte in Folge",
    ),
    (
        {"crowd": ["angry", "fear"], "share": 0.4, "over": "1m", "min_people": 5},
        "40 % or more of the people look angry or afraid, over 1 min, with 5 people or more",
        "mindestens 40 % der Personen wirken verärgert oder ängstlich, über 1 min, bei mindestens 5 Personen",
    ),
    ({"no_face": True}, "no face is seen", "kein Gesicht ist zu sehen"),
    ({"more_people_than": 5}, "more than 5 people are in view", "mehr als 5 Personen sind im Bild"),
    (
        {"view": ["covered", "moved"]},
        "the camera's view is covered or moved",
        "die Sicht der Kamera ist verdeckt oder verstellt",
    ),
    ({"distress": "high", "over": "10m"}, "high distress, over 10 min", "hohe Belastung, über 10 min"),
    (
        {"distress": "moderate", "over": "10m"},
        "moderate distress or more, over 10 min",
        "mittlere Belastung oder mehr, über 10 min",
    ),
    (
        {"satisfaction_below": 35.5, "over": "15m"},
        "satisfaction is below 35.5, over 15 min",
        "die Zufriedenheit liegt unter 35,5, über 15 min",
    ),
    (
        {"worse_than_usual": "distress", "by": 2.5, "over": "15m"},
        "distress is higher than usual at this hour, by 2.5 times what is usual, over 15 min",
        "die Belastung ist höher als zu dieser Stunde üblich, um das 2,5-Fache des Üblichen, über 15 min",
    ),
    (
        {"count": "unhappy-guest", "at_least": 3, "over": "10m"},
        "3 or more alerts of unhappy-guest, within 10 min",
        "mindestens 3 Alarme von unhappy-guest, innerhalb von 10 min",
    ),
    (
        {"visits_fewer_than": 5, "over": "1h"},
        "fewer than 5 visits, within 1 h",
        "weniger als 5 Besuche, innerhalb von 1 h",
    ),
    (
        {"signal": "bed/pulse", "path": "$.bpm", "above": 120.0, "below": 40.5, "max_age": "30s"},
        "the number from bed/pulse is above 120 or below 40.5",
        "die Zahl von bed/pulse liegt über 120 oder unter 40,5",
    ),
    (
        {"all": [{"no_face": True}, {"view": ["dark"]}]},
        "no face is seen and the camera's view is too dark",
        "kein Gesicht ist zu sehen und die Sicht der Kamera ist zu dunkel",
    ),
    (
        {"any": [{"no_face": True}, {"view": ["dark"]}]},
        "no face is seen or the camera's view is too dark",
        "kein Gesicht ist zu sehen oder die Sicht der Kamera ist zu dunkel",
    ),
]


@pytest.mark.parametrize(("when", "english", "german"), SAID, ids=lambda part: next(iter(part), ""))
def test_a_condition_is_said_in_plain_words(when, english, german):
    assert condition_words(when, "en") == english
    assert condition_words(when, "de") == german


def test_every_kind_of_condition_has_words():
    assert {next(iter(when)) for when, *_ in SAID} == set(KINDS)


def test_what_has_no_words_is_said_as_it_is_written():
    assert condition_words({"later": ["a", "b"], "than": 3}, "de") == "later a + b, than 3"


def test_what_is_measured_is_said_where_it_tells_something():
    assert measured_words({"emotion": ["sad"]}, 0.721, 0.65, "en") == "now 72 %, the limit is 65 %"
    assert measured_words({"satisfaction_below": 35}, 30.456, 35.0, "de") == "jetzt 30,46, die Grenze ist 35"
    assert measured_words({"view": ["dark"]}, 1.0, 1.0, "en") == ""


def test_durations_have_units_that_people_know():
    assert [duration_words(one, "de") for one in ("90s", "1.5h", "2m", "7d", "soon")] == [
        "90 s",
        "1,5 h",
        "2 min",
        "7 Tage",
        "soon",
    ]


def test_both_languages_have_the_same_texts():
    assert set(label_texts("en")) == set(label_texts("de"))
