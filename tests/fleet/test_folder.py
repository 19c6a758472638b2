"""The fleet's folder: certificates, cards and what the broker runs, with a real Mosquitto."""

from __future__ import annotations

import csv
import stat
import subprocess

import pytest

from edge_fer.config import Layer, load
from tests.broker import tool
from tests.daemon import Daemon, edge_fer
from tests.fleet.kit import Fleet
from tests.mqtt.kit import until
from tests.running import ENDLESS


def test_a_folder_can_live_in_git_because_secrets_are_apart(tmp_path):
    fleet = Fleet(tmp_path, "counter-1 --site entrance --ring canary --group counters")
    subprocess.run([tool("git"), "init", "-q", fleet.path], check=True)
    listed = subprocess.run(
        [tool("git"), "-C", fleet.path, "ls-files", "--others", "--exclude-standard"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert {"fleet.yaml", "nodes.csv", "certificates/ca.crt", "certificates/issued.csv", "broker/acl"} <= set(listed)
    # as our keys begin, in a file of their own or on a card
    keys = [file for file in fleet.path.rglob("*") if file.is_file() and "MIGHAg" in file.read_text(errors="replace")]
    assert not {str(file.relative_to(fleet.path)) for file in keys} & set(listed)
    assert len(keys) == 5, "the authority's, the broker's, two readers', the card's"
    for file in keys:
        assert "secrets" in file.parts
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_card_is_a_whole_config_and_its_key_leaves_it(tmp_path):
    fleet = Fleet(tmp_path, "counter-1 --site entrance --ring canary --group counters")
    found = fleet.taken_over("counter-1")
    device = tmp_path / "devices" / "counter-1"
    assert stat.S_IMODE((device / "boot-mqtt-client.key").stat().st_mode) == 0o600
    config = load([Layer.file(device / "edge-fer.yaml")], settings=False).config
    assert (config.node.id, config.node.site) == ("counter-1", "entrance")
    assert (config.fleet.member, config.fleet.ring, config.fleet.groups) == ("on", "canary", ("counters",))
    assert str(config.mqtt.key_file) == found["mqtt"]["key_file"]
    # a second start finds nothing to move, and keeps the files
    assert fleet.taken_over("counter-1") == found
    assert (device / "boot-mqtt-client.crt").exists()


def test_a_table_adds_many_nodes_and_changes_those_that_are_there(tmp_path):
    fleet = Fleet(tmp_path)
    names = tmp_path / "new.csv"
    names.write_text("Node;Site;Ring;Groups\n" + "".join(f"n{i};Gebäude {i};;a, b\n" for i in range(3)), "utf-8-sig")
    assert fleet.ok("add", "--csv", str(names)).count("edge-fer.yaml") == 3
    before = fleet.folder.card("n1").read_text()
    names.write_text("node,ring\nn1,canary\nn9,\n")
    assert "n1 is there already" in fleet.ok("add", "--csv", str(names))
    rows = {row["node"]: row for row in csv.DictReader((fleet.path / "nodes.csv").read_text("utf-8").splitlines())}
    assert rows["n0"] == {"node": "n0", "site": "Gebäude 0", "ring": "stable", "groups": "a b"}
    assert (rows["n1"]["ring"], rows["n9"]["ring"]) == ("canary", "stable")
    after = fleet.folder.card("n1").read_text()
    assert 'ring: "canary"' in after, "a card that is still here goes along"
    assert before.partition("  certificate:")[2].partition("fleet:")[0] in after
    assert fleet.ok("list").count("\n") == 5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "a/b"), "cannot stand in a topic"),
        (("add", "operator"), "cannot be called operator"),
        (("add", "x", "--ring", "cannary"), "Did you mean `canary`?"),
        (("add", "x", "--group", "all"), "every node is in the group all"),
        (("add", "--csv", "missing.csv"), "missing.csv: No such file"),
        (("revoke", "nobody"), "no node of this fleet"),
        (("status",), "no connection to the broker"),
    ],
)
def test_what_is_wrong_is_told_with_a_remedy(tmp_path, arguments, said):
    fleet = Fleet(tmp_path)
    ended = fleet.run(*arguments)
    assert ended.returncode == 1
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_a_wrong_command_line_says_what_was_meant():
    ended = edge_fer("fleet", "statsu")
    assert ended.returncode == 2
    assert "status" in ended.stderr


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("fleet.yaml", "name: x\n", "lacks one of name"),
        ("fleet.yaml", None, "is not the folder of a fleet"),
        ("fleet.yaml", "{", "fleet.yaml"),
        ("nodes.csv", "name,site\n", "no column `node`"),
        ("nodes.csv", "node\na\na\n", "line 3: the node a is there already"),
        ("nodes.csv", "node\na,b\n", "more cells"),
        ("certificates/issued.csv", "serial,name\nx,y\n", "issued.csv, line 2"),
        ("secrets/ca.key", None, "Bring it back"),
        ("secrets/ca.key", "junk", "is damaged"),
    ],
)
def test_a_damaged_folder_is_told_file_by_file(tmp_path, file, content, said):
    fleet = Fleet(tmp_path)
    (fleet.path / file).unlink() if content is None else (fleet.path / file).write_text(content)
    ended = fleet.run("add", "counter-1")
    assert ended.returncode == 1
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_init_and_add_do_nothing_twice(tmp_path):
    fleet = Fleet(tmp_path, "counter-1")
    ca = (fleet.path / "certificates" / "ca.crt").read_text()
    assert fleet.run("init", str(fleet.path), "--broker", "x.example").returncode == 1
    card = fleet.folder.card("counter-1").read_text()
    fleet.ok("add", "counter-1")
    assert (fleet.path / "certificates" / "ca.crt").read_text() == ca
    assert fleet.folder.card("counter-1").read_text() == card
    fleet.ok("add", "counter-1", "--again")
    assert fleet.folder.card("counter-1").read_text() != card


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    nodes = ("counter-1 --group counters", "counter-2 --ring canary")
    with Fleet(tmp_path_factory.mktemp("fleet"), *nodes) as found:
        yield found


def may_write(fleet, user, topic):
    told = fleet.client("mosquitto_pub", user, "-q", "1", "-d", "-t", topic, "-m", "x")
    assert told.returncode == 0, told.stderr
    return "Not authorized" not in told.stderr + told.stdout


@pytest.mark.parametrize(
    "leaf",
    ["availability", "info", "health", "audit", "config/reported", "certificate/request", "response/ping",
     "camera/front/event", "camera/front/alert/unhappy-guest"],
)  # fmt: skip
def test_a_node_may_write_its_own_topics_and_those_of_nobody_else(fleet, leaf):
    assert may_write(fleet, "counter-1", f"edge-fer/counter-1/{leaf}")
    assert not may_write(fleet, "counter-1", f"edge-fer/counter-2/{leaf}")
    assert not may_write(fleet, "collector", f"edge-fer/counter-1/{leaf}")


@pytest.mark.parametrize(
    "topic",
    ["edge-fer/counter-1/config/desired", "edge-fer/counter-1/command/pause", "edge-fer/ring:stable/all/config/desired",
     "edge-fer/counter-1/certificate/issued", "edge-fer/counter-1/certificate/wanted"],
)  # fmt: skip
def test_the_operator_asks_and_a_node_does_not(fleet, topic):
    assert may_write(fleet, "operator", topic)
    assert not may_write(fleet, "counter-1", topic)


@pytest.mark.parametrize(
    ("node", "allowed", "forbidden"),
    [
        ("counter-1", "edge-fer/ring:stable/counters/config/desired", "edge-fer/ring:canary/all/config/desired"),
        ("counter-2", "edge-fer/ring:canary/all/config/desired", "edge-fer/ring:stable/all/config/desired"),
        ("counter-2", "edge-fer/counter-2/command/ping", "edge-fer/counter-1/command/ping"),
        ("counter-2", "edge-fer/counter-2/config/desired", "edge-fer/counter-1/config/desired"),
        ("counter-2", "edge-fer/counter-2/health", "edge-fer/counter-1/health"),
    ],
)
def test_a_node_reads_what_is_asked_of_it_alone(fleet, node, allowed, forbidden):
    for topic in (forbidden, allowed):
        user = "operator" if "health" not in topic else topic.split("/")[1]
        assert fleet.client("mosquitto_pub", user, "-q", "1", "-r", "-t", topic, "-m", topic).returncode == 0
    heard = fleet.client("mosquitto_sub", node, "-q", "1", "-t", forbidden, "-t", allowed, "-C", "1", "-W", "30")
    assert heard.stdout.strip() == allowed
    rest = fleet.client("mosquitto_sub", node, "-q", "1", "-t", forbidden, "-W", "1")
    assert not rest.stdout.strip()


def test_nobody_connects_without_a_certificate_or_with_one_of_another_fleet(fleet, tmp_path):
    other = Fleet(tmp_path, "counter-1")
    other.port = fleet.port
    assert other.client("mosquitto_pub", "counter-1", "-t", "x", "-n").returncode != 0
    plain = [tool("mosquitto_pub"), "-h", "127.0.0.1", "-p", str(fleet.port), "-t", "x", "-n"]
    assert subprocess.run(plain, capture_output=True, check=False, timeout=60).returncode != 0
    ca = ["--cafile", fleet.path / "certificates" / "ca.crt"]
    assert subprocess.run([*plain, *ca], capture_output=True, check=False, timeout=60).returncode != 0


def test_a_daemon_with_a_card_alone_is_known_and_is_refused_once_it_is_revoked(tmp_path):
    with Fleet(tmp_path, "counter-1 --site entrance", "counter-2") as fleet:
        config = fleet.taken_over("counter-1") | {"cameras": {"front": ENDLESS}}
        with Daemon(tmp_path / "node", config) as daemon:
            daemon.wait_for("connected to the broker")
            until(lambda: "1 of 2 nodes" in fleet.ok("status") or "config differs: counter-1" in fleet.ok("status"))
            assert "never heard of" in fleet.ok("status")
            fleet.client("mosquitto_pub", "counter-1", "-n", "-t", "x")  # its files are here from now on
            assert "1 certificates" in fleet.ok("revoke", "counter-1")
            fleet.deploy()
            fleet.stop()
            fleet.start()
            daemon.wait_for("no connection to the broker")
            assert fleet.client("mosquitto_pub", "counter-1", "-t", "edge-fer/counter-1/info", "-n").returncode != 0
            assert fleet.client("mosquitto_pub", "counter-2", "-t", "edge-fer/counter-2/doctor", "-n").returncode == 0
            assert daemon.stop() == 0
        assert not fleet.folder.card("counter-1").exists()
        assert "counter-1" not in fleet.ok("list")
