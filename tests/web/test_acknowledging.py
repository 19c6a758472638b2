"""A link in a notification, from the message of a real daemon to the acknowledged alert."""

from __future__ import annotations

import time
from html import escape

import pytest

from edge_fer.control.client import ControlClient
from edge_fer.notify.links import AcknowledgeLink
from tests.mqtt.kit import until
from tests.web.linking import token_in, told_page
from tests.web.visiting import Visitor, WebPage

PLACE = "Ward 3 · front"


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    with told_page(tmp_path_factory.mktemp("told")) as page:
        yield page


def firing(told):
    with ControlClient([told.socket]) as client:
        rules = client.ask("state")["cameras"]["front"]["rules"]
    return [alert for rule in rules for alert in rule["alerts"] if alert["state"] == "firing"]


def test_a_link_acknowledges_its_alert_once_in_the_name_of_its_target(told):
    token, visitor = token_in(told.texts[0]), Visitor(told)
    # what looks at links before people do uses nothing up
    for language, words in (("en", "Acknowledge"), ("de", "Quittieren"), ("de", "Bitte nachsehen")):
        status, headers, text = visitor.get(f"/acknowledge?token={token}", accept_language=language)
        assert (status, words in text, PLACE in text) == (200, True, True), text
        assert "pulse" not in text
        assert headers["cache-control"] == "no-store"
    alert_id = told.book.look(token, time.time()).alert_id
    assert not any(alert["acknowledged"] for alert in firing(told) if alert["id"] == alert_id)
    status, headers, text = visitor.post("/acknowledge", {"token": token})
    assert (status, "Acknowledged" in text, PLACE in text, "pulse" in text) == (200, True, True, False), text
    until(lambda: any(alert["acknowledged"] for alert in firing(told) if alert["id"] == alert_id))
    audit = told.seen.wait_for(lambda m: m.topic.endswith("/audit") and m.json["command"] == "acknowledge")[0].json
    assert audit.items() >= {"actor": "link:nurse", "role": "operator", "via": "web"}.items()
    assert audit["fields"] == {"camera": "front", "alert_id": alert_id}
    # it has logged nobody in, and works no more
    assert not visitor.cookies
    assert visitor.get("/")[1]["location"] == "/login"
    assert visitor.get(f"/acknowledge?token={token}")[0] == 403
    assert visitor.post("/acknowledge", {"token": token})[0] == 403


def test_all_links_that_do_not_work_lead_to_the_same_page(told):
    token, visitor, now = token_in(told.texts[1]), Visitor(told), time.time()
    alert_id = told.book.look(token, now).alert_id
    used = told.book.make(AcknowledgeLink("front", alert_id, "nurse", now + 300))
    assert visitor.post("/acknowledge", {"token": used})[0] == 200
    bad = {
        "none": "",
        "changed": ("A" if token[0] != "A" else "B") + token[1:],
        "odd": "<b>é</b>",
        "long": "x" * 5000,
        "used": used,
        "old": told.book.make(AcknowledgeLink("front", alert_id, "nurse", now - 1)),
        "of nobody": told.book.make(AcknowledgeLink("front", alert_id, "somebody", now + 300)),
        "over": told.book.make(AcknowledgeLink("front", "over", "nurse", now + 300)),
        "of no camera": told.book.make(AcknowledgeLink("back", alert_id, "nurse", now + 300)),
    }
    answers = {name: visitor.post("/acknowledge", {"token": one}) for name, one in bad.items()}
    answers["no form"] = visitor.ask("POST", "/acknowledge", "{}", content_type="application/json")
    assert {name for name, answer in answers.items() if answer[0] != 403} == set()
    assert len({text for _, _, text in answers.values()}) == 1
    text = answers["used"][2]
    assert "This link does not work" in text
    assert not [word for word in ("Ward 3", "front", alert_id, escape(token)) if word in text]
    assert visitor.get("/acknowledge?token=nothing")[2] == text
    assert visitor.get("/acknowledge")[2] == text


def test_a_page_of_somebody_else_cannot_use_a_link_up(told):
    token, visitor = token_in(told.texts[1]), Visitor(told)
    for origin in ("https://elsewhere.example", "null", None):
        assert visitor.post("/acknowledge", {"token": token}, origin=origin)[0] == 403
    assert "pulse" in told.texts[1]
    status, _, text = visitor.get(f"/acknowledge?token={token}")
    assert (status, "pulse" in text) == (200, False)
    assert visitor.post("/acknowledge", {"token": token})[0] == 200
    told.seen.wait_for(lambda m: m.topic.endswith("/audit") and m.json["actor"] == "link:boss")


def test_strangers_learn_only_that_the_daemon_does_not_answer(tmp_path):
    with WebPage(tmp_path / "web", tmp_path / "control.sock") as page:
        for answer in (Visitor(page).get("/acknowledge?token=x"), Visitor(page).post("/acknowledge", {"token": "x"})):
            assert answer[0] == 503
            assert "edge-fer does not answer" in answer[2]
            assert str(tmp_path) not in answer[2]
