"""A page beside a daemon that has told two people of an alert, each with a link of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from edge_fer.notify.links import LinkBook
from tests.broker import Mosquitto, Subscriber
from tests.daemon import Daemon
from tests.notify.servers import NtfyServer, Webhook
from tests.running import ENDLESS, config
from tests.web.visiting import WebPage

__all__ = ["token_in", "told_page"]

#: Lasts as long as the tests do.
PULSE = {"when": {"signal": "bed/pulse", "path": "$.bpm", "above": 120, "max_age": "1h"}, "for": "0s"}


@contextmanager
def told_page(folder: Path) -> Iterator[Any]:
    """The page, with the texts that were sent, what the broker heard, the control socket, and the daemon's links."""
    with NtfyServer() as nurse, Webhook() as boss, Mosquitto(folder / "broker") as broker, Subscriber(broker) as seen:
        notify = {
            "page": "https://ward.lan:8443",
            "targets": {"nurse": {"url": nurse.url}, "boss": {"url": boss.url, "detail": "full"}},
        }
        node = {"id": "test", "site": "Ward 3"}
        settings = config(broker, ENDLESS, alerts={"pulse": PULSE}, node=node, notify=notify)
        with Daemon(folder / "node", settings) as daemon:
            seen.wait_for(lambda m: m.topic.endswith("/alert/pulse"), timeout=180)
            broker.publish("bed/pulse", '{"bpm": 130}')
            texts = [server.wait_for(1, 180)[0].text for server in (nurse, boss)]
            socket = folder / "node" / "state" / "control.sock"
            with WebPage(folder / "web", socket) as page:
                made: Any = page
                made.texts, made.seen, made.socket, made.book = texts, seen, socket, LinkBook(socket.parent)
                yield made
                assert "Traceback" not in page.output
            assert "Traceback" not in daemon.output


def token_in(text: str) -> str:
    """The token of the link in a message."""
    found = re.search(r"https://ward\.lan:8443/acknowledge\?\S+", text)
    assert found, text
    return parse_qs(urlsplit(found[0]).query)["token"][0]
