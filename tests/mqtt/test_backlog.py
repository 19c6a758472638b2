"""A broker that is back after a while: what waited is sent at a limited rate, and what is new does not wait for it."""

from __future__ import annotations

import time

import pytest

from edge_fer.contract.messages import MessageKind
from edge_fer.mqtt.pace import Pace
from edge_fer.mqtt.refusals import Refusals
from edge_fer.mqtt.replies import Replies
from edge_fer.mqtt.retained import RetainedValues
from edge_fer.mqtt.sender import Sender
from tests.broker import HOST, Mosquitto, Subscriber
from tests.faults.proxy import Proxy
from tests.invented import at
from tests.mqtt.kit import (
    BOOT,
    COMPOSER,
    TOPICS,
    alert_event,
    event,
    linked,
    now,
    open_outbox,
    post_events,
    scene,
    until,
)


@pytest.fixture
def broker(tmp_path):
    return Mosquitto(tmp_path / "broker", remembers=False)


def backlog(link, count):
    post_events(link, count)
    until(lambda: link.status().depth == count, timeout=180)


def test_a_backlog_is_sent_at_a_limited_rate_and_nothing_urgent_waits_for_it(tmp_path, broker):
    count, rate = 300, 40
    with broker, Subscriber(broker) as seen, Proxy(broker.port) as line:
        line.refuse()
        with linked(tmp_path / "node", f"mqtt://{HOST}:{line.port}", pace=Pace(rate)) as link:
            backlog(link, count)
            began = time.monotonic()
            line.listen()
            seen.wait_for(lambda m: m.topic.endswith("/event"), count=rate)
            present = now()
            link.post(TOPICS.alert_event("front"), MessageKind.ALERT_EVENT, alert_event(present), present)
            link.retain(TOPICS.state("front"), COMPOSER.state(scene(present, people=7)), present)
            seen.wait_for(lambda m: m.topic.endswith("/event"), count=count)
        came = [message.topic.rpartition("/")[2] for message in seen.messages]
        last = max(place for place, name in enumerate(came) if name == "event")
        for urgent in ("alert_event", "state"):
            assert came.index(urgent) < last - rate, "it has overtaken the backlog"
        took = seen.messages[last].at - began
        assert took >= (count - rate) / rate - 0.2, "a second's worth at once, and the rest at the rate"


class SlowSession:
    """A session whose broker acknowledges one message at a time."""

    setback = None
    max_packet = None

    def __init__(self, window):
        self.window = window
        self.sent = []

    retains = True

    def publish(self, topic, payload, *, retain):
        self.sent.append(topic)
        return len(self.sent)


@pytest.mark.parametrize("window", [1, 2, 3, 20])
def test_neither_a_backlog_nor_restless_values_keep_the_other_waiting(tmp_path, window):
    retained = RetainedValues()
    outbox = open_outbox(tmp_path / "outbox.db", boot=BOOT)
    for number in range(200):
        outbox.put(f"event-{number % 40}", MessageKind.EVENT, event(at(number)).model_dump_json(), at(number))
    sender, session = Sender(outbox, retained, Refusals(), Pace(), Replies()), SlowSession(window)
    most = 0
    for number in range(100):
        if number >= 50:
            retained.set("state", f"{number}", at(number))
        sender.fill(session, at(number), number)
        most = max(most, len(session.sent) - number)
        sender.settle([(number + 1, 0)], number)
    assert most == window, "so much is under way"
    first = session.sent.index("state")
    assert first <= 50 + window, "it does not wait until the backlog is gone"
    assert sum(topic.startswith("event") for topic in session.sent[first:]) > 10
    outbox.close()
