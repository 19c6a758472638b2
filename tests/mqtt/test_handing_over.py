"""What is in memory between the pipelines and the outbox's thread."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from edge_fer.contract.messages import MessageKind
from edge_fer.mqtt.retained import RetainedValues
from edge_fer.outbox.intake import Intake, PostedMessage
from edge_fer.types import Instant
from tests.invented import at
from tests.mqtt.kit import COMPOSER, event, scene

MESSAGE = event(at(0))


def mail(kind: MessageKind, number: int) -> PostedMessage:
    return PostedMessage(f"t/{kind}", kind, MESSAGE, at(number))


def test_mail_is_taken_once_the_most_important_first():
    box = Intake()
    for number, kind in enumerate([MessageKind.SUMMARY, MessageKind.EVENT, MessageKind.ALERT_EVENT, MessageKind.EVENT]):
        box.put(mail(kind, number))
    assert [(m.kind, m.at.mono) for m in box.take_all()] == [
        ("alert_event", 2),
        ("event", 1),
        ("event", 3),
        ("summary", 0),
    ]
    assert box.take_all() == []


@given(st.lists(st.sampled_from(MessageKind), max_size=40), st.integers(1, 8))
def test_a_full_mailbox_keeps_the_newest_of_the_most_important(kinds, size):
    box = Intake(size=size)
    for number, kind in enumerate(kinds):
        box.put(mail(kind, number))
    kept = box.take_all()
    assert len(kept) == min(size, len(kinds))
    for kind in MessageKind:
        came = [number for number, k in enumerate(kinds) if k is kind]
        left = [m.at.mono for m in kept if m.kind is kind]
        assert len(came) == len(left) + box.dropped[kind]
        assert left == sorted(left)
    if any(box.dropped[k] for k in (MessageKind.ALERT_EVENT,)):
        # an alert event goes only for another one
        assert {m.kind for m in kept} == {MessageKind.ALERT_EVENT}


def test_the_newest_value_is_published_once():
    retained = RetainedValues()
    for people in (1, 2, 3):
        retained.set("state", COMPOSER.state(scene(at(people), people)), at(people))
    topic, payload = retained.take(at(9))
    assert (topic, json.loads(payload)["people"]) == ("state", 3)
    assert retained.take(at(9)) is None
    assert retained.is_clean


def test_a_new_connection_gets_everything_and_what_no_longer_holds_is_cleared():
    retained = RetainedValues()
    retained.set("online", "online", at(0))
    retained.set("gone", "x", at(0))
    while retained.take(at(0)):
        pass
    retained.clear("gone")
    assert retained.take(at(0)) == ("gone", "")
    retained.renew({"online", "gone", "of an earlier run"})
    assert [retained.take(at(0)) for _ in range(4)] == [
        ("online", "online"),
        ("gone", ""),
        ("of an earlier run", ""),
        None,
    ]


def test_what_did_not_arrive_is_due_again_with_its_newest_value():
    retained = RetainedValues()
    retained.set("t", "old", at(0))
    retained.take(at(0))
    retained.set("t", "new", at(1))
    retained.take(at(1))
    retained.due_again("t")
    assert retained.take(at(2)) == ("t", "new")


def test_held_topics_wait():
    retained = RetainedValues()
    retained.set("a", "1", at(0))
    retained.set("b", "2", at(0))
    assert retained.take(at(0), held={"a"}) == ("b", "2")
    assert retained.take(at(0), held={"a"}) is None
    assert not retained.is_clean


def test_time_of_capture_is_put_right_when_it_is_published_again():
    wrong = Instant(100.0, datetime(1970, 1, 1, tzinfo=UTC), synced=False)
    retained = RetainedValues()
    retained.set("state", COMPOSER.state(scene(wrong)), wrong)
    _, payload = retained.take(wrong.later(1))
    assert json.loads(payload)["clock_synced"] is False
    retained.renew(())
    _, payload = retained.take(Instant(110.0, datetime(2026, 1, 1, 0, 0, 10, tzinfo=UTC)))
    assert json.loads(payload)["ts"] == "2026-01-01T00:00:00.000Z"
