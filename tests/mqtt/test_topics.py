from __future__ import annotations

import pytest

from edge_fer.contract.topics import Topics
from edge_fer.errors import ConfigError


def test_topics_are_those_of_the_contract():
    topics = Topics("counter-1")
    assert topics.availability == "edge-fer/counter-1/availability"
    assert topics.info == "edge-fer/counter-1/info"
    assert topics.health == "edge-fer/counter-1/health"
    assert topics.camera_availability("front") == "edge-fer/counter-1/camera/front/availability"
    assert topics.state("front") == "edge-fer/counter-1/camera/front/state"
    assert topics.alert("front", "unhappy-guest") == "edge-fer/counter-1/camera/front/alert/unhappy-guest"
    assert topics.event("front") == "edge-fer/counter-1/camera/front/event"
    assert topics.alert_event("front") == "edge-fer/counter-1/camera/front/alert_event"


@pytest.mark.parametrize("name", ["", "a/b", "+", "#", "a b", "über", "a\n", "$SYS"])
def test_a_name_that_cannot_stand_in_a_topic_is_refused(name):
    with pytest.raises(ConfigError, match="letters, digits"):
        Topics(name)
    with pytest.raises(ConfigError, match="camera name"):
        Topics("n").state(name)
    with pytest.raises(ConfigError, match="alert name"):
        Topics("n").alert("front", name)
