"""The doctor at a real broker: each thing that can be wrong with it is told as what it is."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge_fer.contract.topics import Topics
from edge_fer.contract.trouble import Trouble
from edge_fer.doctor import broker as doctor
from edge_fer.mqtt import session
from edge_fer.mqtt.settings import BrokerSettings
from tests.broker import HOST, Certificates, Mosquitto, Subscriber, free_port
from tests.daemon import Daemon
from tests.fakes.broker import FakeBroker
from tests.mqtt import kit

TOPICS = Topics("test")


def look(url, signals=(), *, daemon=False, **options):
    settings = BrokerSettings.from_url(url, node="test", **options)
    return {finding.name: finding for finding in doctor.broker(settings, TOPICS, ["front"], signals, daemon=daemon)}


def states(findings):
    return {name: str(finding.state) for name, finding in findings.items()}


def password(tmp_path, text="right"):
    file = tmp_path / "password"
    file.write_text(text)
    return file


def with_user(broker):
    return broker.url.replace("://", "://edge@")


def test_all_is_well_and_nothing_is_left_behind(tmp_path):
    with Mosquitto(tmp_path) as broker, Subscriber(broker) as seen:
        found = look(broker.url)
        assert states(found) == {
            "broker": "good",
            "login": "good",
            "encryption": "skipped",
            "publishing": "good",
            "subscribing": "good",
            "client id": "good",
        }
        assert "MQTT 5" in found["broker"].what
        seen.wait_for(lambda m: m.topic == "edge-fer/test/camera/front/doctor")
        assert {m.topic for m in seen.messages} == {"edge-fer/test/doctor", "edge-fer/test/camera/front/doctor"}
        assert broker.retained("#") == {}


def test_a_daemon_that_runs_is_not_disturbed(tmp_path):
    from edge_fer.sample import sample_path

    camera = {"source": str(sample_path()), "loop": True}
    with (
        Mosquitto(tmp_path / "broker") as broker,
        Subscriber(broker) as seen,
        Daemon(tmp_path, {"cameras": {"front": camera}, "mqtt": {"broker": broker.url}}) as daemon,
    ):
        seen.wait_for(lambda m: m.topic == "edge-fer/test/availability" and m.payload == "online")
        found = look(broker.url, daemon=True)
        assert (states(found)["publishing"], states(found)["client id"]) == ("good", "good")
        time.sleep(0.5)
        assert [m.payload for m in seen.of("test/availability")] == ["online"]
        assert daemon.stop() == 0


def test_nobody_listens():
    found = look(f"mqtt://{HOST}:{free_port()}")
    assert states(found) == {"broker": "fault"}
    assert "runs, listens on the network" in found["broker"].remedy


def test_the_name_is_not_found(monkeypatch):
    def nobody_knows(*_arguments, **_options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    # name servers on the way here answer when they like
    monkeypatch.setattr(socket, "getaddrinfo", nobody_knows)
    assert "name server" in look("mqtt://no-such-broker.invalid")["broker"].remedy


def test_it_hangs(tmp_path, monkeypatch):
    monkeypatch.setattr(session, "OPENING", 3.0)
    with Mosquitto(tmp_path) as broker:
        broker.pause()
        begin = time.monotonic()
        found = look(broker.url)
        assert time.monotonic() - begin < 20, "it has a limit"
        broker.resume()
    assert states(found) == {"broker": "fault"}


@pytest.mark.parametrize("text", ["wrong-and-secret", ""])
def test_the_password_is_wrong_or_missing(tmp_path, text):
    with Mosquitto(tmp_path / "broker", users={"edge": "right"}) as broker:
        found = look(with_user(broker), password_file=password(tmp_path, text))
    assert states(found)["login"] == "fault"
    assert "password" in found["login"].what + found["login"].remedy
    assert "wrong-and-secret" not in str(found)


def test_a_certificate_of_a_stranger_and_one_for_another_host(tmp_path, certificates, others):
    with Mosquitto(tmp_path / "a", certificates=certificates) as broker:
        found = look(broker.url, ca_file=others.ca)
        assert states(found) == {"broker": "good", "encryption": "fault"}
        assert "ca_file" in found["encryption"].remedy
    with Mosquitto(tmp_path / "b", certificates=others) as broker:
        assert "for another host" in look(broker.url, ca_file=others.ca)["encryption"].what


def test_days_left_on_the_certificate(tmp_path, certificates):
    with Mosquitto(tmp_path / "short", certificates=certificates) as broker:
        found = look(broker.url, ca_file=certificates.ca)["encryption"]
    assert (str(found.state), "for 1 more day, until" in found.what) == ("warning", True), found


@pytest.mark.parametrize(("days", "state"), [(29.9, "warning"), (30.1, "good")])
def test_certificates_are_told_of_from_thirty_days_before_they_end(tmp_path, days, state):
    made = Certificates(tmp_path / "certificates")
    made.issue_server(days=days)
    made.issue_client(days=days)
    files = {"cert_file": made.client, "key_file": made.client_key}
    with Mosquitto(tmp_path / "broker", certificates=made, ask_for_certificate=True) as broker:
        found = look(broker.url, ca_file=made.ca, **files)
    for name in ("encryption", "own certificate"):
        assert str(found[name].state) == state
        assert f"for {int(days)} more days, until" in found[name].what


def test_an_expired_certificate_of_ours_is_told_as_one(tmp_path):
    made = Certificates(tmp_path / "certificates")
    made.issue_client(days=-1)
    files = {"cert_file": made.client, "key_file": made.client_key}
    with Mosquitto(tmp_path / "broker", certificates=made, ask_for_certificate=True) as broker:
        found = look(broker.url, ca_file=made.ca, **files)
    assert states(found) == {"broker": "good", "login": "fault", "own certificate": "fault"}
    assert "our certificate has expired" in found["login"].what
    assert "next try" not in found["login"].remedy
    assert f"{made.client} is our certificate: it expired at " in found["own certificate"].what


def test_an_expired_certificate_of_ours_is_told_where_the_broker_does_not_ask_for_one(tmp_path):
    made = Certificates(tmp_path / "certificates")
    made.issue_client(days=-1)
    files = {"cert_file": made.client, "key_file": made.client_key}
    with Mosquitto(tmp_path / "broker", certificates=made, options=["use_identity_as_username false"]) as broker:
        found = look(broker.url, ca_file=made.ca, **files)
    assert str(found["own certificate"].state) == "fault"


def test_a_certificate_that_lasts_and_one_that_has_ended(tmp_path, certificates):
    before = certificates.server.read_bytes()
    try:
        certificates.issue_server(days=400)
        with Mosquitto(tmp_path / "long", certificates=certificates) as broker:
            found = look(broker.url, ca_file=certificates.ca)["encryption"]
            assert (str(found.state), "for 399 more days" in found.what) == ("good", True), found
        certificates.issue_server(days=-1)
        with Mosquitto(tmp_path / "over", certificates=certificates) as broker:
            found = look(broker.url, ca_file=certificates.ca)["encryption"]
            assert (str(found.state), "expired" in found.what) == ("fault", True), found
    finally:
        certificates.server.write_bytes(before)


def test_it_wants_a_certificate_of_ours(tmp_path, certificates):
    with Mosquitto(tmp_path, certificates=certificates, ask_for_certificate=True) as broker:
        found = look(broker.url, ca_file=certificates.ca)
        assert states(found)["login"] == "fault"
        assert "cert_file" in found["login"].remedy
        files = {"cert_file": certificates.client, "key_file": certificates.client_key}
        assert states(look(broker.url, ca_file=certificates.ca, **files))["login"] == "good"


@pytest.mark.parametrize(
    ("acl", "publishing", "subscribing"),
    [
        (["user edge", "topic readwrite edge-fer/test/#"], "good", "good"),
        (["user edge", "topic write edge-fer/test/#"], "good", "warning"),
        (["user edge", "topic read edge-fer/test/#"], "fault", "warning"),
        (["user edge", "topic readwrite edge-fer/test/doctor"], "fault", "warning"),
        (["user other", "topic readwrite #"], "fault", "warning"),
    ],
)
def test_what_the_access_list_grants(tmp_path, acl, publishing, subscribing):
    with Mosquitto(tmp_path / "broker", users={"edge": "right"}, acl=acl) as broker:
        found = look(with_user(broker), password_file=password(tmp_path))
    assert (states(found)["publishing"], states(found)["subscribing"]) == (publishing, subscribing), found
    if publishing == "fault":
        assert "access list" in found["publishing"].remedy
        assert "edge-fer/test/" in found["publishing"].what


def test_a_broker_of_the_old_version_cannot_say_what_it_passes_on(tmp_path, monkeypatch):
    acl = ["user edge", "topic write edge-fer/test/#"]
    monkeypatch.setattr(session, "ProtocolChoice", OnlyOld)
    with Mosquitto(tmp_path / "broker", users={"edge": "right"}, acl=acl) as broker:
        found = look(with_user(broker), password_file=password(tmp_path))
    assert "MQTT 3.1.1" in found["broker"].what
    assert (states(found)["publishing"], states(found)["subscribing"]) == ("warning", "warning")


def test_another_node_of_the_same_name(tmp_path):
    with Mosquitto(tmp_path) as broker:
        broker.publish(TOPICS.availability, "online", retain=True)
        found = look(broker.url)["client id"]
        assert str(found.state) == "warning"
        assert "`node.id`" in found.remedy
        assert str(look(broker.url, daemon=True)["client id"].state) == "good", "it is our own"
        broker.publish(TOPICS.health, "not JSON", retain=True)
        assert str(look(broker.url, daemon=True)["client id"].state) == "good"


def test_a_client_of_the_same_id_that_takes_over_the_daemon_s_session(tmp_path):
    """A broker that says so (0x8E) makes the daemon tell it in `health`, and the doctor reads it there."""
    topics = kit.TOPICS
    with Mosquitto(tmp_path / "broker") as broker:
        with kit.linked(tmp_path / "a", broker.url, client_id="twin") as link:
            kit.until(lambda: link.status().connected)
            status = replace(link.status(), last_trouble=Trouble.TAKEN_OVER)
        rest = {"uptime": 0, "rss": 0, "temperature": None, "throttling": None, "cameras": {}}
        health = kit.COMPOSER.health(kit.now(), **rest, link=status)
        broker.publish(topics.health, health.model_dump_json(), retain=True)
        settings = BrokerSettings.from_url(broker.url, node=kit.NODE, client_id="twin")
        found = {finding.name: finding for finding in doctor.broker(settings, topics, ["front"], daemon=True)}
    assert str(found["client id"].state) == "fault"
    assert "'twin'" in found["client id"].what


@pytest.mark.parametrize(("code", "words"), [(0x97, "we send too much"), (0x85, "client id"), (0x89, "not available")])
def test_what_a_broker_says_when_it_refuses_us(code, words):
    with FakeBroker(bytes([0x20, 3, 0, code, 0])) as broker:
        found = look(broker.url)["broker"]
    assert str(found.state) == "fault"
    assert words in found.what


class OnlyOld(session.ProtocolChoice):
    def __init__(self):
        super().__init__(doctor.MqttVersion.V311)


def test_a_password_that_others_can_read_is_worth_a_word(tmp_path, monkeypatch):
    settings = BrokerSettings.from_url(
        "mqtt://edge@192.0.2.1", node="test", password_file=password(tmp_path), allow_insecure=True
    )
    assert str(doctor._encryption(settings, None, datetime.now(UTC)).state) == "warning"


def denying(folder, topic):
    """A broker that refuses subscriptions to one topic; its plain access list only would not deliver."""
    (plugin,) = Path("/usr/lib").glob("*/mosquitto_dynamic_security.so")
    role = {"rolename": "r", "acls": [{"acltype": "subscribePattern", "topic": topic, "priority": 1, "allow": False}]}
    kinds = ("publishClientSend", "publishClientReceive", "subscribe", "unsubscribe")
    folder.mkdir(exist_ok=True)
    (folder / "roles.json").write_text(
        json.dumps(
            {
                "defaultACLAccess": dict.fromkeys(kinds, True),
                "groups": [{"groupname": "all", "roles": [{"rolename": "r"}]}],
                "anonymousGroup": "all",
                "clients": [],
                "roles": [role],
            }
        )
    )
    return Mosquitto(folder, options=[f"plugin {plugin}", f"plugin_opt_config_file {folder / 'roles.json'}"])


def test_a_signal_that_the_broker_refuses_is_named(tmp_path):
    with denying(tmp_path, "ward/pulse") as broker:
        found = look(broker.url, ["ward/door", "ward/pulse"])["signals"]
    assert str(found.state) == "fault"
    assert "ward/pulse" in found.what
    assert "ward/door" not in found.what


def test_signals_that_are_granted_say_whether_anything_came(tmp_path):
    with Mosquitto(tmp_path) as broker:
        broker.publish("ward/pulse", "80", retain=True)
        heard = look(broker.url, ["ward/pulse"])["signals"]
        silent = look(broker.url, ["ward/pulse", "ward/door"])["signals"]
    assert str(heard.state) == str(silent.state) == "good"
    assert "a message came on each" in heard.what
    assert "nothing came on ward/door" in silent.what
