"""When edge-fer tells of itself."""

from __future__ import annotations

import pytest

from edge_fer.notify.troubles import NodeFacts, TroubleWatch

GOOD = NodeFacts(connected=True, disk_free=10**9)


def watched(steps, told=frozenset()):
    """The changes that come of facts at seconds."""
    watch = TroubleWatch(told)
    return [
        (second, change.key, change.over, change.since)
        for second, facts in steps
        for change in watch.look(facts, float(second), 1e9 + second)
    ]


def lasting(facts, seconds=600, then=GOOD, rest=200):
    return [(second, facts if second < seconds else then) for second in range(0, seconds + rest, 10)]


@pytest.mark.parametrize(
    ("facts", "key", "after"),
    [
        (NodeFacts(lost=frozenset({"front"}), connected=True), "camera_lost:front", 60),
        (NodeFacts(blind=frozenset({"front"}), connected=True), "camera_blind:front", 120),
        (NodeFacts(connected=False), "broker_lost", 300),
        (NodeFacts(connected=True, depth=1000), "outbox_grows", 300),
        (NodeFacts(connected=True, disk_free=100_000_000), "disk_low", 60),
        (NodeFacts(connected=True, certificates={"broker": 1e9 + 86_400}), "certificate_ends:broker", 0),
    ],
)
def test_each_is_told_once_when_it_has_lasted_and_once_when_it_is_over(facts, key, after):
    assert watched(lasting(facts)) == [(after, key, False, 1e9), (660, key, True, 1e9 + 600)]


def test_what_passes_at_once_is_not_told():
    blink = [
        (second, NodeFacts(lost=frozenset({"front"})) if second % 50 < 40 else GOOD) for second in range(0, 900, 10)
    ]
    assert watched(blink) == []


def test_a_camera_that_comes_back_for_a_moment_is_still_lost():
    lost = NodeFacts(lost=frozenset({"front"}))
    steps = [(second, GOOD if second == 100 else lost) for second in range(0, 400, 10)]
    assert watched(steps) == [(60, "camera_lost:front", False, 1e9)]


def test_a_lost_camera_is_not_told_as_blind_and_a_lost_broker_not_as_slow():
    both = NodeFacts(lost=frozenset({"a"}), blind=frozenset({"a"}), connected=False, depth=5000)
    assert [key for _, key, *_ in watched(lasting(both, rest=0))] == ["camera_lost:a", "broker_lost"]


def test_what_was_told_before_a_restart_is_not_told_again_and_its_end_is():
    lost = NodeFacts(lost=frozenset({"front"}))
    assert watched(lasting(lost), frozenset({"camera_lost:front"})) == [(660, "camera_lost:front", True, 1e9 + 600)]


def test_a_node_without_a_broker_is_in_no_trouble():
    assert watched(lasting(NodeFacts(connected=None))) == []
