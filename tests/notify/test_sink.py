"""The sink in the daemon: what it puts into the spool, and that both processes may be killed at any moment."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from edge_fer.clock.system import SystemClock
from edge_fer.config import Layer, load
from edge_fer.errors import NotifyError
from edge_fer.notify.items import ItemKind
from edge_fer.notify.spool import FILE, Spool
from edge_fer.notify.texts import NotifyMessage
from edge_fer.notify.troubles import NodeFacts
from edge_fer.notify.waking import SenderWaker
from edge_fer.pipeline.step import Told
from edge_fer.sinks import notify as module
from edge_fer.sinks.outlet import Outlet
from edge_fer.sinks.registry import make_policy
from edge_fer.types import Resolution, Standing, View
from tests.faults.node import fill, small_disk
from tests.invented import at
from tests.mqtt.kit import until
from tests.notify.making import alert, change
from tests.notify.servers import NtfyServer, Webhook, check_told

TARGETS = {"nurse": {"url": "json://127.0.0.1:1/x"}, "boss": {"url": "json://127.0.0.1:1/y", "detail": "full"}}


def settings_of(folder, notify, **more):
    given = {"state_dir": str(folder), "node": {"id": "n", "site": "Ward 3"}, "notify": notify} | more
    return load([Layer("test", json.dumps(given))], settings=False).config


def sink_of(folder, notify=None, facts=NodeFacts, **more):
    """The sink behind the filter; its thread is not started, and no sender is."""
    settings = settings_of(folder, notify or {"targets": TARGETS}, **more)
    sink = module.make_notify_sink(settings, SystemClock(), lambda: None)
    parts = sink._parts
    waker = SenderWaker(parts.spool, by_unit=True)
    sink._parts = module.NotifyParts(parts.spool, parts.settings, parts.router, waker)
    sink._facts = lambda blind: facts()
    outlet = Outlet(make_policy(settings))
    outlet.connect({"notify": sink})
    return sink, outlet


def told(sink):
    """What waits, whatever its time."""
    found = []

    def look(items, lost):
        found.extend(items)
        raise LookupError

    for name in ("nurse", "boss"):
        with suppress(LookupError):
            sink._parts.spool.prepare(name, 1e11, look)
    return found


@pytest.mark.outside
def test_an_alert_waits_for_each_target_with_what_it_may_know(tmp_path):
    sink, outlet = sink_of(tmp_path)
    outlet.tell("bed-1", Told(at(1), changes=(change(1),)))
    sink._work()
    nurse, boss = told(sink)
    assert (nurse.target, nurse.facts, nurse.urgent) == ("nurse", {}, True)
    assert boss.facts["rule"] == "distress"
    assert b"distress" in (sink._parts.spool.folder / FILE).read_bytes()
    assert sink._parts.spool.is_woken


@pytest.mark.outside
def test_nothing_of_the_rule_is_on_disk_where_nobody_may_know_it(tmp_path):
    sink, outlet = sink_of(tmp_path, {"targets": {"nurse": TARGETS["nurse"]}})
    outlet.tell("bed-1", Told(at(1), changes=(change(1),)))
    sink._work()
    assert len(told(sink)) == 1
    assert b"distress" not in (sink._parts.spool.folder / FILE).read_bytes()


@pytest.mark.outside
def test_with_privacy_events_off_nobody_is_told_of_people_but_of_troubles(tmp_path):
    sink, outlet = sink_of(tmp_path, facts=lambda: NodeFacts(connected=False), privacy={"events": "off"})
    outlet.tell("bed-1", Told(at(1), changes=(change(1),), view=View.COVERED))
    for second in (0, 301):
        sink._clock, sink._look_due = lambda second=second: at(second), 0.0
        sink._work()
    assert {item.key for item in told(sink)} == {"broker_lost"}
    assert sink._views == {"bed-1": View.COVERED}


@pytest.mark.outside
@pytest.mark.parametrize(
    ("reason", "left"), [(Resolution.OVER, 0), (Resolution.LEFT, 1), (Resolution.UNWATCHED, 1), (Resolution.RELOAD, 1)]
)
def test_an_escalation_stands_unless_the_condition_was_seen_to_be_over(tmp_path, reason, left):
    routes = {"all": {"to": ["nurse"], "escalate": [{"after": "5m", "to": ["boss"]}]}}
    sink, outlet = sink_of(tmp_path, {"targets": TARGETS, "routes": routes})
    outlet.tell("bed-1", Told(at(1), changes=(change(1),)))
    outlet.tell("bed-1", Told(at(9), changes=(change(9, resolved=True, reason=reason),)))
    sink._work()
    found = told(sink)
    assert sum(item.kind is ItemKind.ESCALATED for item in found) == left
    assert found[0].ended == at(9).utc.timestamp()


@pytest.mark.outside
def test_who_acknowledges_keeps_it_from_the_next(tmp_path):
    routes = {"all": {"to": ["nurse"], "escalate": [{"after": "5m", "to": ["boss"]}]}}
    sink, outlet = sink_of(tmp_path, {"targets": TARGETS, "routes": routes})
    outlet.tell("bed-1", Told(at(1), changes=(change(1),), alerts={"distress": Standing((alert(),))}))
    sink._work()
    assert sink._parts.spool.status()["boss"].waiting == 1
    outlet.tell("bed-1", Told(at(2), alerts={"distress": Standing((alert(acknowledged=True),)), "gone": None}))
    sink._work()
    assert "boss" not in sink._parts.spool.status()


@pytest.mark.outside
def test_a_disk_that_does_not_take_it_is_told_and_nothing_is_lost(tmp_path, monkeypatch, caplog):
    sink, outlet = sink_of(tmp_path)
    add = Spool.add

    def full(*_):
        raise NotifyError("the disk is full", remedy="Make room")

    monkeypatch.setattr(Spool, "add", full)
    outlet.tell("bed-1", Told(at(1), changes=(change(1, number=1), change(1, number=2))))
    sink._work()
    sink._work()
    assert outlet.health()["notify"].problem == "the disk is full. Make room"
    assert not outlet.health()["notify"].working
    assert caplog.text.count("the disk is full") == 1
    monkeypatch.setattr(Spool, "add", add)
    sink._work()
    assert [item.key for item in told(sink) if item.target == "nurse"] == ["a1", "a2"]
    assert outlet.health()["notify"].working


@pytest.mark.outside
def test_memory_for_a_disk_that_takes_nothing_is_bounded_and_what_is_given_up_is_told(tmp_path):
    sink, outlet = sink_of(tmp_path)
    outlet.tell("bed-1", Told(at(1), changes=tuple(change(1, number=number) for number in range(1020))))
    assert len(sink._queue) == 1000
    assert outlet.health()["notify"].faults == 20
    sink._work()
    lost = []

    def message(items, count):
        lost.append(count)
        return NotifyMessage("", "", items[0].severity, items[0].kind)

    sink._parts.spool.prepare("nurse", 1e11, message)
    assert lost == [20], "the message says how many were lost before it"
    sink._work()
    assert outlet.health()["notify"].faults == 20


@pytest.mark.outside
def test_a_fault_of_ours_costs_one_alert_and_stops_no_other(tmp_path, monkeypatch, caplog):
    sink, outlet = sink_of(tmp_path)
    alerts = sink._parts.router.alert

    def faulty(one):
        if one.alert.id == "a1":
            raise OverflowError("no such number")
        return alerts(one)

    monkeypatch.setattr(sink._parts.router, "alert", faulty)
    outlet.tell("bed-1", Told(at(1), changes=(change(1, number=1), change(1, number=2))))
    sink._work()
    assert [item.key for item in told(sink) if item.target == "nurse"] == ["a2"]
    assert outlet.health()["notify"].faults == 1
    assert caplog.text.count("This is a fault of edge-fer: please report it") == 1


@pytest.mark.outside
def test_the_thread_outlives_a_fault_of_ours(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(module, "_REST", 0.05)
    monkeypatch.setattr(module, "_LOOK_AT_NODE", 0.0)
    broken = [True]
    sink, outlet = sink_of(tmp_path, facts=lambda: 1 / 0 if broken else NodeFacts())
    sink.open()
    until(lambda: "ZeroDivisionError" in outlet.health()["notify"].problem)
    outlet.tell("bed-1", Told(at(1), changes=(change(1),)))
    until(sink._parts.spool.status)
    broken.clear()
    until(lambda: outlet.health()["notify"].working)
    sink.close()
    assert caplog.text.count("This is a fault of edge-fer: please report it") == 1


@pytest.mark.outside
def test_while_the_disk_is_full_alerts_wait_and_are_then_told_once(tmp_path):
    with small_disk(tmp_path, 2) as mounted, Webhook() as hook:
        if not mounted:
            pytest.skip("no disk of its own can be mounted here")
        folder = tmp_path / "disk"
        at_once = {"group": "0s", "limit": {"messages": 1000, "per": "1m"}}
        settings = settings_of(folder, {"targets": {"hook": {"url": hook.url}}} | at_once)
        sink = module.make_notify_sink(settings, SystemClock(), lambda: None)
        sink._facts = lambda blind: NodeFacts()
        outlet = Outlet(make_policy(settings))
        outlet.connect({"notify": sink})
        fill(folder)
        sink.open()
        for number in range(40):
            told_of = change(1, number=number, camera=f"bed-{number:03}")
            outlet.tell(told_of.alert.camera, Told(at(1), changes=(told_of,)))
        until(lambda: "Make sure that its folder is there, can be written, and has room" in sink.health().problem)
        (folder / "ballast").unlink()
        spool = Spool(folder / "notify")
        until(lambda: "hook" in spool.status() and spool.status()["hook"].last_sent is not None, timeout=90)
        until(lambda: not spool.status()["hook"].waiting, timeout=90)
        child = sink._parts.waker._child
        sink.close()
        if child is not None:
            child.wait(60)
        assert outlet.health()["notify"].faults == 0
        check_told(hook, 0, 40)


@pytest.mark.outside
def test_a_target_that_refuses_shows_in_health(tmp_path):
    sink, outlet = sink_of(tmp_path)
    outlet.tell("bed-1", Told(at(1), changes=(change(1),)))
    sink._work()
    sink._parts.spool.refused("nurse", time.time() + 60, "the server answers with status 401")
    sink._look_due = 0.0
    sink._work()
    assert outlet.health()["notify"].problem == "nurse: the server answers with status 401 (1 tries, 1 wait)"


@pytest.mark.outside
def test_a_sender_that_nobody_starts_shows_in_health(tmp_path, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(module, "monotonic", lambda: clock[0])
    sink, outlet = sink_of(tmp_path)
    outlet.tell("bed-1", Told(at(1), changes=(change(1),)))
    for _ in range(5):
        sink._work()
        clock[0] += 20
    assert "edge-fer-notify.path" in outlet.health()["notify"].problem
    sink._parts.spool.clear_wake()
    sink._work()
    assert outlet.health()["notify"].problem == ""


@pytest.mark.outside
def test_a_trouble_is_told_once_and_over_a_restart_too(tmp_path):
    found = []
    for _ in range(2):
        sink, _outlet = sink_of(tmp_path, facts=lambda: NodeFacts(lost=frozenset({"bed-1"})))
        for second in (0, 30, 61, 200):
            sink._clock, sink._look_due = lambda second=second: at(second), 0.0
            sink._work()
        found.append(sink._parts.spool.status()["nurse"].waiting)
    assert found == [1, 1]


@pytest.mark.outside
def test_a_spool_that_was_moved_away_is_made_anew(tmp_path):
    sink, outlet = sink_of(tmp_path)
    sink._work()
    (sink._parts.spool.folder / FILE).unlink()
    outlet.tell("bed-1", Told(at(1), changes=(change(1),)))
    sink._look_due = 0.0
    sink._work()
    sink._work()
    assert sink._parts.spool.noted("settings")["place"] == "Ward 3"
    assert len(told(sink)) == 2


def driver(folder: Path, config: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.notify.driver", str(config), str(folder / "count"), "100", "0.05"]
    )


def sender_of(process) -> int | None:
    """The id of the sender that a process has started; None where none runs."""
    for file in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):
            if f"\nPPid:\t{process.pid}\n" in file.read_text() and b"edge_fer.notify" in (
                file.with_name("cmdline").read_bytes()
            ):
                return int(file.parent.name)
    return None


class KilledPair:
    """Daemon and sender, of which either is killed at random, until both have ended by themselves."""

    def __init__(self, folder, config, chance):
        self._start = lambda: driver(folder, config)
        self._chance = chance
        self.daemon = self._start()
        self.kills, self.senders = 0, set()

    def kill_some(self):
        sender = sender_of(self.daemon)
        self.senders |= {sender} - {None}
        which = self._chance.random()
        if sender is not None and which < 0.6:
            with suppress(ProcessLookupError):
                os.kill(sender, signal.SIGKILL)
            self.kills += 1
        if which > 0.4:
            self.daemon.kill()
            self.daemon.wait()
            self.kills += 1

    def is_over(self):
        """Whether the daemon has told all; one that was killed is started again."""
        if self.daemon.poll() == 0:
            return True
        if self.daemon.poll() is not None:
            self.daemon = self._start()
        return False


@pytest.mark.slow
def test_a_hundred_alerts_outlive_kills_of_both_processes(tmp_path):
    """The targets are down for a while, and daemon and sender are killed again and again."""
    chance = random.Random(11)  # noqa: S311 - to be the same each time
    with Webhook() as hook, NtfyServer() as ntfy:
        at_once = {"group": "0s", "limit": {"messages": 1000, "per": "1m"}}
        notify = {"targets": {"hook": {"url": hook.url}, "ntfy": {"url": ntfy.url}}} | at_once
        config, counter = tmp_path / "config.yaml", tmp_path / "count"
        config.write_text(json.dumps({"state_dir": str(tmp_path), "node": {"id": "n"}, "notify": notify}))
        pair = KilledPair(tmp_path, config, chance)
        deadline = time.monotonic() + 400
        while not pair.is_over():
            assert time.monotonic() < deadline, Spool(tmp_path / "notify").status()
            time.sleep(chance.uniform(1.0, 3.5))
            done = int(counter.read_text()) if counter.exists() else 0
            hook.status = ntfy.status = 503 if done in range(20, 60) and pair.kills < 10 else 200
            if pair.kills < 14:
                pair.kill_some()
        for server in (hook, ntfy):
            check_told(server, pair.kills, 100)
        assert len(pair.senders) >= 2, "how many are met depends on the machine"


@pytest.mark.outside
def test_with_a_page_an_alert_waits_with_a_link_and_without_a_key_it_waits_all_the_same(tmp_path, caplog):
    sink, outlet = sink_of(tmp_path, {"targets": TARGETS, "page": "https://ward.lan:8443/"})
    (tmp_path / ".link.key.new").mkdir()
    outlet.tell("bed-1", Told(at(1), changes=(change(1),)))
    sink._work()
    assert ["link" in one.facts for one in told(sink)] == [False, False]
    assert "an alert is told without a link" in caplog.text
    (tmp_path / ".link.key.new").rmdir()
    outlet.tell("bed-2", Told(at(2), changes=(change(2, camera="bed-2"),)))
    sink._work()
    links = [one.facts["link"] for one in told(sink) if one.camera == "bed-2"]
    assert len(set(links)) == 2
    assert all(link.startswith("https://ward.lan:8443/acknowledge?token=") for link in links)
    assert b"distress" not in b"".join(file.read_bytes() for file in tmp_path.glob("link*"))
