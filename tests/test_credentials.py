from __future__ import annotations

import os
import subprocess
import sys

import pytest

from edge_fer.support.credentials import read_password, usable


@pytest.fixture
def handed_over(tmp_path, monkeypatch):
    folder = tmp_path / "credentials"
    folder.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    return folder / "password"


def test_the_file_itself_comes_first(tmp_path, handed_over):
    handed_over.write_text("old")
    (tmp_path / "password").write_text("new")
    assert usable(tmp_path / "password") == tmp_path / "password"


def test_what_systemd_hands_over_serves_where_the_file_is_missing(tmp_path, handed_over):
    handed_over.write_text("secret\n")
    assert usable(tmp_path / "password") == handed_over


@pytest.mark.parametrize("content", [None, "", "\n"])
def test_nothing_handed_over_leaves_the_file_to_be_complained_about(tmp_path, handed_over, content):
    if content is not None:
        handed_over.write_text(content)
    assert usable(tmp_path / "password") == tmp_path / "password"


def test_without_systemd(tmp_path, monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert usable(tmp_path / "password") == tmp_path / "password"


def test_a_file_that_is_roots_alone(tmp_path, handed_over):
    if os.geteuid() != 0:
        pytest.skip("needs root, to become somebody else")
    handed_over.write_text("secret\n")
    (tmp_path / "password").write_text("secret\n")
    (tmp_path / "password").chmod(0o600)
    script = (
        "import os, sys; from pathlib import Path; from edge_fer.support.credentials import read_password, usable\n"
        "os.setgroups([]); os.setuid(65534); print(usable(Path(sys.argv[1])))"
    )
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(0o755)
    out = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "password"], check=True, capture_output=True, text=True
    ).stdout
    assert out.strip() == str(handed_over)


@pytest.mark.parametrize(
    "content", [b"s3cret", b"\xef\xbb\xbfs3cret\r\n", b"\xef\xbb\xbfs3cret", b"s3cret\nmore\n", b"s3cret\r\n"]
)
def test_a_password_file_of_any_editor(tmp_path, content):
    (tmp_path / "password").write_bytes(content)
    assert read_password(tmp_path / "password") == "s3cret"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\xef\xbb\xbf\r\n", "nothing on its first line"),
        ("s3cret".encode("utf-16"), "UTF-16. Save it as UTF-8"),
        (b"\xffx", "not text in UTF-8"),
        (b"x" * 100_000, "more than"),
    ],
)
def test_a_password_file_that_holds_none_is_told(tmp_path, content, says):
    (tmp_path / "password").write_bytes(content)
    with pytest.raises(ValueError, match=says):
        read_password(tmp_path / "password")


def test_a_pipe_holds_nobody_up(tmp_path):
    os.mkfifo(tmp_path / "password")
    with pytest.raises(ValueError, match="named pipe"):
        read_password(tmp_path / "password")
