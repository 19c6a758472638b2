"""The page's own certificate: made once, renewed in time, for this device alone; checked by OpenSSL, as browsers do."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from edge_fer.web.certificates import CertificateFiles, ends_at, fingerprint, renew, with_private

NOW = datetime.now(UTC)
NAMES = ("counter-1", "counter-1.local")
ADDRESSES = ("127.0.0.1", "192.168.1.20", "fe80::1", "203.0.113.5")


@pytest.fixture
def files(tmp_path):
    return CertificateFiles(tmp_path)


def contents(files):
    return [path.read_bytes() for path in sorted(files.folder.iterdir())]


def connects(files, name, authority):
    """Whether a client that trusts the authority alone talks to a server that has the page's certificate."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(files.page, files.page_key)
    client = ssl.create_default_context(cafile=authority)
    ours, theirs = socket.socketpair()

    def answer():
        with suppress(OSError):
            server.wrap_socket(theirs, server_side=True).close()

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        client.wrap_socket(ours, server_hostname=name).close()
    except ssl.SSLCertVerificationError:
        return False
    finally:
        ours.close()
        thread.join(10)
        theirs.close()
    return True


def test_clients_that_trust_the_authority_trust_the_page_by_all_its_names(files, tmp_path):
    assert renew(files, NAMES, ADDRESSES, NOW)
    for name in (*NAMES, "127.0.0.1", "192.168.1.20", "fe80::1"):
        assert connects(files, name, files.authority), name
    assert not connects(files, "elsewhere.local", files.authority)
    assert not connects(files, "203.0.113.5", files.authority)
    other = CertificateFiles(tmp_path / "other")
    other.folder.mkdir()
    renew(other, NAMES, ADDRESSES, NOW)
    assert not connects(files, NAMES[0], other.authority)
    assert fingerprint(files.authority) != fingerprint(other.authority)
    assert len(fingerprint(files.authority).split(":")) == 32


def test_the_authority_cannot_vouch_for_names_of_others(files):
    """Whoever gets hold of its key makes a certificate for a bank, which no client takes."""
    from cryptography import x509

    from edge_fer.web import certificates

    renew(files, NAMES, (), NOW)
    key = certificates._key(files.authority_key)
    authority = x509.load_pem_x509_certificate(files.authority.read_bytes())
    own = certificates._key(files.page_key)
    for name, taken in (("bank.example", False), ("other.local", True)):
        made = certificates._made_page(own, (authority, key), [name], [], NOW)
        files.page.write_bytes(made.public_bytes(certificates.serialization.Encoding.PEM))
        assert connects(files, name, files.authority) == taken, name


def test_keys_are_for_those_alone_who_need_them(files):
    renew(files, NAMES, (), NOW)
    modes = {path.name: path.stat().st_mode & 0o777 for path in files.folder.iterdir()}
    assert modes == {"authority.key": 0o600, "authority.pem": 0o644, "page.key": 0o640, "page.pem": 0o644}


def test_nothing_is_made_anew_while_it_is_good(files):
    renew(files, NAMES, ADDRESSES, NOW)
    before = contents(files)
    assert not renew(files, NAMES[:1], ADDRESSES[:1], NOW + timedelta(days=300))
    assert contents(files) == before


@pytest.mark.parametrize(
    ("names", "addresses", "now"),
    [
        (NAMES, ADDRESSES, NOW + timedelta(days=340)),
        (NAMES, (*ADDRESSES, "10.0.0.7"), NOW),
        ((*NAMES, "other.local"), ADDRESSES, NOW),
        # the clock of a Pi without a battery
        (NAMES, ADDRESSES, NOW - timedelta(days=900)),
    ],
    ids=["it ends soon", "another address", "another name", "the clock went back"],
)
def test_the_page_gets_another_certificate_of_the_same_authority(files, names, addresses, now):
    renew(files, NAMES, ADDRESSES, NOW)
    authority, page = files.authority.read_bytes(), files.page.read_bytes()
    assert not renew(files, names, addresses, now)
    assert files.authority.read_bytes() == authority
    assert files.page.read_bytes() != page
    assert ends_at(files.page) > now + timedelta(days=300)
    assert ends_at(files.page) <= now + timedelta(days=398)


@pytest.mark.parametrize("damage", ["no key", "odd key", "another key", "odd certificate", "foreign name"])
def test_another_authority_is_made_where_the_old_one_cannot_be_used(files, damage, tmp_path):
    renew(files, NAMES, ADDRESSES, NOW)
    names = NAMES
    match damage:
        case "no key":
            files.authority_key.unlink()
        case "odd key":
            files.authority_key.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
        case "another key":
            files.page_key.replace(files.authority_key)
        case "odd certificate":
            files.authority.write_bytes(b"\0" * 100)
        case "foreign name":
            names = (*NAMES, "counter.example.org")
    assert renew(files, names, ADDRESSES, NOW)
    assert connects(files, names[-1], files.authority)


def test_what_a_power_cut_leaves_is_mended(files):
    renew(files, NAMES, ADDRESSES, NOW)
    authority = files.authority.read_bytes()
    for path in (files.page, files.page_key):
        path.unlink()
        renew(files, NAMES, ADDRESSES, NOW)
        assert connects(files, NAMES[0], files.authority)
    assert files.authority.read_bytes() == authority


def test_public_addresses_are_left_out():
    assert {str(one) for one in with_private(ADDRESSES)} == {"127.0.0.1", "192.168.1.20", "fe80::1"}
