"""When the daemon ends, and with what word. Its cameras are scripted; their threads are real elsewhere."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest

from edge_fer.clock.system import SystemClock
from edge_fer.daemon.service import Service
from edge_fer.errors import EdgeFerError, SourceError, SourceStuckError


@dataclass
class Loop:
    error: Exception | None = None
    reason: str = ""
    stuck: int = 0


@dataclass
class ScriptedCamera:
    name: str = "front"
    ended: bool = False
    lost_since: float | None = None
    error: Exception | None = None
    moves: bool = True
    loop: Loop = field(default_factory=Loop)
    log: list = field(default_factory=list)

    def start(self):
        self.log.append("start")

    def stop(self):
        self.log.append("stop")
        self.ended = True

    def join(self, timeout):
        self.log.append("join")

    def moving(self, now, within):
        return self.moves


class Link:
    def __init__(self, log):
        self.log = log
        self.moves = True

    def start(self):
        self.log.append("link up")

    def moving(self, within):
        return self.moves

    def close(self, timeout, *, last):
        self.log.append("link down")


class Node:
    def __init__(self, log, on_tick):
        self.log = log
        self.tick = on_tick

    def announce(self):
        self.log.append("announce")

    def tell_health(self):
        self.log.append("health")

    def adopt(self, settings):
        return False


@pytest.fixture
def service():
    def make(*cameras, link_moves=True, on_tick=lambda _: None, **options):
        log = cameras[0].log
        link = Link(log)
        link.moves = link_moves
        return Service(cameras, link, Node(log, on_tick), clock=SystemClock(), **options)

    return make


def test_it_ends_in_good_order_when_told_to(service):
    camera = ScriptedCamera()
    it = service(camera)
    it.stop()
    it.run()
    assert camera.log == ["announce", "link up", "start", "stop", "join", "health", "link down"]


def test_it_ends_when_every_recording_is_over(service):
    service(ScriptedCamera(ended=True), ScriptedCamera(name="back", ended=True)).run()


def test_recordings_that_failed_are_all_told(service):
    broken = [ScriptedCamera(name=name, ended=True, loop=Loop(error=SourceError(f"{name} is broken"))) for name in "ab"]
    with pytest.raises(SourceError, match="a is broken; b is broken"):
        service(*broken).run()


def test_being_told_to_stop_is_no_failure_even_with_a_recording_that_was(service):
    broken = ScriptedCamera(name="broken", ended=True, loop=Loop(error=SourceError("it is broken")))
    it = service(ScriptedCamera(), broken)
    threading.Timer(0.1, it.stop).start()
    it.run()


def test_one_camera_that_works_is_reason_enough_to_go_on(service):
    lost = ScriptedCamera(name="lost", lost_since=-1000.0)
    it = service(ScriptedCamera(), lost, ScriptedCamera(name="over", ended=True), all_lost_after=1)
    threading.Timer(0.8, it.stop).start()
    it.run()


@pytest.mark.slow
def test_it_stays_and_says_so_when_all_cameras_have_been_lost_for_long(service, caplog):
    lost = [ScriptedCamera(name=name, lost_since=-1000.0, loop=Loop(reason=f"{name} is unplugged")) for name in "ab"]
    it = service(*lost, all_lost_after=60)
    threading.Timer(2.0, it.stop).start()
    it.run()
    assert caplog.text.count("a is unplugged; b is unplugged. Check the cameras") == 1
    assert lost[0].log[-1] == "link down"


def test_it_makes_way_for_another_without_a_word_of_stopping(service, monkeypatch):
    said = []
    monkeypatch.setattr("edge_fer.daemon.service.notify", lambda *states: said.append(states[0]))
    camera = ScriptedCamera()
    it, other = service(camera), service(ScriptedCamera())
    it.reload()
    assert it.run(lambda: other) is other
    assert camera.log[-4:] == ["stop", "join", "health", "link down"]
    assert [word for word in said if word != "WATCHDOG=1"] == ["READY=1", "RELOADING=1"]


@pytest.mark.slow
def test_it_goes_on_where_nothing_can_take_its_place(service, monkeypatch):
    said = []
    monkeypatch.setattr("edge_fer.daemon.service.notify", lambda *states: said.append(states[0]))
    looks = []
    it = service(ScriptedCamera(), on_tick=lambda mono: looks.append(mono) or (len(looks) == 3 and it.stop()))
    asked = []
    it.reload()
    assert it.run(lambda: asked.append("once")) is None
    assert asked == ["once"]
    assert [word for word in said if word != "WATCHDOG=1"] == ["READY=1", "RELOADING=1", "READY=1", "STOPPING=1"]


def test_a_camera_that_hangs_in_its_driver_ends_it_although_another_works(service):
    stuck = ScriptedCamera(name="stuck", ended=True, loop=Loop(error=SourceStuckError("stuck is silent"), stuck=1))
    it = service(ScriptedCamera(), stuck)
    with pytest.raises(SourceStuckError, match="stuck is silent"):
        it.run()
    assert it.stuck


def test_a_fault_of_ours_ends_it_with_a_word(service):
    with pytest.raises(EdgeFerError, match="camera front: its pipeline failed with ValueError: oh"):
        service(ScriptedCamera(error=ValueError("oh"))).run()


def test_threads_that_hang_are_known(service):
    assert service(ScriptedCamera()).stuck
    assert service(ScriptedCamera(ended=True, loop=Loop(stuck=1))).stuck
    assert not service(ScriptedCamera(ended=True)).stuck


@pytest.mark.slow
def test_the_watchdog_is_fed_only_while_everything_moves(service, monkeypatch):
    said = []
    monkeypatch.setattr("edge_fer.daemon.service.notify", said.append)
    cases = [
        ([ScriptedCamera()], True),
        ([ScriptedCamera(moves=False)], False),
        ([ScriptedCamera(), ScriptedCamera(moves=False)], False),
        ([ScriptedCamera(), ScriptedCamera(lost_since=0.0)], True),
        ([ScriptedCamera(lost_since=0.0)], True),
    ]
    for cameras, moves in cases:
        said.clear()
        stop = []
        it = service(*cameras, all_lost_after=1e9, on_tick=lambda _, stop=stop: stop[0]())
        stop.append(it.stop)
        it.run()
        assert ("WATCHDOG=1" in said) is moves
        assert (said[0], said[-1]) == ("READY=1", "STOPPING=1")


def test_a_link_that_hangs_does_not_feed_the_watchdog_and_is_told(service, monkeypatch, caplog):
    said, stop = [], []
    monkeypatch.setattr("edge_fer.daemon.service.notify", said.append)
    it = service(ScriptedCamera(), link_moves=False, on_tick=lambda _: stop[0]())
    stop.append(it.stop)
    it.run()
    assert "WATCHDOG=1" not in said
    assert "the link to the broker has not moved" in caplog.text
