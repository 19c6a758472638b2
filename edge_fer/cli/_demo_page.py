"""The page beside the demo: a process of its own, with a link that logs in once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Final

__all__ = ["PORT", "page_beside"]

#: Where it listens, so that browsers find it again after a new start; where that is taken, it listens on another port.
PORT: Final = 8321
#: Seconds that it has to end.
_PATIENCE: Final = 5.0


@contextmanager
def page_beside(socket: Path, folder: Path, tell: Callable[[str], None]) -> Iterator[None]:
    """Serves the page on this device alone while the block runs; does nothing where its packages are not installed.

    Args:
        socket: the daemon's control socket.
        folder: for sessions.
        tell: gets the link, from a thread, once the page can be opened, and another whenever that one was used.
    """
    if not all(map(find_spec, ("starlette", "uvicorn"))):
        yield
        return
    command = [sys.executable, "-m", "edge_fer", "web", "serve", "--listen", f"127.0.0.1:{PORT}", "--with-parent"]
    command += ["--socket", str(socket), "--folder", str(folder)]
    # it has nothing to say that the demo's screen should show, and Ctrl-C is for the demo, which ends it
    page = subprocess.Popen(  # noqa: S603 - our own program
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    assert page.stdin  # noqa: S101 - a pipe was asked for
    assert page.stdout  # noqa: S101 - likewise
    listener = Thread(target=_listen, args=(page.stdout, tell), name="demo-page", daemon=True)
    listener.start()
    try:
        yield
    finally:
        page.terminate()
        try:
            page.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            page.kill()
            page.wait()
        listener.join(_PATIENCE)
        page.stdin.close()
        page.stdout.close()


def _listen(output: Iterator[bytes], tell: Callable[[str], None]) -> None:
    for line in output:
        words = line.decode("utf-8", "replace").split()
        if words[:1] == ["page:"]:
            tell(words[1])
