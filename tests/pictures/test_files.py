"""Pictures on disk: whatever stands in for a file, nothing waits, and names do no harm."""

from __future__ import annotations

import io
import os
import socket

import pytest

from edge_fer.errors import PictureError
from edge_fer.pictures import files
from edge_fer.pictures.files import listed, read_file, read_stream, shown
from tests.odd_files import whole

JPEG = whole()["baseline.jpg"]


@pytest.mark.parametrize("kind", ["folder", "fifo", "socket", "device", "nowhere", "round", "absent", "long", "nul"])
def test_what_is_no_file_is_told_at_once(tmp_path, kind):
    path = tmp_path / "photo.jpg"
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as end:
            end.bind(os.path.relpath(path))
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "nowhere":
        path.symlink_to("gone")
    elif kind == "round":
        path.symlink_to(path)
    elif kind == "long":
        path = tmp_path / ("x" * 5000)
    elif kind == "nul":
        path = tmp_path / "a\0b"
    with pytest.raises(PictureError) as caught:
        read_file(path)
    assert caught.value.remedy


def test_a_file_that_may_not_be_read_is_told(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(JPEG)
    path.chmod(0)
    user = os.geteuid()
    if user == 0:  # root may read everything
        os.seteuid(65_534)
    try:
        with pytest.raises(PictureError, match="cannot be read: Permission denied"):
            read_file(path)
    finally:
        os.seteuid(user)


def test_a_file_too_large_is_refused_before_all_of_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LARGEST", 1 << 20)
    path = tmp_path / "photo.jpg"
    with path.open("wb") as file:
        file.write(JPEG)
        file.truncate(1 << 40)
    with pytest.raises(PictureError, match="is larger than 1 MB"):
        read_file(path)


def test_what_is_no_picture_is_not_read_to_its_end():
    class Endless(io.RawIOBase):
        taken = 0

        def readinto(self, buffer):
            self.taken += len(buffer)
            return len(buffer)

        def readable(self):
            return True

    stream = Endless()
    assert len(read_stream(io.BufferedReader(stream))) == files.HEAD
    assert stream.taken < 100_000


def test_a_folder_gives_its_pictures_by_name_and_leaves_out_what_is_none(tmp_path):
    for name in ("b.jpg", "A.PNG", "c", "spoilt.webp"):
        (tmp_path / name).write_bytes(b"no picture" if name == "spoilt.webp" else JPEG)
    for name in ("notes.txt", ".hidden.jpg", "Thumbs.db"):
        (tmp_path / name).write_bytes(b"something")
    (tmp_path / "deeper.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe")
    assert [path.name for path in listed(tmp_path)] == ["A.PNG", "b.jpg", "c", "spoilt.webp"]


def test_a_folder_without_pictures_is_told(tmp_path):
    with pytest.raises(PictureError, match="holds no pictures"):
        listed(tmp_path)


@pytest.mark.parametrize(("name", "told"), [
    ("photo.jpg", "photo.jpg"),
    ("mit Äpfeln 🍎.jpg", "mit Äpfeln 🍎.jpg"),
    ("two\nlines.jpg", "two\\nlines.jpg"),
    ("\x1b[31mred.jpg", "\\x1b[31mred.jpg"),
    (os.fsdecode(b"caf\xe9.jpg"), "caf\\xe9.jpg"),
    ("right\u202eto-left.jpg", "right\\u202eto-left.jpg"),
    ("", "''"),
])  # fmt: skip
def test_names_are_shown_without_doing_harm(name, told):
    assert shown(name) == told
    assert shown(name).encode("utf-8")
