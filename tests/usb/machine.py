"""A machine that is not there, with the kernel of Debian: it sees the files of this one, and can write to none.

QEMU emulates its processor, so that it runs wherever QEMU does. It needs no disk: the root of this machine is its own,
read-only, beneath a layer in memory.
"""

from __future__ import annotations

import gzip
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["Machine", "lacking"]

ROOT = Path(__file__).resolve().parents[2]
#: What it takes, and the package of Debian that has it.
PROGRAMS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "busybox": "busybox-static",
    "cpio": "cpio",
    "modprobe": "kmod",
    "depmod": "kmod",
    "apt-get": "apt",
    "dpkg-deb": "dpkg",
}
#: What its first program needs to see the files of this machine.
MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay")
#: Its first program: mounts the root and begins the story.
FIRST = """#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
for module in /lib/*.ko; do $b insmod $module; done
$b mkdir -p /low /up /all
$b mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=262144,cache=loose root /low
$b mount -t tmpfs up /up
$b mkdir /up/changed /up/work
$b mount -t overlay -o lowerdir=/low,upperdir=/up/changed,workdir=/up/work all /all
for folder in proc sys dev; do $b mount --move /$folder /all/$folder; done
$b mount -t tmpfs run /all/run
$b chroot /all /bin/sh @story@
"""
#: What begins the story; it may write, but into memory alone.
STORY = """export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
mkdir -p /lib/modules
ln -sfn @modules@ /lib/modules/$(uname -r)
cd @root@
@python@ -m @module@
echo o >/proc/sysrq-trigger
sleep 60
"""
#: How a line of the story begins on the console.
TOLD = "told "


def lacking() -> list[str]:
    """The packages of Debian that this machine lacks."""
    return sorted({package for program, package in PROGRAMS.items() if shutil.which(program) is None})


class Machine:
    """A machine that can be started.

    Args:
        folder: for the kernel, which is fetched from Debian once.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        unpacked = folder / "kernel"
        if not unpacked.is_dir():
            self._fetch(unpacked)
        (self._kernel,) = (unpacked / "boot").glob("vmlinuz-*")
        (self._modules,) = (unpacked / "lib" / "modules").iterdir()

    def _fetch(self, unpacked: Path) -> None:
        """Fetches the kernel that Debian has at present."""
        depends = subprocess.run(
            ["apt-cache", "depends", "linux-image-amd64"], stdout=subprocess.PIPE, text=True, check=True
        ).stdout
        (package,) = (word for word in depends.split() if word.startswith("linux-image-") and word[12].isdecimal())
        subprocess.run(["apt-get", "-q", "download", package], cwd=self._folder, check=True)
        (file,) = self._folder.glob("linux-image-*.deb")
        half = self._folder / "half"
        subprocess.run(["dpkg-deb", "-x", file, half], check=True)
        (version,) = (path.name for path in (half / "lib" / "modules").iterdir())
        subprocess.run(["depmod", "-b", half, version], check=True)
        file.unlink()
        half.rename(unpacked)

    def tells(self, module: str, *, timeout: float) -> list[dict[str, Any]]:
        """Starts it, has it run a module of this project, and returns what that told.

        Args:
            module: prints lines that begin with `TOLD`, and JSON after that.
            timeout: seconds until it is switched off.
        """
        story = self._folder / "story.sh"
        said = {"@modules@": self._modules, "@root@": ROOT, "@python@": sys.executable, "@module@": module}
        text = STORY
        for name, value in said.items():
            text = text.replace(name, shlex.quote(str(value)), 1)
        story.write_text(text)
        start = [
            *("qemu-system-x86_64", "-M", "q35", "-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", "1536"),
            *("-nodefaults", "-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot"),
            *("-kernel", str(self._kernel), "-initrd", str(self._first_files(story))),
            *("-append", "console=ttyS0 quiet panic=-1"),
            *("-virtfs", "local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap"),
        ]
        try:
            ran = subprocess.run(
                start, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=timeout, check=True
            ).stdout
        except subprocess.TimeoutExpired as late:
            ran = late.stdout or b""
        lines = ran.decode(errors="replace").splitlines()
        told = [json.loads(line.removeprefix(TOLD)) for line in lines if line.startswith(TOLD)]
        assert told, "\n".join(lines[-40:])
        return told

    def _first_files(self, story: Path) -> Path:
        """The files that the kernel begins with."""
        files = self._folder / "first"
        shutil.rmtree(files, ignore_errors=True)
        for name in ("bin", "lib", "proc", "sys", "dev"):
            (files / name).mkdir(parents=True)
        shutil.copy(str(shutil.which("busybox")), files / "bin" / "busybox")
        for number, module in enumerate(self._needed()):
            shutil.copy(module, files / "lib" / f"{number:02}-{module.name}")
        first = files / "init"
        first.write_text(FIRST.replace("@story@", shlex.quote(str(story))))
        first.chmod(0o755)
        names = "\n".join(str(path.relative_to(files)) for path in sorted(files.rglob("*")))
        packed = subprocess.run(
            ["cpio", "-o", "-H", "newc", "--quiet"], cwd=files, input=names.encode(), stdout=subprocess.PIPE, check=True
        ).stdout
        archive = self._folder / "first.gz"
        archive.write_bytes(gzip.compress(packed, 1))
        return archive

    def _needed(self) -> list[Path]:
        """The modules that its first program loads, in order."""
        found: list[Path] = []
        base = self._modules.parents[2]
        for module in MODULES:
            command = ["modprobe", "-d", str(base), "-S", self._modules.name, "--show-depends", module]
            shown = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
            found += [Path(line.split()[1]) for line in shown.splitlines() if line.startswith("insmod")]
        return list(dict.fromkeys(found))
