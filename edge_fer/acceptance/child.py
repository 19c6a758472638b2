"""The daemon as a process of its own, with a state folder of its own that ends with it; asked over its socket."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from edge_fer.config import tree as config
from edge_fer.config.output.writing import written
from edge_fer.control.client import ControlClient
from edge_fer.errors import EdgeFerError

__all__ = ["CORNER_BYTES", "Child", "corner_command"]

#: Size of the file system that is filled up, in bytes.
CORNER_BYTES: Final = 16 << 20
#: Seconds between two looks, and for a reply.
_POLL, _REPLY = 0.2, 10.0
#: Mounts a small file system in memory at the first argument, which nobody outside this process sees, and goes on.
_MOUNT: Final = 'mount -t tmpfs -o size={size},mode=700 tmpfs "$1" && shift && exec "$@"'
_FILLER: Final = "filler"


def corner_command() -> list[str] | None:
    """What a command must begin with to get a small file system of its own; None where that is not allowed here."""
    if not (tool := shutil.which("unshare")):
        return None
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    command = [tool, "--mount", *user, "sh", "-c", _MOUNT.format(size=CORNER_BYTES), "sh"]
    with tempfile.TemporaryDirectory() as folder:
        # what is run is ours
        tried = subprocess.run([*command, folder, "true"], capture_output=True, check=False)  # noqa: S603
    return command if tried.returncode == 0 else None


class Child:
    """A daemon that watches one camera and has no broker, so that its outbox keeps what it has to say.

    Args:
        name: of the camera.
        camera: its section.
        models_dir: where fetched model files are.
        corner: from `corner_command`, to give it a small file system of its own.
    """

    def __init__(
        self, name: str, camera: config.CameraSection, models_dir: Path, *, corner: list[str] | None = None
    ) -> None:
        self._name = name
        self._folder = tempfile.TemporaryDirectory(prefix="edge-fer-acceptance-")
        place = Path(self._folder.name)
        self._state, self._socket = place / "state", place / "run"
        for folder in (self._state, self._socket):
            folder.mkdir(mode=0o700)
        self._file = place / "config.yaml"
        self._file.touch(mode=0o600)
        self._file.write_text(json.dumps(self._config(camera, models_dir)), encoding="utf-8")  # JSON is YAML
        self._corner = [*corner, str(self._state)] if corner else []
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._folder.cleanup()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.end(signal.SIGTERM)
        self._folder.cleanup()

    def start(self) -> None:
        """Starts it, anew too."""
        command = [*self._corner, sys.executable, "-m", "edge_fer", "run", "--config", str(self._file)]
        environment = os.environ | {"RUNTIME_DIRECTORY": str(self._socket)}
        for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "JOURNAL_STREAM"):
            environment.pop(name, None)
        self._process = subprocess.Popen(  # noqa: S603 - likewise
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def end(self, number: signal.Signals) -> None:
        """Ends it by a signal, and waits for it; by force where it does not end."""
        process = self._process
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.send_signal(number)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._process = None

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def state(self) -> Mapping[str, Any] | None:
        """How it is, as its control socket tells it; None where it does not answer."""
        with suppress(EdgeFerError), ControlClient([self._socket / "control.sock"], timeout=_REPLY) as client:
            state: Mapping[str, Any] = client.ask("state")
            return state
        return None

    def wait_for(self, reached: Callable[[Mapping[str, Any]], bool], patience: float) -> float | None:
        """Seconds until its state is so; None where it does not come to that in time, or ends."""
        begin = time.monotonic()
        while (waited := time.monotonic() - begin) < patience and self.alive:
            state = self.state()
            if state is not None and reached(state):
                return waited
            time.sleep(_POLL)
        return None

    def online(self, patience: float) -> float | None:
        """Seconds until its camera delivers frames, likewise."""
        return self.wait_for(lambda state: state["cameras"][self._name]["online"], patience)

    def offline(self, patience: float) -> float | None:
        """Seconds until its camera delivers none, likewise."""
        return self.wait_for(lambda state: not state["cameras"][self._name]["online"], patience)

    def stays_online(self, seconds: float) -> bool:
        """Whether its camera delivers frames for so long, without a break."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            state = self.state()
            if state is None or not state["cameras"][self._name]["online"]:
                return False
            time.sleep(_POLL)
        return True

    def fill(self) -> int:
        """Fills its small file system up; how many bytes that took."""
        written_bytes, block = 0, bytes(64 << 10)
        with self._inside().open("wb", buffering=0) as file, suppress(OSError):
            # no more than a corner holds, should this be another file system after all
            while written_bytes < CORNER_BYTES:
                written_bytes += file.write(block)
        return written_bytes

    def make_room(self) -> None:
        """Takes back what filled it."""
        self._inside().unlink(missing_ok=True)

    def _inside(self) -> Path:
        assert self._process is not None  # noqa: S101 - only asked of one that runs
        return Path(f"/proc/{self._process.pid}/root{self._state}", _FILLER)

    def _config(self, camera: config.CameraSection, models_dir: Path) -> dict[str, Any]:
        return {
            "node": {"id": "acceptance"},
            "state_dir": str(self._state),
            "models_dir": str(models_dir),
            "mqtt": {"broker": f"mqtt://127.0.0.1:{_free_port()}"},
            "cameras": {self._name: written(camera)},
        }


def _free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
