from __future__ import annotations

from edge_fer.mqtt.protocol import Protocol, ProtocolChoice


def test_steps_down_where_5_is_refused_and_stays_there():
    choice = ProtocolChoice()
    assert choice.refused()
    assert choice.current is Protocol.V311
    choice.accepted()
    assert not choice.ignored()
    assert choice.current is Protocol.V311


def test_a_broker_going_down_does_not_take_5_away():
    choice = ProtocolChoice()
    choice.accepted()
    assert not choice.ignored()
    assert choice.current is Protocol.V5


def test_an_unsettled_choice_alternates_but_only_stepping_down_is_quick():
    choice = ProtocolChoice()
    assert choice.ignored()
    assert choice.current is Protocol.V311
    assert not choice.ignored()
    assert choice.current is Protocol.V5


def test_a_broker_that_was_replaced_by_an_older_one():
    choice = ProtocolChoice()
    choice.accepted()
    assert choice.refused()
    assert choice.current is Protocol.V311
