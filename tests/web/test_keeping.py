"""Accounts, sessions, one-time links and delays: kept over restarts, and whatever is in their files."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_fer.errors import ConfigError, KeepingError
from edge_fer.remote.asker import Role
from edge_fer.web.accounts import AccountBook
from edge_fer.web.delays import LoginDelays
from edge_fer.web.sessions import LINK_LASTS, OneTimeLinks, SessionBook
from tests.daemon import edge_fer

NOW = 1_800_000_000.0


def test_an_account_is_known_by_its_password_alone(tmp_path):
    book = AccountBook(tmp_path / "accounts.json")
    book.put("ann", Role.OPERATOR, "correct horse")
    assert AccountBook(tmp_path / "accounts.json").verified("ann", "correct horse").role is Role.OPERATOR
    for name, password in (("ann", "correct horsf"), ("ann", ""), ("bob", "correct horse"), ("", "")):
        assert book.verified(name, password) is None
    assert "correct" not in (tmp_path / "accounts.json").read_text()


def test_accounts_change_and_go(tmp_path):
    book = AccountBook(tmp_path / "accounts.json")
    book.put("ann", Role.VIEWER, "correct horse")
    book.change_role("ann", Role.ADMIN)
    assert book.verified("ann", "correct horse").role is Role.ADMIN
    book.remove("ann")
    assert book.verified("ann", "correct horse") is None
    for wrong in (lambda: book.remove("ann"), lambda: book.change_role("ann", Role.VIEWER)):
        with pytest.raises(ConfigError, match="no account 'ann'"):
            wrong()


@pytest.mark.parametrize(
    ("name", "password"),
    [("", "correct horse"), ("a\nb", "correct horse"), (" a", "x" * 10), ("a" * 65, "x" * 10), ("a", "short")],
)
def test_names_and_passwords_that_will_not_do(tmp_path, name, password):
    with pytest.raises(ConfigError, match="will not do"):
        AccountBook(tmp_path / "accounts.json").put(name, Role.VIEWER, password)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"accounts": 7}', '{"accounts": [{"name": "a"}]}', '{"accounts": [7]}']
)
def test_a_file_that_holds_no_accounts_is_told(tmp_path, content):
    (tmp_path / "accounts.json").write_text(content)
    with pytest.raises(ConfigError, match="holds no accounts"):
        AccountBook(tmp_path / "accounts.json").all()


@pytest.mark.parametrize("secret", ["", "scrypt", "scrypt$$", "scrypt$AAAA$", "plain$AAAA$AAAA", "scrypt$!$!"])
def test_a_secret_that_is_none_lets_nobody_in(tmp_path, secret):
    told = {"v": 1, "accounts": [{"name": "ann", "role": "admin", "secret": secret}]}
    (tmp_path / "accounts.json").write_text(json.dumps(told))
    assert AccountBook(tmp_path / "accounts.json").verified("ann", "") is None


def test_a_session_outlives_the_process_and_ends(tmp_path):
    path = tmp_path / "web" / "sessions.json"
    token = SessionBook(path).begin("ann", Role.VIEWER, NOW, proof="p")
    book = SessionBook(path)
    assert book.of(token, NOW + 3600).name == "ann"
    assert token not in path.read_text(), "whoever reads the file must not be able to log in by it"
    assert book.of(token + "x", NOW) is None
    assert book.of(token, NOW + 3600 + 2 * 3600 + 1) is None, "nothing was asked for"
    assert SessionBook(path).of(token, NOW) is None
    token = book.begin("ann", Role.VIEWER, NOW, proof="p")
    assert all(book.of(token, NOW + hour * 3600) for hour in range(1, 13))
    assert book.of(token, NOW + 12 * 3600 + 1) is None, "it has lasted long enough"


def test_who_logs_out_is_out_and_the_oldest_of_many_sessions_ends(tmp_path):
    book = SessionBook(tmp_path / "sessions.json")
    tokens = [book.begin("ann", Role.VIEWER, NOW + number, proof="p") for number in range(70)]
    alive = [token for token in tokens if book.of(token, NOW + 70)]
    assert alive == tokens[-64:]
    book.end(alive[0])
    assert book.of(alive[0], NOW + 70) is None


def test_a_link_works_once_and_for_a_while(tmp_path):
    links = OneTimeLinks(tmp_path / "links")
    token = links.make("guest", Role.VIEWER, NOW)
    assert OneTimeLinks(tmp_path / "links").use(token, NOW + 5) == ("guest", Role.VIEWER)
    assert links.use(token, NOW + 6) is None
    assert links.use(links.make("guest", Role.VIEWER, NOW), NOW + LINK_LASTS + 1) is None
    for wrong in ("", "x", "../accounts.json", "\ud800"):
        assert links.use(wrong, NOW) is None


def test_failures_make_the_next_tries_wait_longer_and_longer(tmp_path):
    delays, now, waits = LoginDelays(tmp_path / "delays.json"), NOW, []
    for _ in range(14):
        waits.append(delays.wait("ann", "192.0.2.1", now))
        now += waits[-1]
        delays.failed("ann", "192.0.2.1", now)
    assert waits == [0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900]
    again = LoginDelays(tmp_path / "delays.json")
    assert again.wait("ann", "192.0.2.9", now) == 900
    assert again.wait("bob", "192.0.2.1", now) == 0
    for _ in range(6):
        again.failed("bob", "192.0.2.1", now)
    assert again.wait("eve", "192.0.2.1", now) == 1, "twenty failed from there"
    assert again.wait("ann", "192.0.2.1", now - 86_400) == 0, "the clock was put back"
    again.succeeded("ann", "192.0.2.1")
    assert again.wait("ann", "192.0.2.1", now) == 0


def test_no_more_failures_are_remembered_than_there_is_room_for(tmp_path):
    path = tmp_path / "delays.json"
    path.write_text(json.dumps({"failures": {f"account {number}": {"count": 1, "at": NOW} for number in range(999)}}))
    delays = LoginDelays(path)
    for number in range(3):
        delays.failed(f"name {number}", f"address {number}", NOW + 1)
    kept = json.loads(path.read_text())["failures"]
    assert len(kept) == 1000
    assert "account 0" not in kept, "the oldest goes first"
    assert "account name 2" in kept


@given(
    st.binary(max_size=60)
    | st.recursive(st.none() | st.text(max_size=5) | st.integers(), st.lists).map(json.dumps).map(str.encode)
)
def test_whatever_is_in_the_files_nobody_is_logged_in(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("web")
    for name in ("sessions.json", "delays.json", f"links/{hashlib.sha256(b'x').hexdigest()}"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    assert OneTimeLinks(folder / "links").use("x", NOW) is None
    assert SessionBook(folder / "sessions.json").of("x", NOW) is None
    assert LoginDelays(folder / "delays.json").wait("a", "b", NOW) == 0


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("delays.json", '{"failures": {"account a": {"count": Infinity, "at": 1}}}'),
        (
            "sessions.json",
            '{"sessions": {"a": {"name": "a", "role": "admin", "csrf": "x", "proof": "p", "begun": 1'
            + "0" * 400
            + ', "seen": 1}}}',
        ),
        ("sessions.json", "[" * 4000),
        ("delays.json", "[" * 4000),
    ],
)
def test_numbers_and_depths_that_cannot_be_are_read_as_nothing(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    assert SessionBook(tmp_path / "sessions.json").of("x", NOW) is None
    assert LoginDelays(tmp_path / "delays.json").wait("a", "b", NOW) == 0


def test_a_session_that_cannot_be_written_lasts_until_the_page_ends(tmp_path, caplog):
    (tmp_path / ".sessions.json.new").mkdir()
    book = SessionBook(tmp_path / "sessions.json")
    token = book.begin("ann", Role.ADMIN, NOW, proof="")
    assert book.of(token, NOW + 1).name == "ann"
    assert "sessions.json cannot be written: Is a directory. Make room on the disk" in caplog.text
    assert SessionBook(tmp_path / "sessions.json").of(token, NOW + 1) is None


def test_an_account_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / ".accounts.json.new").mkdir()
    with pytest.raises(KeepingError, match=r"accounts\.json cannot be written: Is a directory"):
        AccountBook(tmp_path / "accounts.json").put("ann", Role.ADMIN, "correct horse")


def test_commands_say_what_cannot_be_written(tmp_path):
    (tmp_path / "links").touch()
    (tmp_path / ".accounts.json.new").mkdir()
    folder = ("--folder", str(tmp_path))
    for ended in (
        edge_fer("web", "account", "add", "ann", *folder, input="correct horse\n"),
        edge_fer("web", "serve", "--listen", "127.0.0.1:0", *folder),
    ):
        assert ended.returncode == 1
        assert "cannot be written" in ended.stderr
        assert "Traceback" not in ended.stderr
