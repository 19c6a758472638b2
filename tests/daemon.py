"""The daemon as people run it: a process of its own, with a config of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

__all__ = ["COMMAND", "Daemon", "edge_fer"]

COMMAND = [sys.executable, "-m", "edge_fer"]


def edge_fer(*arguments: str, timeout: float = 300, **options: Any) -> subprocess.CompletedProcess[str]:
    """Runs one command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=timeout, check=False, **options
    )


class Daemon:
    """`edge-fer run` with the given config, until the block ends.

    Args:
        folder: where its config and state go.
        config: as in the config file.
        arguments: more of its command line.
        environment: more of its environment.
    """

    def __init__(
        self, folder: Path, config: dict[str, Any], *arguments: str, environment: Mapping[str, str] | None = None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._base = {"node": {"id": "test"}, "state_dir": str(folder / "state"), "log_level": "info"}
        self._file = folder / "config.yaml"
        self.configure(config)
        self._command = [*COMMAND, "run", "--config", str(self._file), *arguments]
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[str] | None = None
        self._lines: list[str] = []
        self._news = threading.Condition()

    def configure(self, config: dict[str, Any]) -> None:
        """Writes another config, which it reads when it is told to."""
        self.config = self._base | config
        self._file.write_text(json.dumps(self.config))  # JSON is YAML

    def send(self, number: signal.Signals) -> None:
        """Sends it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    @property
    def output(self) -> str:
        """What it has printed so far."""
        with self._news:
            return "".join(self._lines)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def wait_for(self, text: str, timeout: float = 90) -> None:
        """Waits until it has printed something."""
        with self._news:
            found = self._news.wait_for(lambda: any(text in line for line in self._lines), timeout)
        assert found, f"{text!r} was not printed within {timeout} s, but:\n{self.output}"

    def wait(self, timeout: float = 300) -> int:
        """Waits until it has ended by itself; returns its exit code."""
        assert self._process is not None
        code = self._process.wait(timeout)
        self._reader.join(5)
        return code

    def stop(self, how: signal.Signals = signal.SIGTERM, timeout: float = 60) -> int:
        """Sends a signal and waits; returns the exit code."""
        assert self._process is not None
        self._process.send_signal(how)
        return self.wait(timeout)

    def __enter__(self) -> Self:
        environment = os.environ | {"PYTHONUNBUFFERED": "1"} | self._environment
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1, env=environment
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(10)
        self._reader.join(5)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                self._lines.append(line)
                self._news.notify_all()
