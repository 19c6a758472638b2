"""The ping by which somebody else notices that a device has fallen silent."""

from __future__ import annotations

import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from edge_fer.notify.heartbeat import Heartbeat, ping

pytestmark = pytest.mark.outside


class Pinged:
    """An HTTP server that counts."""

    def __init__(self, certificates=None):
        self.status, self.paths = 200, []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.paths.append(self.path)
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if certificates:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificates)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if certificates else 'http'}://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


def test_it_fetches_the_address_with_its_query():
    with Pinged() as server:
        assert ping(f"{server.url}/uuid?a=b") == ""
        assert ping(server.url) == ""
        assert server.paths == ["/uuid?a=b", "/"]


@pytest.mark.parametrize("status", [301, 404, 500])
def test_an_answer_that_is_no_success_is_told(status):
    with Pinged() as server:
        server.status = status
        assert ping(server.url) == f"it answers with status {status}"


def test_nobody_there_is_an_error():
    with pytest.raises(OSError, match="refused"):
        ping("http://127.0.0.1:1/")


def test_a_certificate_that_nobody_knows_is_not_trusted(others):
    with Pinged((others.server, others.server_key)) as server, pytest.raises(ssl.SSLCertVerificationError):
        ping(server.url)


def test_it_pings_only_while_all_is_well_and_says_once_that_it_fails(caplog):
    well = [True]
    with Pinged() as server:
        heartbeat = Heartbeat(f"{server.url}/secret-uuid", lambda: well[0], every=0.05)
        heartbeat.start()
        while len(server.paths) < 2:
            time.sleep(0.01)
        well[0] = False
        time.sleep(0.2)
        before = len(server.paths)
        time.sleep(0.5)
        assert len(server.paths) == before
        server.status, well[0] = 500, True
        while not heartbeat.problem:
            time.sleep(0.01)
        time.sleep(0.3)
        heartbeat.close()
    assert heartbeat.problem == "it answers with status 500"
    assert caplog.text.count("it answers with status 500") == 1
    assert "secret-uuid" not in caplog.text
