"""What a process and its threads hand to the kernel to write or send, as strace sees it."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.missing import missing

__all__ = ["CALLS", "OPTIONS", "Traced", "read", "strace_path"]

#: Every way by which bytes leave a process, but for shared memory: that needs a file that is opened for writing.
CALLS = (
    "write,pwrite64,writev,pwritev,pwritev2,sendto,sendmsg,sendmmsg,sendfile,splice,vmsplice,tee,copy_file_range,"
    "open,openat,openat2,creat,memfd_create,io_uring_setup,io_submit,process_vm_writev,shmget,mq_open"
)
#: Following threads, all strings in full and in hexadecimal, files by name.
OPTIONS = ["-f", "-qq", "-xx", "-s", "100000000", "-y", "--seccomp-bpf", "-e", f"trace={CALLS}", "-e", "signal=none"]

CALL = re.compile(r"^\d+\s+(?:<\.\.\. )?(\w+)(?:\(| resumed>)")
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@dataclass(frozen=True, slots=True)
class Traced:
    """What was seen.

    Attributes:
        sent: by what it was handed to: all bytes, in order.
        opened: files that were opened for writing.
        calls: names of all system calls that were seen.
    """

    sent: dict[str, bytes]
    opened: set[str]
    calls: set[str]


def strace_path() -> str:
    """Where strace is; where there is none, or it may not trace, the test is skipped."""
    path = shutil.which("strace")
    command = [path or "strace", "-qq", "-o", "/dev/null", "true"]
    if path is None or subprocess.run(command, check=False, capture_output=True).returncode:
        missing("needs strace, and leave to trace (apt install strace)")
    return path


def read(file: Path) -> Traced:
    """Makes sense of strace's output."""
    sent: dict[str, bytearray] = {}
    opened, calls = set(), set()
    for line in file.read_text().splitlines():
        match = CALL.match(line)
        if match is None:
            continue
        call = match[1]
        calls.add(call)
        texts = [bytes.fromhex(text.replace(r"\x", "")) for text in TEXT.findall(line)]
        if call.startswith(("open", "creat")):
            if re.search(r"O_WRONLY|O_RDWR|O_CREAT", line) and texts and not re.search(r"= -1", line):
                opened.add(texts[0].decode(errors="replace"))
        elif call != "memfd_create":
            target = re.search(r"\(\d+<([^>]*)>", line)
            name = _bytes(target[1]).decode(errors="replace") if target else "?"
            sent.setdefault(name, bytearray()).extend(b"".join(texts))
    return Traced({name: bytes(data) for name, data in sent.items()}, opened, calls)


def _bytes(shown: str) -> bytes:
    """What strace shows as `\\x…`, one for each byte; plain text in between is itself."""
    return re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes.fromhex(found[1].decode()), shown.encode())
