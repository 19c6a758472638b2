"""Publishes wanted configs ring by ring, and stops where a node refuses one or its health falls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final

from edge_fer.contract.messages.fleet import revision_of
from edge_fer.errors import FleetError
from edge_fer.fleet.folder import FleetFolder
from edge_fer.fleet.line import OperatorLine
from edge_fer.fleet.nodes import FleetNode
from edge_fer.fleet.status import NodeView, config_problems, parsed, problems_of, read_status
from edge_fer.fleet.wanted import message_for, revisions_wanted, wanted_of

__all__ = ["Change", "Rollout", "differences", "planned", "strangers"]

#: Beginnings of problems that stop a rollout where they are new.
_FALLING: Final = ("silent", "hot", "backed up", "camera ", "update refused")

#: Seconds that a problem lasts before it counts. A node that starts over is offline for a moment, and tells in its next
#: `health`, half a minute later, that its cameras are back.
_LASTING: Final = 40.0


@dataclass(frozen=True, slots=True)
class Change:
    """A wanted config that is not published as it stands in the folder.

    Attributes:
        ring: whose nodes take it.
        scope: whose config it is.
        topic: where it is published.
        before: what is published now, as it was published; empty: nothing.
        config: what the folder has.
    """

    ring: str
    scope: str
    topic: str
    before: bytes
    config: Mapping[str, Any]

    def lines(self) -> Iterator[str]:
        """What differs, key by key."""
        old = parsed(self.before).get("config")
        was = dict(_flat(old if isinstance(old, Mapping) else {}))
        now = dict(_flat(self.config))
        for key in dict.fromkeys((*was, *now)):
            if was.get(key, ...) != now.get(key, ...):
                yield f"{key}: {_shown(was, key)} -> {_shown(now, key)}"


def planned(folder: FleetFolder, values: Mapping[str, bytes]) -> list[Change]:
    """What is to be published, ring by ring, and in each the groups before the nodes."""
    found: dict[str, Change] = {}
    for ring in folder.settings.rings:
        nodes = [node for node in folder.nodes.values() if node.ring == ring]
        rows = [(scope, topic, node) for node in nodes for scope, topic in folder.topics_of(node).items()]
        # shared ones first: a node's own may build on them
        for scope, topic, node in sorted(rows, key=lambda row: row[0] in folder.nodes):
            if topic not in found:
                config = wanted_of(folder, node).get(scope, {})
                found[topic] = Change(ring, scope, topic, values.get(topic, b""), config)
    return [one for one in found.values() if _differs(one)]


def _differs(change: Change) -> bool:
    published = parsed(change.before)
    if not change.config:
        return bool(published.get("config"))
    return published.get("revision") != revision_of(change.config)


def strangers(folder: FleetFolder, values: Mapping[str, bytes]) -> list[str]:
    """Topics with wanted configs of nodes and groups that there are no longer."""
    ours = {topic for node in folder.nodes.values() for topic in folder.topics_of(node).values()}
    wanted = [topic for topic, payload in values.items() if topic.endswith("/config/desired") and payload]
    return sorted(topic for topic in wanted if topic not in ours)


def differences(folder: FleetFolder, seen: Mapping[str, NodeView]) -> dict[str, list[str]]:
    """The nodes whose config in force is not what is wanted, and in what way."""
    found = {}
    for name, node in folder.nodes.items():
        if problems := config_problems(seen[name].reported, revisions_wanted(folder, node)):
            found[name] = problems
    return found


@dataclass(frozen=True, slots=True)
class Rollout:
    """One rollout.

    Attributes:
        folder: of the fleet.
        line: to the broker; has read what is published.
        by: who asks, for `audit`.
        say: prints a line.
        within: seconds for the nodes of a ring to report that a config is in force.
        watch: seconds for which their health is looked at then.
        clock: the time.
    """

    folder: FleetFolder
    line: OperatorLine
    by: str
    say: Callable[[str], None]
    within: float = 60.0
    watch: float = 60.0
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def run(self, *, allow_silent: bool = False) -> None:
        """Publishes what differs, ring by ring.

        Args:
            allow_silent: whether a ring of which no node is online holds nothing up.

        Raises:
            FleetError: it has stopped; the ring that it stopped at has what it had before.
        """
        changes = planned(self.folder, self.line.values)
        rings = [ring for ring in self.folder.settings.rings if any(one.ring == ring for one in changes)]
        if not rings:
            self.say("Everything that is wanted is published already.")
        for ring in rings:
            self._ring(ring, [one for one in changes if one.ring == ring], allow_silent=allow_silent)
        if old := strangers(self.folder, self.line.values):
            self.line.publish(dict.fromkeys(old, ""))
            self.say(f"Cleared what was wanted of {len(old)} nodes or groups that there are no longer.")

    def _ring(self, ring: str, changes: Sequence[Change], *, allow_silent: bool) -> None:
        nodes = [node for node in self.folder.nodes.values() if node.ring == ring and self._concerns(node, changes)]
        before = self._seen()
        online = [node for node in nodes if before[node.name].online]
        if not online and not allow_silent:
            msg = f"no node of the ring {ring} is online to try it"
            raise FleetError(msg, remedy="Wait for one, or go on without with --allow-silent")
        problems_before = {node.name: self._falling(node, before) for node in online}
        self.say(f"ring {ring}: {len(changes)} configs for {len(nodes)} nodes, of which {len(online)} are online")
        started = monotonic()
        self.line.publish({one.topic: message_for(one.config, self.by) for one in changes})
        self.line.wait(lambda _: self._settled(online), self.within)
        troubles = self._refusals(online) or self._late(online)
        if not troubles:
            self.say(f"ring {ring}: in force on all of them after {monotonic() - started:.1f} s")
            troubles = self._watched(online, problems_before)
        if troubles:
            self._stop(ring, changes, troubles)

    def _watched(self, nodes: Sequence[FleetNode], before: Mapping[str, set[str]]) -> dict[str, list[str]]:
        """The nodes that have lasting problems which they had not before, once they were watched for long enough."""
        until, since = monotonic() + self.watch, dict[tuple[str, str], float]()
        while True:
            now, seen = monotonic(), self._seen()
            fresh = {(node.name, one) for node in nodes for one in self._falling(node, seen) - before[node.name]}
            since = {one: since.get(one, now) for one in fresh}
            lasting: dict[str, list[str]] = {}
            for name, problem in sorted(one for one, began in since.items() if now - began >= _LASTING):
                lasting.setdefault(name, []).append(problem)
            if lasting or (now >= until and not fresh):
                return lasting
            self.line.wait(lambda _: False, 1.0)

    def _stop(self, ring: str, changes: Sequence[Change], troubles: Mapping[str, Sequence[str]]) -> None:
        """Has the ring want what it wanted before, and says why."""
        # a node has no way to see that a topic was cleared while it was away, so what wants nothing says so
        nothing = message_for({}, self.by)
        self.line.publish({one.topic: one.before.decode("utf-8", "replace") or nothing for one in changes})
        for name, found in list(troubles.items())[:20]:
            self.say(f"  {name}: {'; '.join(found)}")
        msg = f"the rollout stopped at the ring {ring}: {len(troubles)} nodes are not well with it"
        remedy = "That ring has what it had before, later rings nothing new. Change it with `edge-fer fleet set`"
        raise FleetError(msg, remedy=remedy)

    def _concerns(self, node: FleetNode, changes: Sequence[Change]) -> bool:
        topics = set(self.folder.topics_of(node).values())
        return any(one.topic in topics for one in changes)

    def _seen(self) -> dict[str, NodeView]:
        return read_status(self.folder, self.line.values)

    def _settled(self, nodes: Sequence[FleetNode]) -> bool:
        return bool(self._refusals(nodes)) or not self._late(nodes)

    def _refusals(self, nodes: Sequence[FleetNode]) -> dict[str, list[str]]:
        seen, found = self._seen(), {}
        for node in nodes:
            wanted = revisions_wanted(self.folder, node)
            reported = seen[node.name].reported
            refused = reported.get("refused")
            if isinstance(refused, Mapping) and any(refused.get(scope) == wanted[scope] for scope in wanted):
                found[node.name] = config_problems(reported, wanted)
        return found

    def _late(self, nodes: Sequence[FleetNode]) -> dict[str, list[str]]:
        seen, found = self._seen(), {}
        for node in nodes:
            if problems := config_problems(seen[node.name].reported, revisions_wanted(self.folder, node)):
                found[node.name] = problems
        return found

    def _falling(self, node: FleetNode, seen: Mapping[str, NodeView]) -> set[str]:
        found = problems_of(seen[node.name], self.clock(), usual_version=seen[node.name].version, wanted={})
        # how many messages wait is no new problem each time
        return {problem.partition(":")[0] for problem in found if problem.startswith(_FALLING)}


def _flat(tree: Mapping[str, Any], path: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in tree.items():
        here = f"{path}.{key}" if path else key
        found += _flat(value, here) if isinstance(value, Mapping) and value else [(here, value)]
    return found


def _shown(values: Mapping[str, Any], key: str) -> str:
    return str(values[key]) if key in values else "as in its files"
