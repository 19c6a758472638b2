from __future__ import annotations

import pytest

from edge_fer.contract.link_status import MqttVersion
from edge_fer.mqtt.protocol import ProtocolChoice

DAY = 86400


def test_a_refusal_of_5_chooses_the_older_one_at_once():
    choice = ProtocolChoice()
    assert choice.refused()
    assert choice.current is MqttVersion.V311
    assert choice.accepted(0)
    assert choice.current is MqttVersion.V311


@pytest.mark.parametrize("hang_ups", [1, 2])
def test_a_hang_up_proves_nothing(hang_ups):
    choice = ProtocolChoice()
    for _ in range(hang_ups):
        assert not choice.ignored()
    assert choice.current is MqttVersion.V5
    assert choice.accepted(0)


def test_a_broker_that_hangs_up_on_5_alone_is_asked_twice():
    choice = ProtocolChoice()
    assert [choice.ignored() for _ in range(3)] == [False, False, True]
    assert choice.current is MqttVersion.V311
    assert not choice.accepted(0), "5 is tried once more"
    assert choice.current is MqttVersion.V5
    assert choice.ignored()
    assert choice.current is MqttVersion.V311
    assert choice.accepted(0)


def test_a_proxy_whose_broker_comes_up_late_ends_with_5():
    choice = ProtocolChoice()
    for _ in range(3):
        choice.ignored()
    assert not choice.accepted(0)
    assert choice.accepted(0)
    assert choice.current is MqttVersion.V5


def test_a_broker_that_is_away_is_tried_with_5_again():
    choice = ProtocolChoice()
    for _ in range(3):
        choice.ignored()
    assert not choice.ignored()
    assert choice.current is MqttVersion.V5


def test_5_is_tried_again_once_a_day():
    choice = ProtocolChoice()
    choice.refused()
    choice.accepted(10)
    assert not choice.is_due(DAY)
    assert choice.is_due(DAY + 10)
    assert choice.current is MqttVersion.V5
    assert choice.refused(), "and the older one at once, where it is still refused"
    assert choice.accepted(DAY + 11)
    assert not choice.is_due(DAY + 12)
    assert choice.is_due(2 * DAY + 11)
    assert choice.accepted(2 * DAY + 11)
    assert choice.current is MqttVersion.V5


def test_an_older_one_that_was_asked_for_is_kept():
    choice = ProtocolChoice(MqttVersion.V311)
    assert choice.accepted(0)
    assert not choice.is_due(2 * DAY)
    assert not choice.ignored()
    assert choice.current is MqttVersion.V311


def test_a_broker_that_was_replaced_by_an_older_one():
    choice = ProtocolChoice()
    choice.accepted(0)
    assert choice.refused()
    assert choice.current is MqttVersion.V311
