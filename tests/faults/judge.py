"""What arrived, held against the trace. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from edge_fer.contract.messages import MessageKind
from tests.faults.ledger import Item
from tests.faults.trace import expected, kind_of, number_of

__all__ = ["Arrival", "End", "Verdict", "judge"]

#: Seconds by which a time of capture that is said to be right may be off: the machine's own clock is slewed.
RIGHT = 0.5
#: Messages named of each kind of error.
NAMED = 5


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message as the listener got it.

    Attributes:
        topic: where.
        payload: what.
        at: when, by the clock that never jumps.
    """

    topic: str
    payload: str
    at: float


@dataclass(frozen=True, slots=True)
class End:
    """How a life of a node ended.

    Attributes:
        at: when, by the clock that never jumps.
        is_kill: whether by a kill; else by SIGTERM.
    """

    at: float
    is_kill: bool


@dataclass
class Verdict:
    """How a node did.

    Attributes:
        told: items that the outbox was given, by kind.
        arrived: of all items, those that arrived, by kind.
        dropped: given up by the outbox and counted by it, as the node published it, by kind.
        damaged: set aside by the outbox as damaged, as the node published it.
        repeated: messages that came again.
        replayed: messages that were marked as late.
        put_right: messages whose time of capture was put right after a clock was.
        in_memory: items that a kill took before the outbox had committed them.
        unkept: items that a proper end took likewise, because the disk took longer than the end may.
        in_memory_for: seconds before the kill at which the oldest of them was handed over; 0 where there is none.
        errors: everything that must not be.
    """

    told: Counter[MessageKind] = field(default_factory=Counter)
    arrived: Counter[MessageKind] = field(default_factory=Counter)
    dropped: Counter[MessageKind] = field(default_factory=Counter)
    damaged: int = 0
    repeated: int = 0
    replayed: int = 0
    put_right: int = 0
    in_memory: int = 0
    unkept: int = 0
    in_memory_for: float = 0.0
    errors: list[str] = field(default_factory=list)

    def complain(self, what: str, cases: Iterable[object]) -> None:
        """Notes an error with its first cases, where there are any."""
        found = list(cases)
        if found:
            self.errors.append(f"{what}: {len(found)}, such as {', '.join(map(str, found[:NAMED]))}")


def judge(
    arrivals: Sequence[Arrival],
    items: Sequence[Item],
    ends: Sequence[End],
    dropped: Mapping[MessageKind, int],
    *,
    epoch: float,
    late: float,
    unsynced: Sequence[tuple[float, float]] = (),
    damaged: Collection[int] = (),
    set_aside: int = 0,
) -> Verdict:
    """Holds what arrived from one node against the trace.

    Args:
        arrivals: what came on the topics of its outbox, in that order.
        items: what became of each item of the trace that it has come to.
        ends: how each of its lives ended.
        dropped: what it said that it gave up.
        epoch: the wall clock's time at zero of the one that never jumps.
        late: seconds after which a message is to be marked as late.
        unsynced: spans of time in which its clock was wrong.
        damaged: items whose rows in its outbox were damaged; each is set aside, unless it had been sent before.
        set_aside: how many it said that it set aside.
    """
    verdict = Verdict(dropped=Counter({kind: count for kind, count in dropped.items() if count}))
    first = _first_of_each(arrivals, verdict)
    _check_order(first, verdict)
    _check_content(first, verdict)
    _check_times(arrivals, items, verdict, epoch=epoch, late=late, unsynced=unsynced)
    arrived = {number for _, number in first.values()}
    _check_losses(arrived, items, ends, verdict, damaged)
    verdict.damaged = set_aside
    if not len(set(damaged) - arrived) <= set_aside <= len(damaged):
        verdict.complain(f"damaged, of which the node admits {set_aside}", sorted(damaged))
    return verdict


def _first_of_each(arrivals: Sequence[Arrival], verdict: Verdict) -> dict[tuple[str, int], tuple[dict[str, Any], int]]:
    """The first arrival by topic and `seq`: what it said, and its number in the trace; in order of arrival."""
    first: dict[tuple[str, int], tuple[dict[str, Any], int]] = {}
    changed = []
    for arrival in arrivals:
        message = json.loads(arrival.payload)
        key = arrival.topic, message["seq"]
        number = number_of(message)
        verdict.repeated += key in first
        if first.setdefault(key, (message, number))[1] != number:
            changed.append(key)
    verdict.complain("a `seq` that stands for two messages", changed)
    times = Counter(number for _, number in first.values())
    verdict.complain("an item told again under another `seq`", [number for number, n in times.items() if n > 1])
    return first


def _check_order(first: Mapping[tuple[str, int], tuple[dict[str, Any], int]], verdict: Verdict) -> None:
    by_topic: dict[str, list[tuple[int, int]]] = {}
    for (topic, seq), (_, number) in first.items():
        by_topic.setdefault(topic, []).append((seq, number))
    for topic, came in by_topic.items():
        wrong = [(a, b) for a, b in pairwise(came) if not (a[0] < b[0] and a[1] < b[1])]
        verdict.complain(f"out of order in {topic} (`seq`, item)", wrong)


def _check_content(first: Mapping[tuple[str, int], tuple[dict[str, Any], int]], verdict: Verdict) -> None:
    wrong = []
    for (topic, _), (message, number) in first.items():
        says = expected(number)
        if topic.split("/")[3:] != [says["camera"], kind_of(number)] or message | says != message:
            wrong.append(number)
    verdict.complain("a message that does not say what the trace does", wrong)


def _check_times(
    arrivals: Sequence[Arrival],
    items: Sequence[Item],
    verdict: Verdict,
    *,
    epoch: float,
    late: float,
    unsynced: Sequence[tuple[float, float]],
) -> None:
    off, early = [], []
    for arrival in arrivals:
        message = json.loads(arrival.payload)
        number = number_of(message)
        handed = items[number].handed if number < len(items) else 0.0
        if message["clock_synced"]:
            off += [number] * (abs(datetime.fromisoformat(message["ts"]).timestamp() - handed - epoch) > RIGHT)
            verdict.put_right += any(begin < handed < end for begin, end in unsynced)
        if message["replayed"]:
            verdict.replayed += 1
            early += [number] * (arrival.at - handed < late)
    verdict.complain("a time of capture that is said to be right, and is not", off)
    verdict.complain("marked as late without being so", early)


def _check_losses(
    arrived: set[int], items: Sequence[Item], ends: Sequence[End], verdict: Verdict, damaged: Collection[int]
) -> None:
    verdict.complain("a message that nobody told", [n for n in arrived if n >= len(items) or not items[n].handed])
    verdict.arrived.update(map(kind_of, arrived))
    missing: dict[MessageKind, list[int]] = {kind: [] for kind in MessageKind}
    unsettled: Counter[MessageKind] = Counter()
    for number, item in enumerate(items):
        kind = kind_of(number)
        verdict.told[kind] += item.is_settled
        if number in arrived:
            verdict.complain("refused by the outbox, and yet sent", [number] * item.refused)
        elif number in damaged:
            continue
        elif item.is_settled:
            missing[kind].append(number)
        else:
            # handed over, and ended before the outbox said anything
            end = next((end for end in ends if end.at >= item.handed), None)
            if end is None:
                verdict.complain("lost without an end", [number])
            elif end.is_kill:
                unsettled[kind] += 1
                verdict.in_memory += 1
                verdict.in_memory_for = max(verdict.in_memory_for, end.at - item.handed)
            else:
                # which the next life must admit
                missing[kind].append(number)
                verdict.unkept += 1
    for kind, numbers in missing.items():
        # what a kill caught between its commit and our note of it may have been given up later
        if not len(numbers) <= verdict.dropped[kind] <= len(numbers) + unsettled[kind]:
            verdict.complain(f"{kind} lost, of which the node admits {verdict.dropped[kind]}", numbers or ["none lost"])
