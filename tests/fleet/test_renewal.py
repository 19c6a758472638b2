"""A node's certificate is renewed for a key that it makes itself, while it publishes, over a real Mosquitto."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta

import pytest

from edge_fer.errors import BrokerError
from edge_fer.fleet import folder as folder_module
from edge_fer.fleet.authority import Authority, new_key, parsed_request
from edge_fer.mqtt.certificates import end_in_file
from edge_fer.remote.renewal import CertificateMaker
from tests.daemon import Daemon
from tests.fleet.kit import Fleet, events_of
from tests.mqtt.kit import until
from tests.running import ENDLESS

NOW = datetime.now(UTC)


def info(fleet, node):
    seen = fleet.client("mosquitto_sub", "operator", "-t", f"edge-fer/{node}/info", "-C", "1", "-W", "20", "-q", "1")
    return json.loads(seen.stdout)


def test_a_renewed_certificate_is_taken_without_a_lost_message(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_module, "CERTIFICATE_DAYS", 300)
    with Fleet(tmp_path, "one") as fleet:
        config = fleet.taken_over("one") | {"cameras": {"front": ENDLESS}}
        with events_of(fleet, "one") as seen, Daemon(tmp_path / "node", config) as daemon:
            seen.wait_for(lambda m: m.topic.endswith("/event"))
            before = info(fleet, "one")["client_certificate_ends"]
            monkeypatch.setattr(folder_module, "CERTIFICATE_DAYS", 825)
            assert "one: its new certificate holds until" in fleet.ok("renew", "one")
            after = info(fleet, "one")["client_certificate_ends"]
            assert datetime.fromisoformat(after) - datetime.fromisoformat(before) > timedelta(days=500)
            count = len(seen.messages)
            until(lambda: len([m for m in seen.messages[count:] if m.topic.endswith("/event")]) >= 3)
            assert daemon.stop() == 0
            until(lambda: seen.messages[-1].payload == "offline")
        for topic in {m.topic for m in seen.messages if m.topic.endswith(("event", "summary"))}:
            numbers = list(dict.fromkeys(m.json["seq"] for m in seen.messages if m.topic == topic))
            assert numbers == list(range(1, len(numbers) + 1)), topic
        state = tmp_path / "node" / "state"
        assert stat.S_IMODE((state / "renewed.pem").stat().st_mode) == 0o600
        card = (tmp_path / "devices" / "one" / "boot-mqtt-client.key").read_text()
        assert card not in (state / "renewed.pem").read_text(), "it is for a key of its own"
        assert not (state / "renewal.key").exists()
        # both are revoked with the node
        assert "2 certificates" in fleet.ok("revoke", "one")
        fleet.deploy()
        fleet.stop()
        fleet.start()
        with Daemon(tmp_path / "node", config) as daemon:
            daemon.wait_for("no connection to the broker")
            assert daemon.stop() == 0


def test_a_node_asks_by_itself_before_its_certificate_ends(tmp_path, monkeypatch):
    with Fleet(tmp_path) as fleet:
        monkeypatch.setattr(folder_module, "CERTIFICATE_DAYS", 20)
        fleet.ok("add", "one")
        monkeypatch.undo()
        fleet.deploy()
        fleet.reload()
        assert "No node asks" in fleet.ok("renew")
        config = fleet.taken_over("one") | {"cameras": {"front": ENDLESS}}
        with Daemon(tmp_path / "node", config) as daemon:
            until(lambda: "certificate ends in 19 days" in fleet.ok("status"))
            until(lambda: "one: its new certificate holds" in fleet.run("renew").stdout)
            assert "certificate ends" not in fleet.ok("status")
            assert "No node asks" in fleet.ok("renew"), "and no more after that"
            assert daemon.stop() == 0
        # the next start goes on with it
        assert end_in_file(tmp_path / "node" / "state" / "renewed.pem") - datetime.now(UTC) > timedelta(days=800)
        with Daemon(tmp_path / "node", config) as daemon:
            daemon.wait_for("connected to the broker")
            assert "ends soon" not in daemon.output
            assert daemon.stop() == 0


@pytest.fixture
def made(tmp_path):
    authority, _ = Authority.make("fleet", NOW)
    (tmp_path / "ca.crt").write_text(authority.pem)
    return authority, CertificateMaker("one", tmp_path, tmp_path / "ca.crt", "renewed.pem")


def issued(authority, key, name="one", days=100):
    return authority.issue(name, key, NOW, days=days).pem


@pytest.mark.outside
def test_only_a_certificate_for_our_key_our_name_and_of_our_authority_is_taken(tmp_path, made):
    authority, maker = made
    assert not maker.accept(issued(authority, new_key()[0].public_key())), "nothing was asked for"
    request = maker.request()
    key = parsed_request(request, "one").public_key()
    assert parsed_request(maker.request(), "one").public_key() == key, "the key stays until it has a certificate"
    assert not maker.accept(issued(authority, new_key()[0].public_key())), "it is for another key"
    other, _ = Authority.make("fleet", NOW)
    for wrong, said in (
        (issued(authority, key, "two"), "another name"),
        (issued(other, key), "verify"),
        (issued(authority, key, days=-0.5), "verify"),
        ("junk", "x509"),
    ):
        with pytest.raises(BrokerError, match=said):
            maker.accept(wrong)
        assert not (tmp_path / "renewed.pem").exists()
        assert maker.pending
    assert maker.accept(issued(authority, key))
    assert not maker.pending
    assert end_in_file(tmp_path / "renewed.pem") is not None


@pytest.mark.outside
def test_a_key_that_was_cut_off_is_made_anew(tmp_path, made):
    _, maker = made
    (tmp_path / "renewal.key").write_text("-----BEGIN PRI")
    with pytest.raises(BrokerError):
        maker.request()
    assert maker.request().startswith("-----BEGIN CERTIFICATE REQUEST")


@pytest.mark.parametrize("request_", ["", "junk", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n"])
def test_what_is_no_request_is_not_signed(tmp_path, request_):
    fleet = Fleet(tmp_path, "one")
    with pytest.raises(ValueError, match="no certificate request"):
        fleet.folder.sign("one", request_, NOW)


def test_a_request_for_another_name_or_of_a_stranger_is_not_signed(tmp_path, made):
    _, maker = made
    request = maker.request()
    fleet = Fleet(tmp_path / "fleet", "two")
    for node, said in (("two", "for the name"), ("one", "no node of this fleet")):
        with pytest.raises(ValueError, match=said):
            fleet.folder.sign(node, request, NOW)
