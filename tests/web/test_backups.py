"""The page by which an admin downloads a backup."""

from __future__ import annotations

import http.client
from urllib.parse import urlencode

import pytest

from edge_fer.backup.archive import read_archive
from edge_fer.backup.sealing import MAGIC, unseal
from tests.broker import Mosquitto, Subscriber
from tests.daemon import Daemon
from tests.running import ENDLESS, config
from tests.web.visiting import Visitor, WebPage

PASSPHRASE = "seven quiet tables"  # noqa: S105 - opens nothing


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("backups")
    with (
        Mosquitto(folder / "broker") as broker,
        Subscriber(broker) as seen,
        Daemon(folder / "node", config(broker, ENDLESS)) as daemon,
        WebPage(folder / "web", folder / "node" / "state" / "control.sock") as page,
    ):
        daemon.wait_for("camera front is online")
        page.account("ann", "admin")
        page.account("olga", "operator")
        yield page, seen


def visitor(page, name):
    found = Visitor(page)
    assert found.log_in(name)[0] == 303
    return found


def downloaded(page, who, **form):
    """Status, headers, bytes."""
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=60)
    own = f"127.0.0.1:{page.port}"
    cookie = "; ".join(f"{name}={value}" for name, value in who.cookies.items())
    head = {"host": own, "origin": f"http://{own}", "cookie": cookie}
    head["content-type"] = "application/x-www-form-urlencoded"
    connection.request("POST", "/backup/download", urlencode({"csrf": who.csrf} | form), head)
    answer = connection.getresponse()
    try:
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def test_an_admin_downloads_a_backup_and_audit_tells_of_it(house, tmp_path):
    page, seen = house
    ann = visitor(page, "ann")
    status, head, data = downloaded(page, ann)
    assert status == 200, data
    assert head["content-disposition"].startswith('attachment; filename="test-')
    file = tmp_path / "b"
    file.write_bytes(data)
    (tmp_path / "in").mkdir()
    with file.open("rb") as source:
        assert "config.yaml" in read_archive(source, tmp_path / "in").files
    told = seen.wait_for(lambda m: m.topic.endswith("/audit") and m.json["fields"].get("event") == "backup")[-1].json
    assert (told["actor"], told["fields"]["about"]) == ("ann", "without secrets")


def test_one_with_secrets_is_encrypted(house, tmp_path):
    page, seen = house
    ann = visitor(page, "ann")
    status, head, data = downloaded(page, ann, secrets="yes", passphrase=PASSPHRASE)
    assert (status, head["content-disposition"].endswith('.sealed"')) == (200, True)
    assert data.startswith(MAGIC)
    (tmp_path / "b").write_bytes(data)
    (tmp_path / "in").mkdir()
    with (tmp_path / "b").open("rb") as source, (tmp_path / "plain").open("w+b") as plain:
        unseal(source, plain, PASSPHRASE)
        plain.seek(0)
        assert read_archive(plain, tmp_path / "in").about["secrets"] is True
    status, _, data = downloaded(page, ann, secrets="yes", passphrase=PASSPHRASE[:11])
    assert (status, b"12" in data) == (409, True)
    assert PASSPHRASE not in "".join(message.payload for message in seen.of("/audit"))


def test_nobody_but_an_admin_gets_one(house):
    page, _ = house
    olga = visitor(page, "olga")
    assert olga.get("/backup")[0] == 403
    assert downloaded(page, olga)[0] == 403
    assert Visitor(page).get("/backup")[0] == 303
    assert Visitor(page).post("/backup/download", {})[0] == 303
