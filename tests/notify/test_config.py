"""The section `notify`: what is refused, and in which words."""

from __future__ import annotations

import json

import pytest

from edge_fer.config import Layer, load
from edge_fer.config.engine.faults import ConfigFaults
from edge_fer.sinks.notify import sender_settings

NURSE = {"url": "ntfy://ntfy.ward.lan/bed"}
MAIL = {"url": "mailto://edge-fer@ward.lan?to=manager@ward.lan", "detail": "full"}


def loaded(notify, **more):
    return load([Layer("x", json.dumps({"notify": notify} | more))], settings=False).config


@pytest.mark.parametrize(
    ("notify", "fault"),
    [
        ({"targets": {"a": {}}}, "notify.targets.a.url_file is left out, and so is `url`. Write one of the two"),
        ({"targets": {"a": NURSE | {"url_file": "/x"}}}, "`/x` is given, but `url` is, too"),
        ({"targets": {"a": {"url": "ntfy.sh/bed"}}}, "notify.targets.a.url"),
        ({"targets": {"a": NURSE}, "routes": {"r": {"to": ["b"]}}}, "`b` is no target"),
        ({"targets": {"a": NURSE}, "routes": {"r": {}}}, "notify.routes.r.to"),
        ({"targets": {"a": NURSE}, "routes": {"r": {"to": ["a"], "rules": ["anrgy-guest"]}}}, "is none of the rules"),
        ({"targets": {"a": NURSE}, "routes": {"r": {"to": ["a"], "cameras": ["door"]}}}, "is none of the cameras"),
        ({"targets": {"a": NURSE}, "routes": {"r": {"to": ["a"], "escalate": [{"to": ["b"]}]}}}, "`b` is no target"),
        ({"targets": {"a": NURSE}, "routes": {"r": {"to": ["a"], "escalate": [{}]}}}, "names nobody"),
        ({"language": "fr"}, "`fr` is no language that edge-fer has. Write en, de, or the whole path"),
        ({"heartbeat": "hc-ping.com/x"}, "no address that can be fetched"),
        ({"heartbeat": "https://a b"}, "no address that can be fetched"),
        ({"page": "ward.lan:8443"}, "no address of the page. Write https://"),
        ({"page": "http://ward.lan:8443"}, "no address of the page"),
        ({"page": "https://ward.lan/page"}, "no address of the page"),
        ({"page": "https://ward.lan:8443?a"}, "no address of the page"),
        ({"page": "https://ann:secret@ward.lan"}, "no address of the page"),
        ({"page": "https://:8443"}, "no address of the page"),
        ({"page": "https://ward.lan:99999"}, "no address of the page"),
        ({"group": 5}, "has no unit"),
        ({"targets": {"a": MAIL}, "week_page": ["b"]}, "`b` is no target"),
        ({"targets": {"a": MAIL | {"detail": "place"}}, "week_page": ["a"]}, "but has `detail: place`. Write `detail"),
        ({"targets": {"a": NURSE | {"detail": "full"}}, "week_page": ["a"]}, "has no address of mail"),
    ],
)
def test_what_cannot_be_is_refused(notify, fault):
    with pytest.raises(ConfigFaults) as error:
        loaded(notify)
    assert fault in str(error.value)


def test_a_page_leaves_only_where_events_may():
    notify = {"targets": {"a": MAIL}, "week_page": ["a"]}
    assert loaded(notify, profile="ward").notify.week_page == ("a",)
    with pytest.raises(ConfigFaults, match=r"which `privacy.events: off` keeps on this device"):
        loaded(notify, privacy={"events": "off"})
    outside = {"targets": {"a": MAIL | {"url": "mailto://a:b@gmail.com"}}, "week_page": ["a"]}
    with pytest.raises(ConfigFaults, match="is a public service"):
        loaded(outside, profile="ward")


def test_nothing_of_an_address_shows_in_a_fault():
    with pytest.raises(ConfigFaults) as error:
        loaded({"targets": {"a": {"url": "tgram://bot-secret/chat", "strange": 1}}}, profile="ward")
    assert "bot-secret" not in str(error.value)


@pytest.mark.parametrize("url", ["tgram://a/b", "ntfy://topic", "jsons://hooks.example.org/x"])
def test_a_ward_tells_nobody_outside_unless_somebody_says_so(url):
    with pytest.raises(ConfigFaults, match="is a public service, to which nothing may go from a ward"):
        loaded({"targets": {"a": {"url": url}}}, profile="ward")
    assert loaded({"targets": {"a": {"url": url, "outside": True}}}, profile="ward")
    assert loaded({"targets": {"a": {"url": url}}})
    assert loaded({"targets": {"a": NURSE}}, profile="ward")


def test_the_sender_is_told_whether_what_a_file_holds_may_be_outside():
    notify = {"targets": {"a": {"url_file": "/x"}, "b": {"url_file": "/y", "outside": True}}}
    ward = sender_settings(loaded(notify, profile="ward")).targets
    assert (ward["a"].outside, ward["b"].outside) == (False, True)
    assert sender_settings(loaded(notify)).targets["a"].outside


def test_who_is_told_is_not_to_be_set_from_elsewhere():
    from edge_fer.config.engine.settable import SETTABLE, STRUCTURED

    assert not [key for key in (*SETTABLE, *STRUCTURED) if key.startswith("notify")]


@pytest.mark.parametrize("page", ["https://ward.lan:8443", "https://192.168.1.5/", "http://127.0.0.1:8321"])
def test_a_page_is_named_by_its_address(page):
    assert loaded({"page": page}).notify.page == page
