"""Whether links in notifications lead to the page: with the page itself, with and without a daemon, and with others."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime, timedelta

import pytest

from edge_fer.doctor import page_links as module
from edge_fer.doctor.finding import State
from edge_fer.doctor.page_links import linked_page
from edge_fer.web.certificates import CertificateFiles, renew
from tests.broker import free_port
from tests.daemon import Daemon
from tests.mqtt.kit import until
from tests.notify.servers import Webhook
from tests.running import ENDLESS
from tests.web.visiting import WebPage

pytestmark = pytest.mark.outside
NOW = datetime.now(UTC)


class SafePage(WebPage):
    """The page by HTTPS."""

    def _wait_until_it_answers(self) -> None:
        until(self._answers, timeout=60)

    def _answers(self) -> bool:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as made, context.wrap_socket(made):
                return True
        except OSError:
            return False


def certificates(folder, *, now=NOW, names=("counter-1",)):
    folder.mkdir(parents=True, exist_ok=True)
    files = CertificateFiles(folder)
    renew(files, names, ["127.0.0.1"], now)
    return files


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A page by HTTPS, of which nobody hears a daemon, and its certificates."""
    folder = tmp_path_factory.mktemp("page")
    files = certificates(folder / "certificates")
    options = ("--certificate", str(files.page), "--key", str(files.page_key))
    with SafePage(folder / "web", folder / "control.sock", *options) as page:
        yield page, files


def found(address):
    return [(one.state, one.what) for one in linked_page(address)]


def trusting(monkeypatch, files):
    monkeypatch.setattr(module, "_own_certificates", lambda: files and files.folder)


def test_a_page_without_a_daemon_is_told(served, monkeypatch):
    page, files = served
    trusting(monkeypatch, files)
    ((state, what),) = found(f"https://127.0.0.1:{page.port}")
    assert (state, "does not reach the daemon" in what) == (State.FAULT, True)


def test_a_certificate_for_another_name_is_told(served, monkeypatch):
    page, files = served
    trusting(monkeypatch, files)
    ((state, what),) = found(f"https://localhost:{page.port}")
    assert (state, "is for another name" in what) == (State.FAULT, True)


def test_a_certificate_that_is_not_trusted_is_told_and_the_page_looked_at_all_the_same(served, monkeypatch):
    trusting(monkeypatch, None)
    first, second = found(f"https://127.0.0.1:{served[0].port}")
    assert (first[0], "is not trusted here" in first[1]) == (State.WARNING, True)
    assert "does not reach the daemon" in second[1]


def test_a_certificate_that_has_ended_is_told(tmp_path, monkeypatch):
    files = certificates(tmp_path / "certificates", now=NOW - timedelta(days=500))
    trusting(monkeypatch, files)
    options = ("--certificate", str(files.page), "--key", str(files.page_key))
    with SafePage(tmp_path / "web", tmp_path / "control.sock", *options) as page:
        ((state, what),) = found(f"https://127.0.0.1:{page.port}")
    assert (state, "has ended" in what) == (State.FAULT, True)


def test_where_nothing_answers_the_remedy_says_how_to_switch_it_on():
    (one,) = linked_page(f"https://127.0.0.1:{free_port()}")
    assert (one.state, "nothing answers" in one.what, "edge-fer web on" in one.remedy) == (State.FAULT, True, True)
    (one,) = linked_page("https://nowhere.invalid")
    assert (one.state, "is not found" in one.what) == (State.FAULT, True)


def test_another_server_is_no_page():
    with Webhook() as hook:
        ((state, what),) = found(f"http://127.0.0.1:{hook.port}")
    assert (state, "is not the page of edge-fer" in what) == (State.FAULT, True)


@pytest.mark.slow
def test_links_that_lead_to_the_page_are_good_and_those_to_another_are_told(tmp_path, monkeypatch):
    files = certificates(tmp_path / "certificates")
    trusting(monkeypatch, files)
    options = ("--certificate", str(files.page), "--key", str(files.page_key))
    settings = {"cameras": {"front": ENDLESS}, "mqtt": {"broker": "mqtt://127.0.0.1:9"}}
    with (
        Daemon(tmp_path / "node", settings) as daemon,
        SafePage(tmp_path / "web", tmp_path / "node" / "state" / "control.sock", *options) as page,
    ):
        daemon.wait_for("camera front is online")
        address = f"https://127.0.0.1:{page.port}"
        assert found(address) == [(State.GOOD, f"links lead to the page at {address}")]
        # the same place by a name that the page does not know
        monkeypatch.setattr(module, "_context", lambda _: module._trusting_all())
        ((state, what),) = found(f"https://127.1:{page.port}")
        assert (state, "does not answer to the name" in what) == (State.FAULT, True)
        files.page.unlink()
        renew(files, ("counter-1",), ["127.0.0.1"], NOW)
        ((state, what),) = found(address)
        assert (state, "another certificate than this device's" in what) == (State.WARNING, True)
