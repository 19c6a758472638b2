"""Runs faults one after another while events flow, and judges what arrived."""

from __future__ import annotations

import contextlib
import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from edge_fer.contract.messages import MessageKind
from tests.broker import HOST, Certificates, Mosquitto, Subscriber, free_port
from tests.faults.driver import LATE
from tests.faults.faults import ACL, FAULTS, TOUCHED, USERS, Scene
from tests.faults.judge import Arrival, Verdict, judge
from tests.faults.node import Node, small_disk, wait_until
from tests.faults.retained import newest, what_is_wrong
from tests.faults.trace import dice

__all__ = ["Outcome", "plan", "run"]

#: Items of each node's trace a second.
RATE = 40.0
#: Megabytes of the small disk.
DISK = 3


@dataclass
class Outcome:
    """What a run has shown.

    Attributes:
        seed: with which it can be run again.
        faults: how many of each kind.
        pairs: how often two were at once.
        nodes: how each node did.
        recovered: seconds after each fault until all retained values were right at the broker.
        noticed: seconds after which each silent connection was given up.
        memory: the steady node's memory after each fault, in bytes.
        seconds: how long it took.
        unsound: outboxes that a kill has left damaged.
    """

    seed: int
    faults: Counter[str] = field(default_factory=Counter)
    pairs: int = 0
    nodes: dict[str, Verdict] = field(default_factory=dict)
    recovered: list[float] = field(default_factory=list)
    noticed: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    seconds: float = 0.0
    unsound: list[str] = field(default_factory=list)

    @property
    def growth(self) -> int:
        """Bytes by which the steady node's memory grew from the second quarter of the run to the last."""
        quarter = max(1, len(self.memory) // 4)
        return int(median(self.memory[-quarter:]) - median(self.memory[quarter : 2 * quarter] or self.memory[:1]))


def plan(count: int, chance: random.Random) -> list[tuple[str, ...]]:
    """So many faults, each kind about as often, in random order; of a long run, a third is two at once."""
    left = ([*FAULTS] * (count // len(FAULTS) + 1))[:count]
    chance.shuffle(left)
    pairs = count // 6 if count > len(FAULTS) else 0
    found: list[tuple[str, ...]] = []
    while left:
        first = left.pop()
        other = next((kind for kind in left if TOUCHED[first].isdisjoint(TOUCHED[kind])), None) if pairs else None
        if other is None:
            found.append((first,))
        else:
            left.remove(other)
            pairs -= 1
            found.append((first, other))
    chance.shuffle(found)
    return found


def _at_once(stage: Scene, kinds: Sequence[str]) -> None:
    """Runs the faults, all at the same time."""
    with ThreadPoolExecutor() as pool:
        for running in [pool.submit(FAULTS[kind], stage) for kind in kinds]:
            running.result()


@contextmanager
def scene(folder: Path, chance: random.Random, hurry: float) -> Iterator[Scene]:
    """A broker, a listener, and three nodes that tell their traces."""
    with contextlib.ExitStack() as stack:
        certificates, encrypted = Certificates(folder / "certificates"), free_port()
        listener = [f"listener {encrypted} {HOST}", f"cafile {certificates.ca}", f"certfile {certificates.server}"]
        listener += [f"keyfile {certificates.server_key}", "require_certificate true"]
        broker = Mosquitto(folder / "broker", users=USERS, acl=ACL, remembers=False, options=listener)
        stack.enter_context(broker)
        seen = stack.enter_context(Subscriber(broker, user="reader", qos=0))
        mounted = stack.enter_context(small_disk(folder / "cramped", DISK))
        secure = {"port": encrypted, "certificates": folder / "certificates"}
        nodes = [Node("steady", folder / "steady", broker, rate=RATE)]
        nodes.append(Node("mortal", folder / "mortal", broker, rate=RATE, **secure))
        nodes.append(Node("cramped", folder / "cramped", broker, rate=RATE, mounted=mounted))
        for node in nodes:
            stack.enter_context(node.proxy)
            stack.callback(node.end)
            node.launch()
        for node in nodes:
            node.wait_until_ready()
        yield Scene(broker, seen, *nodes, chance, certificates, hurry)


def run(folder: Path, *, count: int, seed: int, say: bool = False, hurry: float = 1.0) -> Outcome:
    """A run of so many faults.

    Args:
        folder: for everybody's files.
        count: how many.
        seed: for their order and times.
        say: whether to print how it goes.
        hurry: what the waits are shortened to.

    Raises:
        AssertionError: a node ended by itself, or did not recover.
    """
    chance = dice(seed)
    outcome = Outcome(seed)
    begun = time.monotonic()
    epoch = time.time() - time.monotonic()
    with scene(folder, chance, hurry) as stage:
        for number, kinds in enumerate(plan(count, chance)):
            stage.pause()
            _at_once(stage, kinds)
            outcome.faults.update(kinds)
            outcome.pairs += len(kinds) > 1
            outcome.recovered.append(_until_retained_is_right(stage))
            outcome.memory.append(stage.steady.private_memory)
            if say:
                print(
                    f"{number + 1:4} {' + '.join(kinds):36} right again after {outcome.recovered[-1]:.2f} s", flush=True
                )
        _drain(stage, outcome)
        outcome.noticed = stage.noticed
        for node in stage.nodes:
            outcome.nodes[node.name] = _judged(stage, node, epoch)
    outcome.seconds = time.monotonic() - begun
    return outcome


def _until_retained_is_right(stage: Scene) -> float:
    """Seconds until each node is connected and what the broker has retained is as it should be."""
    begun = time.monotonic()
    for node in stage.nodes:
        node.check_that_it_lives()
        wait_until(lambda: node.ledger["connected"], f"{node.name} is connected again")  # noqa: B023 - used at once
    wrong: dict[str, list[str]] = {}

    def right() -> bool:
        at_least = {node.name: newest(node.ledger) for node in stage.nodes}
        held = stage.broker.retained("edge-fer/#", user="reader")
        for node in stage.nodes:
            wrong[node.name] = what_is_wrong(node.name, node.lives, at_least[node.name], held)
        return not any(wrong.values())

    try:
        wait_until(right, "what the broker has retained is right")
    except AssertionError as error:
        msg = f"{error}: {wrong}"
        raise AssertionError(msg) from None
    return time.monotonic() - begun


def _drain(stage: Scene, outcome: Outcome) -> None:
    """Ends the nodes once they have sent everything, and waits until all has arrived."""
    for node in stage.nodes:
        node.ledger["rest"] = 1
    for node in stage.nodes:
        node.finish()
        if not node.outbox_is_sound():
            outcome.unsound.append(node.name)
    # what the broker has, it has sent before this
    stage.broker.publish("edge-fer/end", "end", user="reader")
    stage.seen.wait_for(lambda m: m.topic == "edge-fer/end", timeout=30)


def _judged(stage: Scene, node: Node, epoch: float) -> Verdict:
    base = f"edge-fer/{node.name}/"
    mine = [m for m in stage.seen.messages if m.topic.startswith(base)]
    endings = tuple(f"/{kind}" for kind in MessageKind)
    arrivals = [Arrival(m.topic, m.payload, m.at) for m in mine if m.topic.endswith(endings)]
    health = [json.loads(m.payload) for m in mine if m.topic == f"{base}health" and m.payload][-1]
    dropped = {MessageKind(kind): count for kind, count in health["outbox"]["dropped"].items()}
    items = [node.ledger.item(number) for number in range(node.ledger["next"])]
    unsynced = [(begin, end) for who, begin, end in stage.unsynced if who is node]
    return judge(
        arrivals,
        items,
        node.ends,
        dropped,
        epoch=epoch,
        late=LATE,
        unsynced=unsynced,
        damaged=node.damaged,
        set_aside=health["outbox"]["damaged"],
    )
