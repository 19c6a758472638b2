"""Logins and TLS against a real Mosquitto; each refusal is told apart, and cured while the link goes on."""

from __future__ import annotations

import logging

import pytest

from edge_fer.mqtt.failures import Trouble
from tests.broker import Mosquitto, Subscriber
from tests.mqtt.kit import TOPICS, linked, post_events, until


@pytest.fixture(autouse=True)
def log(caplog):
    caplog.set_level(logging.INFO, "edge_fer")
    return caplog


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "node"


@pytest.fixture
def guarded(tmp_path):
    with Mosquitto(tmp_path / "broker", users={"edge": "right", "reader": "r"}) as broker:
        yield broker


def with_user(broker: Mosquitto) -> str:
    return broker.url.replace("://", "://edge@")


def test_the_right_password(guarded, folder, tmp_path):
    password_file = tmp_path / "password"
    password_file.write_text("right\n")
    with (
        Subscriber(guarded, user="reader") as seen,
        linked(folder, with_user(guarded), password_file=password_file) as link,
    ):
        post_events(link, 1)
        seen.wait_for(lambda m: m.topic == TOPICS.event("front"))


def test_a_wrong_password_is_told_and_may_be_changed_meanwhile(guarded, folder, tmp_path, log):
    password_file = tmp_path / "password"
    password_file.write_text("wrong-and-secret")
    with linked(folder, with_user(guarded), password_file=password_file) as link:
        post_events(link, 1)
        until(lambda: link.status().setback)
        assert link.status().setback.trouble is Trouble.NOT_AUTHORISED, "Mosquitto says no more than that"
        assert link.status().connections == 0, "a refusal is not a connection"
        password_file.write_text("right")
        until(lambda: link.status().connected and link.status().depth == 0)
        assert link.status().setback is None
    assert log.text.count("does not let user 'edge' in") == 1
    assert "wrong-and-secret" not in log.text


def test_no_user_where_one_is_wanted(guarded, folder, log):
    with linked(folder, guarded.url) as link:
        until(lambda: link.status().setback)
        assert link.status().setback.trouble is Trouble.NOT_AUTHORISED
    assert "a client without a user name" in log.text


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe"])
def test_a_password_file_that_cannot_be_used_is_told_and_read_again(guarded, folder, tmp_path, log, content):
    password_file = tmp_path / "password"
    if content is not None:
        password_file.write_bytes(content)
    with linked(folder, with_user(guarded), password_file=password_file) as link:
        until(lambda: link.status().setback)
        assert link.status().setback.trouble is Trouble.FILE
        password_file.write_text("right")
        until(lambda: link.status().connected)
    assert f"password_file {password_file}" in log.text


@pytest.fixture
def encrypted(tmp_path, certificates):
    with Mosquitto(tmp_path / "broker", certificates=certificates) as broker:
        yield broker


def test_tls(encrypted, folder, certificates):
    with Subscriber(encrypted) as seen, linked(folder, encrypted.url, ca_file=certificates.ca) as link:
        post_events(link, 50)
        seen.wait_for(lambda m: m.topic == TOPICS.event("front"), count=50)


def test_a_broker_of_an_unknown_authority_is_not_trusted(encrypted, folder, others, log):
    for options in ({"ca_file": others.ca}, {}):
        log.clear()
        with linked(folder, encrypted.url, **options) as link:
            until(lambda: link.status().setback)
            assert link.status().setback.trouble is Trouble.TLS_NOT_TRUSTED
        assert "`ca_file`" in log.text


def test_a_certificate_for_another_host_is_not_accepted(tmp_path, folder, others, log):
    with (
        Mosquitto(tmp_path / "broker", certificates=others) as broker,
        linked(folder, broker.url, ca_file=others.ca) as link,
    ):
        until(lambda: link.status().setback)
        assert link.status().setback.trouble is Trouble.TLS_WRONG_HOST
    assert "for another host" in log.text


def test_a_certificate_of_our_own(tmp_path, folder, certificates, others, log):
    # Mosquitto 2.0 hangs up; others say why
    refused = {Trouble.HUNG_UP, Trouble.TLS_CLIENT_REFUSED}
    with Mosquitto(tmp_path / "broker", certificates=certificates, ask_for_certificate=True) as broker:
        for files in ({}, {"cert_file": others.client, "key_file": others.client_key}):
            log.clear()
            with linked(folder, broker.url, ca_file=certificates.ca, **files) as link:
                until(lambda: link.status().setback)
                assert link.status().setback.trouble in refused
            assert "`cert_file`" in log.text
        files = {"cert_file": certificates.client, "key_file": certificates.client_key}
        with linked(folder, broker.url, ca_file=certificates.ca, **files) as link:
            until(lambda: link.status().connected)


@pytest.mark.parametrize("file", ["ca_file", "cert_file", "key_file"])
@pytest.mark.parametrize("there", [False, True])
def test_a_file_for_tls_that_cannot_be_used_is_named(encrypted, folder, tmp_path, certificates, log, file, there):
    files = {"ca_file": certificates.ca, "cert_file": certificates.client, "key_file": certificates.client_key}
    files[file] = tmp_path / "broken"
    if there:
        files[file].write_text("not a certificate")
    with linked(folder, encrypted.url, **files) as link:
        until(lambda: link.status().setback)
        assert link.status().setback.trouble is Trouble.FILE
    assert str(tmp_path / "broken") in log.text


def test_an_encrypted_link_to_a_plain_port_and_the_other_way_round(tmp_path, encrypted, folder, certificates, log):
    with Mosquitto(tmp_path / "plain") as plain:
        url = plain.url.replace("mqtt:", "mqtts:")
        with linked(folder, url, ca_file=certificates.ca) as link:
            until(lambda: link.status().setback)
            assert link.status().setback.trouble in {Trouble.TLS, Trouble.TIMED_OUT}
    with linked(folder, encrypted.url.replace("mqtts:", "mqtt:")) as link:
        until(lambda: link.status().setback)
        assert link.status().setback.trouble is Trouble.HUNG_UP
    assert "Traceback" not in log.text


def test_a_name_that_is_not_found(folder, log):
    with linked(folder, "mqtt://no-such-broker.invalid") as link:
        until(lambda: link.status().setback, timeout=180)
        assert link.status().setback.trouble is Trouble.NAME_NOT_FOUND
    assert "no-such-broker.invalid" in log.text
