"""`edge-fer backup` and `edge-fer restore`: what is saved comes back, and nothing else gets in."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import random
import sqlite3
import tarfile
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from edge_fer.backup.archive import read_archive
from edge_fer.backup.sealing import seal, unseal
from edge_fer.errors import BackupError
from edge_fer.history.file import HistoryFile
from edge_fer.history.records import HOURLY, HistoryWindow
from edge_fer.history.tables import insert
from tests.daemon import Daemon, edge_fer
from tests.running import ENDLESS

PASSPHRASE = "seven quiet tables"  # noqa: S105 - opens nothing
CAMERA_PASSWORD = "hunter2-hunter2"  # noqa: S105
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Node:
    """A node's config and state in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.state = folder / "state"
        self.state.mkdir(parents=True)
        self.config = folder / "config.yaml"
        self.password = folder / "mqtt-password"
        self.password.write_text("geheim-geheim\n")
        self.password.chmod(0o600)
        lines = [
            "node: {id: test}  # the counter",
            f"state_dir: {self.state}",
            f"mqtt: {{broker: 'mqtt://edge@127.0.0.1:1', password_file: {self.password}, allow_insecure: true}}",
            "cameras:",
            f"  front: {{source: 'rtsp://viewer:{CAMERA_PASSWORD}@192.0.2.9/x'}}",
        ]
        self.config.write_text("\n".join(lines) + "\n")
        (self.state / "settings.yaml").write_text('{"emotion": {"min_confidence": 0.5}}\n')
        self.records(8)

    def records(self, *hours):
        with HistoryFile(self.state / "history.sqlite", max_size=64_000_000) as file:
            file.run(lambda connection: insert(connection, [hour(at) for at in hours]))

    def run(self, verb, *arguments, passphrase=PASSPHRASE):
        """Of a verb with a file of this folder: code and what was said."""
        ended = edge_fer(verb, "--config", str(self.config), *map(str, arguments), input=f"{passphrase}\n")
        assert "Traceback" not in ended.stderr
        return ended.returncode, ended.stdout + ended.stderr

    def backup(self, *arguments):
        file = self.folder / f"{len(list(self.folder.iterdir()))}.backup"
        code, said = self.run("backup", "--local", file, *arguments)
        assert code == 0, said
        return file

    def hours(self):
        with closing(sqlite3.connect(self.state / "history.sqlite")) as connection:
            return connection.execute("SELECT count(*) FROM hours").fetchone()[0]

    def content(self):
        """Every file but backups, by its path."""
        found = (path for path in self.folder.rglob("*") if path.is_file() and path.suffix != ".backup")
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in found}


def hour(at):
    since = NOON.replace(hour=at)
    seconds = {"happy": 300.0, "sad": 100.0}
    return HistoryWindow("front", HOURLY, since, since + timedelta(hours=1), 3600.0, True, at, 1, 400.0, seconds, 300.0)


@pytest.fixture
def node(tmp_path):
    return Node(tmp_path / "node")


def test_what_was_saved_comes_back_and_what_it_replaces_is_kept(node):
    before = node.config.read_text()
    file = node.backup("--secrets")
    assert b"geheim" not in file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    node.config.write_text(before.replace("the counter", "another"))
    node.config.chmod(0o640)
    node.password.unlink()
    (node.state / "settings.yaml").unlink()
    node.records(9, 10)
    code, said = node.run("restore", file)
    assert code == 0, said
    assert node.config.read_text() == before
    assert node.config.stat().st_mode & 0o777 == 0o640
    assert node.password.read_text() == "geheim-geheim\n"
    assert node.password.stat().st_mode & 0o777 == 0o600
    assert "min_confidence" in (node.state / "settings.yaml").read_text()
    assert node.hours() == 1
    kept = next(node.folder.glob("config.yaml.before-*"))
    assert "another" in kept.read_text()
    assert str(kept) in said
    with closing(sqlite3.connect(next(node.state.glob("history.sqlite.before-*[0-9]")))) as connection:
        assert connection.execute("SELECT count(*) FROM hours").fetchone()[0] == 3
    assert "systemctl start edge-fer" in said


def test_without_secrets_none_is_in_it_and_a_restore_says_where_they_go(node):
    file = node.backup()
    plain = gzip.decompress(file.read_bytes())
    assert CAMERA_PASSWORD.encode() not in plain
    assert b"geheim" not in plain
    assert b"# the counter" in plain, "comments stay"
    node.password.unlink()
    code, said = node.run("restore", "--check", file)
    assert code == 0, said
    assert f"{node.config}:5" in said
    assert str(node.password) in said, "a file that has to be brought back"
    assert CAMERA_PASSWORD in node.config.read_text(), "nothing was changed"


def test_the_history_can_be_left_as_it_is(node):
    file = node.backup()
    node.records(9)
    assert node.run("restore", "--without-history", file)[0] == 0
    assert node.hours() == 2


def test_a_wrong_passphrase_or_a_short_one_changes_nothing(node):
    file, before = node.backup("--secrets"), node.content()
    code, said = node.run("restore", file, passphrase=PASSPHRASE[::-1])
    assert (code, "the passphrase is wrong" in said) == (1, True)
    assert node.content() == before
    code, said = node.run("backup", "--local", "--secrets", node.folder / "new", passphrase=PASSPHRASE[:11])
    assert (code, "12" in said) == (1, True)
    assert not (node.folder / "new").exists()


def test_a_file_that_is_there_is_never_written_over(node):
    code, said = node.run("backup", "--local", node.config)
    assert (code, "File exists" in said) == (1, True)


def made(*members, manifest=None, packed=gzip.compress):
    """An archive with these entries after its manifest, which names those that have a text."""
    out = io.BytesIO()
    texts = {entry.name: data for entry, data in members if data is not None}
    told = {name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in texts.items()}
    about = manifest if manifest is not None else {"format": "edge-fer backup", "v": 1, "files": told}
    text = about if isinstance(about, bytes) else json.dumps(about).encode()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(entry_of("manifest.json", len(text)), io.BytesIO(text))
        for entry, data in members:
            archive.addfile(entry, None if data is None else io.BytesIO(data))
    return packed(out.getvalue())


def entry_of(name, size=0, **more):
    entry = tarfile.TarInfo(name)
    entry.size = size
    for key, value in more.items():
        setattr(entry, key, value)
    return entry


def of_text(name, text=b"node: {id: x}\n"):
    return entry_of(name, len(text)), text


EVIL = {
    "nothing": b"",
    "no archive": b"hello" * 1000,
    "no gzip": made(of_text("config.yaml"), packed=bytes),
    "a way up": made(of_text("../../etc/cron.d/evil")),
    "an absolute path": made(of_text("/etc/cron.d/evil")),
    "a link": made((entry_of("config.yaml", type=tarfile.SYMTYPE, linkname="/etc/shadow"), None)),
    "a hard link": made((entry_of("config.yaml", type=tarfile.LNKTYPE, linkname="/etc/shadow"), None)),
    "a device": made((entry_of("config.yaml", type=tarfile.CHRTYPE), None)),
    "twice the same": made(of_text("config.yaml"), of_text("config.yaml")),
    "a file that no backup has": made(of_text("run.sh")),
    "another program's manifest": made(manifest={"format": "other", "v": 1, "files": {}}),
    "a list as its manifest": made(manifest=[]),
    "a deep manifest": made(manifest=b"[" * 60_000),
    "a large manifest": made(manifest=b" " * 70_000),
    "a file of another format": made(manifest={"format": "edge-fer backup", "v": 2, "files": {}}),
    "one that is missing": made(
        manifest={"format": "edge-fer backup", "v": 1, "files": {"config.yaml": {"size": 1, "sha256": ""}}}
    ),
    "one that is too large": made(
        manifest={"format": "edge-fer backup", "v": 1, "files": {"config.yaml": {"size": 1 << 40, "sha256": ""}}}
    ),
    "one of another size": made(
        of_text("config.yaml"),
        manifest={"format": "edge-fer backup", "v": 1, "files": {"config.yaml": {"size": 1, "sha256": ""}}},
    ),
    "one of other content": made(
        of_text("config.yaml"),
        manifest={"format": "edge-fer backup", "v": 1, "files": {"config.yaml": {"size": 14, "sha256": "0" * 64}}},
    ),
}


@pytest.mark.parametrize("what", EVIL)
def test_what_is_no_backup_is_refused(tmp_path, what):
    folder = tmp_path / "in"
    folder.mkdir()
    with pytest.raises(BackupError) as refused:
        read_archive(io.BytesIO(EVIL[what]), folder)
    assert refused.value.remedy
    assert {path.name for path in tmp_path.rglob("*")} <= {"in", "config.yaml"}


def test_a_damaged_or_cut_backup_is_refused_and_changes_nothing(node):
    whole, before = node.backup().read_bytes(), node.content()
    rng = random.Random(7)  # noqa: S311 - to be the same each time
    for number in range(8):
        if number % 2:
            damaged = whole[: rng.randrange(1, len(whole) - 9)]
        else:
            at = rng.randrange(10, len(whole) - 9)
            damaged = whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]
        folder = node.folder.parent / f"read-{number}"
        folder.mkdir()
        with pytest.raises(BackupError):
            read_archive(io.BytesIO(damaged), folder)
    file = node.folder / "cut.backup"
    file.write_bytes(whole[:-20])
    code, said = node.run("restore", file)
    assert (code, "the backup is damaged" in said) == (1, True)
    assert node.content() == before


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 200_000])
def test_a_sealed_file_opens_and_nothing_of_it_can_be_changed_unnoticed(size):
    data, sealed, opened = os.urandom(size), io.BytesIO(), io.BytesIO()
    seal(io.BytesIO(data), sealed, PASSPHRASE)
    unseal(io.BytesIO(sealed.getvalue()), opened, PASSPHRASE)
    assert opened.getvalue() == data
    text = sealed.getvalue()
    chunks = len(text) - 48
    cut = [text[:-1], text[:40], text + b"x"]
    if chunks > 65_552:
        cut += [text[: 48 + 65_552], text[:48] + text[48 + 65_552 :]]
    for wrong in (*cut, text[:-1] + bytes([text[-1] ^ 1]), text[:30] + bytes([text[30] ^ 1]) + text[31:]):
        with pytest.raises(BackupError):
            unseal(io.BytesIO(wrong), io.BytesIO(), PASSPHRASE)


def test_a_secret_goes_nowhere_but_where_the_config_says(node, tmp_path):
    text = node.config.read_bytes()
    for place in ("/etc/shadow", str(node.folder / ".." / "x"), str(node.folder / "other")):
        files = {"config.yaml": text, "secret-0": b"root::0:0\n"}
        told = {name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()}
        about = {"format": "edge-fer backup", "v": 1, "files": told, "paths": {"secret-0": place}}
        file = tmp_path / "evil.backup"
        file.write_bytes(made(*(of_text(name, data) for name, data in files.items()), manifest=about))
        before = node.content()
        code, said = node.run("restore", file)
        assert (code, "no place for a secret" in said) == (1, True), said
        assert node.content() == before


def test_a_config_that_is_wrong_or_a_history_that_is_none_is_refused(node, tmp_path):
    file, before = tmp_path / "wrong.backup", node.content()
    file.write_bytes(made(of_text("config.yaml", b"faces: {min_sise: 3}\n")))
    code, said = node.run("restore", file)
    assert (code, "config.yaml in the backup:1" in said, "min_sise" in said) == (78, True, True), said
    file.write_bytes(made(of_text("config.yaml", node.config.read_bytes()), of_text("history.sqlite", b"x" * 5000)))
    code, said = node.run("restore", file)
    assert (code, "--without-history" in said) == (1, True), said
    assert node.content() == before


def test_nothing_is_left_half_done_where_a_file_cannot_be_written(node):
    file = node.backup()
    # the last of the files has no place to go to
    (node.state / ".history.sqlite.restored").mkdir()
    before = node.content()
    code, said = node.run("restore", file)
    assert (code, "nothing has changed" in said) == (1, True), said
    assert node.content() == before


def test_the_daemon_makes_one_while_it_goes_on_and_a_restore_waits_until_it_is_stopped(tmp_path):
    node = Node(tmp_path / "node")
    config = {"cameras": {"front": ENDLESS}, "mqtt": {"broker": "mqtt://127.0.0.1:1"}, "history": {"record": "on"}}
    with Daemon(node.folder, config) as daemon:
        daemon.wait_for("camera front is online")
        socket, file = node.state / "control.sock", tmp_path / "live.backup"
        ended = edge_fer("backup", "--socket", str(socket), str(file))
        assert ended.returncode == 0, ended.stderr
        sealed = tmp_path / "live.sealed"
        ended = edge_fer("backup", "--secrets", "--socket", str(socket), str(sealed), input=f"{PASSPHRASE}\n")
        assert ended.returncode == 0, ended.stderr
        folder = tmp_path / "read"
        folder.mkdir()
        with file.open("rb") as source:
            found = read_archive(source, folder)
        assert found.about["node"] == "test"
        assert set(found.files) == {"config.yaml", "settings.yaml", "history.sqlite"}
        refused = edge_fer("restore", "--config", str(node.folder / "config.yaml"), str(file))
        assert (refused.returncode, "edge-fer runs" in refused.stderr) == (1, True), refused.stderr
        assert PASSPHRASE not in daemon.output
        assert not list(node.state.glob(".backup-*")), "nothing of it stays on the disk"
    code, said = node.run("restore", sealed)
    assert code == 0, said
