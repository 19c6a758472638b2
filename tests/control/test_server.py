"""A real control socket: whoever hangs, sends rubbish or reads nothing blocks nobody."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest

from edge_fer.control.client import ControlClient, ControlError
from edge_fer.control.peers import Accounts
from edge_fer.control.place import connected, listening, listening_path
from edge_fer.control.server import MOST_OF_A_USER, PUSH_EVERY, ControlServer
from edge_fer.errors import CommandError
from edge_fer.remote.asker import Role
from tests.mqtt.kit import until

pytestmark = pytest.mark.outside

NOBODY = 65534
GROUP = 4242
#: Connects as somebody else, and prints what is answered to one request.
SCRIPT = """
import contextlib, socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(60)
s.connect(sys.argv[1])
with contextlib.suppress(BrokenPipeError, ConnectionResetError):
    s.sendall(sys.argv[2].encode() + b"\\n")
    s.shutdown(socket.SHUT_WR)
print(s.makefile("rb").readline().decode())
"""


class Lease:
    """A live view that shows what the test wants, and keeps why it ended."""

    def __init__(self, camera, take):
        self.told = {"camera": camera}
        self.take = take
        self.over = None
        self.ends = []

    def end(self, why):
        self.ends.append(why)


class Desk:
    """Answers at once, but for the command `wait`, which takes until it is let go on."""

    def __init__(self):
        self.go_on = threading.Event()
        self.waiting = 0
        self.number = 0
        self.askers = []
        self.looked = []
        self.leases = []

    def about(self):
        return {"node": "test"}

    def state(self):
        return {"number": self.number, "much": "x" * 10_000}

    def news(self, now):
        self.looked.append(now)
        self.number += 1
        return self.state()

    def settings(self, *, schema):
        return {"schema": schema}

    def try_out(self, values, asker):
        return {"values": values, "role": asker.role}

    def live(self, fields, asker, take):
        lease = Lease(fields["camera"], take)
        self.leases.append(lease)
        return lease

    def carry_out(self, name, fields, number, asker):
        self.askers.append(asker)
        if name == "wait":
            self.waiting += 1
            self.go_on.wait(60)
        if name == "fail":
            return 1 / 0
        return {"name": name, **fields}


@pytest.fixture
def folder():
    """One that others may enter, too."""
    path = Path(tempfile.mkdtemp(prefix="edge-fer-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def desk():
    found = Desk()
    yield found
    found.go_on.set()


@contextlib.contextmanager
def serving(path, desk, **accounts):
    server = ControlServer(path, lambda: Accounts(**{"own": os.geteuid()} | accounts))
    server.start()
    if desk:
        server.attach(desk)
    try:
        yield server
    finally:
        server.close()


@pytest.fixture
def server(folder, desk):
    with serving(folder / "control.sock", desk) as found:
        yield found


def ask(server, do="hello", **fields):
    with ControlClient([server.path], timeout=60) as client:
        return client.ask(do, **fields)


def test_each_kind_of_request_is_answered(server):
    hello = ask(server)
    assert (hello["protocol"], hello["node"]) == (1, "test")
    assert hello["you"]["role"] == "admin", "who runs a daemon of their own"
    assert ask(server, "state")["much"]
    assert ask(server, "settings", schema=True) == {"schema": True}
    assert ask(server, "command", command="pause", with_={"camera": "front"}) == {"name": "pause", "camera": "front"}


def test_subscribers_are_told_at_most_five_times_a_second_until_they_want_no_more(server, desk):
    """However often others ask for something meanwhile."""
    with ControlClient([server.path], timeout=60) as client, ControlClient([server.path], timeout=60) as busy:
        client.ask("subscribe")
        events = client.events()
        numbers = []
        while len(numbers) < 5:
            for _ in range(8):
                busy.ask("hello")
            numbers.append(next(events)["state"]["number"])
        assert numbers == sorted(set(numbers))
        pauses = [later - earlier for earlier, later in pairwise(desk.looked)]
        assert min(pauses) >= PUSH_EVERY
        client.ask("unsubscribe")
        before = len(desk.looked)
        busy.ask("hello")
        # what was under way when it unsubscribed may still come
        threading.Event().wait(3 * PUSH_EVERY)
        assert len(desk.looked) <= before + 1


def test_a_fault_of_ours_is_answered_and_the_next_request_is_carried_out(server, caplog):
    with pytest.raises(CommandError, match="fault of edge-fer"):
        ask(server, "command", command="fail")
    assert "ZeroDivisionError" in caplog.text
    server._desk.state = lambda: 1 / 0
    with pytest.raises(CommandError, match="fault of edge-fer"):
        ask(server, "state")
    assert ask(server)


def test_one_that_waits_holds_up_nobody_and_commands_that_wait_are_bounded(server, desk):
    held = [ControlClient([server.path], timeout=60) for _ in range(6)]
    replies = []
    line = b'{"v":1,"id":"%d","do":"command","command":"wait"}\n'
    for client in held:
        client._socket.sendall(b"".join(line % number for number in range(5)))
    until(lambda: desk.waiting == 1)
    assert ask(server)["node"] == "test", "others are answered meanwhile"
    for client in held:
        refused = client._line()
        replies.append((refused["ok"], refused["error"]["code"]))
    assert replies == [(False, "busy")] * 6
    desk.go_on.set()
    for client in held:
        client._socket.close()
    until(lambda: not server._clients)
    assert ask(server, "command", command="pause")


@pytest.mark.parametrize("rubbish", [b"\x00\xff\n", b"GET / HTTP/1.1\r\n\r\n", b"{}\n", b"[" * 50_000 + b"\n"])
def test_rubbish_gets_an_error_on_each_line(server, rubbish):
    connection = connected(server.path, timeout=60)
    connection.sendall(rubbish)
    answer = json.loads(connection.makefile("rb").readline())
    assert (answer["ok"], answer["error"]["code"]) == (False, "malformed")
    assert answer["error"]["remedy"]
    connection.close()


def test_a_line_that_never_ends_gets_an_error_and_is_left(server):
    connection = connected(server.path, timeout=60)
    with contextlib.suppress(OSError):
        while True:
            connection.sendall(b"x" * 65_536)
    assert b"too_large" in connection.recv(65_536)
    connection.close()
    assert ask(server)


def test_one_that_reads_nothing_is_left_and_the_others_are_told(server, caplog):
    lazy = connected(server.path, timeout=60)
    lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with ControlClient([server.path], timeout=60) as eager:
        eager.ask("subscribe")
        with contextlib.suppress(OSError):
            for number in range(400):
                lazy.sendall(b'{"v":1,"id":"%d","do":"state"}\n' % number)
                next(eager.events())
        until(lambda: "does not read" in caplog.text)
        assert next(eager.events())["event"] in {"state", "skipped"}
    lazy.close()


def test_so_many_may_be_connected_and_a_place_is_free_again(server):
    clients = [ControlClient([server.path], timeout=60) for _ in range(MOST_OF_A_USER)]
    for client in clients:
        client.ask("hello")
    with pytest.raises(CommandError, match="connected already") as raised:
        ask(server)
    assert raised.value.code == "busy"
    clients[0]._socket.close()
    until(lambda: len(server._clients) < MOST_OF_A_USER)
    assert ask(server)
    for client in clients:
        client._socket.close()


def test_between_two_services_it_stays_and_says_so(folder, desk):
    with serving(folder / "control.sock", None) as server, ControlClient([server.path], timeout=60) as client:
        with pytest.raises(CommandError, match="begins") as raised:
            client.ask("state")
        assert raised.value.code == "busy"
        server.attach(desk)
        assert client.ask("state")
        server.detach(Desk())
        assert client.ask("state"), "only the one that is attached can be detached"
        server.detach(desk)
        with pytest.raises(CommandError, match="begins"):
            client.ask("state")


def test_what_a_dead_daemon_left_is_replaced_and_a_living_one_and_a_file_are_not(folder, desk, caplog):
    path = folder / "control.sock"
    listening(path, None, backlog=1).close()
    assert path.is_socket()
    with serving(path, desk) as server:
        with serving(path, Desk()):
            assert "another edge-fer answers" in caplog.text
        assert ask(server)["node"] == "test", "the first one is left alone"
    assert not path.exists()
    path.write_text("mine")
    with serving(path, desk):
        assert path.read_text() == "mine"


def test_a_path_of_any_length_will_do(folder, desk):
    deep = folder.joinpath(*["d" * 60] * 3)
    with serving(deep / "control.sock", desk) as server:
        assert ask(server)["node"] == "test"


def test_nobody_else_may_connect_where_there_is_no_group(server):
    assert server.path.stat().st_mode & 0o777 == 0o600


def test_where_it_is():
    assert listening_path(Path("/s"), {}) == Path("/s/control.sock")
    assert listening_path(Path("/s"), {"RUNTIME_DIRECTORY": "/run/edge-fer"}) == Path("/run/edge-fer/control.sock")


def test_a_client_says_what_is_wrong(folder):
    with pytest.raises(ControlError, match=r"does not run: there is no .* and no "):
        ControlClient([folder / "a", folder / "b"])
    listening(folder / "a", None, backlog=1).close()
    with pytest.raises(ControlError, match="nobody listens at") as raised:
        ControlClient([folder / "a"])
    assert "systemctl start edge-fer" in raised.value.remedy


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")


def as_somebody(path, *, groups=(), request='{"v":1,"id":"1","do":"hello"}'):
    """What somebody else is answered."""
    found = subprocess.run(
        ["/usr/bin/env", "python3", "-c", SCRIPT, str(path), request],
        user=NOBODY, group=NOBODY, extra_groups=list(groups), capture_output=True, text=True, check=False, cwd="/",
    )  # fmt: skip
    return json.loads(found.stdout) if found.stdout else found.stderr


@needs_root
def test_a_member_of_the_group_is_an_operator_and_the_socket_is_the_groups(folder, desk):
    with serving(folder / "control.sock", desk, group=GROUP) as server:
        about = server.path.stat()
        assert (about.st_mode & 0o777, about.st_gid) == (0o660, GROUP)
        assert as_somebody(server.path, groups=[GROUP])["result"]["you"] == {
            "user": "nobody", "name": "nobody", "role": "operator",
        }  # fmt: skip
        assert "PermissionError" in as_somebody(server.path), "the kernel keeps others out"


@needs_root
def test_a_member_of_many_groups_is_known_too(folder, desk):
    many = range(5000, 5300)
    with serving(folder / "control.sock", desk, group=NOBODY) as server:
        server.path.chmod(0o666)
        assert as_somebody(server.path, groups=many)["result"]["you"]["role"] == "operator"


@needs_root
def test_somebody_else_is_turned_away_with_a_word(folder, desk, caplog):
    with serving(folder / "control.sock", desk, group=GROUP) as server:
        server.path.chmod(0o666)
        answer = as_somebody(server.path)
        assert (answer["id"], answer["ok"], answer["error"]["code"]) == (None, False, "denied")
        assert "usermod -aG edge-fer nobody" in answer["error"]["remedy"]
        assert "nobody may not control edge-fer" in caplog.text
        assert desk.askers == []


@needs_root
def test_the_web_page_acts_for_a_person(folder, desk):
    with serving(folder / "control.sock", desk, group=GROUP, web=NOBODY) as server:
        request = {"v": 1, "id": "1", "do": "command", "command": "pause", "as": {"name": "ann", "role": "operator"}}
        assert as_somebody(server.path, groups=[GROUP], request=json.dumps(request))["ok"]
        assert [(asker.name, asker.role, asker.way) for asker in desk.askers] == [("ann", Role.OPERATOR, "web")]


@needs_root
def test_a_verb_of_somebody_else_says_how_to_get_in(folder, desk):
    # everything is read before it becomes somebody who may perhaps not read this checkout
    script = (
        "import os, sys, edge_fer.cli.pause, edge_fer.cli.main as cli;"
        f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY}); sys.exit(cli.main(sys.argv[1:]))"
    )
    with serving(folder / "control.sock", desk, group=GROUP) as server:
        command = [sys.executable, "-c", script, "pause", "--socket", str(server.path)]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert "usermod -aG edge-fer" in found.stderr
    assert "sudo" in found.stderr
    assert "Traceback" not in found.stderr


def test_a_broken_place_is_told_and_harms_nothing(folder, desk, caplog):
    (folder / "file").write_text("")
    with serving(folder / "file" / "control.sock", desk):
        assert "cannot be opened, so nobody can use it" in caplog.text


def kinds(client, count):
    return [event["event"] for event, _ in zip(client.events(), range(count), strict=False)]


def test_frames_go_to_the_connection_that_asked_alone(server, desk):
    with ControlClient([server.path], timeout=60) as looks, ControlClient([server.path], timeout=60) as other:
        assert looks.ask("live", camera="front", seconds=5) == {"camera": "front"}
        other.ask("subscribe")
        (lease,) = desk.leases
        lease.take({"picture": "1"})
        assert next(looks.events())["live"] == {"picture": "1"}
        assert kinds(other, 3) == ["state"] * 3
        lease.over = "time"
        assert next(looks.events()) == {"v": 1, "event": "live_end", "live_end": "time"}
        assert lease.ends == ["time"]
        assert looks.ask("live", camera="back") == {"camera": "back"}
        desk.leases[1].take({"picture": "3"})
        assert next(looks.events())["live"] == {"picture": "3"}


def test_a_live_view_ends_with_its_connection_and_with_the_next_one(server, desk):
    with ControlClient([server.path], timeout=60) as client:
        client.ask("live", camera="front")
        client.ask("live", camera="front")
        assert desk.leases[0].ends == ["asked"]
        client.ask("end_live")
        client.ask("end_live")
        assert desk.leases[1].ends == ["asked"]
        client.ask("live", camera="front")
        client.hang_up()
        until(lambda: desk.leases[2].ends == ["gone"])
    with ControlClient([server.path], timeout=60) as another:
        another.ask("live", camera="front")
        server.close()
        assert desk.leases[3].ends == ["gone"]


def test_a_slow_reader_gets_the_newest_frame_and_the_daemon_keeps_no_others(server, desk):
    with ControlClient([server.path], timeout=60) as client:
        client.ask("live", camera="front")
        for number in range(300):
            desk.leases[0].take({"number": number, "picture": "x" * 100_000})
            # the server has time to look at each
            time.sleep(0.005)
        numbers = []
        for event in client.events():
            if event["event"] == "live":
                numbers.append(event["live"]["number"])
            if numbers and numbers[-1] == 299:
                break
        assert numbers == sorted(numbers)
        assert len(numbers) < 300


def test_thresholds_are_tried_by_the_thread_that_may_wait(server):
    with ControlClient([server.path], timeout=60) as client:
        assert client.ask("try", set={"alerts.a.for": "1s"})["values"] == {"alerts.a.for": "1s"}
        for fields in ({}, {"set": 1}, {"set": {}, "more": 1}):
            with pytest.raises(CommandError) as raised:
                client.ask("try", **fields)
            assert raised.value.code == "malformed"
        with pytest.raises(CommandError, match="the name of a camera"):
            client.ask("live")
