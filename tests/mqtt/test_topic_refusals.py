from __future__ import annotations

from edge_fer.mqtt.refusals import Refusals


def test_a_refused_topic_is_held_longer_each_time():
    refusals, now, pauses = Refusals(), 0.0, []
    for _ in range(6):
        refusals.hold("t", now)
        began = now
        while refusals.held(now):
            now += 1
        pauses.append(now - began)
    assert pauses == [60, 120, 240, 480, 600, 600]


def test_a_topic_that_passes_starts_over():
    refusals = Refusals()
    refusals.hold("t", 0)
    refusals.hold("t", 60)
    refusals.passed("t")
    refusals.hold("t", 1000)
    assert refusals.held(1059) == {"t"}
    assert not refusals.held(1061)


def test_a_topic_gets_another_chance_with_care_and_not_for_ever():
    refusals = Refusals()
    refusals.hold("t", 0)
    assert not refusals.is_careful(59)
    assert refusals.is_careful(60)
    assert not refusals.is_careful(121)
    refusals.hold("t", 200)
    refusals.passed("t")
    assert not refusals.is_careful(201)


def test_hanging_up_is_put_down_to_a_topic_only_after_care():
    refusals = Refusals()
    assert refusals.hung_up("a", 1) is None
    assert refusals.hung_up("b", 2) is None
    assert refusals.is_careful(2)
    assert refusals.hung_up("c", 3) is None
    assert refusals.hung_up("d", 4) is None, "another topic: it may be chance"
    assert refusals.hung_up("d", 5) == "d"
    assert refusals.held(5) == {"d"}


def test_a_topic_known_for_it_needs_no_second_time():
    refusals = Refusals()
    refusals.hold("t", 0)
    assert refusals.hung_up("t", 70) == "t"


def test_a_broker_that_goes_down_proves_nothing():
    refusals = Refusals()
    for now in range(20):
        refusals.hung_up("t", now)
        refusals.hung_up(None, now)
    assert not refusals.held(20)
    assert not refusals.is_careful(20)


def test_a_broker_that_was_away_gets_to_see_everything_again():
    refusals = Refusals()
    refusals.hold("t", 0)
    refusals.release(10)
    assert not refusals.held(10)
    assert refusals.is_careful(10)


def test_refusals_of_what_was_under_way_together_count_as_one():
    refusals = Refusals()
    for now in (0, 0, 0.1, 3, 20):
        refusals.hold("t", now)
    assert refusals.held(59) == {"t"}
    assert not refusals.held(60)
    refusals.hold("t", 61)
    assert refusals.held(180), "the next time it is longer"
