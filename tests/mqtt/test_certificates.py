"""When certificates end: read from any certificate, and told ahead in `health`, the metrics and the log."""

from __future__ import annotations

import json
import logging
import os
import re
import socket
import ssl
import subprocess
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from edge_fer.contract.link_status import CertificateEnds, LinkStatus
from edge_fer.contract.trouble import Trouble
from edge_fer.mqtt.certificates import EndWatch, end_in_file, end_of
from edge_fer.sinks.prometheus import metrics_of
from tests.broker import Certificates, Mosquitto, Subscriber, tool
from tests.daemon import Daemon
from tests.faults.proxy import Proxy
from tests.mqtt.kit import COMPOSER, TOPICS, linked, now, post_events, until
from tests.running import ENDLESS

DAY = timedelta(days=1)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def certificate(end, *, key=None, names=1):
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"name {n}") for n in range(names)])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(datetime(1960, 1, 1, tzinfo=UTC)).not_valid_after(end).sign(key, hashes.SHA256())


def der(certificate):
    return certificate.public_bytes(serialization.Encoding.DER)


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize("year", [1970, 1999, 2026, 2049, 2050, 2999, 9999])
@pytest.mark.parametrize("names", [1, 20])
def test_the_end_of_any_certificate_is_read(year, names):
    end = datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert end_of(der(certificate(end, names=names))) == end


def test_the_end_of_a_certificate_of_a_large_key_and_of_version_1_is_read(tmp_path):
    assert end_of(der(certificate(NOON, key=rsa.generate_private_key(65537, 4096)))) == NOON
    made = tmp_path / "v1.crt"
    options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", tmp_path / "key"]
    request, empty = tmp_path / "request", tmp_path / "empty"
    subprocess.run([tool("openssl"), "req", "-new", *options, "-subj", "/CN=x", "-out", request], check=True)
    empty.write_text("")
    signing = ["-signkey", tmp_path / "key", "-days", "3", "-extfile", empty, "-out", made]
    subprocess.run([tool("openssl"), "x509", "-req", "-in", request, *signing], check=True)
    found = end_in_file(made)
    assert found is not None
    assert timedelta(days=2) < found - datetime.now(UTC) <= timedelta(days=3)


def test_the_first_certificate_of_a_file_is_our_own(tmp_path):
    file = tmp_path / "chain.crt"
    chain = pem(certificate(NOON)) + pem(certificate(NOON - DAY))
    for before in (b"", b"Bag Attributes\n    friendlyName: \xe4\n", b"\xef\xbb\xbf"):
        file.write_bytes(before + chain)
        assert end_in_file(file) == NOON
    file.write_bytes(chain.replace(b"\n", b"\r\n"))
    assert end_in_file(file) == NOON
    trusted = subprocess.run([tool("openssl"), "x509", "-trustout"], input=chain, capture_output=True, check=True)
    file.write_bytes(trusted.stdout)
    assert end_in_file(file) == NOON


def test_of_what_is_no_certificate_no_end_is_read_and_nothing_hangs(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "text").write_text("no certificate")
    (tmp_path / "odd").write_text("-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n")
    (tmp_path / "short").write_text("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n")
    for name in ("pipe", "text", "odd", "short", "missing", "."):
        assert end_in_file(tmp_path / name) is None
    assert end_in_file(None) is None
    assert end_of(None) is None


WHOLE = der(certificate(NOON))


@given(st.binary(max_size=60), st.integers(0, len(WHOLE)), st.integers(0, len(WHOLE)))
def test_damaged_certificates_never_raise(noise, begin, end):
    damaged = WHOLE[:begin] + noise + WHOLE[end:]
    assert isinstance(end_of(damaged), datetime | None)


def test_each_end_is_told_once_when_it_is_near_and_once_when_it_has_come():
    watch = EndWatch()
    ends = CertificateEnds(broker=NOON, client=NOON + 5 * DAY)
    assert watch.due(ends, NOON - 31 * DAY) == []
    assert watch.due(ends, NOON - 30 * DAY) == [("broker", NOON)]
    assert watch.due(ends, NOON - 29 * DAY) == []
    assert watch.due(ends, NOON - 1 * DAY) == [("client", NOON + 5 * DAY)]
    assert watch.due(ends, NOON) == [("broker", NOON)]
    assert watch.due(ends, NOON + DAY) == []
    renewed = CertificateEnds(broker=NOON + 90 * DAY, client=NOON + 5 * DAY)
    assert watch.due(renewed, NOON + 2 * DAY) == []
    assert watch.due(renewed, NOON + 89 * DAY) == [("broker", NOON + 90 * DAY), ("client", NOON + 5 * DAY)]


@pytest.mark.parametrize(("ahead", "told"), [(31 * DAY, False), (30 * DAY, True), (timedelta(0), True), (-DAY, True)])
def test_health_and_metrics_tell_an_end_from_thirty_days_before(ahead, told):
    at = now()
    end = at.utc.replace(microsecond=0) + ahead
    for whose in ("broker", "client"):
        link = LinkStatus(certificates=CertificateEnds(**{whose: end}))
        rest = {"uptime": 0, "rss": 0, "temperature": None, "throttling": None, "cameras": {}}
        health = COMPOSER.health(at, **rest, link=link)
        field = json.loads(health.model_dump_json())["mqtt"][f"{whose}_certificate_ends"]
        assert field == (f"{end:%Y-%m-%dT%H:%M:%S}.000Z" if told else None)
        name = "edge_fer_mqtt_certificate_end_timestamp_seconds"
        (metric,) = (metric for metric in metrics_of(health, {}) if metric.name == name)
        samples = {sample.labels["certificate"]: sample.value for sample in metric.samples}
        assert samples == ({whose: end.timestamp()} if told else {})


@pytest.fixture
def made(tmp_path):
    return Certificates(tmp_path / "certificates")


def ours(made):
    return {"ca_file": made.ca, "cert_file": made.client, "key_file": made.client_key}


def test_the_daemon_tells_both_ends_in_health_and_in_its_log(tmp_path, made):
    made.issue_server(days=20)
    with Mosquitto(tmp_path / "broker", certificates=made) as broker, Subscriber(broker) as seen:
        mqtt = {"broker": broker.url} | {name: str(file) for name, file in ours(made).items()}
        with Daemon(tmp_path, {"cameras": {"front": ENDLESS}, "mqtt": mqtt}) as daemon:
            found = seen.wait_for(
                lambda m: m.topic.endswith("/health") and m.json["mqtt"]["broker_certificate_ends"], timeout=120
            )[0].json["mqtt"]
            daemon.wait_for("client.crt ends soon")
            daemon.wait_for("the certificate of the broker at")
            assert daemon.stop() == 0
    days = {whose: datetime.fromisoformat(found[f"{whose}_certificate_ends"]) for whose in ("broker", "client")}
    assert {whose: round((end - datetime.now(UTC)) / DAY) for whose, end in days.items()} == {"broker": 20, "client": 2}
    assert re.search(r"the certificate of the broker at \S+ ends soon: for (19|20) more days", daemon.output)
    assert f"our certificate {made.client} ends soon" in daemon.output


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.INFO, "edge_fer")
    return caplog


def test_an_expired_certificate_of_ours_is_told_as_one_and_a_new_one_is_taken(tmp_path, made, log):
    made.issue_client(days=-1)
    with (
        Mosquitto(tmp_path / "broker", certificates=made, ask_for_certificate=True) as broker,
        linked(tmp_path / "node", broker.url, **ours(made)) as link,
    ):
        post_events(link, 1)
        until(lambda: link.status().setback)
        assert link.status().setback.trouble is Trouble.TLS_CLIENT_EXPIRED
        assert link.status().certificates.client < datetime.now(UTC)
        until(lambda: f"our certificate {made.client} is no longer good" in log.text)
        made.issue_client(days=400)
        until(lambda: link.status().connected and link.status().depth == 0)
        until(lambda: link.status().certificates.client > datetime.now(UTC))
    assert "our certificate has expired" in log.text
    assert "Renew `cert_file`" in log.text


@contextmanager
def refusing(made, *, version, asks):
    """Stands for a broker that lets nobody in: says so in the handshake, or hangs up once it is asked; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.server, made.server_key)
    context.maximum_version = version
    if asks:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(made.ca)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ended = threading.Event()

        def serve():
            while not ended.is_set():
                line, _ = listener.accept()
                with line, suppress(OSError), context.wrap_socket(line, server_side=True) as encrypted:
                    encrypted.recv(10)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        try:
            yield port
        finally:
            ended.set()
            socket.create_connection(("127.0.0.1", port)).close()
            thread.join()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("asks", [True, False])
def test_brokers_refuse_an_expired_certificate_in_many_ways(tmp_path, made, log, version, asks):
    with refusing(made, version=version, asks=asks) as port:
        made.issue_client(days=-1)
        with linked(tmp_path / "node", f"mqtts://127.0.0.1:{port}", **ours(made)) as link:
            until(lambda: link.status().setback)
            assert link.status().setback.trouble is Trouble.TLS_CLIENT_EXPIRED
            made.issue_client(days=400)
            until(lambda: link.status().setback.trouble is Trouble.HUNG_UP)
    assert "our certificate has expired" in log.text


def test_another_refusal_of_our_certificate_is_not_blamed_on_its_end(tmp_path, made, others):
    files = {"ca_file": made.ca, "cert_file": others.client, "key_file": others.client_key}
    with (
        Mosquitto(tmp_path / "broker", certificates=made, ask_for_certificate=True) as broker,
        linked(tmp_path / "node", broker.url, **files) as link,
    ):
        until(lambda: link.status().setback)
        assert link.status().setback.trouble in {Trouble.HUNG_UP, Trouble.TLS_CLIENT_REFUSED}


def test_a_renewed_certificate_of_the_broker_counts_from_the_next_connection_on(tmp_path, made):
    with Mosquitto(tmp_path / "broker", certificates=made) as broker, Proxy(broker.port) as proxy:
        url = broker.url.replace(str(broker.port), str(proxy.port))
        with linked(tmp_path / "node", url, ca_file=made.ca) as link:
            until(lambda: link.status().connected)
            until(lambda: link.status().certificates.broker)
            before = link.status().certificates.broker
            assert before - datetime.now(UTC) < 2 * DAY
            made.issue_server(days=400)
            broker.stop()
            broker.start()
            until(lambda: (link.status().certificates.broker or before) > before + 300 * DAY)


def test_a_link_without_encryption_knows_of_no_certificate(tmp_path):
    with Mosquitto(tmp_path / "broker") as broker, linked(tmp_path / "node", broker.url) as link:
        post_events(link, 1)
        until(lambda: link.status().connected and link.status().depth == 0)
        assert link.status().certificates == CertificateEnds()
        assert TOPICS.node
