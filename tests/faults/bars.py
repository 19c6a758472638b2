"""What a run must have shown, and the table that tells it."""

from __future__ import annotations

from collections import Counter
from statistics import median

from edge_fer.contract.messages import MessageKind
from tests.faults.driver import KEEPALIVE
from tests.faults.judge import Verdict
from tests.faults.suite import Outcome

__all__ = ["failures", "table"]

#: Bytes by which a node's memory may grow: what allocators and samplers do by chance.
GROWTH = 2_000_000
#: Seconds until all retained values are right again, and in which a kill may take what was handed over.
RIGHT_AGAIN, IN_MEMORY = 10.0, 1.0
#: Faults from which on a run must have seen everything that there is to see.
LONG = 100


def failures(outcome: Outcome, *, patience: float = 1.0) -> list[str]:
    """Which bars the run has not held; those of time are `patience` times as long, for a machine that is busy."""
    found = [f"{name}: {error}" for name, verdict in outcome.nodes.items() for error in verdict.errors]
    found += [f"the outbox of {name} is damaged" for name in outcome.unsound]
    if outcome.growth > GROWTH:
        found.append(f"memory grew by {outcome.growth:,} bytes")
    if max(outcome.noticed, default=0.0) > patience * KEEPALIVE:
        found.append(f"a dead connection was noticed only after {max(outcome.noticed):.1f} s")
    if max(outcome.recovered) > patience * RIGHT_AGAIN:
        found.append(f"retained values were wrong for {max(outcome.recovered):.1f} s")
    for name, verdict in outcome.nodes.items():
        if verdict.in_memory_for > patience * IN_MEMORY:
            found.append(f"{name}: a kill took what was handed over {verdict.in_memory_for:.2f} s before")
        if verdict.unkept:
            found.append(f"{name}: a proper end took {verdict.unkept} messages that were handed over")
        if verdict.dropped[MessageKind.ALERT_EVENT]:
            found.append(f"{name}: alert events were given up")
    return found + _hollow(outcome)


def _hollow(outcome: Outcome) -> list[str]:
    """What the run should have seen and has not, so that it shows less than it seems to."""
    all_of = _added_up(outcome)
    seen = {
        "nothing was given up on a full disk": all_of.dropped.total() or not outcome.faults["disk full"],
        "nothing was sent twice": all_of.repeated,
        "nothing was marked as late": all_of.replayed,
        "no time was put right": all_of.put_right,
    }
    return [what for what, was_seen in seen.items() if not was_seen] if outcome.faults.total() >= LONG else []


def _added_up(outcome: Outcome) -> Verdict:
    found = Verdict()
    for verdict in outcome.nodes.values():
        found.told += verdict.told
        found.arrived += verdict.arrived
        found.dropped += verdict.dropped
        for number in ("damaged", "repeated", "replayed", "put_right", "in_memory"):
            setattr(found, number, getattr(found, number) + getattr(verdict, number))
        found.in_memory_for = max(found.in_memory_for, verdict.in_memory_for)
    return found


def table(outcome: Outcome) -> str:
    """What the run has shown, as a page shows it."""
    all_of = _added_up(outcome)
    rows = [
        ("faults, and how many of them two at once", f"{outcome.faults.total()}, {2 * outcome.pairs}"),
        ("messages that the outboxes were given", _by_kind(all_of.told)),
        ("messages that arrived", _by_kind(all_of.arrived)),
        ("given up on full disks, and counted by the node", _by_kind(all_of.dropped)),
        ("damaged in the outbox, set aside and counted", f"{all_of.damaged:,}"),
        ("lost beyond that", f"{_errors(outcome, 'lost')}"),
        ("out of order within their topic", f"{_errors(outcome, 'order')}"),
        ("sent more than once, with the same `seq`", f"{all_of.repeated:,}"),
        ("told twice under another `seq`, or a `seq` used twice", f"{_errors(outcome, '`seq`')}"),
        ("damaged outboxes", f"{len(outcome.unsound)}"),
        ("marked `replayed`", f"{all_of.replayed:,}"),
        ("time of capture put right after the clock was", f"{all_of.put_right:,}"),
        ("handed over, and still in memory at a SIGKILL", f"{all_of.in_memory:,} (in memory for {_ms(all_of)} ms)"),
        (f"silence noticed (keep-alive {KEEPALIVE:g} s)", _times(outcome.noticed)),
        ("retained values right again after a fault", _times(outcome.recovered)),
        ("memory of the node that was never killed", _memory(outcome)),
        ("seed, and time that it took", f"{outcome.seed}, {outcome.seconds / 60:.1f} min"),
    ]
    lines = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
    lines += ["", "| fault | times |", "|---|---|"]
    lines += [f"| {kind} | {count} |" for kind, count in outcome.faults.most_common()]
    return "\n".join(lines)


def _errors(outcome: Outcome, word: str) -> int:
    return sum(word in error for verdict in outcome.nodes.values() for error in verdict.errors)


def _by_kind(counts: Counter[MessageKind]) -> str:
    names = {MessageKind.ALERT_EVENT: "alert events", MessageKind.EVENT: "events", MessageKind.SUMMARY: "summaries"}
    return ", ".join(f"{counts[kind]:,} {name}" for kind, name in names.items())


def _ms(verdict: Verdict) -> str:
    return f"up to {1000 * verdict.in_memory_for:.0f}" if verdict.in_memory else "0"


def _times(seconds: list[float]) -> str:
    return f"median {median(seconds):.2f} s, at most {max(seconds):.2f} s" if seconds else "none"


def _memory(outcome: Outcome) -> str:
    return f"{outcome.memory[0] / 1e6:.1f} MB; {outcome.growth / 1e6:+.2f} MB from the second quarter to the last"
