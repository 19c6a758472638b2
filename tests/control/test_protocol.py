"""Lines of the control socket, and who sends them: whatever comes is a request, or a clear error."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_fer.control.peers import Accounts, Credentials, Peer
from edge_fer.control.protocol import LONGEST_LINE, ControlRequest, Do, Lines, failure
from edge_fer.control.session import MOST_PENDING, ClientSession
from edge_fer.errors import CommandError
from edge_fer.remote.asker import Asker, Role, Way

ANN = Peer(1000, "ann", Role.OPERATOR)


def line(**fields):
    return json.dumps({"v": 1, "id": "7", "do": "hello"} | fields).encode()


def refusal(call, *arguments, **more):
    with pytest.raises(CommandError) as raised:
        call(*arguments, **more)
    return raised.value


def test_a_request_is_read():
    request = ControlRequest.read(line(do="command", command="pause", **{"with": {"camera": "front"}, "as": {"a": 1}}))
    assert (request.id, request.do, request.acting_for) == ("7", Do.COMMAND, {"a": 1})
    assert request.fields == {"command": "pause", "with": {"camera": "front"}}


@pytest.mark.parametrize(
    ("given", "code", "number", "field", "value"),
    [
        (b"", "malformed", None, None, None),
        (b"[1]", "malformed", None, None, None),
        (b"\xff\xfe", "malformed", None, None, None),
        (b"[" * 60_000, "malformed", None, None, None),
        (b'{"v":1,"id":"1","do":"hello","x":' + b"[" * 20 + b"]" * 20 + b"}", "malformed", None, None, None),
        (b'{"v":1,"id":"1","do":"hello","x":NaN}', "malformed", None, None, None),
        (b'{"v":1,"id":"1","do":"hello","x":[-1e999]}', "malformed", None, None, None),
        (line(id=7), "malformed", None, "id", 7),
        (line(id=""), "malformed", None, "id", ""),
        (line(id="\x1b[2J"), "malformed", None, "id", "\x1b[2J"),
        (line(id="x" * 65), "malformed", None, "id", "x" * 65),
        (line(v=2), "version", "7", "v", 2),
        (line(do="dance"), "unknown", "7", "do", "dance"),
        (line(do=["state"]), "unknown", "7", "do", '["state"]'),
        (line(do="state", camera="front"), "malformed", "7", "camera", "front"),
        (line(do="settings", schema="yes"), "malformed", "7", "schema", "yes"),
        (line(do="command"), "malformed", "7", "command", None),
        (line(do="command", command="pause", **{"with": [1]}), "malformed", "7", "with", "[1]"),
        (line(**{"as": "bob"}), "malformed", "7", "as", "bob"),
    ],
)
def test_what_is_wrong_is_told_with_field_value_and_remedy(given, code, number, field, value):
    error = refusal(ControlRequest.read, given)
    told = json.loads(failure(error.id, error))
    assert (told["id"], told["ok"]) == (number, False)
    assert (told["error"]["code"], told["error"]["field"], told["error"]["value"]) == (code, field, value)
    assert told["error"]["message"]
    assert told["error"]["remedy"]


OBJECTS = st.dictionaries(st.text() | st.sampled_from(["v", "id", "do", "as"]), st.none() | st.text() | st.integers())


@given(st.binary(max_size=300) | OBJECTS.map(lambda found: json.dumps(found).encode()))
def test_whatever_comes_is_a_request_or_an_error_that_can_be_told(given):
    told = None
    try:
        told = ControlRequest.read(given).do
    except CommandError as error:
        told = json.loads(failure(error.id, error))["error"]["code"]
    assert told in {*Do, "malformed", "version", "unknown"}


@given(st.lists(st.binary(max_size=40).map(lambda part: part.replace(b"\n", b" ")), max_size=8), st.data())
def test_lines_are_cut_wherever_they_are_torn(parts, data):
    whole = b"".join(part + b"\n" for part in parts)
    lines, found = Lines(), []
    while whole:
        size = data.draw(st.integers(1, len(whole)))
        found += lines.feed(whole[:size])
        whole = whole[size:]
    assert found == [part for part in parts if part.strip()]


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_that_is_too_long_ends_it_and_is_not_kept(end):
    lines = Lines()
    error = refusal(lambda: list(lines.feed(b"x" * (LONGEST_LINE + 10) + end)))
    assert error.code == "too_large"
    assert len(lines._held) <= LONGEST_LINE + 1
    assert list(Lines().feed(b"x" * (LONGEST_LINE - 1) + b"\n"))


ACCOUNTS = Accounts(own=998, group=990, web=997, service=998)


@pytest.mark.parametrize(
    ("uid", "gids", "role", "is_web"),
    [
        (0, {0}, Role.ADMIN, False),
        (998, {998}, Role.OPERATOR, False),
        (1234567, {100, 990}, Role.OPERATOR, False),
        (997, {997, 990}, Role.VIEWER, True),
    ],
)
def test_who_may_use_the_socket(uid, gids, role, is_web):
    peer = Peer.known(Credentials(uid, frozenset(gids)), ACCOUNTS)
    assert (peer.role, peer.is_web) == (role, is_web)


def test_whoever_runs_a_daemon_of_their_own_may_do_everything_with_it():
    accounts = Accounts(own=1000, group=990, web=997, service=998)
    assert Peer.known(Credentials(1000, frozenset({1000})), accounts).role is Role.ADMIN
    assert Peer.known(Credentials(998, frozenset({990})), accounts).role is Role.OPERATOR


@pytest.mark.parametrize("accounts", [ACCOUNTS, Accounts(own=998), Accounts(own=0, group=None, web=None)])
def test_everybody_else_is_refused_and_told_what_to_do(accounts):
    error = refusal(Peer.known, Credentials(1234567, frozenset({100})), accounts)
    assert (error.code, error.field, error.value) == ("denied", "user", "uid-1234567")
    assert "usermod -aG edge-fer uid-1234567" in error.remedy


WEB = Peer(997, "edge-fer-web", Role.VIEWER, is_web=True)


def test_the_web_page_acts_for_people_and_nobody_else_does():
    assert WEB.asker({"name": "bob", "role": "admin"}) == Asker("bob", Way.WEB, Role.ADMIN)
    assert WEB.asker(None) == Asker("edge-fer-web", Way.WEB, Role.VIEWER)
    assert ANN.asker(None) == Asker("ann", Way.SOCKET, Role.OPERATOR)
    assert refusal(ANN.asker, {"name": "root", "role": "admin"}).code == "denied"


def test_root_and_the_daemons_own_user_may_run_a_page_which_lets_nobody_do_more_than_they_may():
    root = Peer(0, "root", Role.ADMIN, is_own=True)
    own = Peer(999, "edge-fer", Role.OPERATOR, is_own=True)
    assert root.asker({"name": "bob", "role": "viewer"}) == Asker("bob", Way.WEB, Role.VIEWER)
    assert root.asker({"name": "bob", "role": "admin"}) == Asker("bob", Way.WEB, Role.ADMIN)
    assert own.asker({"name": "bob", "role": "viewer"}) == Asker("bob", Way.WEB, Role.VIEWER)
    assert own.asker({"name": "bob", "role": "admin"}) == Asker("bob", Way.WEB, Role.OPERATOR)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "as.name"),
        ({"name": "", "role": "admin"}, "as.name"),
        ({"name": "a\nb", "role": "admin"}, "as.name"),
        ({"name": "bob", "role": "king"}, "as.role"),
        ({"name": "bob", "role": ["admin"]}, "as.role"),
    ],
)
def test_the_web_page_must_say_for_whom(given, field):
    assert refusal(WEB.asker, given).field == field


def test_a_slow_reader_skips_states_and_is_told_how_many():
    session = ClientSession(ANN)
    session.push(b"one\n", 0.0)
    for now in (0.2, 0.4):
        session.push(b"more\n", now)
    assert session.waiting == b"one\n"
    session.sent(4, 0.5)
    session.push(b"newest\n", 0.6)
    assert session.waiting == b'{"v":1,"event":"skipped","skipped":2}\nnewest\n'


def test_a_reader_that_reads_nothing_is_given_up_and_one_that_reads_slowly_is_not():
    session = ClientSession(ANN)
    session.put(b"x" * 100, 0.0)
    for now in range(1, 60):
        assert not session.is_over(float(now))
        session.sent(1, float(now))
    assert not session.is_over(69.0)
    assert session.is_over(69.1)


def test_a_reader_of_nothing_cannot_pile_replies_up():
    session = ClientSession(ANN)
    session.put(b"x" * (1 << 20), 0.0)
    assert not session.is_over(0.0)
    session.put(b"x", 0.0)
    assert session.is_over(0.0)


def test_one_that_sends_nothing_more_is_left_once_it_has_its_replies():
    session = ClientSession(ANN)
    session.begin()
    session.ending = True
    assert not session.is_over(0.0)
    session.pending -= 1
    session.put(b"x", 0.0)
    assert not session.is_over(0.0)
    session.sent(1, 0.0)
    assert session.is_over(0.0)


def test_requests_are_limited():
    session = ClientSession(ANN)
    for _ in range(MOST_PENDING):
        session.begin()
    assert refusal(session.begin).code == "busy"
    for _ in range(40):
        session.admit(100.0)
    assert refusal(session.admit, 100.0).code == "too_frequent"
    session.admit(100.06)
