from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge_fer.support.backoff import Backoff


def test_waits_double_up_to_the_longest():
    backoff = Backoff(first=1.0, most=60.0, chance=lambda: 1.0)
    assert [backoff.failed(slow=False) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_what_only_a_person_can_cure_is_tried_slowly():
    assert Backoff(chance=lambda: 1.0).failed(slow=True) == 60


def test_a_connection_that_was_of_use_starts_over():
    backoff = Backoff(chance=lambda: 1.0)
    for _ in range(5):
        backoff.failed(slow=False)
    backoff.succeeded()
    assert backoff.failed(slow=False) == 1


def test_what_worked_and_was_lost_is_tried_at_once_and_then_after_waits_that_double():
    backoff = Backoff(first=1.0, most=60.0, chance=lambda: 1.0)
    assert [backoff.lost() for _ in range(4)] == [0, 1, 2, 4]
    assert backoff.failed() == 8, "where it cannot be reached either, it goes on from there"


@given(failures=st.integers(0, 5000), chance=st.floats(0, 1), slow=st.booleans())
def test_no_wait_is_too_short_or_too_long(failures, chance, slow):
    backoff = Backoff(chance=lambda: chance)
    backoff._failures = failures
    assert 0.5 <= backoff.failed(slow=slow) <= 60


def test_what_fails_together_is_not_tried_together():
    backoff = Backoff()
    assert len({backoff.failed() for _ in range(50)}) > 40
