"""What is told of a person, from appearing to leaving."""

from __future__ import annotations

from edge_fer.rules.events import EventTeller
from tests.invented import at, reading, track, unreadable


def tell(teller, seconds, readings=(), appeared=(), left=()):
    events = teller.update(readings, appeared=appeared, left=left, at=at(seconds))
    return [(str(event.kind), event.reading.label, event.previous, event.duration) for event in events]


def test_a_visit_from_appearing_to_leaving():
    teller = EventTeller(uncertain_after=1)
    assert tell(teller, 1, [reading(1)], [track(since=0.5)]) == [("appeared", "neutral", None, 0.5)]
    assert tell(teller, 2, [reading(2)]) == []
    assert tell(teller, 3, [reading(3, "happy")]) == [("emotion_changed", "happy", "neutral", 2.5)]
    assert tell(teller, 4, [reading(4, "happy")]) == []
    assert tell(teller, 9, left=[track(seen=4.5)]) == [("left", "happy", None, 4.0)]
    assert tell(teller, 10, left=[track(seen=4.5)]) == []


def test_a_short_uncertain_stretch_is_no_change():
    teller = EventTeller(uncertain_after=1)
    tell(teller, 0, [reading(0)], [track()])
    assert tell(teller, 1, [unreadable(1)]) == []
    assert tell(teller, 1.9, [unreadable(1.9)]) == []
    assert tell(teller, 2.1, [reading(2.1)]) == []
    assert tell(teller, 2.2, [unreadable(2.2)]) == [], "the clock starts over after a clear reading"


def test_a_long_uncertain_stretch_is_told_once_and_so_is_its_end():
    teller = EventTeller(uncertain_after=1)
    tell(teller, 0, [reading(0)], [track()])
    told = [tell(teller, t, [unreadable(t)]) for t in (1, 1.5, 2, 2.5)]
    assert told == [[], [], [("emotion_changed", "uncertain", "neutral", 2)], []]
    assert tell(teller, 3, [reading(3)]) == [("emotion_changed", "neutral", "uncertain", 3)]


def test_several_people_are_kept_apart_and_leaving_is_told_before_appearing():
    teller = EventTeller(uncertain_after=1)
    tell(teller, 0, [reading(0, who="a")], [track("a")])
    told = tell(teller, 1, [reading(1, "sad", who="b")], [track("b", since=1)], [track("a", seen=0.5)])
    assert told == [("left", "neutral", None, 0.5), ("appeared", "sad", None, 0)]


def test_each_event_carries_the_instant_of_its_frame():
    teller = EventTeller(uncertain_after=1)
    (event,) = teller.update([reading(7)], appeared=[track()], left=[], at=at(7))
    assert event.at == event.reading.at == at(7)
