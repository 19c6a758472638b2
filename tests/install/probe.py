"""Tries, in place of the daemon and under its unit, what the sandbox shall forbid; prints what happened as JSON.

Runs by itself with the system's Python.
"""

import ctypes
import errno
import json
import mmap
import os
import socket
import subprocess
import time
from pathlib import Path

STATE = Path(os.environ["STATE_DIRECTORY"])


def outcome(attempt):
    """`done`, or the name of the error."""
    try:
        attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
    except Exception as error:  # noqa: BLE001
        return type(error).__name__
    return "done"


def write(folder):
    file = Path(folder, "edge-fer-probe")
    file.touch(exist_ok=False)
    file.unlink()


def syscall(name, *arguments):
    libc = ctypes.CDLL(None, use_errno=True)

    def call():
        if getattr(libc, name)(*arguments) < 0:
            raise OSError(ctypes.get_errno(), name)

    return call


def run_from_state():
    program = STATE / "probe.sh"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    try:
        subprocess.run([program], check=True)
    finally:
        program.unlink()


def folders():
    """Every folder of the machine that can be seen, but for what the kernel makes up."""
    for folder, inner, _ in os.walk("/"):
        if folder == "/":
            inner[:] = [name for name in inner if name not in {"proc", "sys"}]
        yield folder


writable = [folder for folder in folders() if outcome(lambda folder=folder: write(folder)) == "done"]
report = {
    "user": os.getuid(),
    "writable": writable,
    "/proc/sys": outcome(lambda: Path("/proc/sys/kernel/hostname").open("wb").close()),
    "/sys": outcome(lambda: Path("/sys/kernel/uevent_seqnum").open("wb").close()),
    "read password": outcome(lambda: Path("/etc/edge-fer/mqtt-password").open("rb").close()),
    "read credential": outcome(
        lambda: Path(os.environ.get("CREDENTIALS_DIRECTORY", "/none"), "mqtt-password").read_bytes()
    ),
    "read shadow": outcome(lambda: Path("/etc/shadow").open("rb").close()),
    "memory device": outcome(lambda: Path("/dev/mem").open("rb").close()),
    "other device": outcome(lambda: Path("/dev/edge-fer-test").open("rb").close()),
    "raw socket": outcome(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)),
    "internet socket": outcome(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM)),
    "netlink socket": outcome(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)),
    "ask the clock": outcome(syscall("adjtimex", ctypes.create_string_buffer(512))),
    "set the clock": outcome(lambda: time.clock_settime(time.CLOCK_REALTIME, time.time())),
    "mount": outcome(syscall("mount", b"none", b"/var/lib/edge-fer", b"tmpfs", 0, None)),
    "unshare": outcome(syscall("unshare", 0x10000000)),
    "ptrace": outcome(syscall("ptrace", 16, 1, None, None)),
    "become root": outcome(lambda: os.setuid(0)),
    "code that is written": outcome(
        lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    ),
    "run what was written": outcome(run_from_state),
}
(STATE / "probe.json").write_text(json.dumps(report))
