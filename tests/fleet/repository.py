"""A real signed repository, kept by deploy/updates/repository.sh and served over HTTP."""

from __future__ import annotations

import os
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "updates" / "repository.sh"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Says nothing."""


class Repository:
    """A repository with a key of its own, which is served within the block.

    Args:
        folder: where it goes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        public = folder / "public"
        public.mkdir(parents=True)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(public)))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One command of the script."""
        return subprocess.run(
            [SCRIPT, *arguments],
            env=os.environ | {"EDGE_FER_REPOSITORY": str(self.folder)},
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
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.ok("init", "--url", self.url)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
