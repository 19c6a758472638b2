"""Simulated nodes over real connections: what they say, that nothing is lost, and what goes wrong with them."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from edge_fer.cli.replay import judges_for
from edge_fer.config import load
from edge_fer.fleet.script import moved, passes, written_script
from edge_fer.recordings.replay.outcome import ReplayOutcome, replay
from edge_fer.sample import TRACE
from edge_fer.trace.reader import TraceReader
from tests.broker import Mosquitto, Subscriber, tool
from tests.daemon import COMMAND, edge_fer
from tests.fleet.kit import Fleet, events_of
from tests.mqtt.kit import until
from tests.running import VALIDATORS

SETTINGS = load(settings=False).config


@pytest.fixture(scope="module")
def script():
    with TraceReader(TRACE) as trace:
        return written_script(trace, judges_for("x", SETTINGS, trace), uncertain_after=3.0)


def test_a_script_has_the_alerts_and_summaries_that_a_replay_of_the_trace_has(script):
    with TraceReader(TRACE) as trace:
        outcome = ReplayOutcome("x", judges_for("x", SETTINGS, trace))
        replay(trace, [outcome])
    told = [line.told for line in script.lines]
    fired = [(one.alert.rule, one.at.mono) for line in told for one in line.changes if not one.resolved]
    assert fired == [(one.rule, one.fired.mono) for one in outcome.firings]
    assert fired
    assert [one for line in told for one in line.summaries] == outcome.summaries
    # whoever came has left, and what fired is resolved, before it begins anew
    events = Counter(one.kind for line in told for one in line.events)
    assert events["appeared"] == events["left"] > 0
    assert len([one for line in told for one in line.changes]) == 2 * len(fired)


def test_what_fires_when_a_trace_ends_is_resolved_and_whoever_is_there_leaves(script):
    fired = next(one.at.mono for line in script.lines for one in line.told.changes if not one.resolved)
    with TraceReader(TRACE) as trace:
        steps = [step for step in trace if step.at.mono <= fired]
        cut = written_script(steps, judges_for("x", SETTINGS, trace), uncertain_after=3.0)
    *_, last = cut.lines
    assert [one.resolved for one in last.told.changes] == [True]
    assert [one.kind for one in last.told.events] == ["left"]
    assert all(standing.alerts == () for standing in last.told.alerts.values())
    assert last.told.summaries


def test_what_is_said_moves_in_time_as_a_whole(script):
    told = next(line.told for line in script.lines if line.told.changes)
    later = moved(told, by=100.0, utc=timedelta(days=3), salt="a")
    before, after = told.changes[0], later.changes[0]
    assert after.at.mono - before.at.mono == 100.0
    assert after.alert.since.utc - before.alert.since.utc == timedelta(days=3)
    assert after.alert.id != before.alert.id
    assert moved(told, by=100.0, utc=timedelta(days=3), salt="a") == later
    assert moved(told, by=100.0, utc=timedelta(days=3), salt="b").changes[0].alert.id != after.alert.id


def test_a_script_begins_anywhere_and_goes_on_for_ever(script):
    said = passes(script, begin=script.length / 2)
    found = [next(said) for _ in range(3 * len(script.lines))]
    times = [after for after, _, _ in found]
    assert times == sorted(times)
    assert 0 <= times[0] < script.length
    assert {number for _, number, _ in found} >= {0, 1, 2}


def test_a_fleet_is_simulated_with_its_own_certificates_and_nothing_is_lost(tmp_path):
    table = tmp_path / "nodes.csv"
    names = [f"n{number}" for number in range(6)]
    table.write_text("node,site\n" + "".join(f"{name},here\n" for name in names))
    fleet = Fleet(tmp_path)
    fleet.ok("add", "--csv", str(table))
    with fleet, events_of(fleet, "+") as seen:
        storm = ["--storm", "5", "--skew", "30"]
        ended = edge_fer("simulate", "--folder", str(fleet.path), "--nodes", "6", "--for", "28", "--json", *storm)
        assert ended.returncode == 0, ended.stderr
        told = json.loads(ended.stdout)
        assert told["connections"] >= 6 * 4, "they connected anew in each storm"
        wanted = {topic: set(range(1, last + 1)) for topic, last in told["last_seq"].items()}
        numbers = ("event", "alert_event", "summary")

        def came():
            found = {}
            for one in list(seen.messages):
                if one.topic.endswith(numbers):
                    found.setdefault(one.topic, []).append(one.json["seq"])
            return found

        until(lambda: {topic: set(found) for topic, found in came().items()} == wanted)
        assert {topic.split("/")[1] for topic in wanted} == set(names)
        for topic, found in came().items():
            assert list(dict.fromkeys(found)) == sorted(set(found)), f"{topic} is in order, but for what comes twice"
        offsets = []
        for one in seen.messages:
            leaf = one.topic.rpartition("/")[2]
            if leaf in VALIDATORS and one.payload:
                VALIDATORS[leaf].validate(one.json)
            if leaf == "health" and one.payload:
                offsets.append((datetime.fromisoformat(one.json["ts"]) - datetime.now(UTC)).total_seconds())
        assert max(offsets) - min(offsets) > 5, "their clocks differ"
        assert "6 of 6" not in fleet.ok("status"), "all went offline"


def test_silent_nodes_stay_connected_and_say_nothing(tmp_path):
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker) as seen:
        ended = edge_fer("simulate", "--broker", broker.url, "--nodes", "4", "--for", "24", "--silent", "0.5")
        assert ended.returncode == 0, ended.stderr
        assert "2 nodes say nothing from now on" in ended.stdout
        until(
            lambda: len([one for one in seen.messages if one.payload == "offline" and "/camera/" not in one.topic]) == 4
        )
        late = seen.messages[0].at + 14
        names = {one.topic.split("/")[1] for one in seen.messages if one.at > late and one.topic.endswith("event")}
        assert len(names) == 2
    assert "0 wait" in ended.stdout


def test_what_waits_for_a_broker_that_is_away_is_told_and_sent_by_the_next_run(tmp_path):
    state = ["--state", str(tmp_path / "state"), "--nodes", "2", "--for", "22", "--json"]
    with Mosquitto(tmp_path / "broker") as broker:
        broker.stop()
        ended = edge_fer("simulate", "--broker", broker.url, *state)
        assert ended.returncode == 1
        waiting = json.loads(ended.stdout)["waiting"]
        assert waiting > 0
        broker.start()
        with Subscriber(broker) as seen:
            ended = edge_fer("simulate", "--broker", broker.url, *state)
            assert ended.returncode == 0, ended.stderr
            until(lambda: len([one for one in seen.messages if one.topic.endswith(("event", "summary"))]) >= waiting)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--nodes", "0"], "--nodes 0 is less than 1"),
        (["--skip", "-1"], "--skip -1 is less than 0"),
        (["--silent", "2"], "--silent is not between 0 and 1"),
        (["--trace", "missing"], "missing cannot be read"),
    ],
)
def test_what_cannot_be_simulated_is_told(arguments, said):
    ended = edge_fer("simulate", "--broker", "mqtt://127.0.0.1:1", *arguments)
    assert ended.returncode == 1
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_fleet_with_too_few_cards_is_told(tmp_path):
    fleet = Fleet(tmp_path, "one")
    ended = edge_fer("simulate", "--folder", str(fleet.path), "--nodes", "3")
    assert ended.returncode == 1
    assert "has cards of 1 nodes, not of 3" in ended.stderr


def test_a_card_without_a_key_is_told(tmp_path):
    fleet = Fleet(tmp_path, "one")
    card = fleet.folder.card("one")
    card.write_text(card.read_text().replace("  key:", "  # key:"))
    ended = edge_fer("simulate", "--folder", str(fleet.path), "--nodes", "1")
    assert ended.returncode == 1
    assert "has no certificate and key" in ended.stderr
    assert "edge-fer fleet add one --again" in ended.stderr


def test_a_limit_of_open_files_that_is_too_low_is_told_and_one_that_can_be_raised_is(tmp_path):
    with Mosquitto(tmp_path / "broker") as broker:
        command = [*COMMAND, "simulate", "--broker", broker.url, "--nodes", "40", "--for", "1", "--json"]

        def limited(soft: int, hard: int):
            prlimit = [tool("prlimit"), f"--nofile={soft}:{hard}"]
            return subprocess.run([*prlimit, *command], capture_output=True, text=True, timeout=300, check=False)

        ended = limited(100, 300)
        assert ended.returncode == 1
        assert "--nodes 40 needs 384 open files, and the system's limit is 300" in ended.stderr
        assert "--nofile=384" in ended.stderr
        assert "at most --nodes 29" in ended.stderr
        # 40 nodes need far more than 100, and no more than what is asked for
        ended = limited(100, 384)
        assert ended.returncode == 0, ended.stderr
        told = json.loads(ended.stdout)
        assert (told["nodes"], told["waiting"]) == (40, 0)
        assert told["connections"] == 40


def test_more_nodes_than_select_has_room_for_run_in_one_process(tmp_path):
    # select() knows files below 1024 alone, and a node has six
    with Mosquitto(tmp_path / "broker") as broker:
        ended = edge_fer("simulate", "--broker", broker.url, "--nodes", "220", "--for", "1", "--json")
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert told["waiting"] == 0
    assert told["connections"] >= 220
    assert told["sent"]["retained"] >= 220


def test_a_system_without_more_threads_is_told(tmp_path):
    # each thread has a stack of this size, for which there is not enough room
    stack, room = 1 << 30, 6 << 30
    with Mosquitto(tmp_path / "broker") as broker:
        ended = subprocess.run(
            [tool("prlimit"), f"--stack={stack}", f"--as={room}",
             *COMMAND, "simulate", "--broker", broker.url, "--nodes", "40", "--for", "1"],
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
    assert ended.returncode == 1
    assert "the system allows no more threads" in ended.stderr
    assert "of 40 nodes were started" in ended.stderr
    assert "Traceback" not in ended.stderr
