"""Power cuts: what a process writes to its files is noted call by call, and disks are made as a cut would leave them.

A write counts as on the disk once its file was synced after it. A cut may lose any that were not, and keep any.
"""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Noted", "Step", "disks", "noted"]

#: Notes each call that changes a file below a folder: name, path, and for a write its place and bytes.
SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void note(const char *what, const char *path, long at, const void *bytes, long size) {
    static int (*really)(int, const void *, size_t) = NULL;
    const char *folder = getenv("EDGE_FER_TEST_NOTE");
    if (strncmp(path, folder, strlen(folder)) || strstr(path, "-shm")) return;
    if (!really) really = dlsym(RTLD_NEXT, "write");
    int to = open(getenv("EDGE_FER_TEST_NOTES"), O_WRONLY | O_CREAT | O_APPEND, 0600);
    char head[600];
    int length = snprintf(head, sizeof head, "%s %ld %ld %s\n", what, at, size, path);
    really(to, head, length);
    if (bytes) really(to, bytes, size);
    close(to);
}
static void note_fd(const char *what, int fd, long at, const void *bytes, long size) {
    char link[64], path[400];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long length = readlink(link, path, sizeof path - 1);
    if (length > 0) { path[length] = 0; note(what, path, at, bytes, size); }
}
#define PWRITE(name, offset) ssize_t name(int fd, const void *bytes, size_t size, offset at) { \
    ssize_t (*real)(int, const void *, size_t, offset) = dlsym(RTLD_NEXT, #name); \
    ssize_t done = real(fd, bytes, size, at); if (done > 0) note_fd("write", fd, at, bytes, done); return done; }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)
#define TRUNCATE(name, offset) int name(int fd, offset size) { \
    int (*real)(int, offset) = dlsym(RTLD_NEXT, #name); \
    int done = real(fd, size); if (!done) note_fd("truncate", fd, size, NULL, 0); return done; }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)
#define SYNC(name) int name(int fd) { \
    int (*real)(int) = dlsym(RTLD_NEXT, #name); \
    int done = real(fd); if (!done) note_fd("sync", fd, 0, NULL, 0); return done; }
SYNC(fsync)
SYNC(fdatasync)
int unlink(const char *path) {
    int (*real)(const char *) = dlsym(RTLD_NEXT, "unlink");
    int done = real(path); if (!done) note("unlink", path, 0, NULL, 0); return done; }
"""


@dataclass(frozen=True)
class Step:
    """One call: `write`, `truncate`, `sync`, `unlink`, or a `mark` that the process made itself."""

    what: str
    name: str
    at: int = 0
    content: bytes = b""


@dataclass(frozen=True)
class Noted:
    """All calls of a process, in order."""

    steps: list[Step]


def noted(folder: Path, command: list[str], environ: dict[str, str]) -> Noted:
    """Runs a command that writes to `folder / "disk"`, and returns what it did there.

    A file named `mark-N` that it unlinks is a mark.
    """
    library, source, notes, disk = folder / "note.so", folder / "note.c", folder / "notes", folder / "disk"
    source.write_text(SOURCE)
    compiler = shutil.which("cc")
    assert compiler is not None, "the tests need a C compiler: apt install gcc libc6-dev"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    disk.mkdir()
    more = {"LD_PRELOAD": str(library), "EDGE_FER_TEST_NOTE": str(disk), "EDGE_FER_TEST_NOTES": str(notes)}
    subprocess.run(command, check=True, env={**environ, **more}, timeout=120)
    return Noted(list(_read(notes.read_bytes())))


def _read(notes: bytes) -> Iterator[Step]:
    place = 0
    while place < len(notes):
        end = notes.index(b"\n", place)
        what, at, size, path = notes[place:end].decode().split(" ", 3)
        place = end + 1
        content = notes[place : place + int(size)]
        place += int(size)
        name = Path(path).name
        yield Step("mark" if name.startswith("mark-") else what, name, int(at), content)


def disks(steps: list[Step], *, seed: int) -> Iterator[dict[str, bytes]]:
    """What a cut after these steps may leave: nothing of what was not synced, all of it, and some of it twice over."""
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    for survives in (lambda: False, lambda: True, lambda: chance.random() < 0.5, lambda: chance.random() < 0.8):
        yield _disk(steps, survives)


def _disk(steps: list[Step], survives) -> dict[str, bytes]:
    synced = {}
    for number, step in enumerate(steps):
        if step.what == "sync":
            synced[step.name] = number
    files: dict[str, bytearray] = {}
    for number, step in enumerate(steps):
        # names are the file system's own, which keeps their order
        if step.what == "unlink":
            files.pop(step.name, None)
            continue
        if step.what not in {"write", "truncate"}:
            continue
        file = files.setdefault(step.name, bytearray())
        if number > synced.get(step.name, -1) and not survives():
            continue
        if step.what == "truncate":
            del file[step.at :]
            file.extend(bytes(step.at - len(file)))
        else:
            file.extend(bytes(max(0, step.at - len(file))))
            file[step.at : step.at + len(step.content)] = step.content
    return {name: bytes(content) for name, content in files.items()}
