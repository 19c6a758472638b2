"""Apprise against real servers: ids, priorities, refusals, and no secret in what is told of them."""

from __future__ import annotations

import logging
import resource
import threading
import uuid
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from edge_fer.errors import NotifyError
from edge_fer.notify.delivery import AppriseDelivery, address_of, is_installed
from edge_fer.notify.items import ItemKind
from edge_fer.notify.sender import SenderTarget
from edge_fer.notify.spool import Prepared
from edge_fer.notify.texts import NotifyMessage
from tests.notify.servers import MailServer, NtfyServer, Webhook

pytestmark = pytest.mark.outside
DELIVER = AppriseDelivery("node-1")


def prepared(severity="critical", kind=ItemKind.FIRING, text="bed-1: please look <now> & soon"):
    return Prepared(uuid.uuid4().hex, NotifyMessage("Ward 3", text, severity, kind), urgent=True, failures=0)


def test_apprise_is_there():
    assert is_installed()


def test_a_webhook_gets_the_message_with_its_id():
    message = prepared()
    with Webhook() as server:
        assert DELIVER(SenderTarget(server.url), message).taken
        assert DELIVER(SenderTarget(server.url), message).taken
        assert [one.id for one in server.taken] == [message.id] * 2
        assert (server.taken[0].title, server.taken[0].text) == ("Ward 3", "bed-1: please look <now> & soon")


def test_ntfy_shows_a_message_that_is_sent_again_once():
    message = prepared()
    with NtfyServer() as server:
        assert DELIVER(SenderTarget(server.url), message).taken
        assert DELIVER(SenderTarget(server.url), message).taken
        assert server.shown == {("ward-3", message.id): message.message.text}


@pytest.mark.parametrize(
    ("severity", "kind", "priority"),
    [
        ("critical", ItemKind.FIRING, "max"),
        ("warning", ItemKind.TROUBLE, "high"),
        ("info", ItemKind.FIRING, "3"),
        ("critical", ItemKind.RESOLVED, "3"),
    ],
)
def test_ntfy_knows_how_urgent_it_is(severity, kind, priority):
    message = prepared(severity, kind)
    with NtfyServer() as server:
        assert DELIVER(SenderTarget(server.url), message).taken
        assert server.priorities == {message.id: priority}


def test_a_priority_that_somebody_chose_stays():
    message = prepared()
    with NtfyServer() as server:
        assert DELIVER(SenderTarget(f"{server.url}?priority=low"), message).taken
        assert server.priorities == {message.id: "low"}


def test_no_picture_goes_along_and_none_is_fetched():
    with NtfyServer() as server:
        assert DELIVER(SenderTarget(server.url), prepared()).taken
        (taken,) = server.taken
    assert not {"X-Icon", "X-Attach"} & taken.headers.keys()


def test_a_mail_has_the_id_as_its_message_id_and_no_other():
    message = prepared()
    with MailServer() as server:
        assert DELIVER(SenderTarget(server.url), message).taken
        assert DELIVER(SenderTarget(server.url), message).taken
        assert [one.id for one in server.taken] == [f"<{message.id}@node-1>"] * 2
        assert server.taken[0].headers["ids"] == "1"
        assert server.taken[0].title == "Ward 3"
        assert "please look" in server.taken[0].text


@pytest.mark.parametrize(
    ("status", "after", "slow", "wait"),
    [(429, 17, False, 17.0), (503, None, False, None), (500, 5, False, None), (401, None, True, None)],
)
def test_a_refusal_says_why_and_when_to_ask_again(status, after, slow, wait):
    with NtfyServer() as server:
        server.status, server.retry_after = status, after
        delivered = DELIVER(SenderTarget(server.url), prepared())
    assert (delivered.taken, delivered.slow, delivered.wait) == (False, slow, wait)
    assert f"status {status}" in delivered.problem


@pytest.mark.parametrize(("answer", "slow"), [("451 later", False), ("550 no such mailbox", True)])
def test_a_mail_server_that_refuses_says_whether_that_passes(answer, slow):
    with MailServer() as server:
        server.refusal = answer
        delivered = DELIVER(SenderTarget(server.url), prepared())
    assert (delivered.taken, delivered.slow) == (False, slow)
    assert answer[:3] in delivered.problem


@pytest.mark.parametrize(
    "address",
    [
        "json://user-secret:word-secret@127.0.0.1:1/path-secret?+X-Key=head-secret",
        "ntfy://tk_secretsecret@127.0.0.1:1/topic-secret",
        "mailto://me-secret:word-secret@ward.example:1?smtp=127.0.0.1&to=you-secret@example.org&mode=insecure",
    ],
)
def test_a_server_that_is_down_is_told_without_secrets(address):
    delivered = DELIVER(SenderTarget(address), prepared())
    assert not delivered.taken
    assert delivered.problem
    assert "secret" not in delivered.problem
    # what Apprise itself logs, which may hold them, goes nowhere
    assert not logging.getLogger("apprise").propagate


def test_an_address_that_apprise_does_not_know_is_told():
    delivered = DELIVER(SenderTarget("gibberish://secret-part/"), prepared())
    assert (delivered.taken, delivered.slow) == (False, True)
    assert "secret-part" not in delivered.problem


def test_the_address_may_be_in_a_file(tmp_path):
    file = tmp_path / "nurse"
    with Webhook() as server:
        file.write_text(f"{server.url}\n# and a comment\n")
        assert DELIVER(SenderTarget(url_file=str(file)), prepared()).taken


@pytest.mark.parametrize(
    ("target", "fault"),
    [
        (SenderTarget(url_file="/nowhere/nurse"), "url_file /nowhere/nurse: No such file"),
        (SenderTarget("nurse"), "the address is no address"),
        (SenderTarget("tgram://token/chat", outside=False), "a public service, to which nothing may go from a ward"),
    ],
)
def test_an_address_that_cannot_be_or_may_not_be_is_refused(target, fault):
    with pytest.raises(NotifyError, match=fault):
        address_of(target)
    delivered = DELIVER(target, prepared())
    assert (delivered.taken, delivered.slow) == (False, True)
    assert fault in delivered.problem


def test_a_file_that_leads_outside_is_refused_in_a_ward_too(tmp_path):
    file = tmp_path / "nurse"
    file.write_text("slack://a/b/c")
    with pytest.raises(NotifyError, match="public service"):
        address_of(SenderTarget(url_file=str(file), outside=False))
    assert address_of(SenderTarget(url_file=str(file))) == "slack://a/b/c"


@pytest.mark.parametrize(
    "address",
    [
        "ntfys://tk_token@ntfy.example.org/topic",
        "tgram://123456789:AAabcdefghijklmnopqrstuvwxyz1234567/987654321",
        "mailtos://user:word@mail.example.org?to=nurse@example.org",
        "matrixs://user:word@matrix.example.org/#room",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/",
        "jsons://hooks.example.org/path",
    ],
)
def test_the_six_kinds_of_address_that_people_use_most_are_known(address):
    assert DELIVER._apprise.Apprise.instantiate(address) is not None


class Odd(BaseHTTPRequestHandler):
    """A server that sends elsewhere, or answers without an end."""

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        if self.path.startswith("/elsewhere"):
            self.send_response(307)
            self.send_header("Location", self.server.elsewhere)
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        with suppress(OSError):
            for _ in range(5000):
                self.wfile.write(b"x" * 100_000)

    def log_message(self, *_):
        pass


@pytest.fixture
def odd():
    with ThreadingHTTPServer(("127.0.0.1", 0), Odd) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_a_server_cannot_send_a_message_elsewhere(odd):
    with Webhook() as hook:
        odd.elsewhere = hook.url.replace("json://", "http://")
        address = f"json://127.0.0.1:{odd.server_port}/elsewhere"
        delivered = DELIVER(SenderTarget(address), prepared())
        assert not delivered.taken
        assert delivered.slow
        assert "307" in delivered.problem
        assert hook.taken == []


def test_of_an_endless_answer_the_beginning_is_enough(odd):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert DELIVER(SenderTarget(f"json://127.0.0.1:{odd.server_port}/x"), prepared()).taken
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000
