"""The settings of mood, summaries and privacy: what is refused, and how it is told."""

from __future__ import annotations

import pytest

from edge_fer.config import ConfigFaults
from tests.config.loading import load_text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("summaries: {windows: [7m]}", "summaries.windows[0]: `7m` is no window that is aligned to the clock"),
        ("summaries: {windows: [2h]}", "aligned"),
        ("summaries: {windows: [12500ms]}", "aligned"),
        ("summaries: {windows: [5s]}", "out of range"),
        ("summaries: {windows: [10m, 15m]}", "do not lie in one another"),
        ("summaries: {windows: [1m, 60s]}", "twice"),
        ("mood: {weights: {happy: 2}}", "mood.weights.happy"),
        ("mood: {weights: {bored: 1}}", "bored"),
        ("mood: {distress: {emotion: []}}", "is empty"),
        ("mood: {distress: {emotion: [sad, sad]}}", "twice"),
        ("mood: {distress: {moderate: 0.7}}", "high"),
        ("mood: {distress: {moderate: 0.7, high: 0.6}}", "below `moderate`"),
        ("privacy: {k_minimum: 0}", "privacy.k_minimum"),
        ("privacy: {events: false}", "privacy.events"),
        ("node: {timezone: Mars/Olympus}", "is not a timezone"),
        ("node: {timezone: ../../etc/passwd}", "is not a timezone"),
    ],
)
def test_what_is_wrong_is_told(tmp_path, text, told):
    with pytest.raises(ConfigFaults) as caught:
        load_text(tmp_path, text)
    assert told in str(caught.value)


def test_windows_are_put_in_order_and_may_be_none(tmp_path):
    assert load_text(tmp_path, "summaries: {windows: [1d, 10s, 1h]}").config.summaries.windows == (10, 3600, 86_400)
    assert load_text(tmp_path, "summaries: {windows: []}").config.summaries.windows == ()


def test_off_is_a_word(tmp_path):
    assert load_text(tmp_path, "privacy: {events: off}").config.privacy.events == "off"


def test_a_ward_is_looked_at_for_longer(tmp_path):
    assert load_text(tmp_path, "profile: ward").config.mood.over == 300
