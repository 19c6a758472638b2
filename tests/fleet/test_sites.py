"""Sites with a broker of their own: real brokers with mutual TLS, and a bridge between them."""

from __future__ import annotations

import csv
import json
import os
import random
import subprocess
import time

import pytest

from tests.daemon import COMMAND, Daemon
from tests.fleet.database import Postgres
from tests.fleet.kit import Fleet, Site, reported
from tests.fleet.loading import Loading, count, mixed
from tests.mqtt.kit import until
from tests.running import ENDLESS

NODES = int(os.environ.get("EDGE_FER_TEST_FLEET_NODES", "8"))
SECONDS = int(os.environ.get("EDGE_FER_TEST_FLEET_SECONDS", "60"))


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    """A fleet of which two nodes are at the site `hall`, and one is not."""
    nodes = ("counter-1 --site hall --group counters", "counter-2 --site hall --ring canary", "ward-1 --site ward")
    found = Fleet(tmp_path_factory.mktemp("sites"), *nodes)
    found.hall = Site(found, "hall")
    with found, found.hall:
        until(lambda: b"Received CONNACK on connection local.site:hall" in (found.hall.mosquitto / "log").read_bytes()
              or linked(found))  # fmt: skip
        yield found


def linked(fleet):
    """Whether something that is said at the site comes out in the centre."""
    fleet.hall.client("mosquitto_pub", "counter-1", "-q", "1", "-r", "-t", "edge-fer/counter-1/info", "-m", "x")
    heard = fleet.client("mosquitto_sub", "operator", "-t", "edge-fer/counter-1/info", "-C", "1", "-W", "2")
    return heard.stdout == "x\n"


def test_cards_lead_to_the_broker_of_the_site_and_others_to_the_central_one(fleet):
    assert fleet.taken_over("counter-1")["mqtt"]["broker"].endswith(f":{fleet.hall.port}")
    assert fleet.taken_over("ward-1")["mqtt"]["broker"].endswith(f":{fleet.port}")


def issued(fleet):
    return list(csv.DictReader((fleet.path / "certificates" / "issued.csv").read_text().splitlines()))


def heard_below(where, user, topic, *, seconds=20):
    return where.client("mosquitto_sub", user, "-q", "1", "-t", topic, "-C", "1", "-W", str(seconds)).stdout.strip()


@pytest.mark.parametrize("leaf", ["availability", "health", "audit", "camera/front/alert/x", "response/ping"])
def test_what_a_node_tells_at_the_site_comes_to_the_centre(fleet, leaf):
    topic = f"edge-fer/counter-1/{leaf}"
    fleet.hall.client("mosquitto_pub", "counter-1", "-q", "1", "-r", "-t", topic, "-m", leaf)
    assert heard_below(fleet, "collector", topic) == leaf


@pytest.mark.parametrize(
    ("topic", "node"),
    [
        ("edge-fer/counter-1/config/desired", "counter-1"),
        ("edge-fer/counter-1/command/ping", "counter-1"),
        ("edge-fer/ring:stable/counters/config/desired", "counter-1"),
        ("edge-fer/ring:canary/all/config/desired", "counter-2"),
        ("edge-fer/counter-2/certificate/issued", "counter-2"),
    ],
)
def test_what_is_asked_in_the_centre_comes_to_the_node_and_is_cleared_there(fleet, topic, node):
    fleet.client("mosquitto_pub", "operator", "-q", "1", "-r", "-t", topic, "-m", topic)
    assert heard_below(fleet.hall, node, topic) == topic, "as retained, to one who comes later"
    fleet.client("mosquitto_pub", "operator", "-q", "1", "-r", "-t", topic, "-n")
    until(lambda: heard_below(fleet.hall, node, topic, seconds=1) == "")


def test_a_site_speaks_for_its_own_nodes_alone(fleet):
    """Whoever has got hold of the bridge's key may do what the nodes of the site may, and nothing of others."""
    secrets = fleet.path / "secrets" / "sites" / "hall"
    ca = fleet.path / "certificates" / "ca.crt"
    files = ["--cafile", ca, "--cert", fleet.path / "sites" / "hall" / "bridge.crt", "--key", secrets / "bridge.key"]

    def publish(topic):
        told = subprocess.run(
            ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(fleet.port), *files, "-V", "5", "-d", "-q", "1",
             "-t", topic, "-m", "x"],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert told.returncode == 0, told.stderr
        return "Not authorized" not in told.stderr + told.stdout

    assert publish("edge-fer/counter-1/health")
    assert not publish("edge-fer/ward-1/health")
    assert not publish("edge-fer/counter-1/config/desired")
    # and a node of the site has no business in the centre
    fleet.client("mosquitto_pub", "operator", "-q", "1", "-r", "-t", "edge-fer/counter-2/command/ping", "-m", "x")
    told = fleet.client("mosquitto_pub", "counter-1", "-q", "1", "-d", "-t", "edge-fer/counter-1/health", "-m", "x")
    assert "Not authorized" in told.stderr + told.stdout


def test_a_real_node_takes_a_rollout_and_a_new_certificate_by_way_of_its_site(fleet, tmp_path):
    config = fleet.taken_over("counter-1") | {"cameras": {"front": ENDLESS}}
    with Daemon(tmp_path / "node", config) as node:
        node.wait_for("connected to the broker")
        until(lambda: reported(fleet, "counter-1"))
        fleet.ok("set", "group:counters", "emotion.min_confidence=0.36")
        fleet.ok("rollout", "--watch", "1", "--allow-silent")
        until(lambda: (reported(fleet, "counter-1") or {})["desired"])
        before = issued(fleet)
        assert "its new certificate holds until" in fleet.ok("renew", "counter-1")
        assert len(issued(fleet)) == len(before) + 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("site", "first floor", "--broker", "x.example"), "cannot be called 'first floor'"),
        (("site", "hall", "--broker", "mqtts://x"), "neither a host name nor an address"),
        (("broker", "--site", "hal", "--to", "/nowhere"), "Did you mean `hall`?"),
    ],
)
def test_what_is_wrong_is_told(fleet, arguments, said):
    ended = fleet.run(*arguments)
    assert ended.returncode == 1
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_damaged_table_is_told(tmp_path):
    fleet = Fleet(tmp_path)
    for text in (
        "site\n",
        "site,brokers,port\nhall,x,y\n",
        "site,brokers,port\nhall,,1\n",
        "site,brokers,port\na b,x,1\n",
    ):
        (fleet.path / "sites.csv").write_text(text)
        ended = fleet.run("list")
        assert ended.returncode == 1
        assert "Traceback" not in ended.stderr


def test_lost_keys_of_a_site_are_made_anew_and_the_lost_ones_revoked(tmp_path):
    fleet = Fleet(tmp_path, "counter-1 --site hall")
    Site(fleet, "hall")
    key = fleet.path / "secrets" / "sites" / "hall" / "bridge.key"
    before = key.read_text()
    key.unlink()
    assert "the site hall" in fleet.ok("restore")
    assert key.read_text() != before
    revoked = [row["kind"] for row in issued(fleet) if row["name"] == "site:hall" and row["revoked"]]
    assert sorted(revoked) == ["bridge", "broker"]


def test_each_message_is_stored_once_and_in_order_over_kills_of_both_brokers_loader_and_database(tmp_path):
    """From nodes by a site's broker, its bridge and the central one to PostgreSQL; the bridge dies with its broker."""
    table = tmp_path / "nodes.csv"
    table.write_text("node,site\n" + "".join(f"n{number},hall\n" for number in range(NODES)))
    fleet = Fleet(tmp_path)
    fleet.ok("add", "--csv", str(table))
    site, dice = Site(fleet, "hall"), random.Random(7)  # noqa: S311
    with Postgres() as database, fleet, site, Loading(fleet, database) as loading:
        until(lambda: b"its session was new" in (tmp_path / "loader.log").read_bytes())
        # what is said before the bridge's session is there waits for it
        size = ["--nodes", str(NODES), "--for", str(SECONDS), "--json"]
        simulated = subprocess.Popen(
            [*COMMAND, "simulate", "--folder", str(fleet.path), *size, "--storm", "20"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        begun, kills = time.monotonic(), 0
        while time.monotonic() - begun < SECONDS - 15:
            time.sleep(dice.uniform(1, 3))
            match kills % 4:
                case 0:
                    site.stop(kill=True)
                    time.sleep(dice.uniform(0, 2))
                    site.start()
                case 1:
                    loading.kill()
                    time.sleep(dice.uniform(0, 2))
                    loading.start()
                case 2:
                    fleet.stop(kill=True)
                    time.sleep(dice.uniform(0, 2))
                    fleet.start()
                case 3:
                    database.kill()
                    time.sleep(dice.uniform(0, 2))
                    database.start()
            kills += 1
        out, _ = simulated.communicate(timeout=SECONDS + 120)
        assert simulated.returncode == 0, out
        wanted = {
            topic: (last, last, last)
            for topic, last in json.loads(out)["last_seq"].items()
            if topic.endswith(("alert_event", "summary"))
        }
        until(lambda: count(database) == wanted, timeout=120)
        rows = sum(last for last, *_ in wanted.values())
        print(f"{NODES} nodes at a site, {SECONDS} s, {kills} kills: {rows} rows")
        assert not mixed(database), "in order within each topic"
        assert not database.rows("select * from edge_fer.rejected")
    assert loading.code == 0
    assert kills >= 8 or SECONDS < 60
