"""A real signed repository, kept by deploy/updates/repository.sh and served over HTTP."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Self

SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "updates" / "repository.sh"
#: Where `edge-fer` is.
PROGRAMS = Path(sys.executable).parent


class _Handler(SimpleHTTPRequestHandler):
    def send_head(self) -> BytesIO | BinaryIO | None:
        """Sends a file whole: its time counts seconds, and tests change it within one."""
        del self.headers["If-Modified-Since"]
        return super().send_head()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


class Repository:
    """A repository with a key of its own, which is served within the block.

    Args:
        folder: where it goes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One command of the script."""
        return subprocess.run(
            [SCRIPT, *arguments],
            env=os.environ | {"EDGE_FER_REPOSITORY": str(self.folder), "PATH": f"{PROGRAMS}:{os.environ['PATH']}"},
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    def ok(self, *arguments: str) -> str:
        """Likewise, one that is to succeed; what it prints."""
        ended = self.run(*arguments)
        assert ended.returncode == 0, ended.stderr + ended.stdout
        return ended.stdout

    def updates(self, suite: str, release: str) -> Path:
        """The package that makes a node take updates."""
        return max((self.folder / "public" / "pool" / release).glob(f"**/edge-fer-updates-{suite}_*.deb"))

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(self.folder / "public")))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.ok("init", "--url", f"http://127.0.0.1:{self._server.server_address[1]}")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
