"""What root prepares for the page of the installed service."""

from __future__ import annotations

import json
import re

import pytest

from edge_fer.config.sections.web import WebSection
from edge_fer.remote.asker import Role
from edge_fer.web.accounts import AccountBook
from edge_fer.web.guard import Guard
from edge_fer.web.installed import InstalledPage, own_addresses, own_names, prepare
from edge_fer.web.serving import ServeSettings
from edge_fer.web.sessions import OneTimeLinks

NOW = 1_800_000_000.0
NAMES, ADDRESSES = ("counter-1", "counter-1.local", "localhost"), ("127.0.0.1", "192.168.1.20", "fe80::1", "fd00::2")
OFF, ON = WebSection(), WebSection(enabled=True)


@pytest.fixture
def page(tmp_path):
    made = InstalledPage(tmp_path / "lib", tmp_path / "run" / "wanted", tmp_path / "card")
    made.state.mkdir(parents=True, mode=0o700)
    made.card.mkdir()
    return made


def prepared(page, section=OFF, now=NOW):
    return prepare(page, section, now, names=NAMES, addresses=ADDRESSES, user=None)


def link_on(page):
    found = re.search(r"https://\S+/link\?token=(\S+)", page.note.read_text())
    return found and found[1]


def test_it_is_off_until_somebody_wants_it(page):
    page.wanted.parent.mkdir()
    page.wanted.touch()
    assert not prepared(page).wanted
    assert not page.wanted.exists()
    assert not page.certificates.authority.exists()


def test_switched_on_it_has_a_certificate_and_is_told_its_addresses(page):
    page.switch.touch()
    found = prepared(page, WebSection(hosts=("Counter.Lan",)))
    assert page.wanted.exists()
    assert found.addresses == [
        "https://counter.lan:8443",
        "https://counter-1.local:8443",
        "https://192.168.1.20:8443",
        "https://[fd00::2]:8443",
    ]
    assert len(found.fingerprint) == 95
    settings = page.serve_settings(ServeSettings(control=(), folder=page.state))
    assert {"counter.lan", "counter-1.local"} <= set(settings.hosts)
    assert settings.until > NOW + 300 * 86_400
    assert not page.note.exists(), "the card is not told where the config does not ask for the page"


def test_the_card_has_a_link_that_makes_the_first_admin(page):
    found = prepared(page, ON)
    told = page.note.read_text()
    assert found.fingerprint in told
    token = link_on(page)
    # the device is taken to another room, and its clock is wrong
    prepared(page, ON, NOW - 40 * 365 * 86_400)
    prepared(page, ON, NOW + 2 * 365 * 86_400)
    assert link_on(page) == token, "the same until it is used"
    links = OneTimeLinks(page.state / "links")
    assert links.use(token, NOW + 365 * 86_400) == ("admin", Role.ADMIN)
    assert links.use(token, NOW) is None
    prepared(page, ON)
    second = link_on(page)
    assert second != token, "nobody made an account: there is another way in"
    AccountBook(page.state / "accounts.json").put("ann", Role.ADMIN, "correct horse")
    prepared(page, ON)
    assert link_on(page) is None
    assert not page.first_link.exists()


def test_a_card_that_cannot_be_written_holds_nothing_up(page):
    page.card.rmdir()
    assert prepared(page, ON).wanted
    page.card.mkdir()
    page.note.with_name("edge-fer-web.log.new").mkdir()
    assert prepared(page, ON).wanted


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"hosts": 3}', b"[" * 50_000])
def test_settings_that_are_none_name_no_hosts(page, content):
    page.settings.write_bytes(content)
    assert page.hosts() == []


def test_what_this_device_is_called():
    assert own_names(lambda: "Counter-1.Example") == ["counter-1.example", "counter-1", "counter-1.local", "localhost"]
    assert own_names(lambda: "") == ["localhost", "localhost.local"]
    assert "127.0.0.1" in own_addresses()


def test_addresses_are_read_as_the_kernel_writes_them(tmp_path):
    trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 192.168.1.20\n        /32 host LOCAL\n     |-- 192.168.1.255\n"
    (tmp_path / "fib_trie").write_text(trie + "        /32 link BROADCAST\n")
    (tmp_path / "if_inet6").write_text("fe800000000000000000000000000001 02 40 20 80 eth0\nodd\n" + "x" * 32 + " 1\n")
    assert own_addresses(tmp_path) == ["127.0.0.1", "192.168.1.20", "fe80::1"]
    assert own_addresses(tmp_path / "none") == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("server", "host", "taken"),
    [
        ("192.168.1.20", "192.168.1.20:8443", True),
        ("::ffff:192.168.1.20", "192.168.1.20", True),
        ("fd00::2", "[fd00::2]:8443", True),
        ("192.168.1.20", "192.168.1.21", False),
        ("192.168.1.20", "evil.example", False),
        (None, "192.168.1.20", False),
    ],
)
def test_the_address_that_a_browser_has_connected_to_is_ours(server, host, taken):
    guard = Guard(None, hosts=["counter-1"], secure=True)
    scope = {"type": "http", "method": "GET", "headers": [(b"host", host.encode())]}
    scope["server"] = None if server is None else (server, 8443)
    from edge_fer.web.guard import _Headers

    assert (guard._fault(scope, _Headers(scope)) is None) == taken


def test_the_settings_are_what_the_process_reads(page):
    page.switch.touch()
    prepared(page)
    assert json.loads(page.settings.read_text())["hosts"] == list(NAMES)
