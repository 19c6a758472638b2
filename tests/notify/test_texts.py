"""What messages say, in each language."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from edge_fer.errors import ConfigError
from edge_fer.notify import texts as module
from edge_fer.notify.items import SEVERITIES, ItemKind
from edge_fer.notify.texts import LANGUAGES, NotifyTexts
from edge_fer.notify.troubles import _AFTER
from edge_fer.values.plain_words import condition_words
from edge_fer.web.texts import texts_in
from tests.notify.examples import PAGE, page
from tests.notify.making import item

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()
ENGLISH = NotifyTexts("en", place="Ward 3", zone=UTC)
WHEN = {"emotion": ["sad", "fear", "angry"], "score": 0.5, "repeated": 1}
FULL = {"rule": "distress", "when": WHEN, "value": 0.7234, "threshold": 0.5}


def said(*items, now=NOON, texts=ENGLISH, lost=0):
    return texts.message(items, now=now, lost=lost)


def test_one_alert_says_where_and_since_when_and_nothing_of_emotions():
    message = said(item(began=NOON - 4))
    assert (message.title, message.text) == ("Ward 3 · bed-1: please look", "Ward 3 · bed-1: please look. Since 11:59.")
    assert (message.severity, message.kind) == ("critical", ItemKind.FIRING)


def test_in_full_it_says_the_rule_and_what_was_measured():
    message = said(item(began=NOON, facts=FULL))
    assert message.text == (
        "Ward 3 · bed-1: please look, since 12:00. Alert distress (critical). Why: a face looks sad, afraid or"
        " angry, together 50 % sure or more; measured 72 %, the limit is 50 %."
    )
    assert "distress" not in message.title


def test_what_nobody_can_measure_is_told_without_numbers():
    facts = {"rule": "no-face", "when": {"no_face": True}, "value": 1.0, "threshold": 1.0}
    assert said(item(began=NOON, facts=facts)).text.endswith("no-face (critical). Why: no face is seen.")
    # a rule that is in the config no more
    assert said(item(began=NOON, facts={**facts, "when": None})).text.endswith("no-face (critical).")


@pytest.mark.parametrize("language", LANGUAGES)
def test_phone_and_page_have_the_same_words(language):
    page, texts = texts_in(language), tomllib.loads((module._FOLDER / f"{language}.toml").read_text("utf-8"))
    assert {name: texts[name] for name in SEVERITIES} == {name: page[f"severity_{name}"] for name in SEVERITIES}
    made = NotifyTexts(language, place="P", zone=UTC)
    for what in set(_AFTER) - {"disk_low"}:
        trouble = item(kind=ItemKind.TROUBLE, key=what, facts={"what": what, "count": 2, "end": NOON})
        assert page[f"remedy_{what}"] in made.message([trouble], now=NOON).text
    assert condition_words(WHEN, language) in made.message([item(facts=FULL)], now=NOON).text


def test_the_examples_in_the_docs_are_what_is_said():
    assert page() == PAGE.read_text(encoding="utf-8"), "run: python -m tests.notify.examples"


@pytest.mark.parametrize(
    ("ended", "told"), [(None, "Since 11:30. Not over yet at 12:00."), (NOON - 60, "Since 11:30. Over at 11:59.")]
)
def test_what_is_told_late_says_how_it_is_now(ended, told):
    assert said(item(began=NOON - 1800, ended=ended)).text.endswith(told)


def test_a_rule_that_flaps_is_one_line():
    items = [item(key=f"a{n}", began=NOON - 600 + n) for n in range(0, 600, 20)]
    assert said(*items).text == ("Ward 3 · bed-1: please look. 30 times since 11:50, last at 11:59.")


def test_several_places_are_a_line_each_under_the_name_of_the_site():
    message = said(*(item(key=f"a{n}", began=NOON, camera=f"bed-{n}") for n in range(3)))
    assert message.title == "Ward 3: please look"
    assert len(message.text.splitlines()) == 3


def test_a_message_is_bounded_and_says_how_much_more_there_is():
    message = said(*(item(key=f"a{n}", began=NOON, camera=f"bed-{n}") for n in range(300)), lost=7)
    *_, more, lost = lines = message.text.splitlines()
    assert len(lines) == 21
    assert (more, lost) == ("and 281 more", "7 older messages could not be delivered.")


def test_an_alert_comes_before_troubles_in_the_title():
    trouble = item(
        kind=ItemKind.TROUBLE, key="disk_low", severity="warning", facts={"what": "disk_low", "megabytes": 9}
    )
    assert "please look" in said(trouble, item(began=NOON)).title
    assert "attention" in said(trouble).title
    assert said(trouble, item(began=NOON)).severity == "critical"


def test_another_day_has_its_date():
    assert "Since 2025-12-31 23:00." in said(item(began=NOON - 13 * 3600)).text


def test_names_cannot_take_over_a_terminal():
    assert "\n" not in said(item(camera="bed\n1", facts={**FULL, "rule": "a\x1b[2J"})).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_says_everything(language):
    english = tomllib.loads((module._FOLDER / "en.toml").read_text("utf-8"))
    texts = tomllib.loads((module._FOLDER / f"{language}.toml").read_text("utf-8"))
    assert texts.keys() == english.keys()
    made = NotifyTexts(language, place="P", zone=UTC)
    for name, text in english.items():
        assert set(re.findall(r"{(\w+)}", texts[name])) == set(re.findall(r"{(\w+)}", text)), name
    kinds = [
        item(kind=ItemKind.FIRING), item(kind=ItemKind.FIRING, facts=FULL), item(kind=ItemKind.RESOLVED),
        item(kind=ItemKind.RESOLVED, facts=FULL), item(kind=ItemKind.ESCALATED, facts={"minutes": 5.0}),
        *(
            item(kind=kind, key=what, facts={"what": what, "count": 2, "megabytes": 3, "end": NOON})
            for kind in (ItemKind.TROUBLE, ItemKind.RECOVERED)
            for what in ("camera_lost", "camera_blind", "broker_lost", "outbox_grows", "disk_low", "certificate_ends")
        ),
    ]  # fmt: skip
    lines = made.message(kinds, now=NOON).text.splitlines()
    assert len(set(lines)) == len(kinds)
    assert made.test().text


def test_german_is_german():
    german = NotifyTexts("de", place="Station 3", zone=UTC)
    assert said(item(began=NOON), texts=german).text == "Station 3 · bed-1: bitte nachsehen. Seit 12:00."


def test_people_can_write_texts_of_their_own_and_leave_some_out(tmp_path):
    file = tmp_path / "fr.toml"
    file.write_text('alert = "{place} : venez voir, depuis {since}."\n', encoding="utf-8")
    french = NotifyTexts(str(file), place="Salle 3", zone=UTC)
    assert said(item(began=NOON), texts=french).text == "Salle 3 · bed-1 : venez voir, depuis 12:00."
    assert said(item(began=NOON), texts=french).title == "Salle 3 · bed-1: please look"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('alert = "{rule}"', "asks for `{rule}`"),
        ('alert = "{place.__class__}"', "asks for `{place.__class__}`"),
        ('alert = "{place"', "braces that do not fit"),
        ('alert = "{place:d}"', "within braces"),
        ('alert = "{place!x}"', "within braces"),
        ('alert = "{place:>3000000000}"', "within braces"),
        ("alert = 5", "no text of ours"),
        ('words = "fr"', "has `words`, which is no language of ours"),
        ('alart = "x"', "has `alart`"),
        ("alert =", "cannot be read"),
    ],
)
def test_texts_that_cannot_be_are_refused_with_what_is_wrong(tmp_path, text, fault):
    file = tmp_path / "texts.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=re.escape(fault)) as error:
        NotifyTexts(str(file), place="")
    assert error.value.remedy


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(ConfigError, match=r"/nowhere/fr\.toml cannot be read: No such file"):
        NotifyTexts("/nowhere/fr.toml", place="")


@pytest.mark.parametrize(("language", "words"), [("en", "Acknowledge it until 12:15"), ("de", "Quittieren bis 12:15")])
def test_a_message_has_its_link_while_that_can_be_used(language, words):
    texts = NotifyTexts(language, place="Ward 3", zone=UTC)
    link = {"link": "https://ward.lan/acknowledge?token=x", "link_ends": NOON + 900}
    told = item(began=NOON, facts=link)
    assert said(told, texts=texts).text.endswith(f" {words}: https://ward.lan/acknowledge?token=x")
    assert "token" not in said(told, now=NOON + 900, texts=texts).text
    assert "token" not in said(replace(told, ended=NOON + 5), texts=texts).text
