"""A fresh Debian in a folder, in which the installer runs as on somebody's machine: first as in an image that is being
built (chroot), then booted, with systemd as its process 1 (systemd-nspawn)."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

__all__ = ["Machine"]

PACKAGES = (
    "systemd,systemd-sysv,dbus,udev,python3-av,python3-numpy,python3-pil,mosquitto,mosquitto-clients,ca-certificates"
)
#: Of the machine that runs the tests: how it reaches the package registries.
BORROWED = (
    "/etc/resolv.conf",
    "/etc/pip.conf",
    "/root/.config/pip/pip.conf",
    "/etc/ssl/certs/ca-certificates.crt",
)
#: Debian's Python modules are not compiled on an emulated machine, which takes long.
UNCOMPILED = (
    'chroot "$1" dpkg-divert --quiet --local --no-rename --divert /usr/bin/py3compile.kept /usr/bin/py3compile; '
    'ln -s true "$1/usr/bin/py3compile"'
)
#: How much longer everything may take on an emulated machine.
PATIENCE = 6
ENVIRONMENT = {"HOME": "/root", "LANG": "C.UTF-8", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"}


class Machine:
    """A Debian of its own.

    Args:
        suite: its release, such as `trixie`.
        root: the folder for its files; made anew.
        architecture: this machine's, or one that it can emulate; an emulated one cannot be booted.
    """

    def __init__(self, suite: str, root: Path, architecture: str | None = None) -> None:
        self.suite = suite
        self.root = root
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._leader = 0
        self._patience = PATIENCE if architecture else 1
        apt = [f"--aptopt={file}" for file in os.environ.get("EDGE_FER_APT_CONF", "").split(":") if file]
        of = [f"--architectures={architecture}", f"--essential-hook={UNCOMPILED}"] if architecture else []
        command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", *of, *apt, suite, str(root)]
        subprocess.run([*command, "http://deb.debian.org/debian"], check=True, timeout=600 * self._patience)
        for file in map(Path, BORROWED):
            if file.is_file():
                self.path(file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, self.path(file))

    def path(self, inside: str | Path) -> Path:
        """Where a file of the machine is seen from outside."""
        return self.root / str(inside).lstrip("/")

    def write(self, inside: str, text: str, mode: int = 0o644) -> None:
        """Writes a file of the machine, as its root."""
        self.path(inside).parent.mkdir(parents=True, exist_ok=True)
        self.path(inside).write_text(text)
        self.path(inside).chmod(mode)

    def run(self, command: str, *, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        """Runs a line of shell as the machine's root; both outputs come in `stdout`."""
        enter = ["nsenter", "-t", str(self._leader), "-a"] if self._leader else ["chroot", str(self.root)]
        with self._mounted():
            return subprocess.run(
                [*enter, "/bin/sh", "-c", f"cd /root && {command}"],
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=timeout * self._patience,
                check=False,
            )

    def ok(self, command: str, *, timeout: float = 600) -> str:
        """Runs a line of shell that must succeed; what it printed."""
        ended = self.run(command, timeout=timeout)
        assert ended.returncode == 0, f"{command} ended with {ended.returncode}:\n{ended.stdout}"
        return ended.stdout

    def wait_for(self, command: str, timeout: float = 60) -> str:
        """Runs a line of shell until it succeeds."""
        deadline = time.monotonic() + timeout
        while (ended := self.run(command)).returncode != 0:
            assert time.monotonic() < deadline, f"{command} has not succeeded within {timeout} s:\n{ended.stdout}"
            time.sleep(0.5)
        return ended.stdout

    def boot(self) -> None:
        """Starts systemd in it, and waits until the machine is up."""
        command = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--resolv-conf=off", "--console=pipe"]
        # what a container may not and a machine may: systemd needs it for DeviceAllow=, the daemon asks the clock
        command += ["--capability=all", "--system-call-filter=bpf adjtimex clock_adjtime"]
        self._nspawn = subprocess.Popen(
            [*command, "--directory", str(self.root), "--boot"],
            # one hierarchy of control groups, as on every machine that people have: DeviceAllow= needs it
            env=os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 120
        while not (found := self._systemd()):
            assert time.monotonic() < deadline, "systemd does not start"
            time.sleep(0.1)
        self._leader = found
        self.wait_for("systemctl is-system-running | grep -E 'running|degraded'", 180)

    def _systemd(self) -> int:
        """The process that is the machine's process 1, once nspawn's own helpers have made room for it; 0 before."""
        assert self._nspawn is not None
        for pid in Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split():
            with contextlib.suppress(OSError):
                if Path(f"/proc/{pid}/comm").read_text() == "systemd\n":
                    return int(pid)
        return 0

    def close(self) -> None:
        """Switches it off and takes it away."""
        if self._nspawn is not None:
            try:
                self.run("systemctl poweroff", timeout=20)
                self._nspawn.wait(60)
            except subprocess.TimeoutExpired:
                if leader := self._systemd():
                    # takes everything that runs on the machine along
                    os.kill(leader, signal.SIGKILL)
            self._nspawn.kill()
            self._nspawn.wait(10)
        shutil.rmtree(self.root)

    @contextlib.contextmanager
    def _mounted(self):
        """What programs in a chroot expect; a booted machine has its own."""
        if self._leader:
            yield
            return
        with contextlib.ExitStack() as mounts:
            for options in (["-t", "proc", "/proc"], ["--bind", "/dev"]):
                where = self.path(options[-1])
                subprocess.run(["mount", *options, where], check=True)
                mounts.callback(subprocess.run, ["umount", "--lazy", where], check=True)
            yield
