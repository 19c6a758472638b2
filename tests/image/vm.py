"""A board that is not there: QEMU's `virt`, with one disk, one network, a watchdog, and no accelerator."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from pathlib import Path

from tests.broker import free_port

__all__ = ["HOST", "Vm", "make_key"]

#: By what name a machine reaches the loopback of the computer that it runs on.
HOST = "10.0.2.2"
#: What runs it; tests/image/get-qemu.sh finds one that can.
_QEMU = Path(os.environ.get("EDGE_FER_QEMU", "/usr/bin/qemu-system-aarch64"))


def make_key(file: Path) -> str:
    """Makes a key for SSH; its public half."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "image-test", "-f", file], check=True)
    return file.with_suffix(".pub").read_text().strip()


class Vm:
    """A machine that runs from a disk until it is killed.

    Args:
        disk: its file; what the machine writes goes there.
        key: the key for SSH, of the user `tester`, who may do everything.
        writes: where every write is logged as well (tests.image.writes).
    """

    def __init__(self, disk: Path, key: Path, *, writes: Path | None = None) -> None:
        self.console = disk.with_suffix(".console")
        self._port = free_port()
        self._key = key
        if writes is not None:
            writes.touch()
        card = f"driver=file,node-name=card,filename={disk}"
        if writes is not None:
            card = (
                f"driver=blklogwrites,node-name=card,file.driver=file,file.filename={disk}"
                f",log.driver=file,log.filename={writes}"
            )
        self.started = time.monotonic()
        self._process = subprocess.Popen(
            [
                *(_QEMU, "-M", "virt", "-cpu", "cortex-a72", "-smp", "2", "-m", "2048"),
                *("-accel", "tcg,thread=multi", "-display", "none", "-monitor", "none", "-bios", _firmware()),
                *("-serial", f"file:{self.console}", "-blockdev", card),
                # merged, a request may have as many parts as the computer's system takes at once; with the log's header
                # it has one too many, fails, and leaves a hole in the log
                *("-device", "virtio-blk-pci,drive=card,discard=off,write-zeroes=off,request-merging=off"),
                *("-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{self._port}-:22"),
                *("-device", "virtio-net-pci,netdev=net,romfile=", "-device", "virtio-rng-pci"),
                # emulated as slowly as here, it could bite a machine that is well
                *("-device", "i6300esb", "-action", "watchdog=none"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def run(self, command: str, *, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Runs a line of shell as root; both outputs come in `stdout`."""
        return self._run("sh -s", command.encode(), timeout)

    def ok(self, command: str, *, timeout: float = 300) -> str:
        """Runs a line of shell that must succeed; what it printed."""
        ended = self.run(command, timeout=timeout)
        assert ended.returncode == 0, f"{command} ended with {ended.returncode}:\n{ended.stdout}"
        return ended.stdout.strip()

    def put(self, file: Path, inside: str) -> None:
        """Copies a file into the machine."""
        ended = self._run(f"tee {inside} >/dev/null", file.read_bytes(), timeout=900)
        assert ended.returncode == 0, ended.stdout

    def wait_for(self, command: str, timeout: float = 600) -> str:
        """Runs a line of shell until it succeeds, whether or not the machine can be reached yet."""
        deadline = time.monotonic() + timeout
        last = "the machine could not be reached"
        while time.monotonic() < deadline:
            with contextlib.suppress(subprocess.TimeoutExpired):
                ended = self.run(command, timeout=60)
                if ended.returncode == 0:
                    return ended.stdout.strip()
                last = ended.stdout
            time.sleep(2)
        msg = f"{command} has not succeeded within {timeout:g} s:\n{last}\n{self.tail()}"
        raise AssertionError(msg)

    def tail(self) -> str:
        """The last that the machine printed on its console."""
        return self.console.read_text(errors="replace")[-3000:]

    def cut(self) -> None:
        """Takes the power away."""
        self._process.kill()
        self._process.wait()

    def power_off(self, timeout: float = 180) -> None:
        """Switches it off as one should."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.run("systemctl poweroff", timeout=30)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout)
        self.cut()

    def _run(self, command: str, given: bytes, timeout: float) -> subprocess.CompletedProcess[str]:
        self._assert_alive()
        ended = subprocess.run(
            [*self._ssh(), f"sudo {command}"],
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            check=False,
        )
        return subprocess.CompletedProcess(ended.args, ended.returncode, ended.stdout.decode(errors="replace"))

    def _assert_alive(self) -> None:
        assert self._process.poll() is None, f"QEMU has ended:\n{self.tail()}"

    def _ssh(self) -> list[str]:
        options = ["StrictHostKeyChecking=no", f"UserKnownHostsFile={os.devnull}", "LogLevel=ERROR"]
        options += ["ConnectTimeout=20", "BatchMode=yes", "ServerAliveInterval=30", "ServerAliveCountMax=20"]
        return [
            *("ssh", "-p", str(self._port), "-i", str(self._key)),
            *(word for option in options for word in ("-o", option)),
            "tester@127.0.0.1",
        ]


def _firmware() -> Path:
    """UEFI, of the same Debian as QEMU."""
    file = Path("usr/share/qemu-efi-aarch64/QEMU_EFI.fd")
    return next(folder / file for folder in (_QEMU.parent, Path("/")) if (folder / file).is_file())
