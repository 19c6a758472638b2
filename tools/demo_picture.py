"""Draws the live view of the demo into `docs/demo.svg`, as it is while an alert fires: `python -m tools.demo_picture`.

Runs `edge-fer run --demo` in a terminal of its own on the counter's recording, and takes the screen from there. Needs
rich, which the test environment has.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Final

__all__ = ["main"]

PICTURE: Final = Path(__file__).parent.parent / "docs" / "demo.svg"
COLUMNS, ROWS = 110, 24
#: What the screen must show.
WANTED: Final = ("FIRING", "ALERT", "happy")
#: Seconds until that must be so; the alert fires after half a minute of every 80 seconds.
PATIENCE: Final = 200.0


def screen() -> str:
    """The screen of the demo, with its colours, while an alert fires."""
    mine, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS + 1, COLUMNS, 0, 0))
    with tempfile.TemporaryDirectory() as folder:
        settings = ("node.id=counter-1", f"state_dir={folder}", "cameras.camera.source=sample:counter")
        more = ("mqtt.broker=embedded", "mqtt.embedded_port=18839")
        options = [part for setting in (*settings, *more) for part in ("-o", setting)]
        command = [sys.executable, "-m", "edge_fer", "run", "--demo", *options]
        environment = os.environ | {"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", "XDG_STATE_HOME": folder}
        process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
        os.close(theirs)
        try:
            return _read_until_firing(mine)
        finally:
            process.send_signal(signal.SIGINT)
            while process.poll() is None:
                # a terminal that nobody writes to any more cannot be read
                with suppress(OSError):
                    if select.select([mine], [], [], 0.2)[0]:
                        os.read(mine, 1 << 16)
            os.close(mine)


def _read_until_firing(terminal: int) -> str:
    deadline, read = time.monotonic() + PATIENCE, b""
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.5)[0]:
            read += os.read(terminal, 1 << 16)
        # each screen begins at the top left, and the last one may not be whole yet
        for drawn in read.split(b"\x1b[H")[1:-1]:
            shown = drawn.decode()
            if all(word in shown for word in WANTED):
                return shown
    msg = f"no alert within {PATIENCE:g} s"
    raise SystemExit(msg)


def main() -> None:
    """Draws it."""
    drawn = re.sub(r"\r+\n", "\n", re.sub(r"\x1b\[[JK]", "", screen()))
    # which program was called, and its log, are those of this machine alone
    drawn = re.sub(r"\S*__main__\.py|\S*/edge-fer\b", "edge-fer", drawn)
    drawn = "\n".join(line for line in drawn.split("\n") if " WARNING " not in line)
    # only whoever makes the picture anew has it, so it is looked for no earlier, and not by the type checker
    console = import_module("rich.console").Console(record=True, width=COLUMNS, file=open(os.devnull, "w"))  # noqa: SIM115, PTH123
    console.print(import_module("rich.text").Text.from_ansi(drawn))
    picture = console.export_svg(title="edge-fer run --demo", unique_id="demo")
    # a picture of ours fetches no font from anywhere
    picture = re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL).replace("Fira Code, ", "")
    PICTURE.write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
