"""The page as people run it: `edge-fer web serve` beside a daemon, and somebody who asks it without a browser."""

from __future__ import annotations

import http.client
import re
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

from tests.broker import Mosquitto, Subscriber
from tests.daemon import COMMAND, Daemon, edge_fer
from tests.running import config

__all__ = ["Visitor", "WebPage", "logged_in", "page_and_all"]

#: Of every account here.
PASSWORD = "correct horse"  # noqa: S105 - opens nothing


class WebPage:
    """The process that serves the page, until the block ends.

    Args:
        folder: for accounts and sessions.
        control: the daemon's control socket.
        arguments: more of its command line.
    """

    def __init__(self, folder: Path, control: Path, *arguments: str) -> None:
        self.folder = folder
        self._command = [*COMMAND, "web", "serve", "--listen", "127.0.0.1:0", "--folder", str(folder)]
        self._command += ["--socket", str(control), *arguments]
        self.output = ""
        self.port = 0
        self.daemon: Daemon
        self.seen: Subscriber

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self.process.stdout
        line = self.process.stdout.readline()
        found = re.search(r"page: (https?://127\.0\.0\.1:(\d+)/link\?token=(\S+))", line)
        assert found, line + self.process.stdout.read()
        self.link, self.port, self.token = found[1], int(found[2]), found[3]
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._wait_until_it_answers()
        return self

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.output += line

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + 60
        while Visitor(self).get("/login")[0] != 200:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(30)
        self._reader.join(5)
        assert self.process.stdout
        self.process.stdout.close()

    def account(self, name: str, role: str, password: str = PASSWORD) -> None:
        ended = edge_fer("web", "account", "add", name, "--role", role, "--folder", str(self.folder), input=password)
        assert ended.returncode == 0, ended.stderr


class Visitor:
    """Somebody with a browser of their own: cookies, and the token of the forms."""

    def __init__(self, page: WebPage) -> None:
        self._port = page.port
        self.cookies: dict[str, str] = {}
        self.headers: dict[str, str] = {}

    def ask(self, method, path, body=None, **headers):
        """Status, headers in small letters, text."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        own = f"127.0.0.1:{self._port}"
        sent = {"host": own} | ({"origin": f"http://{own}"} if method == "POST" else {})
        sent |= {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body, {name: value for name, value in sent.items() if value is not None})
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        found = {name.lower(): value for name, value in answer.getheaders()}
        if cookie := found.get("set-cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value.strip('"')
        return answer.status, found, text

    def get(self, path, **headers):
        return self.ask("GET", path, **headers)

    def post(self, path, form, **headers):
        return self.ask(
            "POST", path, urlencode(form), **({"content_type": "application/x-www-form-urlencoded"} | headers)
        )

    def log_in(self, name, password=PASSWORD):
        return self.post("/login", {"name": name, "password": password})

    def follow(self, token):
        return self.post("/link", {"token": token})

    @property
    def csrf(self):
        found = re.search(r'name="csrf" value="([^"]+)"', self.get("/")[2])
        assert found
        return unescape(found[1])

    def send(self, path, **form):
        """A form of ours."""
        return self.post(path, {"csrf": self.csrf} | form)


def logged_in(page: WebPage, role: str = "operator") -> Visitor:
    """Somebody whose account is called as their role."""
    visitor = Visitor(page)
    assert visitor.log_in(role)[0] == 303
    return visitor


@contextmanager
def page_and_all(folder: Path, cameras: Mapping[str, Any]) -> Iterator[WebPage]:
    """The page with an account for each role, beside a daemon (`page.daemon`) and a broker (heard by `page.seen`).

    Args:
        folder: for all of them.
        cameras: as in the config; the last is waited for.
    """
    with (
        Mosquitto(folder / "broker") as broker,
        Subscriber(broker) as seen,
        Daemon(folder / "node", config(broker) | {"cameras": cameras}) as daemon,
    ):
        daemon.wait_for(f"camera {list(cameras)[-1]} is online")
        with WebPage(folder / "web", folder / "node" / "state" / "control.sock") as page:
            for role in ("viewer", "operator", "admin"):
                page.account(role, role)
            page.daemon, page.seen = daemon, seen
            yield page
            assert "Traceback" not in page.output
        assert "Traceback" not in daemon.output
