"""The link against a real Mosquitto, seen by a subscriber that is not ours."""

from __future__ import annotations

import contextlib
import logging
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from edge_fer.contract.link_status import MqttVersion
from edge_fer.contract.messages import MessageKind, seal
from edge_fer.contract.trouble import Trouble
from edge_fer.errors import OutboxError
from edge_fer.mqtt.refusals import Refusals
from edge_fer.outbox.outbox import Outbox
from edge_fer.support.backoff import Backoff
from edge_fer.types import AlertState, Standing
from tests.broker import Mosquitto, Subscriber
from tests.faults.proxy import Proxy
from tests.mqtt.kit import (
    BOOT,
    COMPOSER,
    NODE,
    TOPICS,
    alert,
    alert_event,
    event,
    linked,
    make_link,
    now,
    open_outbox,
    post_events,
    scene,
    until,
)
from tests.mqtt.schemas import valid


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "node"


@pytest.fixture(autouse=True)
def log(caplog):
    caplog.set_level(logging.INFO, "edge_fer")
    return caplog


def numbers(seen: Subscriber, ending: str = "/event") -> list[int]:
    """Sequence numbers as they came, without those that came again."""
    return list(dict.fromkeys(message.json["seq"] for message in seen.of(ending)))


def retain_all(link):
    at = now()
    link.retain(TOPICS.state("front"), COMPOSER.state(scene(at)), at)
    link.retain(TOPICS.camera_availability("front"), "online", at)
    status = COMPOSER.alert_status("front", "unhappy-guest", Standing((alert(at, state=AlertState.PENDING),)), at)
    link.retain(TOPICS.alert("front", "unhappy-guest"), status, at)


def test_everything_is_published_as_the_contract_says(broker, folder):
    with Subscriber(broker) as seen:
        link = make_link(folder, broker.url)
        retain_all(link)
        link.start()
        at = now()
        link.post(TOPICS.event("front"), MessageKind.EVENT, event(at), at)
        link.post(TOPICS.alert_event("front"), MessageKind.ALERT_EVENT, alert_event(at), at)
        seen.wait_for(lambda m: m.topic.endswith("event"), count=2)
        link.close()
        seen.wait_for(lambda m: m.payload == "offline")
    found = {message.topic.removeprefix(f"edge-fer/{NODE}/"): message for message in seen.messages}
    assert {topic: message.retain for topic, message in found.items()} == {
        "availability": True,
        "camera/front/state": True,
        "camera/front/availability": True,
        "camera/front/alert/unhappy-guest": True,
        "camera/front/event": False,
        "camera/front/alert_event": False,
    }
    assert {message.qos for message in seen.messages} == {1}
    assert [message.payload for message in seen.of(f"{NODE}/availability")] == ["online", "offline"]
    for kind, topic in [
        ("state", "state"),
        ("alert", "alert/unhappy-guest"),
        ("event", "event"),
        ("alert_event", "alert_event"),
    ]:
        valid(kind, found[f"camera/front/{topic}"].payload)
    assert numbers(seen) == [1]


def test_starting_with_the_broker_down_loses_nothing(tmp_path, folder, log):
    broker = Mosquitto(tmp_path / "broker")
    with linked(folder, broker.url) as link:
        post_events(link, 30)
        until(lambda: link.status().setback)
        assert link.status().setback.trouble is Trouble.REFUSED
        until(lambda: link.status().depth == 30)
        time.sleep(0.5)  # several tries
        (told,) = [record for record in log.records if "nothing accepts connections" in record.message]
        assert told.levelno == logging.WARNING, "told once, not at each try"
        with broker:
            # a session that exists before the node comes back gets everything
            until(lambda: link.status().connected and link.status().depth == 0)
            assert broker.retained()[TOPICS.availability] == "online"


def test_nothing_is_lost_while_the_broker_is_killed_again_and_again(broker, folder):
    """Events flow all the time; the subscriber's session outlives the broker."""
    total, kills = 500, 4
    chance = random.Random(20260101)  # noqa: S311 - the same times in each run
    with Subscriber(broker) as seen, linked(folder, broker.url) as link:

        def flow() -> None:
            for number in range(total):
                post_events(link, 1, first=number)
                if number % 10 == 0:
                    at = now()
                    link.post(TOPICS.alert_event("front"), MessageKind.ALERT_EVENT, alert_event(at), at)
                time.sleep(0.01)

        seen.wait_for(lambda m: m.payload == "online")
        flowing = threading.Thread(target=flow)
        flowing.start()
        for kill in range(kills):
            time.sleep(chance.uniform(0.0, 0.3))
            before = seen.subscriptions
            broker.pause()  # what is sent now, it never acknowledges
            time.sleep(chance.uniform(0.05, 0.2))
            broker.wait_until_read()
            broker.kill()
            time.sleep(chance.uniform(0.0, 0.3))
            broker.start()
            # what it acknowledges and cannot pass on before it is killed, it loses, and not we
            seen.wait_until_back(before)
            until(lambda: link.status().connections > kill + 1)  # noqa: B023 - used at once
        flowing.join()
        seen.wait_for(lambda m: m.topic.endswith("/event") and m.json["seq"] == total, timeout=180)
        seen.wait_for(lambda m: m.topic.endswith("/alert_event") and m.json["seq"] == total // 10)
        until(lambda: link.status().depth == 0)
        assert link.status().connections >= kills
    events = {message.json["seq"]: message.json for message in seen.of("/event")}
    assert sorted(events) == list(range(1, total + 1)), "each arrived"
    assert [events[seq]["duration_s"] for seq in sorted(events)] == list(range(total)), "each number is one message"
    assert numbers(seen) == sorted(events), "in order, leaving out what came again"
    assert numbers(seen, "/alert_event") == list(range(1, total // 10 + 1))
    assert link.status().dropped == dict.fromkeys(MessageKind, 0)


def test_a_daemon_that_is_killed_loses_nothing_and_repeats_no_number(broker, folder):
    """Three lives of a process, each killed amid its work; it says on its output what the outbox has taken."""
    script = Path(__file__).parent / "victim.py"
    with Subscriber(broker) as seen:
        posted = []
        for life in range(3):
            command = [sys.executable, str(script), str(folder), broker.url, str(life)]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            for line in process.stdout:
                posted.append(line.strip())
                if len(posted) == 60 * (life + 1):
                    process.send_signal(signal.SIGKILL)
                    break
            posted += [line.strip() for line in process.stdout if line.endswith("\n")]
            process.stdout.close()
            process.wait()
        with linked(folder, broker.url) as link:
            until(lambda: link.status().connected and link.status().depth == 0)
            seen.wait_for(lambda m: m.topic.endswith("/event") and m.json["track_id"] == posted[-1])
    by_number = {}
    for message in seen.of("/event"):
        assert by_number.setdefault(message.json["seq"], message.json["track_id"]) == message.json["track_id"]
    assert set(posted) <= set(by_number.values())
    assert sorted(by_number) == list(range(1, max(by_number) + 1)), "no gap"
    assert numbers(seen) == sorted(by_number)


def test_the_last_will_says_that_it_is_gone(broker, folder):
    script = Path(__file__).parent / "victim.py"
    with Subscriber(broker) as seen:
        process = subprocess.Popen(
            [sys.executable, str(script), str(folder), broker.url, "0"], stdout=subprocess.PIPE, text=True
        )
        seen.wait_for(lambda m: m.payload == "online")
        process.kill()
        process.stdout.close()
        process.wait()
        seen.wait_for(lambda m: m.payload == "offline" and m.retain)


def test_retained_topics_that_no_longer_hold_are_cleared_after_a_crash(broker, folder):
    script = Path(__file__).parent / "victim.py"
    gone = TOPICS.alert("front", "old-rule")
    process = subprocess.Popen(
        [sys.executable, str(script), str(folder), broker.url, "0", gone], stdout=subprocess.PIPE, text=True
    )
    until(lambda: gone in broker.retained("edge-fer/#"))
    process.kill()
    process.stdout.close()
    process.wait()
    with linked(folder, broker.url) as link:
        retain_all(link)
        until(lambda: link.status().connected)
        until(lambda: gone not in broker.retained("edge-fer/#"))
        assert TOPICS.state("front") in broker.retained("edge-fer/#")


def test_retained_topics_are_cleared_on_request_and_made_anew_on_every_connection(broker, folder):
    with Subscriber(broker) as seen, linked(folder, broker.url) as link:
        retain_all(link)
        seen.wait_for(lambda m: m.topic == TOPICS.state("front"))
        link.clear(TOPICS.alert("front", "unhappy-guest"))
        seen.wait_for(lambda m: m.topic.endswith("unhappy-guest") and not m.payload)
        broker.kill()
        # somebody has meddled with the broker's memory
        (Path(broker._folder) / "mosquitto.db").unlink()
        broker.start()
        until(lambda: link.status().connections == 2)
        until(lambda: TOPICS.state("front") in broker.retained())
        assert set(broker.retained("edge-fer/#")) == {
            TOPICS.availability,
            TOPICS.state("front"),
            TOPICS.camera_availability("front"),
        }


def test_alert_events_overtake_a_backlog(tmp_path, folder):
    broker = Mosquitto(tmp_path / "broker")
    with broker, Subscriber(broker) as seen:
        broker.stop()
        with linked(folder, broker.url) as link:
            post_events(link, 100)
            at = now()
            link.post(TOPICS.alert_event("front"), MessageKind.ALERT_EVENT, alert_event(at), at)
            until(lambda: link.status().depth == 101)
            broker.start()
            seen.wait_for(lambda m: m.topic.endswith("/event"), count=100)
    order = [message.topic.rpartition("/")[2] for message in seen.messages if message.topic.endswith("event")]
    assert order[0] == "alert_event"


def test_two_clients_of_one_id_slow_down_and_the_log_names_it_as_a_possible_cause(broker, folder, log):
    """MQTT 3.1.1 has no reasons: a broker hangs up on a connection at rest and accepts us again at once."""
    options = {"client_id": "twin", "protocol": MqttVersion.V311}
    with linked(folder, broker.url, backoff=Backoff(first=0.6), **options) as link:
        until(lambda: link.status().connected)
        with linked(folder.with_name("other"), broker.url, backoff=Backoff(first=0.6), **options) as twin:
            until(lambda: link.status().connections + twin.status().connections > 8)
    assert "another client with the id 'twin' can be the cause" in log.text
    assert "has taken our place" not in log.text, "there is no proof"


@pytest.mark.parametrize("how", ["cut", "hang_up", "refuse"])
def test_a_line_at_rest_that_is_cut_several_times_is_back_soon(broker, folder, log, how):
    with Proxy(broker.port) as proxy, linked(folder, f"mqtt://127.0.0.1:{proxy.port}", backoff=Backoff()) as link:
        for number in range(3):
            until(lambda: link.status().connections > number)  # noqa: B023 - used at once
            until(lambda: link.status().connected)
            time.sleep(0.5)
            getattr(proxy, how)()
            proxy.listen()
        until(lambda: link.status().connections > 3, timeout=15)
    assert "has taken our place" not in log.text


@pytest.mark.parametrize("protocol", MqttVersion)
def test_a_topic_that_is_not_allowed_stops_no_other(tmp_path, folder, log, protocol, monkeypatch):
    monkeypatch.setattr("edge_fer.mqtt.sender._VERDICT", 0.1)
    monkeypatch.setattr("edge_fer.mqtt.sender._BLAME", 0.08)
    acl = ["topic read #", f"topic write {TOPICS.availability}", f"topic write {TOPICS.event('front')}"]
    broker = Mosquitto(tmp_path / "broker", acl=acl)
    options = {"protocol": protocol, "refusals": Refusals(pause=0.5)}
    with broker, Subscriber(broker) as seen, linked(folder, broker.url, **options) as link:
        at = now()
        link.post(TOPICS.alert_event("front"), MessageKind.ALERT_EVENT, alert_event(at), at)
        link.retain(TOPICS.state("front"), COMPOSER.state(scene(at)), at)
        post_events(link, 5)
        seen.wait_for(lambda m: m.topic == TOPICS.event("front"), count=5)
        if protocol is MqttVersion.V5:
            until(lambda: log.text.count("0x87") >= 2)
            assert f"refuses a message to {TOPICS.alert_event('front')}" in log.text
            until(lambda: link.status().depth == 1)  # what is not allowed is kept
            # the broker's owner puts it right
            broker.set_acl([*acl, "topic write edge-fer/#"])
            broker.reload()
            seen.wait_for(lambda m: m.topic == TOPICS.alert_event("front"))
            seen.wait_for(lambda m: m.topic == TOPICS.state("front"))
        # MQTT 3.1.1 has no way to say no, and a broker acknowledges what it throws away
        until(lambda: link.status().depth == 0)


def test_a_line_that_is_cut_amid_messages_makes_no_topic_suspect(broker, folder, monkeypatch):
    """Else messages would go out one by one for a minute, and their topic be left alone for longer."""
    monkeypatch.setattr("edge_fer.mqtt.sender._VERDICT", 5.0)
    with Subscriber(broker) as seen, Proxy(broker.port) as proxy:
        with linked(folder, f"mqtt://127.0.0.1:{proxy.port}") as link:
            for number in range(4):
                until(lambda: link.status().connected)
                proxy.tear(500)
                post_events(link, 5, first=5 * number)
                until(lambda: link.status().connections > number + 1)  # noqa: B023 - used at once
            post_events(link, 80, first=20)
            # one by one, it takes longer: for a minute, until they may go out together again
            seen.wait_for(lambda m: m.topic.endswith("/event") and m.json["seq"] == 100, timeout=45)
        assert numbers(seen) == list(range(1, 101))


def test_a_message_that_is_too_large_is_given_up_and_stops_no_other(tmp_path, folder, log):
    broker = Mosquitto(tmp_path / "broker", options=["max_packet_size 1000"])
    with broker, Subscriber(broker) as seen, linked(folder, broker.url) as link:
        seen.wait_for(lambda m: m.payload == "online")
        at = now()
        link.post(TOPICS.event("front"), MessageKind.EVENT, event(at, track="x" * 2000), at)
        post_events(link, 3)
        seen.wait_for(lambda m: m.topic == TOPICS.event("front"), count=3)
        until(lambda: link.status().depth == 0 and link.status().dropped[MessageKind.EVENT] == 1)
        assert link.status().connections == 1
    assert "0x95" in log.text


def test_a_broker_that_hangs_is_noticed_within_the_keepalive(broker, folder, log):
    with linked(folder, broker.url, keepalive=15) as link:
        until(lambda: link.status().connected)
        broker.pause()
        paused = time.monotonic()
        until(lambda: not link.status().connected)
        # half of it passes in silence, and half of it waiting for an answer; without that, it takes twice as long
        assert time.monotonic() - paused < 20
        broker.resume()
        post_events(link, 1)
        until(lambda: link.status().connected and link.status().depth == 0)
    assert "has fallen silent" in log.text


def test_close_flushes_what_it_can(broker, folder):
    with Subscriber(broker) as seen:
        link = make_link(folder, broker.url)
        link.start()
        post_events(link, 50)
        began = time.monotonic()
        link.close(60)
        assert time.monotonic() - began < 25, "it does not wait for the rest of its time"
        seen.wait_for(lambda m: m.payload == "offline")
        assert numbers(seen) == list(range(1, 51))
    until(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith(("mqtt", "broker"))])


@pytest.mark.parametrize("connected", [False, True])
def test_close_ends_within_its_timeout_with_a_broker_that_hangs(broker, folder, connected):
    """Paused, it accepts connections and never answers."""
    if not connected:
        broker.pause()
    link = make_link(folder, broker.url)
    link.start()
    if connected:
        until(lambda: link.status().connected)
        broker.pause()
    post_events(link, 50)
    began = time.monotonic()
    link.close(1.0)
    assert time.monotonic() - began < 8
    # where this machine was too busy for it to end by then; of itself, it would wait for as long as the keep-alive
    link.close(8)
    assert not link._thread.is_alive()
    broker.resume()
    with Subscriber(broker) as seen, linked(folder, broker.url):
        assert len(set(seen.wait_for(lambda m: m.topic.endswith("/event"), count=50))) >= 50


def test_close_is_quick_where_there_is_no_broker(tmp_path, folder):
    link = make_link(folder, Mosquitto(tmp_path / "broker").url)
    link.start()
    post_events(link, 5)
    until(lambda: link.status().setback)
    began = time.monotonic()
    link.close(60)
    assert time.monotonic() - began < 25, "it does not wait for the rest of its time"
    link.close(3.0)


@pytest.mark.parametrize("where", ["made", "kept"])
def test_a_message_that_cannot_be_kept_is_counted_and_holds_up_no_other(broker, folder, log, monkeypatch, where):
    with Subscriber(broker) as seen, linked(folder, broker.url) as link:
        seen.wait_for(lambda m: m.payload == "online")
        at, failures = now(), iter([True])
        if where == "made":
            link.post(TOPICS.event("front"), MessageKind.EVENT, object(), at)
        else:
            put = Outbox.put
            monkeypatch.setattr(Outbox, "put", lambda *args: 1 / 0 if next(failures, False) else put(*args))
            post_events(link, 1, first=7)
        post_events(link, 2)
        seen.wait_for(lambda m: m.topic.endswith("/event"), count=2)
        until(lambda: link.status().dropped[MessageKind.EVENT] == 1)
        assert link.status().connections == 1
    assert "could not be kept" in log.text
    with contextlib.closing(open_outbox(folder / "outbox.db", boot=BOOT)) as outbox:
        assert outbox.dropped[MessageKind.EVENT] == 1, "on disk, too"


def test_a_value_that_cannot_be_made_holds_up_no_other(broker, folder, log):
    with linked(folder, broker.url) as link:
        until(lambda: link.status().connected)
        link.retain(TOPICS.camera_availability("back"), object(), now())
        link.retain(TOPICS.camera_availability("front"), "online", now())
        until(lambda: TOPICS.camera_availability("front") in broker.retained("edge-fer/#"))
        assert link.status().connections == 1
    assert log.text.count("could not be made") == 1


def test_an_outbox_that_cannot_be_opened_is_told_at_the_start(tmp_path, broker):
    (tmp_path / "file").touch()
    link = make_link(tmp_path / "file", broker.url)
    with pytest.raises(OutboxError):
        link.start()


def test_a_message_that_cannot_be_made_is_set_aside_and_stops_no_other(broker, folder, log, monkeypatch):
    with Subscriber(broker) as seen, linked(folder, broker.url) as link:
        seen.wait_for(lambda m: m.payload == "online")
        failures = iter([True])
        monkeypatch.setattr(
            "edge_fer.mqtt.sender.seal",
            lambda *args, **fields: 1 / 0 if next(failures, False) else seal(*args, **fields),
        )
        post_events(link, 3)
        seen.wait_for(lambda m: m.topic.endswith("/event"), count=2)
        until(lambda: link.status().damaged == 1 and link.status().depth == 0)
        assert link.status().connections == 1
    assert "ZeroDivisionError" in log.text
    assert numbers(seen) == [2, 3]
