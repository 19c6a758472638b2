"""The table of commands: what a row must have, and what becomes of a command whoever asks for it."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

from edge_fer.contract.messages.commands import PingRequest, SetRequest
from edge_fer.errors import CommandError
from edge_fer.remote.asker import MQTT, Asker, Role, Way
from edge_fer.remote.auditing import audit_of, without_secrets
from edge_fer.remote.executor import Executor, Outcome
from edge_fer.remote.handlers import Done
from edge_fer.remote.registry import COMMANDS, CommandRow, register, schemas
from edge_fer.values.units import FROM_FILE
from tests.invented import at
from tests.mqtt.kit import COMPOSER
from tests.mqtt.schemas import sealed, valid

FIELDS = {field.name: getattr(COMMANDS["ping"], field.name) for field in dataclasses.fields(CommandRow)}
OPERATOR = Asker("ann", Way.SOCKET, Role.OPERATOR)


@pytest.mark.parametrize("missing", FIELDS)
def test_a_row_with_something_missing_says_what(missing):
    with pytest.raises(TypeError, match=f"'{missing}'"):
        CommandRow(**{name: value for name, value in FIELDS.items() if name != missing})


def test_a_row_with_something_missing_or_of_the_wrong_kind_fails_type_checking(tmp_path):
    file = tmp_path / "rows.py"
    file.write_text(
        "from edge_fer.contract.messages.commands import PauseRequest, PauseResponse\n"
        "from edge_fer.remote.asker import Role\n"
        "from edge_fer.remote.registry import CommandRow\n"
        "from edge_fer.remote.handlers import Verbs\n"
        "CommandRow(name='a', request=PauseRequest, response=PauseResponse, handler=Verbs.pause, role=Role.VIEWER,"
        " over_mqtt=True, audited=True, cost=1.0)\n"
        "CommandRow(name='a', request=PauseRequest, response=PauseResponse, handler=Verbs.set, role=Role.VIEWER,"
        " over_mqtt=True, audited=True, cost=1.0, example=({}, None))\n"
    )
    found = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", str(file)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = [line for line in found.stdout.splitlines() if ": error: " in line]
    assert len(lines) == 2, found.stdout + found.stderr
    assert 'Missing named argument "example"' in lines[0]
    assert "handler" in lines[1] or "CommandRow" in lines[1]


@pytest.mark.parametrize(("name", "told"), [("ping", "two commands"), ("a/b", "topic"), ("", "topic")])
def test_a_name_that_is_taken_or_no_name_is_refused(name, told):
    with pytest.raises(ValueError, match=told):
        register(dataclasses.replace(COMMANDS["ping"], name=name))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_example_is_a_request_and_an_answer_of_its_command(name):
    row = COMMANDS[name]
    fields, result = row.example
    request = row.request.model_validate({"id": "1", **fields}, context=FROM_FILE)
    answer = COMPOSER.response(row.response, at(0), id=request.id, result=result)
    valid(f"response/{name}", answer.model_dump_json()) if row.over_mqtt else None
    assert answer.ok


def test_a_command_that_mqtt_may_not_send_has_no_schema_there():
    assert {kind.rpartition("/")[2] for kind in schemas() if "/" in kind} == {
        name for name, row in COMMANDS.items() if row.over_mqtt
    }


class Desk:
    """An executor of one command, whose handler is given."""

    def __init__(self, handler=lambda _verbs, _request: Done(), **row):
        self.told = []
        rows = {"ping": dataclasses.replace(COMMANDS["ping"], handler=handler, **{"audited": True} | row)}
        self.executor = Executor(self, self.told.append, rows)

    def give_up(self):
        pass

    def ask(self, asker):
        return self.executor.carry_out("ping", PingRequest(id="1"), asker)


@pytest.mark.parametrize(
    ("asker", "row", "allowed"),
    [
        (MQTT, {"over_mqtt": True, "role": Role.ADMIN}, True),
        (MQTT, {"over_mqtt": False, "role": Role.VIEWER}, False),
        (OPERATOR, {"over_mqtt": False, "role": Role.OPERATOR}, True),
        (OPERATOR, {"over_mqtt": True, "role": Role.ADMIN}, False),
        (Asker("bob", Way.WEB, Role.ADMIN), {"role": Role.OPERATOR}, True),
        (Asker("eve", Way.WEB, Role.VIEWER), {"role": Role.OPERATOR}, False),
    ],
)
def test_who_may_ask_for_what(asker, row, allowed):
    desk = Desk(**row)
    if allowed:
        desk.ask(asker)
        assert desk.told[0].error is None
    else:
        with pytest.raises(CommandError) as raised:
            desk.ask(asker)
        assert raised.value.code == "denied"
        assert desk.told[0].error is raised.value, "a refusal is audited as well"
    assert desk.told[0].asker is asker


def test_a_command_that_is_not_audited_is_not_told():
    desk = Desk(audited=False)
    desk.ask(OPERATOR)
    assert desk.told == []


def test_a_fault_of_ours_and_an_end_are_answered():
    desk = Desk(lambda _verbs, _request: 1 / 0)
    with pytest.raises(CommandError, match="fault of edge-fer"):
        desk.ask(OPERATOR)
    desk.executor.close()
    with pytest.raises(CommandError) as raised:
        desk.ask(OPERATOR)
    assert raised.value.code == "busy"
    assert [outcome.error.code for outcome in desk.told] == ["failed", "busy"]


def test_an_audit_message_tells_who_asked_for_what_and_what_came_of_it():
    request = SetRequest(id="7", key="faces.confirm", value=4)
    error = CommandError("refused", "no such camera as rtsp://u:hunter2@host/x", remedy="Choose another")
    message = audit_of(Outcome("set", request, MQTT, None, error), COMPOSER, at(1))
    found = valid("audit", sealed(message, at(1), seq=4))
    assert (found["actor"], found["role"], found["via"], found["request_id"]) == (None, None, "mqtt", "7")
    assert (found["command"], found["fields"]) == ("set", {"key": "faces.confirm", "value": 4})
    assert (found["outcome"], found["changes"], found["seq"]) == ("refused", [], 4)
    assert "host" in found["message"]
    assert "hunter2" not in json_of(found)


def json_of(found):
    return str(found)


@pytest.mark.parametrize(
    ("value", "key", "shown"),
    [
        ("rtsp://admin:hunter2@192.0.2.1/live", "cameras.front.source", "rtsp://***@192.0.2.1/live"),
        ("hunter2", "mqtt.password", "***"),
        ("/etc/edge-fer/mqtt-password", "mqtt.password_file", "/etc/edge-fer/mqtt-password"),
        ({"api_key": "abc", "name": "x"}, "", {"api_key": "***", "name": "x"}),
        ([{"token": 1}], "a.b", [{"token": "***"}]),
        (None, "mqtt.password", None),
        ("6s", "alerts.keyboard.for", "6s"),
        ("faces.min_size", "key", "faces.min_size"),
    ],
)
def test_secrets_are_not_told(value, key, shown):
    assert without_secrets(value, key) == shown
