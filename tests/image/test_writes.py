"""The log that stands for a power cut, made by hand and by QEMU."""

import shutil
import struct
import subprocess

import pytest

from tests.image.writes import SECTOR, WriteLog, chance

FLUSH, FUA = 1, 2


def log_of(file, *requests):
    """A log of (sector, data, flags)."""
    parts = [struct.pack("<QQQI", 0x6A736677736872, 1, len(requests), SECTOR).ljust(SECTOR, b"\0")]
    for sector, data, flags in requests:
        header = struct.pack("<QQQQ", sector, len(data) // SECTOR, flags, 0)
        parts += [header.ljust(SECTOR, b"\0"), data]
    file.write_bytes(b"".join(parts))
    return WriteLog(file)


def block(letter, sectors=1):
    return letter.encode() * SECTOR * sectors


def test_what_was_flushed_is_there_and_what_was_not_may_be(tmp_path):
    log = log_of(tmp_path / "log", (0, block("a"), 0), (0, b"", FLUSH), (1, block("b"), 0), (2, block("c"), FUA))
    found = set()
    for seed in range(40):
        disk = tmp_path / "disk"
        disk.write_bytes(bytes(4 * SECTOR))
        log.apply(disk, upto=4, random=chance(seed))
        content = disk.read_bytes()
        assert content.startswith(block("a"))
        assert content[2 * SECTOR : 3 * SECTOR] == block("c")
        found.add(content[SECTOR : 2 * SECTOR])
    assert found == {block("b"), bytes(SECTOR)}


def test_the_last_write_may_break_off(tmp_path):
    log = log_of(tmp_path / "log", (0, block("a", 8), 0))
    kept = {sum(sectors for _, sectors in log.survivors(1, chance(seed))) for seed in range(200)}
    assert kept == set(range(9))


def test_what_comes_after_the_cut_is_not_there(tmp_path):
    log = log_of(tmp_path / "log", (0, block("a"), FUA), (0, block("b"), FUA))
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(SECTOR))
    log.apply(disk, upto=1, random=chance(1))
    assert disk.read_bytes() == block("a")
    assert log.entries_before(2 * SECTOR) == 1


def test_a_request_that_is_still_being_logged_is_left_out(tmp_path):
    file = tmp_path / "log"
    whole = log_of(file, (0, block("a"), 0), (1, block("b", 4), 0))
    with file.open("r+b") as opened:
        opened.truncate(file.stat().st_size - SECTOR)
    assert len(WriteLog(file).entries) == len(whole.entries) - 1


@pytest.mark.skipif(shutil.which("qemu-io") is None, reason="needs qemu-io (apt install qemu-utils)")
def test_qemu_writes_such_a_log(tmp_path):
    disk, log = tmp_path / "disk", tmp_path / "log"
    disk.write_bytes(bytes(1 << 20))
    log.touch()
    options = f"driver=blklogwrites,file.driver=file,file.filename={disk},log.driver=file,log.filename={log}"
    commands = ["write -P 0x61 4096 8192", "flush", "write -P 0x62 65536 512", "flush", "write -z 0 4096"]
    given = [word for line in commands for word in ("-c", line)]
    subprocess.run(["qemu-io", *given, "--image-opts", options], check=True)
    entries = [(entry.sector, entry.sectors, entry.flush, entry.force) for entry in WriteLog(log).entries]
    assert entries[:3] == [(8, 16, False, False), (0, 0, True, False), (128, 1, False, False)]
    zeros = entries.index((0, 8, False, False))
    rebuilt = tmp_path / "rebuilt"
    rebuilt.write_bytes(bytes(1 << 20))
    found = WriteLog(log)
    found.apply(rebuilt, upto=zeros, random=chance(1))
    assert rebuilt.read_bytes() == disk.read_bytes()
