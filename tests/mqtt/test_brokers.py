"""Several brokers: which one is turned to, and what each of them retains."""

from __future__ import annotations

import contextlib

import pytest

from edge_fer.contract.topics import Topics
from edge_fer.mqtt.brokers import BrokerChoice
from edge_fer.mqtt.protocol import ProtocolChoice
from edge_fer.mqtt.remembered import RememberedTopics
from edge_fer.mqtt.settings import BrokerSettings
from tests.broker import Mosquitto, Subscriber
from tests.config.loading import faults_in, load_text
from tests.daemon import Daemon
from tests.mqtt.kit import BOOT, COMPOSER, NODE, TOPICS, linked, now, open_outbox, post_events, scene, until


def settings(*names):
    return [BrokerSettings(host=name, client_id="a") for name in names]


def choice(*names):
    return BrokerChoice(settings(*names), ProtocolChoice())


def at(found):
    return found.current.settings.host


class TestChoice:
    def test_where_one_cannot_be_reached_the_next_is_tried_at_once_and_after_the_last_there_is_a_wait(self):
        found = choice("a", "b", "c")
        tried = [(at(found), found.lost(None)) for _ in range(6)]
        assert tried == [("a", True), ("b", True), ("c", False)] * 2

    def test_after_a_connection_that_was_of_use_the_first_is_tried_first(self):
        found = choice("a", "b", "c")
        found.lost(None)
        assert found.lost(3600.0), "at once"
        assert at(found) == "a"
        assert not found.lost(3600.0), "the first again, which has just been lost, after a wait"
        assert at(found) == "a"

    def test_one_that_accepts_and_hangs_up_within_seconds_is_passed_over(self):
        found = choice("a", "b")
        assert found.lost(0.5)
        assert at(found) == "b"

    def test_of_one_alone_nothing_is_turned_to(self):
        found = choice("a")
        assert [found.lost(None), found.lost(1.0), found.lost(60.0)] == [False] * 3

    def test_what_is_learned_of_one_is_not_taken_for_another(self):
        found = choice("a", "b")
        found.current.choice.refused()
        found.current.retains = False
        found.lost(None)
        assert found.current.retains
        assert found.current.choice.current.text == "5"


@pytest.fixture
def outbox(tmp_path):
    with contextlib.closing(open_outbox(tmp_path / "outbox.db", boot=BOOT)) as found:
        yield found


class TestRemembered:
    MARKS = ("@00000001", "@00000002")

    def test_each_broker_has_its_own(self, outbox):
        found = RememberedTopics(outbox)
        found.turn_to(self.MARKS[0], self.MARKS)
        found.read()
        found.add("a/b")
        found.turn_to(self.MARKS[1], self.MARKS)
        assert found.read() == set()
        found.add("a/c")
        found.turn_to(self.MARKS[0], self.MARKS)
        assert found.read() == {"a/b"}
        found.discard("a/b")
        assert found.read() == set()
        assert outbox.remembered() == {"a/c@00000002"}

    def test_what_one_broker_retained_is_asked_of_each_once_there_are_several(self, outbox):
        outbox.remember("a/b")
        found = RememberedTopics(outbox)
        found.turn_to(self.MARKS[1], self.MARKS)
        assert found.read() == {"a/b"}
        found.discard("a/b")
        found.turn_to(self.MARKS[0], self.MARKS)
        assert found.read() == {"a/b"}

    def test_one_broker_alone_goes_by_names_without_a_mark_and_finds_its_own_of_before(self, outbox):
        for name in ("a/b", "a/c@00000001", "a/d@00000002"):
            outbox.remember(name)
        found = RememberedTopics(outbox)
        found.turn_to(self.MARKS[0], self.MARKS[:1])
        assert found.read() == {"a/b", "a/c"}
        found.add("a/e")
        for topic in ("a/b", "a/c"):
            found.discard(topic)
        assert outbox.remembered() == {"a/e", "a/d@00000002"}


@pytest.fixture
def two(tmp_path):
    with Mosquitto(tmp_path / "first") as first, Mosquitto(tmp_path / "second") as second:
        yield first, second


def other(broker):
    return [BrokerSettings.from_url(broker.url, node=NODE, keepalive=5.0)]


def test_both_get_what_is_told_and_neither_keeps_what_no_longer_holds(two, tmp_path):
    first, second = two
    state = Topics(NODE).state("front")
    with Subscriber(second) as seen, linked(tmp_path / "node", first.url, others=other(second)) as link:
        link.retain(state, COMPOSER.state(scene(now())), now())
        until(lambda: state in first.retained("edge-fer/#"))
        assert link.status().address == f"127.0.0.1:{first.port}"
        first.kill()
        post_events(link, 3)
        seen.wait_for(lambda m: m.topic.endswith("/event"), count=3)
        assert link.status().address == f"127.0.0.1:{second.port}"
        until(lambda: state in second.retained("edge-fer/#"))
        # it is cleared here; the first one still has it, and is asked once it is back
        link.clear(state)
        until(lambda: state not in second.retained("edge-fer/#"))
        first.start()
        assert state in first.retained("edge-fer/#")
        second.kill()
        until(lambda: link.status().address == f"127.0.0.1:{first.port}" and link.status().connected)
        until(lambda: state not in first.retained("edge-fer/#"))
        second.start()


def test_a_last_will_that_comes_late_over_a_bridge_is_put_right(two, tmp_path):
    """The first broker says that we are gone, once it has noticed, to those who listen at the second as well."""
    first, second = two
    with linked(tmp_path / "node", first.url, others=other(second), keepalive=5.0) as link:
        until(lambda: link.status().connected)
        first.kill()
        until(lambda: link.status().connections == 2)
        second.publish(TOPICS.availability, "offline", retain=True)
        until(lambda: second.retained("edge-fer/#").get(TOPICS.availability) == "online", timeout=60)


class TestConfig:
    def test_it_stands_in_the_place_of_broker(self, tmp_path):
        found = load_text(tmp_path, "mqtt: {brokers: ['mqtt://a', 'mqtt://b:1884']}").config.mqtt
        assert found.addresses == ("mqtt://a", "mqtt://b:1884")
        assert not found.is_embedded

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("{brokers: ['http://a']}", "does not begin with mqtt://"),
            ("{brokers: ['mqtt://me:secret@a']}", "holds a password"),
            ("{brokers: ['mqtt://a', 'mqtt://a']}", "has 'mqtt://a' twice"),
            ("{brokers: ['mqtt://a', 'mqtts://b']}", "encrypted addresses and others"),
            ("{brokers: ['mqtt://a@a', 'mqtt://b@b']}", "different user names"),
            ("{broker: 'mqtt://c', brokers: ['mqtt://a']}", "is given beside `broker`"),
            ("{brokers: ['mqtts://u@127.0.0.1', 'mqtt://u@h'], password_file: /p}", "encrypted addresses and others"),
            ("{brokers: ['mqtt://u@127.0.0.1', 'mqtt://u@h'], password_file: /p}", "over an unencrypted link"),
            ("{brokers: ['mqtt://a', 'mqtt://b'], ca_file: /c}", "of no use on an unencrypted link"),
        ],
    )
    def test_what_does_not_fit_is_told(self, tmp_path, text, said):
        assert any(said in str(fault) for fault in faults_in(tmp_path, f"mqtt: {text}"))
        assert not any("secret" in str(fault) for fault in faults_in(tmp_path, f"mqtt: {text}"))


def test_the_daemon_goes_over_and_says_so(two, tmp_path):
    first, second = two
    config = {"cameras": {"front": {"source": "sample:counter"}}, "mqtt": {"brokers": [first.url, second.url]}}
    with Subscriber(second) as seen, Daemon(tmp_path / "daemon", config) as daemon:
        daemon.wait_for(f"connected to the broker at 127.0.0.1:{first.port}")
        first.kill()
        seen.wait_for(lambda m: m.topic.endswith("/health") and m.payload, timeout=90)
        daemon.wait_for(f"connected to the broker at 127.0.0.1:{second.port}")
