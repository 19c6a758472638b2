from __future__ import annotations

from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from edge_fer.log.repeats import MOST, WAITS, Repeats


def shown(times, words="oh"):
    repeats = Repeats()
    return [(now, count) for now in times if (count := repeats.admit(words, now)) is not None]


def test_the_first_time_at_once_then_at_growing_intervals_with_a_count():
    assert shown(range(0, 8000, 5)) == [(0, 0), (10, 1), (70, 11), (670, 119), (4270, 719), (7870, 719)]


def test_what_comes_seldom_is_always_told():
    assert shown(range(0, 86400, 7200)) == [(now, 0) for now in range(0, 86400, 7200)]


def test_what_was_quiet_for_long_is_news_again_and_nothing_held_back_is_forgotten():
    assert shown([0, 1, 2, 1000, 1001]) == [(0, 0), (1000, 2)]


def test_others_are_told_apart():
    repeats = Repeats()
    assert [repeats.admit(words, 0) for words in ("a", "b", "a", "b")] == [0, 0, None, None]


@given(st.lists(st.tuples(st.integers(0, 1000), st.floats(0, 100)), max_size=600))
def test_it_keeps_few_words_in_mind(heard):
    repeats, now = Repeats(), 0.0
    for word, seconds in heard:
        now += seconds
        repeats.admit(str(word), now)
        assert len(repeats) <= MOST


@given(st.lists(st.floats(0.001, 20), max_size=400))
def test_no_trouble_fills_the_log_and_every_telling_is_counted_once(gaps):
    times = list(accumulate(gaps))
    told = shown(times)
    assert sum(count + 1 for _, count in told) <= len(times)
    assert all(later - earlier >= WAITS[0] for (earlier, _), (later, _) in pairwise(told))
