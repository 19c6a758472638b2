"""A summary that fewer than k people made is held back, and cannot be worked out from those that are not."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_fer.rules.scene.calendar import DAY, HOUR
from tests.rules.scenes import Scene, restarted

MINUTES = st.lists(st.sets(st.sampled_from("abcdef"), max_size=4), min_size=4, max_size=40)


def film(minutes, k, lengths=(60, 300, 900)):
    """A scene with these people in each minute, and whom every minute was about, by its begin."""
    scene, about = Scene(lengths, k=k), {}
    for number, people in enumerate(minutes):
        ids = {f"{who}{number}" for who in people}  # somebody who was away has got a new id
        about[scene.now.utc] = ids
        for _ in range(60):
            scene.see(1, left=[], **dict.fromkeys(ids, "happy"))
        scene.see(0, left=sorted(ids))
    scene.told += scene.summaries.finish()
    return scene, about


def test_few_people_are_held_back_and_many_are_not():
    scene, _ = film([{"a"}, {"a", "b"}, {"a", "b", "c"}, set()], k=3)
    assert [s.numbers is None for s in scene.of(60)] == [True, True, False, True], "nobody is fewer than three, too"
    assert all(s.watched > 58 for s in scene.of(60)), "that it was watched is told anyway"


def test_one_holds_back_nothing():
    scene, _ = film([{"a"}, set(), {"a", "b"}], k=1)
    assert all(s.numbers is not None for s in scene.told)


def test_a_quarter_of_an_hour_is_held_back_if_it_would_give_a_minute_away():
    crowd = set("abcde")
    scene, _ = film([crowd] * 14 + [{"a"}], k=3, lengths=(60, 900))
    assert [s.numbers is None for s in scene.of(60)] == [False] * 14 + [True]
    assert scene.of(900)[0].numbers is None, "or the last minute would be the difference"
    scene, _ = film([crowd] * 12 + [{"a"}] * 3, k=3, lengths=(60, 900))
    assert scene.of(900)[0].numbers is not None, "the three who are hidden are enough together"


def test_somebody_who_was_hardly_read_does_not_count():
    scene = Scene((60,), k=2)
    scene.film(58, a="happy")
    scene.see(0.5, a="happy", b="happy")
    scene.see(0.9, a="happy", left=["b"])
    scene.see(5)
    assert scene.of(60)[0].numbers is None


def people_behind(told, about):
    """Whom the numbers of a window are about."""
    return {who for since, ids in about.items() if told.since <= since < told.until for who in ids}


@settings(max_examples=60)
@given(MINUTES, st.integers(2, 4))
def test_no_difference_of_what_is_told_is_about_fewer_than_k(minutes, k):
    """Every window less any set of disjoint windows within it: what an attacker can work out."""
    scene, about = film(minutes, k)
    told = [s for s in scene.told if s.numbers is not None]
    for whole in told:
        parts = [s for s in told if s.length < whole.length and whole.since <= s.since < whole.until]
        largest = [p for p in parts if not any(o.length > p.length and o.since <= p.since < o.until for o in parts)]
        for chosen in (largest, *combinations(parts, 1), *combinations(parts, 2), parts_of_length(parts, 60)):
            if any(a is not b and a.since < b.until and b.since < a.until for a, b in combinations(chosen, 2)):
                continue
            rest = people_behind(whole, about)
            for part in chosen:
                rest -= people_behind(part, about)
            assert len(rest) == 0 or len(rest) >= k, (whole, chosen)


def parts_of_length(parts, length):
    return [part for part in parts if part.length == length]


def test_hours_that_are_held_back_teach_nothing():
    crowd, alone = Scene((60,), k=2), Scene((60,), k=2)
    crowd.film(3700, step=1, a="happy", b="sad")
    alone.film(3700, step=1, a="happy")
    assert (crowd.summaries.trend.version, alone.summaries.trend.version) == (1, 0)


def test_a_restart_forgets_nobody_who_was_hidden():
    scene = Scene((60, 900), k=3)
    scene.film(60, a="happy")
    scene.film(30, a="happy", b="happy", c="happy", d="happy")
    scene = restarted(scene, lengths=(60, 900), k=3)
    scene.film(840, a="happy", b="happy", c="happy", d="happy")
    assert scene.of(60)[0].numbers is None
    assert scene.of(900)[0].numbers is None


@pytest.mark.parametrize("lengths", [(60, HOUR, DAY), (60, DAY)])
def test_a_day_is_told_although_its_hours_are_not_asked_for(lengths):
    scene, _ = film([set("abc")] * 5, k=3, lengths=lengths)
    assert scene.of(DAY)[0].numbers is not None
