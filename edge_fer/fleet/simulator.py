"""Simulated nodes: each with a link, an outbox and a composer of its own, over real connections; and their faults."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Event
from time import monotonic

from edge_fer import __version__
from edge_fer.contract.composer import Composer
from edge_fer.contract.messages import CameraHealth, CameraInfo, FrameWork, Message, MessageKind, ModelInfo, PrivacyInfo
from edge_fer.contract.topics import Topics
from edge_fer.errors import FleetError
from edge_fer.fleet.script import Script, ScriptLine, moved, passes
from edge_fer.mqtt.link import Link
from edge_fer.mqtt.settings import BrokerSettings
from edge_fer.sinks.mqtt import MqttSink
from edge_fer.types import LABEL_NAMES, Instant

__all__ = ["Faults", "SimulatedNode", "Simulation", "SimulationOutcome"]

#: Seconds between two messages of `health`, as of the daemon.
_HEALTH_EVERY = 30.0
#: Seconds for the last messages to be acknowledged, while there is a broker.
_DRAIN = 60.0


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong.

    Attributes:
        storm_every: seconds between reconnect storms, in which all nodes connect anew at once; 0: none.
        skew: seconds by which clocks are wrong, at most, to either side.
        silent: share of the nodes that say nothing more after a third of the time, though they stay connected.
    """

    storm_every: float = 0.0
    skew: float = 0.0
    silent: float = 0.0


@dataclass(frozen=True, slots=True)
class SimulatedNode:
    """A node: what it is called, where it stands, and how it gets to the broker."""

    name: str
    site: str
    broker: BrokerSettings
    prefix: str


@dataclass(slots=True)
class SimulationOutcome:
    """What was sent.

    Attributes:
        nodes: how many there were.
        seconds: how long it took.
        sent: messages by kind that were posted to the outboxes.
        waiting: messages that the broker had not acknowledged at the end.
        connections: how often nodes connected.
        last: how many messages went to each topic by way of the outbox, which is its last `seq`.
    """

    nodes: int
    seconds: float
    sent: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    connections: int = 0
    last: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {
            "nodes": self.nodes,
            "seconds": round(self.seconds, 1),
            "sent": dict(self.sent),
            "waiting": self.waiting,
            "connections": self.connections,
            "last_seq": dict(sorted(self.last.items())),
        }


class _Counting:
    """The link of one node, of which it is counted what goes through."""

    def __init__(self, link: Link, outcome: SimulationOutcome) -> None:
        self.link = link
        self._outcome = outcome

    def post(self, topic: str, kind: MessageKind, payload: Message, at: Instant, /) -> None:
        """Counts and hands on."""
        self._outcome.sent[kind.value] += 1
        self._outcome.last[topic] += 1
        self.link.post(topic, kind, payload, at)

    def retain(self, topic: str, payload: Message | str, at: Instant, /) -> None:
        """Counts and hands on."""
        self._outcome.sent["retained"] += 1
        self.link.retain(topic, payload, at)

    def reply(self, topic: str, payload: Message, /) -> None:
        """Nobody asks."""

    def clear(self, topic: str, /) -> None:
        """Hands on."""
        self.link.clear(topic)


class _Actor:
    """One simulated node at work."""

    def __init__(
        self,
        node: SimulatedNode,
        script: Script,
        folder: Path,
        *,
        skew: float,
        begin: float,
        outcome: SimulationOutcome,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._skew = timedelta(seconds=skew)
        self._topics = Topics(node.name, node.prefix)
        self._composer = Composer(node.name, node.site)
        self.link = Link(broker=node.broker, topics=self._topics, outbox=folder / "outbox.sqlite", clock=self.clock)
        self._counting = _Counting(self.link, outcome)
        self._sink = MqttSink(self._counting, self._topics, self._composer)
        self._script = script
        self._name = node.name
        self._frames = 0
        self.silent = False
        self.started = self.clock()
        self.lines = passes(script, begin)

    def clock(self) -> Instant:
        """The node's own, which may be wrong."""
        return Instant(monotonic(), datetime.now(UTC) + self._skew)

    def open(self) -> None:
        """Announces itself and connects."""
        now = self.clock()
        model = ModelInfo(name="simulated", sha256="0" * 64, runtime="none", labels=list(LABEL_NAMES), scores={})
        cameras = {name: CameraInfo(source="trace", kind="trace", size=None) for name in self._script.rules}
        private = PrivacyInfo(pictures_published=False, events_published=True, k_minimum=1)
        info = self._composer.info(
            now, version=__version__, model=model, detector="none", cameras=cameras, privacy=private
        )
        self._counting.retain(self._topics.info, info, now)
        for camera, rules in self._script.rules.items():
            self._sink.begin(camera, rules, now)
            self._sink.online(camera, True, now)
        self.link.start()

    def say(self, number: int, line: ScriptLine, *, due: float) -> None:
        """Says one line of the script, as if it were now."""
        if self.silent:
            return
        # everything in a line is before its own time, by the same distance as in the trace
        by = due - line.told.at.mono
        now = self.clock()
        utc = now.utc - timedelta(seconds=now.mono - due) - line.told.at.utc
        self._frames += 1
        self._sink.tell(line.camera, moved(line.told, by=by, utc=utc, salt=f"{self._name} {number}"))

    def health(self) -> None:
        """Says how it is."""
        if self.silent:
            return
        now = self.clock()
        uptime = now.mono - self.started.mono
        frames = int(10 * uptime)
        work = FrameWork(rested=0, followed=0, detected=frames)
        camera = CameraHealth(
            online=True, fps=10.0, fps_limit=None, frames=frames, skipped=0, dropped=0, work=work, stalls=0, losses=0,
            latency_ms={},
        )  # fmt: skip
        told = self._composer.health(
            now,
            uptime=uptime,
            rss=110_000_000,
            temperature=50.0,
            throttling=[],
            cameras=dict.fromkeys(self._script.rules, camera),
            link=self.link.status(),
        )
        self._counting.retain(self._topics.health, told, now)


class Simulation:
    """Many nodes that say what a trace says, each from another moment of it on.

    Args:
        nodes: who takes part.
        scripts: what they say; each node says one of them.
        folder: where their outboxes go.
        faults: what goes wrong.
        seed: of all that is random.
        say: told how it goes, now and then.
    """

    def __init__(
        self,
        nodes: Sequence[SimulatedNode],
        scripts: Sequence[Script],
        folder: Path,
        *,
        faults: Faults | None = None,
        seed: int = 1,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._faults = faults or Faults()
        self._random = Random(seed)  # noqa: S311 - the same again with the same seed
        self._say = say
        self.outcome = SimulationOutcome(len(nodes), 0.0)
        self._actors = [
            _Actor(
                node,
                script := scripts[number % len(scripts)],
                folder / node.name,
                skew=self._random.uniform(-self._faults.skew, self._faults.skew),
                begin=self._random.uniform(0, script.length),
                outcome=self.outcome,
            )
            for number, node in enumerate(nodes)
        ]

    def run(self, seconds: float, stopped: Event) -> SimulationOutcome:
        """Runs for so long, or until it is stopped; then waits until the broker has everything."""
        began = monotonic()
        try:
            for number, actor in enumerate(self._actors):
                try:
                    actor.open()
                except RuntimeError as error:
                    msg = f"the system allows no more threads: {number} of {len(self._actors)} nodes were started"
                    remedy = f"Start several simulators with at most --nodes {max(1, number // 2)}, or raise the limit"
                    raise FleetError(msg, remedy=remedy) from error
            self._play(seconds, stopped)
            self._drain(stopped)
        finally:
            for actor in self._actors:
                status = actor.link.status()
                self.outcome.waiting += status.depth
                self.outcome.connections += status.connections
                actor.link.close(3.0)
        self.outcome.seconds = monotonic() - began
        return self.outcome

    def _play(self, seconds: float, stopped: Event) -> None:
        begin = monotonic()
        due: list[tuple[float, int, Callable[[], None]]] = []
        order = iter(range(1 << 62))

        def at(when: float, action: Callable[[], None]) -> None:
            heapq.heappush(due, (when, next(order), action))

        def follow(actor: _Actor, lines: Iterator[tuple[float, int, ScriptLine]]) -> None:
            after, number, line = next(lines)

            def speak() -> None:
                actor.say(number, line, due=begin + after)
                follow(actor, lines)

            at(begin + after, speak)

        def every(actor: _Actor, when: float) -> None:
            def tell() -> None:
                actor.health()
                every(actor, when + _HEALTH_EVERY)

            at(when, tell)

        for actor in self._actors:
            follow(actor, actor.lines)
            every(actor, begin + self._random.uniform(0, min(_HEALTH_EVERY, seconds / 2)))
        if self._faults.storm_every:
            self._storms(begin, at)
        hushed = self._random.sample(self._actors, round(self._faults.silent * len(self._actors)))
        at(begin + seconds / 3, lambda: self._hush(hushed))
        while due and not stopped.is_set() and due[0][0] < begin + seconds:
            when, _, action = heapq.heappop(due)
            if (left := when - monotonic()) > 0 and stopped.wait(left):
                return
            action()
        stopped.wait(max(0.0, begin + seconds - monotonic()))

    def _storms(self, when: float, at: Callable[[float, Callable[[], None]], None]) -> None:
        def storm() -> None:
            self._say(f"all {len(self._actors)} nodes connect anew")
            for actor in self._actors:
                actor.link.redial()
            self._storms(when + self._faults.storm_every, at)

        at(when + self._faults.storm_every, storm)

    def _hush(self, actors: Sequence[_Actor]) -> None:
        for actor in actors:
            actor.silent = True
        if actors:
            self._say(f"{len(actors)} nodes say nothing from now on")

    def _drain(self, stopped: Event) -> None:
        until = monotonic() + _DRAIN
        while monotonic() < until and not stopped.is_set():
            statuses = [actor.link.status() for actor in self._actors]
            if not any(status.depth for status in statuses) or not any(status.connected for status in statuses):
                return
            stopped.wait(0.2)
