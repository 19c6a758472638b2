"""Configs that are wanted of real daemons, over a real Mosquitto: taken over, refused, rolled out and stopped."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from threading import Event, Thread

import pytest

from tests.daemon import Daemon
from tests.fleet.kit import Fleet, reported
from tests.mqtt.kit import until
from tests.running import ENDLESS

CAMERA = {"cameras": {"front": ENDLESS}}


@contextmanager
def running(fleet, *names, config=None):
    """Daemons that have taken their cards over, by name, once the broker knows them."""
    with ExitStack() as ending:
        found = {}
        for name in names:
            given = fleet.taken_over(name) | (config or CAMERA)
            found[name] = ending.enter_context(Daemon(fleet.root / "nodes" / name, given))
        for daemon in found.values():
            daemon.wait_for("connected to the broker")
        yield found


@pytest.fixture
def fleet(tmp_path):
    with Fleet(tmp_path, "one --ring canary --group counters", "two --group counters") as found:
        yield found


def publish(fleet, topic, config, *, revision, by="ann"):
    text = json.dumps({"v": 1, "revision": revision, "by": by, "config": config})
    told = fleet.client("mosquitto_pub", "operator", "-q", "1", "-r", "-t", topic, "-m", text)
    assert told.returncode == 0, told.stderr


def test_what_is_wanted_is_taken_over_audited_kept_and_refused_where_it_is_wrong(tmp_path, fleet):
    own = "edge-fer/one/config/desired"
    with running(fleet, "one") as daemons:
        first = reported(fleet, "one")
        assert (first["desired"], first["faults"]) == ({}, [])
        publish(fleet, "edge-fer/ring:canary/all/config/desired", {"emotion": {"min_confidence": 0.3}}, revision="a1")
        publish(fleet, own, {"emotion": {"min_confidence": 0.35, "min_lead": 0.1}}, revision="n1")
        until(lambda: reported(fleet, "one")["desired"] == {"all": "a1", "one": "n1"})
        found = reported(fleet, "one")
        assert found["hash"] != first["hash"]
        assert found["layers"][-2:] == ["desired all", "desired one"]
        for wrong, key in (
            ({"emotion": {"min_confidence": 7}}, "emotion.min_confidence"),
            ({"mqtt": {"broker": "mqtt://192.0.2.1"}}, "mqtt"),
            ({"fleet": {"member": "off"}}, "fleet.member"),
            ({"colour": "red"}, "colour"),
        ):
            publish(fleet, own, wrong, revision="n2")
            until(lambda key=key: [one["key"] for one in reported(fleet, "one")["faults"]] == [key])
            refused = reported(fleet, "one")
            assert (refused["desired"], refused["refused"]) == ({"all": "a1", "one": "n1"}, {"one": "n2"})
            assert refused["hash"] == found["hash"], "the last good one stays in force"
        assert fleet.client("mosquitto_pub", "operator", "-q", "1", "-r", "-t", own, "-m", "junk").returncode == 0
        until(lambda: "no wanted config" in json.dumps(reported(fleet, "one")["faults"]))
        assert daemons["one"].stop() == 0
        assert "Traceback" not in daemons["one"].output
    # a start without the broker: what was good last is kept on disk
    fleet.stop()
    given = fleet.taken_over("one") | CAMERA
    with Daemon(fleet.root / "nodes" / "one", given) as daemon:
        daemon.wait_for("no connection to the broker")
        fleet.start()
        until(lambda: reported(fleet, "one")["hash"] == found["hash"])
        publish(fleet, own, {}, revision="n3")
        until(lambda: (told := reported(fleet, "one"))["desired"] == {"all": "a1"} and not told["faults"])
        assert daemon.stop() == 0


def test_who_asked_is_in_audit_with_what_it_changed(fleet):
    with running(fleet, "one") as daemons:
        until(lambda: reported(fleet, "one"))
        # a session of its own, so that nothing is missed
        session = ["-c", "-i", "auditor", "-q", "1", "-t", "edge-fer/one/audit"]
        fleet.client("mosquitto_sub", "operator", *session, "-E", "-x", "600")
        publish(fleet, "edge-fer/one/config/desired", {"emotion": {"min_lead": 0.123}}, revision="n1", by="ann")
        publish(
            fleet, "edge-fer/ring:canary/counters/config/desired", {"emotion": {"min_confidence": 9}}, revision="g1"
        )
        seen = fleet.client("mosquitto_sub", "operator", *session, "-x", "600", "-C", "2", "-W", "40")
        told = {one["request_id"]: one for one in map(json.loads, seen.stdout.splitlines())}
        assert (told["n1"]["actor"], told["n1"]["outcome"]) == ("ann", "done")
        assert {one["key"]: one["new"] for one in told["n1"]["changes"]}["emotion.min_lead"] == 0.123
        assert (told["g1"]["outcome"], told["g1"]["changes"]) == ("refused", [])
        assert "min_confidence" in told["g1"]["message"]
        assert daemons["one"].stop() == 0


def test_a_rollout_goes_ring_by_ring_and_a_wrong_one_stops_at_the_first(fleet):
    with running(fleet, "one", "two") as daemons:
        fleet.ok("set", "group:counters", "emotion.min_lead=0.2", "heat.limit=70C")
        assert "emotion.min_lead: as in its files -> 0.2" in fleet.ok("diff")
        said = fleet.ok("rollout", "--watch", "1")
        assert said.index("ring canary: in force") < said.index("ring stable: in force")
        good = {name: reported(fleet, name)["hash"] for name in daemons}
        told = fleet.ok("status")
        assert not [word for word in ("silent;", "config", "never heard of") if word in told], told
        assert "published already" in fleet.ok("rollout")

        # the folder cannot know that the devices have no such alert, which needs more then
        wanted = fleet.path / "desired" / "group-counters.yaml"
        wanted.write_text('{"emotion": {"min_lead": 0.2}, "alerts": {"new": {"for": "5s"}}}')
        ended = fleet.run("rollout", "--watch", "1", "--within", "30")
        assert ended.returncode == 1
        assert "stopped at the ring canary" in ended.stderr
        assert "one: config refused" in ended.stdout
        assert "ring stable" not in ended.stdout
        until(lambda: not reported(fleet, "one")["faults"])
        assert {name: reported(fleet, name)["hash"] for name in daemons} == good
        assert [daemon.stop() for daemon in daemons.values()] == [0, 0]


def test_a_node_that_was_away_catches_up_and_moves_to_another_group(fleet):
    with running(fleet, "one") as daemons:
        fleet.ok("set", "all", "emotion.min_lead=0.15")
        ended = fleet.run("rollout", "--watch", "1")
        assert ended.returncode == 1
        assert "no node of the ring stable is online" in ended.stderr
        assert "ring stable: in force" in fleet.ok("rollout", "--watch", "1", "--allow-silent")
        assert daemons["one"].stop() == 0
    with running(fleet, "two") as daemons:
        until(lambda: "all" in reported(fleet, "two")["desired"])
        table = fleet.path / "nodes.csv"
        table.write_text(table.read_text().replace("two,,stable,counters", "two,,stable,wards"))
        fleet.ok("set", "group:wards", "emotion.min_lead=0.05")
        # the access list knows where a node may read
        fleet.ok("add", "--csv", str(table))
        fleet.deploy()
        fleet.reload()
        fleet.ok("rollout", "--watch", "1", "--allow-silent")
        until(lambda: "group:wards" in reported(fleet, "two")["desired"])
        assert "two" not in [line.split()[0] for line in fleet.ok("diff").splitlines() if ":" in line]
        assert daemons["two"].stop() == 0


def test_a_ring_whose_health_falls_stops_the_rollout(fleet):
    with running(fleet, "one", "two") as daemons:
        until(lambda: reported(fleet, "two"))
        fleet.ok("set", "all", "cameras.front.source=/nowhere.mp4")
        ended = fleet.run("rollout", "--watch", "10", "--within", "30")
        assert ended.returncode == 1, ended.stdout
        assert "stopped at the ring canary" in ended.stderr
        assert "all" not in reported(fleet, "two")["desired"]
        assert daemons["two"].stop() == 0


def test_an_update_that_is_taken_back_meanwhile_stops_the_rollout(fleet):
    refused = {"version": "9~deb12", "reason": "the daemon does not run", "at": None}
    with running(fleet, "one", "two") as daemons:
        until(lambda: reported(fleet, "two"))
        given = fleet.client("mosquitto_sub", "operator", "-t", "edge-fer/one/info", "-C", "1", "-W", "20").stdout
        told = json.dumps(json.loads(given) | {"update_refused": refused})
        ended = Event()

        def tell():
            # as the gate has it told; the config that is taken over meanwhile has the real one told again
            while not ended.wait(1):
                fleet.client("mosquitto_pub", "one", "-q", "1", "-r", "-t", "edge-fer/one/info", "-m", told)

        telling = Thread(target=tell)
        telling.start()
        fleet.ok("set", "all", "emotion.min_lead=0.16")
        done = fleet.run("rollout", "--watch", "10", "--within", "60")
        ended.set()
        telling.join()
        assert done.returncode == 1, done.stdout
        assert "one: update refused" in done.stdout
        assert "stopped at the ring canary" in done.stderr
        assert "all" not in reported(fleet, "two")["desired"]
        assert "update refused: 9~deb12: the daemon does not run" in fleet.ok("status")
        assert [daemon.stop() for daemon in daemons.values()] == [0, 0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("set", "tree", "emotion.min_lead=0.1"), "no node, and no group"),
        (("set", "all", "emotion.min_lead"), "is not a setting"),
        (("set", "all", "emotions.min_lead=0.1"), "Did you mean `emotion`?"),
        (("set", "all", "emotion.min_lead=7"), "emotion.min_lead"),
        (("set", "all", "emotion.min_led=0.1"), "min_led"),
        (("set", "all", "mqtt.broker=mqtt://x"), "cannot be set from afar"),
        (("set", "one", "fleet.ring=canary"), "nodes.csv"),
        (("set", "all", "--default", "emotion.min_lead"), "is not set for all"),
    ],
)
def test_what_cannot_be_wanted_is_told_before_anything_is_published(tmp_path, arguments, said):
    fleet = Fleet(tmp_path, "one")
    ended = fleet.run(*arguments)
    assert ended.returncode == 1
    assert said in ended.stderr
    assert not list((fleet.path / "desired").iterdir())
