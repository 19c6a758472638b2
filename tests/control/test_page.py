"""What `docs/control.md` shows is true: its verbs and requests work by the letter, and its tables are up to date."""

from __future__ import annotations

import json
import re
import shlex

import pytest

from edge_fer.cli.main import VERBS
from edge_fer.control.client import ControlClient
from edge_fer.control.protocol import LONGEST_LINE, Code, Do
from edge_fer.control.server import MOST_CLIENTS, MOST_JOBS, MOST_OF_A_USER, MOST_OF_WEB
from edge_fer.control.session import MOST_PENDING
from edge_fer.sample import sample_path
from tests import control_page
from tests.daemon import Daemon, edge_fer
from tests.mqtt.kit import until

PAGE = control_page.PAGE.read_text(encoding="utf-8")


def shown(name):
    """The lines of a block of the page."""
    (block,) = re.findall(rf"<!-- {name}: begin -->\n```\w+\n(.*?)```\n<!-- {name}: end -->", PAGE, re.DOTALL)
    return block.splitlines()


def test_the_fields_of_the_state_are_up_to_date():
    assert control_page.page() == PAGE, "run: python -m tests.control_page"


def test_every_kind_of_request_and_every_limit_is_told():
    requests = PAGE.partition("## The state")[0]
    assert {"do", *Do} == set(re.findall(r"^\| `(\w+)` \|", requests, re.MULTILINE))
    assert all(f"`{code}`" in PAGE for code in Code)
    assert f"{MOST_CLIENTS} in all, {MOST_OF_A_USER} of one user ({MOST_OF_WEB} of the web page's)" in PAGE
    assert f"{LONGEST_LINE:,} bytes" in PAGE
    assert f"{MOST_PENDING} of one connection, {MOST_JOBS} in all" in PAGE


@pytest.fixture
def socket(tmp_path, broker):
    cameras = {"front": {"source": str(sample_path()), "loop": True}}
    with Daemon(tmp_path, {"cameras": cameras, "mqtt": {"broker": broker.url}}) as daemon:
        path = tmp_path / "state" / "control.sock"
        until(path.is_socket, timeout=90)
        yield path
        assert daemon.stop() == 0


def test_what_the_page_shows_works(socket):
    examples = [shlex.split(line, comments=True) for line in shown("verbs")]
    assert {example[1] for example in examples} < {verb.replace("_", "-") for verb in VERBS}
    for program, *arguments in examples:
        assert program == "edge-fer"
        found = edge_fer(*arguments, "--socket", str(socket))
        assert (found.returncode, found.stderr) == (0, ""), arguments
        assert found.stdout
    requests = [json.loads(line) for line in shown("requests")]
    assert {request["do"] for request in requests} == set(Do)
    with ControlClient([socket], timeout=90, patience=90) as client:
        client.ask("hello")
        for line, request in zip(shown("requests"), requests, strict=True):
            client._socket.sendall(line.encode() + b"\n")
            reply = client._line()
            while "event" in reply:
                reply = client._line()
            assert (reply["id"], reply["ok"]) == (request["id"], True), reply
