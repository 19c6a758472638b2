"""The page beside the demo ends with the demo, however that ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.mqtt.kit import until

DEMO = """
import sys, time
from pathlib import Path
from edge_fer.cli._demo_page import page_beside

folder = Path(sys.argv[1])
with page_beside(folder / "control.sock", folder / "web", lambda link: print(link, flush=True)):
    time.sleep(600)
"""


def listens(port):
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_the_page_ends_with_the_demo(tmp_path, how):
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", DEMO, str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as demo:
        port = urlsplit(demo.stdout.readline()).port
        assert listens(port)
        demo.send_signal(how)
        demo.wait(60)
    until(lambda: not listens(port))
