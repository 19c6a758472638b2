from __future__ import annotations

from edge_fer.mqtt.refusals import Holds


def test_a_refused_topic_is_held_longer_each_time():
    holds, now, pauses = Holds(), 0.0, []
    for _ in range(6):
        holds.hold("t", now)
        began = now
        while holds.held(now):
            now += 1
        pauses.append(now - began)
    assert pauses == [60, 120, 240, 480, 600, 600]


def test_a_topic_that_passes_starts_over():
    holds = Holds()
    holds.hold("t", 0)
    holds.hold("t", 60)
    holds.passed("t")
    holds.hold("t", 1000)
    assert holds.held(1059) == {"t"}
    assert not holds.held(1061)


def test_a_topic_gets_another_chance_with_care_and_not_for_ever():
    holds = Holds()
    holds.hold("t", 0)
    assert not holds.is_careful(59)
    assert holds.is_careful(60)
    assert not holds.is_careful(121)
    holds.hold("t", 200)
    holds.passed("t")
    assert not holds.is_careful(201)


def test_hanging_up_is_put_down_to_a_topic_only_after_care():
    holds = Holds()
    assert holds.hung_up("a", 1) is None
    assert holds.hung_up("b", 2) is None
    assert holds.is_careful(2)
    assert holds.hung_up("c", 3) is None
    assert holds.hung_up("d", 4) is None, "another topic: it may be chance"
    assert holds.hung_up("d", 5) == "d"
    assert holds.held(5) == {"d"}


def test_a_topic_known_for_it_needs_no_second_time():
    holds = Holds()
    holds.hold("t", 0)
    assert holds.hung_up("t", 70) == "t"


def test_a_broker_that_goes_down_proves_nothing():
    holds = Holds()
    for now in range(20):
        holds.hung_up("t", now)
        holds.hung_up(None, now)
    assert not holds.held(20)
    assert not holds.is_careful(20)


def test_a_broker_that_was_away_gets_to_see_everything_again():
    holds = Holds()
    holds.hold("t", 0)
    holds.release(10)
    assert not holds.held(10)
    assert holds.is_careful(10)


def test_refusals_of_what_was_under_way_together_count_as_one():
    holds = Holds()
    for now in (0, 0, 0.1, 3, 20):
        holds.hold("t", now)
    assert holds.held(59) == {"t"}
    assert not holds.held(60)
    holds.hold("t", 61)
    assert holds.held(180), "the next time it is longer"
