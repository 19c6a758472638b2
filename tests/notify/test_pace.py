"""When a target is told what waits: grouping, rate limit, retries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_fer.notify.pace import NEVER, Pacing, TargetQueue, next_send, retry_wait

PACING = Pacing(group=60, messages=3, per=600)
NOW = 1e9


def test_nothing_is_sent_where_nothing_waits():
    assert next_send(TargetQueue(), PACING, NOW) == NEVER


def test_a_first_message_waits_for_nothing_and_the_next_for_its_group():
    assert next_send(TargetQueue([(NOW, False)]), PACING, NOW) <= NOW
    assert next_send(TargetQueue([(NOW, False)], sent=[NOW - 10]), PACING, NOW) == NOW + 50
    assert next_send(TargetQueue([(NOW, False)], sent=[NOW - 60]), PACING, NOW) <= NOW


def test_the_limit_holds_what_is_more_until_there_is_room_again():
    sent = [NOW - 500, NOW - 300, NOW - 100]
    assert next_send(TargetQueue([(NOW, False)], sent=sent), PACING, NOW) == NOW + 100
    assert next_send(TargetQueue([(NOW, False)], sent=sent[1:]), PACING, NOW) <= NOW


def test_neither_holds_up_what_is_urgent():
    sent = [NOW - 3, NOW - 2, NOW - 1]
    assert next_send(TargetQueue([(NOW, False), (NOW, True)], sent=sent), PACING, NOW) <= NOW


def test_what_may_not_be_told_yet_waits_urgent_or_not():
    assert next_send(TargetQueue([(NOW + 300, True)]), PACING, NOW) == NOW + 300
    assert next_send(TargetQueue([(NOW + 300, False)]), PACING, NOW) == NOW + 300


def test_a_message_that_was_not_taken_is_tried_when_it_was_said():
    queue = TargetQueue([(NOW, True)], has_message=True, sent=[NOW - 1], retry_at=NOW + 40, last_try=NOW - 1)
    assert next_send(queue, PACING, NOW) == NOW + 40


def test_something_urgent_shortens_the_wait_for_the_next_try():
    queue = TargetQueue(has_message=True, retry_at=NOW + 300, last_try=NOW - 1, urgent_since_try=True)
    assert next_send(queue, PACING, NOW) == NOW + 4


def test_a_clock_that_was_put_back_makes_no_wait_longer_than_any_that_was_meant():
    queue = TargetQueue(has_message=True, retry_at=NOW + 86_400, last_try=NOW + 86_000)
    assert next_send(queue, PACING, NOW) <= NOW
    assert next_send(TargetQueue([(NOW, False)], sent=[NOW + 86_400] * 9), PACING, NOW) <= NOW


@given(st.lists(st.floats(0, 3600), min_size=1, max_size=200), st.integers(1, 6), st.floats(0, 120))
def test_a_rule_that_flaps_makes_no_more_messages_than_the_limit_allows(alerts, messages, group):
    """The first is urgent, as the router makes it once within `per`; time goes on in steps."""
    pacing = Pacing(group, messages, 600.0)
    begun = sorted(alerts)
    sent: list[float] = []
    waiting: list[tuple[float, bool]] = []
    last_urgent, told = float("-inf"), 0
    for step in range(0, 6000, 5):
        now = float(step)
        while begun and begun[0] <= now:
            at = begun.pop(0)
            urgent = at - last_urgent >= pacing.per
            last_urgent = at if urgent else last_urgent
            waiting.append((at, urgent))
        if next_send(TargetQueue(waiting, sent=sent), pacing, now) <= now:
            sent.append(now)
            told += len(waiting)
            waiting = []
    assert told == len(alerts)
    for start in sent:
        # one urgent message may come on top, where the limit was used up before it
        assert sum(start <= at < start + pacing.per for at in sent) <= messages + 1


def test_waits_double_up_to_a_most_that_is_short_for_what_is_urgent():
    def waits(**options):
        return [
            retry_wait(failures, **({"urgent": False, "slow": False, "asked": None, "chance": 1.0} | options))
            for failures in (1, 2, 3, 20)
        ]

    assert waits() == [2, 4, 8, 300]
    assert waits(urgent=True) == [2, 4, 8, 60]
    assert waits(slow=True) == [600] * 4
    assert waits(asked=17.0) == [17] * 4
    assert waits(chance=0.0) == [1, 2, 4, 150]


@pytest.mark.parametrize(("asked", "wait"), [(0.0, 1.0), (1e9, 3600.0)])
def test_a_server_may_not_ask_for_any_wait(asked, wait):
    assert retry_wait(1, urgent=True, slow=False, asked=asked, chance=0.0) == wait
