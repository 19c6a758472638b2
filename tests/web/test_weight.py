"""What a page costs: bytes with all that it loads, and processor time of the process that serves it."""

from __future__ import annotations

import gzip
import os
import re
from pathlib import Path

import pytest

from tests.broker import Mosquitto
from tests.daemon import Daemon
from tests.running import ENDLESS, config
from tests.web.visiting import Visitor, WebPage

#: Every page but what the doctor finds, which takes as long as the doctor does.
PAGES = (
    "/",
    "/aim",
    "/tune",
    "/history",
    "/history?period=week",
    "/system",
    "/log",
    "/certificate",
    "/accounts",
    "/backup",
    "/notice",
)
#: Bytes of a page with its styles and scripts, compressed, and seconds of a processor that it takes to make.
MOST_BYTES, MOST_SECONDS = 100_000, 0.3
TIMES = 5


@pytest.fixture(scope="module")
def ann(tmp_path_factory):
    """Somebody who is logged in, and the process that serves the page."""
    folder = tmp_path_factory.mktemp("weight")
    with (
        Mosquitto(folder / "broker") as broker,
        Daemon(folder / "node", config(broker, ENDLESS, history={"record": "on"})) as daemon,
        WebPage(folder / "web", folder / "node" / "state" / "control.sock") as page,
    ):
        daemon.wait_for("camera front is online")
        page.account("ann", "admin")
        visitor = Visitor(page)
        assert visitor.log_in("ann")[0] == 303
        yield visitor, page.process.pid


def processor_seconds(pid):
    """What a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_light_and_quickly_made(ann, path):
    visitor, pid = ann
    status, _, text = visitor.get(path)
    assert status == 200
    loaded = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', text))
    assert loaded, "it has styles"
    parts = [text, *(visitor.get(one)[2] for one in sorted(loaded))]
    size = sum(len(gzip.compress(part.encode())) for part in parts)
    before = processor_seconds(pid)
    for _ in range(TIMES):
        assert visitor.get(path)[0] == 200
    took = (processor_seconds(pid) - before) / TIMES
    print(f"{path}: {size / 1000:.0f} kB compressed, {1000 * took:.0f} ms of processor time")
    assert size <= MOST_BYTES
    assert took <= MOST_SECONDS
