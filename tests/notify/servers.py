"""Servers that take notifications: HTTP, an ntfy stand-in by its documented API, and a real SMTP server."""

from __future__ import annotations

import json
import socket
import threading
import time
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from aiosmtpd.controller import Controller

__all__ = ["MailServer", "NtfyServer", "Taken", "Webhook", "check_told"]


@dataclass
class Taken:
    """A message that a server has accepted."""

    id: str
    title: str
    text: str
    at: float
    headers: dict[str, str] = field(default_factory=dict)


class Webhook:
    """An HTTP server that takes what is posted to it, or refuses it with a status.

    Attributes:
        status: what it answers with.
        retry_after: the header of that name; None: it has none.
        taken: what it has accepted.
    """

    scheme, path = "json", "/hook"

    def __init__(self) -> None:
        self.status, self.retry_after = 200, None
        self.delay = 0.0
        self.taken: list[Taken] = []
        self.refused = 0
        self._news = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(outer.delay)
                answer = outer.answer(self.path, dict(self.headers), body)
                self.send_response(outer.status)
                if outer.retry_after is not None:
                    self.send_header("Retry-After", str(outer.retry_after))
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._handler = Handler
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.start()

    def start(self) -> None:
        """Listens, at the same port as before."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Is down: connections are refused."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> bytes:
        if self.status != 200:
            self.refused += 1
            return b"{}"
        said = json.loads(body)
        self._take(Taken(headers.get("Idempotency-Key", ""), said["title"], said["message"], time.time(), headers))
        return b"{}"

    def _take(self, taken: Taken) -> None:
        with self._news:
            self.taken.append(taken)
            self._news.notify_all()

    def wait_for(self, count: int, timeout: float = 60) -> list[Taken]:
        """Waits until so many messages were taken."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.taken) >= count, timeout), self.taken
        return list(self.taken)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}{self.path}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class NtfyServer(Webhook):
    """Stands in for an ntfy server: https://docs.ntfy.sh/publish/.

    It publishes JSON that is posted to its root, heeds `X-Priority` and `X-Sequence-ID`, by which a message takes the
    place of the one with the same id, and answers with the message; or with an error of its own, as with 429.

    Attributes:
        shown: what a phone shows, by topic and sequence id.
        priorities: by sequence id.
    """

    scheme, path = "ntfy", "/ward-3"

    def __init__(self) -> None:
        self.shown: dict[tuple[str, str], str] = {}
        self.priorities: dict[str, str] = {}
        super().__init__()

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> bytes:
        if self.status != 200:
            self.refused += 1
            error = {"code": self.status * 100 + 1, "http": self.status, "error": "limit reached"}
            return json.dumps(error).encode()
        assert path == "/", path
        said = json.loads(body)
        sequence = headers.get("X-Sequence-ID", "")
        self.shown[said["topic"], sequence] = said["message"]
        self.priorities[sequence] = headers.get("X-Priority", "3")
        self._take(Taken(sequence, said.get("title", ""), said["message"], time.time(), headers))
        now = {"id": f"m{len(self.taken)}", "time": int(time.time()), "event": "message", "topic": said["topic"]}
        return json.dumps(now | {"sequence_id": sequence, "message": said["message"]}).encode()


class MailServer:
    """A real SMTP server.

    Attributes:
        taken: the mails that it has accepted.
        raw: likewise, as they came.
        refusal: what it answers instead; None: it takes them.
    """

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self.raw: list[bytes] = []
        self.refusal: str | None = None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    async def handle_DATA(self, server, session, envelope) -> str:
        if self.refusal:
            return self.refusal
        mail = message_from_bytes(envelope.content, policy=policy.default)
        text = mail.get_body(("plain", "html")).get_content()
        self.raw.append(envelope.content)
        headers = {"To": str(mail["To"]), "ids": str(len(mail.get_all("Message-ID")))}
        self.taken.append(Taken(str(mail["Message-ID"]), str(mail["Subject"]), text, time.time(), headers))
        return "250 OK"

    @property
    def url(self) -> str:
        return f"mailto://edge-fer@ward.example:{self.port}?smtp=127.0.0.1&to=nurse@ward.example"

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()


def check_told(server, kills, count):
    """Each alert was told, in order, and a message again only as it was, at most once a kill."""
    firsts: dict[str, str] = {}
    for taken in server.taken:
        assert firsts.setdefault(taken.id, taken.text) == taken.text
    assert len(server.taken) - len(firsts) <= kills
    lines = [line for text in firsts.values() for line in text.splitlines()]
    listed = [word for line in lines for word in line.split() if word.startswith("bed-")]
    # a message that has more than fits says how many more there are
    more = [int(line.split()[1]) for line in lines if line.startswith("and ")]
    assert listed == sorted(listed)
    assert len(listed) - len(set(listed)) <= kills
    # an alert that was kept, but not yet known to be when the daemon was killed, is kept again
    assert count <= len(listed) + sum(more) <= count + kills
