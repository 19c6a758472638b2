"""How fast a backlog is sent, with invented time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge_fer.mqtt.pace import Pace


def test_a_second_is_saved_up_and_no_more():
    pace = Pace(50)
    assert pace.allowed(1000.0, 1000) == 50
    pace.spend(50)
    assert pace.allowed(1000.0, 1000) == 0
    assert pace.wait == 1 / 50
    assert pace.allowed(1000.1, 1000) == 5
    assert pace.allowed(9999.0, 1000) == 50


def test_nothing_holds_back_where_there_is_no_rate():
    pace = Pace(None)
    for _ in range(3):
        assert pace.allowed(0.0, 20) == 20
        pace.spend(20)
    assert pace.wait == 0.0


@given(st.floats(10, 1000), st.lists(st.tuples(st.floats(0, 3), st.integers(0, 40)), max_size=60))
def test_never_more_than_the_rate_and_a_second_s_worth(rate, turns):
    pace, now, sent = Pace(rate), 0.0, 0
    for passed, wanted in turns:
        now += passed
        allowed = pace.allowed(now, wanted)
        assert 0 <= allowed <= wanted
        pace.spend(allowed)
        sent += allowed
    assert sent <= rate * (now + 1) + 1
