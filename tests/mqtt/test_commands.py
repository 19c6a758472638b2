"""Requests of any kind: what is read of them, what is answered, what waits, and what is given up."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from edge_fer.contract.link_status import MqttVersion
from edge_fer.contract.messages.commands import ErrorCode, ReloadResponse
from edge_fer.errors import CommandError
from edge_fer.mqtt.replies import Replies
from edge_fer.remote.inbox import Inbox
from edge_fer.remote.registry import COMMANDS, schemas
from edge_fer.remote.requests import LARGEST_REQUEST, Reception
from tests.broker import Subscriber
from tests.invented import at
from tests.mqtt.almost import ALMOST
from tests.mqtt.kit import COMPOSER, TOPICS, linked, until

#: Those that may be asked for over MQTT.
OVER_MQTT = {name: row for name, row in COMMANDS.items() if row.over_mqtt}
VALIDATORS = {kind: Draft202012Validator(schema) for kind, schema in schemas().items()}
PING = "edge-fer/counter-1/command/ping"

WHOLE = {
    "ping": {},
    "reload": {},
    "pause": {"camera": "front"},
    "resume": {},
    "acknowledge": {"rule": "unhappy-guest", "alert_id": "f00d"},
    "silence": {"for": "30m"},
    "set": {"key": "faces.min_size", "value": "64px"},
}


def read(verb, payload, mono=0.0, reception=None):
    return (reception or Reception(COMMANDS)).read(verb, payload, mono)


def refusal(verb, payload, **more):
    with pytest.raises(CommandError) as raised:
        read(verb, payload, **more)
    return raised.value


@pytest.mark.parametrize("verb", OVER_MQTT)
def test_a_whole_request_is_read_and_follows_its_schema(verb):
    request = {"id": "1", **WHOLE[verb]}
    VALIDATORS[f"command/{verb}"].validate(request)
    command = read(verb, json.dumps(request).encode())
    assert (command.verb, command.request.id) == (verb, "1")


@pytest.mark.parametrize(
    ("verb", "payload", "code", "number", "told"),
    [
        ("ping", b"", "malformed", None, "JSON object"),
        ("ping", b"ON", "malformed", None, "JSON object"),
        ("ping", b"[1]", "malformed", None, "JSON object"),
        ("ping", b"\xff\xfe", "malformed", None, "JSON object"),
        ("ping", b"[" * 4000, "malformed", None, "JSON object"),
        ("ping", b"{}", "malformed", None, "id is missing"),
        ("ping", b'{"id": 7}', "malformed", None, "id"),
        ("ping", b'{"id": ""}', "malformed", None, "id"),
        ("ping", b'{"id": "%s"}' % (b"x" * 65), "malformed", None, "id"),
        ("ping", b'{"id": "1", "x": 1}', "malformed", "1", "'x' is no field"),
        ("silence", b'{"id": "1"}', "malformed", "1", "for is missing"),
        ("silence", b'{"id": "1", "for": 30}', "malformed", "1", "for has no unit"),
        ("silence", b'{"id": "1", "for": "8d"}', "malformed", "1", "out of range"),
        ("set", b'{"id": "1", "key": "faces.min_size"}', "malformed", "1", "value is missing"),
        ("set", b'{"id": "1", "key": "faces.rotations", "value": [0]}', "malformed", "1", "value"),
        ("set", b'{"id": "1", "key": "mood.over", "value": NaN}', "malformed", "1", "value"),
        ("explode", b'{"id": "1"}', "unknown", "1", "ping, reload"),
        ("ping", b'{"id": "1"}' + b" " * LARGEST_REQUEST, "too_large", None, "4096"),
    ],
)
def test_what_is_no_request_is_refused_in_plain_words(verb, payload, code, number, told):
    error = refusal(verb, payload)
    assert (error.code, error.id) == (code, number)
    assert told in str(error)


def test_an_id_is_good_once():
    reception = Reception(COMMANDS)
    read("ping", b'{"id": "1"}', reception=reception)
    assert refusal("pause", b'{"id": "1"}', reception=reception).code == ErrorCode.DUPLICATE
    read("ping", b'{"id": "2"}', reception=reception)


def test_what_was_refused_may_be_asked_again_with_the_same_id():
    reception = Reception(COMMANDS)
    assert refusal("silence", b'{"id": "1"}', reception=reception).code == ErrorCode.MALFORMED
    read("silence", b'{"id": "1", "for": "1m"}', reception=reception)


def test_too_many_are_refused_until_some_time_has_passed():
    reception = Reception(COMMANDS)
    for number in range(20):
        read("ping", b'{"id": "%d"}' % number, 100.0, reception)
    error = refusal("ping", b'{"id": "more"}', mono=100.0, reception=reception)
    assert (error.code, error.id) == (ErrorCode.TOO_FREQUENT, "more")
    read("ping", b'{"id": "more"}', 100.5, reception)
    assert refusal("ping", b'{"id": "again"}', mono=100.5, reception=reception).code == ErrorCode.TOO_FREQUENT
    for second in range(102, 160):
        for number in (0, 1):
            read("ping", b'{"id": "%d-%d"}' % (second, number), float(second), reception)


def test_ids_are_forgotten_so_that_memory_does_not_grow():
    reception = Reception(COMMANDS)
    for number in range(1000):
        read("ping", b'{"id": "%d"}' % number, number * 10.0, reception)
    assert len(reception._ids) == 256
    read("ping", b'{"id": "0"}', 1e6, reception)


@given(verb=st.sampled_from([*OVER_MQTT, "explode", ""]), payload=st.binary(max_size=200) | ALMOST)
def test_whatever_comes_is_a_request_or_refused_and_can_be_answered(verb, payload):
    try:
        command = read(verb, payload)
    except CommandError as error:
        kind = verb if verb in COMMANDS else "ping"
        answer = COMPOSER.response(COMMANDS[kind].response, at(0), id=error.id, error=error)
        VALIDATORS[f"response/{kind}"].validate(json.loads(answer.model_dump_json()))
    else:
        assert isinstance(command.request, COMMANDS[verb].request)


def test_the_inbox_is_bounded_and_leaves_retained_ones_out(caplog):
    inbox = Inbox(TOPICS, size=2)
    inbox.take(PING, b"old", retained=True)
    assert "mosquitto_pub -t edge-fer/counter-1/command/ping -r -n" in caplog.text
    inbox.take("edge-fer/counter-1/info", b"x", retained=False)
    for payload in (b"1", b"2", b"3"):
        inbox.take(PING, payload, retained=False)
    assert "is given up" in caplog.text
    inbox.close()
    assert [inbox.next(), inbox.next(), inbox.next()] == [("ping", b"1"), ("ping", b"2"), None]


def answer(number):
    return COMPOSER.response(ReloadResponse, at(0), id=str(number))


def test_answers_are_bounded_the_oldest_is_given_up_and_counted():
    replies = Replies(size=2)
    for number in range(3):
        replies.put("t", answer(number))
    assert replies.dropped == 1
    assert [json.loads(replies.take()[1])["id"] for _ in range(2)] == ["1", "2"]
    assert replies.take() is None


class TestOverABroker:
    @pytest.mark.parametrize("protocol", list(MqttVersion))
    def test_requests_come_in_and_answers_go_out(self, broker, tmp_path, protocol):
        inbox = Inbox(TOPICS)
        broker.publish(PING, "of last week", retain=True)
        with (
            Subscriber(broker) as seen,
            linked(tmp_path, broker.url, inbound=inbox, protocol=protocol) as link,
        ):
            until(lambda: link.status().connected)
            broker.publish(PING, "now")
            assert inbox.next() == ("ping", b"now")
            for number in range(50):
                link.reply(TOPICS.response("reload"), answer(number))
            came = seen.wait_for(lambda m: m.topic.endswith("/response/reload"), count=50)
            assert [m.json["id"] for m in came] == [str(number) for number in range(50)]
            assert {(m.qos, m.retain) for m in came} == {(1, False)}
            assert link.status().connections == 1

    def test_one_published_as_retained_is_known_at_once_by_mqtt_5(self, broker, tmp_path, caplog):
        inbox = Inbox(TOPICS)
        with linked(tmp_path, broker.url, inbound=inbox, protocol=MqttVersion.V5) as link:
            until(lambda: link.status().connected)
            broker.publish(PING, "for ever", retain=True)
            until(lambda: "a retained command" in caplog.text)
            broker.publish(PING, "now")
            assert inbox.next() == ("ping", b"now")

    def test_an_answer_does_not_wait_for_a_broker_that_comes_back(self, broker, tmp_path):
        with linked(tmp_path, broker.url) as link, Subscriber(broker) as seen:
            until(lambda: link.status().connected)
            broker.stop()
            until(lambda: not link.status().connected)
            link.reply(TOPICS.response("reload"), answer(1))
            broker.start()
            until(lambda: link.status().connected)
            link.reply(TOPICS.response("reload"), answer(2))
            seen.wait_for(lambda m: m.topic.endswith("/response/reload") and m.json["id"] == "2")
            assert len(seen.of("/response/reload")) == 1
