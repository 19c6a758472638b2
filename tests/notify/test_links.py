"""Links that acknowledge: which are valid, and what is kept of them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from edge_fer.errors import KeepingError
from edge_fer.notify.links import LINK_LASTS, AcknowledgeLink, LinkBook

NOW = 1_000_000_000.0
LINK = AcknowledgeLink("bed-1", "a1", "nurse", NOW + LINK_LASTS)


@pytest.fixture
def book(tmp_path):
    return LinkBook(tmp_path)


def test_a_link_can_be_looked_at_often_and_used_once(book, tmp_path):
    token = book.make(LINK)
    assert [book.look(token, NOW) for _ in range(3)] == [LINK] * 3
    assert book.use(token, NOW) == LINK
    # also after a restart
    for later in (book, LinkBook(tmp_path)):
        assert (later.look(token, NOW), later.use(token, NOW)) == (None, None)
    other = replace(LINK, alert_id="a2")
    assert book.use(book.make(other), NOW) == other


@pytest.mark.parametrize(("after", "valid"), [(-61, False), (0, True), (899, True), (901, False)])
def test_it_is_valid_for_15_minutes(book, after, valid):
    assert (book.use(book.make(LINK), NOW + after) == LINK) is valid


def test_nothing_of_it_can_be_changed(book):
    token = book.make(LINK)
    for place, sign in enumerate(token):
        changed = f"{token[:place]}{'A' if sign != 'A' else 'B'}{token[place + 1 :]}"
        assert book.look(changed, NOW) is None, place
    content, _, signature = token.partition(".")
    for odd in ("", ".", content, f"{content}.", f".{signature}", f"{token}=", f"{token}.", "é.é", "x" * 5000):
        assert book.look(odd, NOW) is None, odd


def test_the_key_is_for_its_owner_alone_and_another_ends_all_links(book, tmp_path):
    token, key = book.make(LINK), tmp_path / "link.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert LinkBook(tmp_path).look(token, NOW) == LINK
    # somebody else may have read it
    key.chmod(0o640)
    assert book.look(token, NOW) is None
    assert book.look(book.make(LINK), NOW) == LINK
    assert key.stat().st_mode & 0o777 == 0o600
    assert book.look(token, NOW) is None
    key.unlink()
    assert book.look(token, NOW) is None


@pytest.mark.parametrize("text", ["{", "[]", '{"a": "b"}'])
def test_where_used_links_are_forgotten_no_link_sent_before_counts(book, tmp_path, text, caplog):
    used, unused = book.make(LINK), book.make(replace(LINK, alert_id="a2"))
    book.use(used, NOW)
    (tmp_path / "links-used.json").write_text(text)
    assert [book.use(token, NOW) for token in (used, unused, used)] == [None] * 3
    assert "no link sent before counts any more" in caplog.text
    assert book.use(book.make(LINK), NOW) == LINK


def test_used_links_are_kept_while_they_would_be_valid(book, tmp_path):
    book.use(book.make(LINK), NOW)
    later = replace(LINK, ends=NOW + 2 * LINK_LASTS)
    book.use(book.make(later), NOW + LINK_LASTS + 1)
    assert list(json.loads((tmp_path / "links-used.json").read_text()).values()) == [later.ends]


def test_a_link_whose_use_cannot_be_noted_is_not_used(book, tmp_path):
    token = book.make(LINK)
    in_the_way = tmp_path / ".links-used.json.new"
    in_the_way.mkdir()
    with pytest.raises(KeepingError, match="cannot be written"):
        book.use(token, NOW)
    in_the_way.rmdir()
    assert book.use(token, NOW) == LINK
