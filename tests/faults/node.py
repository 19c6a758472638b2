"""One node of the suite: its driver's process, its proxy, its disk."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from tests.broker import Mosquitto, tool
from tests.faults.judge import End
from tests.faults.ledger import Ledger
from tests.faults.proxy import Proxy
from tests.faults.trace import number_of
from tests.slow_disk import SlowDisk

__all__ = ["Node", "small_disk", "wait_until"]

#: Seconds that each sync takes while a disk is slow.
SLOW = 0.6
PASSWORD = "right"  # noqa: S105 - of a broker that lives for the test


def wait_until(condition: Callable[[], object], what: str, *, timeout: float = 120.0) -> float:
    """Waits for something that nothing tells of; seconds that it took."""
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > timeout:
            msg = f"{what}: not within {timeout:g} s"
            raise AssertionError(msg)
        time.sleep(0.005)
    return time.monotonic() - begun


def fill(disk: Path) -> None:
    """Other programs take all room there is on a disk, to the last byte."""
    with (disk / "ballast").open("ab", buffering=0) as ballast:
        for size in (1 << 16, 1 << 12, 1):
            _write_until_full(ballast, size)


def _write_until_full(ballast: FileIO, size: int) -> None:
    try:
        while True:
            ballast.write(b"x" * size)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[bool]:
    """A disk of its own below the folder, where we may mount one; whether there is."""
    disk = folder / "disk"
    disk.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", disk]
    mounted = os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", disk], check=True)


class Node:
    """A driver behind a proxy.

    Args:
        name: of the node, for its topics.
        folder: where its files go; `disk` in it may be a disk of its own.
        broker: where its messages go.
        rate: items of the trace a second.
        mounted: whether `disk` is a disk of its own, which can be filled; otherwise the size of files is limited,
            which the outbox cannot tell from it.
        port: of the broker, where it is another one than its first.
        certificates: by which the node and the broker know each other; None: without encryption.
        other: port of a broker that the node turns to where its first is away; None: there is none.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        broker: Mosquitto,
        *,
        rate: float,
        mounted: bool = False,
        port: int | None = None,
        certificates: Path | None = None,
        other: int | None = None,
    ) -> None:
        self.name = name
        self.folder = folder
        self.disk = folder / "disk"
        self.disk.mkdir(parents=True, exist_ok=True)
        (folder / "password").write_text(PASSWORD)
        self.ledger = Ledger(folder / "ledger")
        self.syncs = SlowDisk(folder, SLOW)
        #: items whose rows were damaged
        self.damaged: set[int] = set()
        self.proxy = Proxy(port or broker.port)
        self.lives = 0
        #: how each life ended
        self.ends: list[End] = []
        self._rate = rate
        self._mounted = mounted
        self._environment = {"EDGE_FER_FAULTS_CERTIFICATES": str(certificates)} if certificates else {}
        if other is not None:
            self._environment["EDGE_FER_FAULTS_OTHER_PORT"] = str(other)
        #: bytes that a file may have, once that is limited
        self._quota: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        #: the first item of this life
        self._begun_at = 0

    def start(self) -> None:
        """Starts the next life, and waits until it is there."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Starts the next life."""
        self.lives += 1
        for word in ("alert_back", "alert_front", "connected", "reload"):
            self.ledger[word] = 0
        self.ledger["ready"] = 0
        self._begun_at = self.ledger["next"]
        script = Path(__file__).with_name("driver.py")
        arguments = [self.name, str(self.folder), str(self.proxy.port), str(self._rate), str(self.lives)]
        with (self.folder / "output").open("ab") as output:
            limited = [] if self._quota is None else [tool("prlimit"), f"--fsize={self._quota}:"]
            self._process = subprocess.Popen(
                # -B, or a full disk would cut off what Python compiles, for all later runs of this checkout
                [*limited, sys.executable, "-B", "-X", "faulthandler", str(script), *arguments],
                stdout=output,
                stderr=output,
                env=os.environ | self.syncs.environment | self._environment,
            )

    def wait_until_ready(self) -> None:
        """Waits until its link has started."""
        process = self._process
        assert process is not None
        wait_until(lambda: self.ledger["ready"] or process.poll() is not None, f"{self.name} starts", timeout=120)
        self.check_that_it_lives()

    def check_that_it_lives(self) -> None:
        """It must not end by itself."""
        if self._process is None or self._process.poll() is not None:
            msg = f"the driver of {self.name} has ended:\n{(self.folder / 'output').read_text()}"
            raise AssertionError(msg)

    def stop(self) -> None:
        """SIGTERM, and waits until it has ended; nothing is lost by that, also what was handed over last."""
        assert self._process is not None
        self.check_that_it_lives()
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(60)
        assert code == 0, f"{self.name} ended with {code}:\n{(self.folder / 'output').read_text()}"
        self.ends.append(End(time.monotonic(), is_kill=False))
        self.ledger["connected"] = 0

    def damage(self, count: int, chance: random.Random) -> None:
        """Changes a byte of some messages that wait in its outbox, while it does not run."""
        with contextlib.closing(sqlite3.connect(self.disk / "outbox.sqlite")) as connection:
            rows = connection.execute("SELECT id, body FROM messages ORDER BY id").fetchall()
            for row, body in chance.sample(rows, min(count, len(rows))):
                number = number_of(json.loads(body))
                if number in self.damaged:
                    continue
                at = chance.randrange(len(body))
                changed = body[:at] + chr(ord(body[at]) ^ 1) + body[at + 1 :]
                connection.execute("UPDATE messages SET body = ? WHERE id = ?", (changed, row))
                self.damaged.add(number)
            connection.commit()

    def kill(self) -> None:
        """SIGKILL, at once."""
        assert self._process is not None
        self.check_that_it_lives()
        self._process.kill()
        self._process.wait(60)
        self.ends.append(End(time.monotonic(), is_kill=True))
        self.ledger["connected"] = 0

    def finish(self) -> None:
        """Tells nothing more, sends everything, and ends properly."""
        assert self._process is not None
        self.check_that_it_lives()
        wait_until(lambda: self.all_is_settled and not self.ledger["depth"], f"{self.name} drains", timeout=300)
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(30)
        assert code == 0, f"{self.name} ended with {code}:\n{(self.folder / 'output').read_text()}"

    def end(self) -> None:
        """Whatever state it is in."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(60)

    @property
    def private_memory(self) -> int:
        """Bytes of memory that belong to the driver alone, without the shared ledger."""
        assert self._process is not None
        lines = Path(f"/proc/{self._process.pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
        return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Anonymous"))

    @property
    def log(self) -> str:
        """What the driver has logged, over all lives."""
        return (self.folder / "log").read_text()

    @property
    def all_is_settled(self) -> bool:
        """Whether the outbox has got what was handed over last."""
        # the last few, because alert events overtake; of this life, because what a kill took stays unsettled
        newest = self.ledger["next"]
        return all(self.ledger.item(number).is_settled for number in range(max(self._begun_at, newest - 20), newest))

    def fill_disk(self) -> None:
        """Other programs take what room there is."""
        if not self._mounted:
            self._limit_files(max(file.stat().st_size for file in self.disk.iterdir()))
            return
        fill(self.disk)

    def forbid_writing(self) -> None:
        """The disk takes nothing at all any more, as a memory card that has gone read-only."""
        self._limit_files(0)

    def allow_writing(self) -> None:
        """And takes it again."""
        self._limit_files(None)

    def free_disk(self) -> None:
        """And give it back."""
        if self._mounted:
            (self.disk / "ballast").unlink()
        else:
            self._limit_files(None)

    def _limit_files(self, size: int | None) -> None:
        """Of the driver, if it runs, and of those that are started later."""
        self._quota = size
        soft = resource.RLIM_INFINITY if size is None else size
        if self._process is not None and self._process.poll() is None:
            resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))

    def outbox_is_sound(self) -> bool:
        """Whether SQLite finds the outbox's file in order, as a kill has left it. Looks at a copy."""
        copy = self.folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        for file in self.disk.glob("outbox.sqlite*"):
            if "corrupt" in file.name:
                return False
            shutil.copy(file, copy)
        with contextlib.closing(sqlite3.connect(copy / "outbox.sqlite")) as connection:
            return bool(connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)])
