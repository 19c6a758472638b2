"""Sinks behind the filter: each hears what it may, one that fails stops no other, and a new one is one row."""

from __future__ import annotations

import pytest

from edge_fer.config import Layer, load
from edge_fer.contract.composer import Composer
from edge_fer.contract.publisher import Unlinked
from edge_fer.contract.topics import Topics
from edge_fer.pipeline.step import Told
from edge_fer.sample import sample_path
from edge_fer.sinks import registry
from edge_fer.sinks.base import BaseSink, SinkHealth
from edge_fer.sinks.mqtt import MqttSink
from edge_fer.sinks.outlet import Outlet
from edge_fer.sinks.policy import Content, Policy, Right
from edge_fer.sinks.registry import Asked, SinkRow
from edge_fer.types import Summary
from edge_fer.wiring import build_service
from tests.invented import at, reading
from tests.sinks.outputs import contents_of, everything

ALL = Right(frozenset(Content), leaves=False)


class Heard(BaseSink):
    """Remembers what it hears."""

    def __init__(self):
        self.told, self.begun, self.seen_online = [], [], []
        self.opened = self.closed = 0

    def open(self):
        self.opened += 1

    def begin(self, camera, rules, at):
        self.begun.append((camera, *rules))

    def tell(self, camera, told):
        self.told.append((camera, told))

    def online(self, camera, online, at):
        self.seen_online.append((camera, online))

    def close(self):
        self.closed += 1


class Broken(Heard):
    """Fails while it is told to."""

    error: Exception | None = ValueError("it is broken")

    def tell(self, camera, told):
        if self.error:
            raise self.error

    begin = online = lambda self, *_: self.tell("", None)


def outlet_of(**sinks):
    outlet = Outlet(Policy(dict.fromkeys(sinks, ALL)))
    outlet.connect(sinks)
    return outlet


def test_each_sink_hears_what_it_may():
    outlet = Outlet(Policy({"a": ALL, "b": Right(frozenset({Content.SUMMARIES}), leaves=True)}))
    sinks = {"a": Heard(), "b": Heard(), "unknown to the policy": Heard()}
    outlet.connect(sinks)
    outlet.begin("front", ["rule"], at(0))
    outlet.tell("front", everything())
    outlet.online("front", True, at(0))
    a, b, unknown = sinks.values()
    assert (a.begun, b.begun, unknown.begun) == ([("front", "rule")], [("front",)], [("front",)])
    assert a.told == [("front", everything())]
    assert contents_of(b.told[0][1]) == {Content.SUMMARIES}
    assert contents_of(unknown.told[0][1]) == set()
    assert a.seen_online == b.seen_online == [("front", True)]


def test_a_sink_that_fails_stops_no_other_and_is_told_once(caplog):
    before, broken, after = Heard(), Broken(), Heard()
    outlet = outlet_of(before=before, broken=broken, after=after)
    outlet.begin("front", ["rule"], at(0))
    for second in range(50):
        outlet.tell("front", Told(at(second)))
        outlet.online("front", True, at(second))
    assert len(before.told) == len(after.told) == 50
    assert caplog.text.count("the sink broken failed") == 1
    assert "it is broken" in caplog.text
    health = outlet.health()
    assert health["broken"] == SinkHealth(working=False, faults=101)
    assert health["before"] == health["after"] == SinkHealth()


def test_a_sink_that_works_again_is_told_as_working_and_its_faults_stay():
    broken = Broken()
    outlet = outlet_of(broken=broken)
    outlet.tell("front", Told(at(0)))
    broken.error = None
    outlet.tell("front", Told(at(1)))
    assert outlet.health()["broken"] == SinkHealth(working=True, faults=1)


def test_a_sink_that_cannot_say_how_it_is_doing_is_not_working():
    class Mute(Heard):
        def health(self):
            raise RuntimeError("no idea")

    outlet = outlet_of(mute=Mute(), other=Heard())
    assert not outlet.health()["mute"].working
    assert outlet.health()["other"].working


@pytest.mark.outside
@pytest.mark.parametrize(("takes_part", "events"), [(True, "on"), (True, "off"), (False, "on")])
def test_a_new_sink_is_one_row_and_hears_a_real_pipeline(monkeypatch, tmp_path, takes_part, events):
    heard = Heard()
    row = SinkRow(
        name="heard",
        right=Right(frozenset({Content.EVENTS, Content.SUMMARIES}), leaves=True),
        wanted=lambda settings, asked: takes_part and not asked.publish and bool(settings.cameras),
        make=lambda _: heard,
        about="",
        keeps="",
        sends="",
    )
    monkeypatch.setattr(registry, "SINKS", (*registry.SINKS, row))
    text = f"""
        cameras: {{front: {{source: {sample_path()}, speed: fast, faces: {{detector: haar}}}}}}
        privacy: {{events: {events!r}}}
        state_dir: {tmp_path}
    """
    service = build_service(load([Layer("x", text)], settings=False).config, asked=Asked(publish=False))
    service.run()
    if not takes_part:
        assert (heard.opened, heard.told, heard.closed) == (0, [], 0)
        return
    assert (heard.opened, heard.closed) == (1, 1)
    assert heard.begun == [("front",)]
    assert {("front", True), ("front", False)} == set(heard.seen_online)
    found = set().union(*(contents_of(told) for _, told in heard.told))
    assert found == ({Content.EVENTS, Content.SUMMARIES} if events == "on" else {Content.SUMMARIES})


def test_readings_are_only_for_those_that_may_have_them():
    outlet = Outlet(Policy({row.name: row.right for row in registry.SINKS}))
    sinks = {row.name: Heard() for row in registry.SINKS}
    outlet.connect(sinks)
    outlet.tell("front", Told(at(0), readings=(reading(0, "happy", 0.9),), people=1))
    hearing = {name for name, sink in sinks.items() if Content.READINGS in contents_of(sink.told[0][1])}
    assert hearing == {"control", "recent", "trace"}


def test_windows_that_the_history_alone_needs_are_not_published():
    posted = []

    class Link(Unlinked):
        def post(self, _topic, _kind, draft, _at):
            posted.append(draft.window)

    begin, end = at(0).utc, at(900).utc
    windows = [Summary("front", at(900), length, begin, end, 9.0, None) for length in (60, 900, 3600)]
    told = Told(at(900), summaries=tuple(windows))
    topics, composer = Topics("node"), Composer("node")
    MqttSink(Link(), topics, composer, windows={900}).tell("front", told)
    assert posted == ["15m"]
    MqttSink(Link(), topics, composer).tell("front", told)
    assert posted == ["15m", "1m", "15m", "1h"]
