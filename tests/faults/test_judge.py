"""The judge notices each thing that must not be, and nothing else."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from edge_fer.contract.messages import MessageKind, rfc3339
from tests.faults.judge import Arrival, End, judge
from tests.faults.ledger import Item, Ledger
from tests.faults.trace import expected, kind_of, number_of
from tests.invented import at

COUNT = 60
#: Items are handed over one a second, and arrive at once.
EPOCH = at(0).utc.timestamp()


def everything():
    """All items, each as it should arrive."""
    found, seqs = [], Counter()
    for number in range(COUNT):
        says = expected(number)
        topic = f"edge-fer/n/camera/{says['camera']}/{kind_of(number)}"
        seqs[topic] += 1
        message = says | {"seq": seqs[topic], "replayed": False, "clock_synced": True}
        message["ts"] = rfc3339(at(number + 1).utc)
        found.append(Arrival(topic, json.dumps(message), number + 1.0))
    return found


def changed(arrival, **fields):
    return Arrival(arrival.topic, json.dumps(json.loads(arrival.payload) | fields), arrival.at)


def verdict(arrivals, *, items=None, ends=(), dropped=None, unsynced=()):
    items = items or [Item(number + 1.0, kept=True, refused=False) for number in range(COUNT)]
    return judge(arrivals, items, ends, dropped or {}, epoch=EPOCH, late=3.0, unsynced=unsynced)


def events(arrivals):
    """Places of the events of one camera."""
    return [place for place, arrival in enumerate(arrivals) if arrival.topic.endswith("front/event")]


def test_everything_as_it_should_be():
    found = verdict(everything(), unsynced=[(10.5, 20.5)])
    assert found.errors == []
    assert found.told == found.arrived
    assert (found.told.total(), found.put_right) == (COUNT, 10)


def test_what_comes_again_under_the_same_number_is_no_error():
    came = everything()
    found = verdict(came[:20] + came[10:])
    assert (found.errors, found.repeated) == ([], 10)


def lose(came):
    del came[events(came)[5]]


def swap(came):
    first, second = events(came)[5:7]
    came[first], came[second] = came[second], came[first]


def number_anew(came):
    place = events(came)[5]
    came.append(changed(came[place], seq=999))


def reuse_a_number(came):
    first, second = events(came)[5:7]
    came[second] = changed(came[second], seq=json.loads(came[first].payload)["seq"])


def say_something_else(came):
    came[events(came)[5]] = changed(came[events(came)[5]], emotion="surprise")


def be_at_the_wrong_time(came):
    came[5] = changed(came[5], ts=rfc3339(at(1000).utc))


def be_late_without_being_so(came):
    came[5] = changed(came[5], replayed=True)


def invent(came):
    came.append(changed(came[events(came)[-1]], seq=999, duration_s=9999.0))


@pytest.mark.parametrize(
    ("break_it", "error"),
    [
        (lose, "event lost, of which the node admits 0: 1"),
        (swap, "out of order"),
        (number_anew, "another `seq`"),
        (reuse_a_number, "stands for two messages"),
        (say_something_else, "does not say what the trace does"),
        (be_at_the_wrong_time, "said to be right, and is not"),
        (be_late_without_being_so, "without being so"),
        (invent, "nobody told"),
    ],
)
def test_each_breach_is_noticed(break_it, error):
    came = everything()
    break_it(came)
    assert any(error in told for told in verdict(came).errors), verdict(came).errors


def test_what_is_dropped_must_be_counted_exactly():
    came = everything()
    del came[events(came)[5]]
    assert verdict(came, dropped={MessageKind.EVENT: 1}).errors == []
    for wrong in ({MessageKind.EVENT: 2}, {MessageKind.SUMMARY: 1, MessageKind.EVENT: 1}):
        assert verdict(came, dropped=wrong).errors


def test_what_a_kill_catches_in_memory_is_told_and_how_long_it_had_been_there():
    items = [Item(number + 1.0, kept=number != 30, refused=False) for number in range(COUNT)]
    came = [arrival for arrival in everything() if number_of(json.loads(arrival.payload)) != 30]
    found = verdict(came, items=items, ends=[End(5.0, is_kill=True), End(31.25, is_kill=True)])
    assert (found.errors, found.in_memory, found.in_memory_for) == ([], 1, 0.25)
    assert verdict(came, items=items).errors, "nobody was killed"
    assert verdict(everything(), items=items).errors == [], "committed, and killed before it was noted"


def test_what_a_proper_end_takes_must_be_admitted():
    items = [Item(number + 1.0, kept=number != 30, refused=False) for number in range(COUNT)]
    came = [arrival for arrival in everything() if number_of(json.loads(arrival.payload)) != 30]
    ends = [End(31.5, is_kill=False), End(40.0, is_kill=True)]
    assert verdict(came, items=items, ends=ends).errors, "a later kill is no excuse"
    found = verdict(came, items=items, ends=ends, dropped={kind_of(30): 1})
    assert (found.errors, found.unkept, found.in_memory) == ([], 1, 0)


def test_the_ledger_keeps_what_is_written(tmp_path):
    ledger, other = Ledger(tmp_path / "ledger"), Ledger(tmp_path / "ledger")
    ledger["next"] = -3
    ledger.hand(7, 12.5)
    ledger.settle(7, kept=True)
    ledger.settle(8, kept=False)
    ledger.set_clock(-1.5e9, synced=False)
    assert other["next"] == -3
    assert (other.item(7), other.item(8)) == (Item(12.5, kept=True, refused=False), Item(0.0, kept=False, refused=True))
    assert other.clock() == (-1.5e9, False)
    ledger.set_clock(0.25, synced=True)
    assert other.clock() == (0.25, True)
