"""What becomes of the file on the boot partition, with real files."""

from __future__ import annotations

import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_fer.boot import takeover
from edge_fer.boot.takeover import Places, take_over
from edge_fer.config import Layer, load

GOOD = "faces: {confirm: 4}\n"
SECRETIVE = """mqtt: {broker: "mqtts://edge@192.0.2.10:8883", password: hunter22}
cameras: {door: {source: "rtsp://u:geheim@192.0.2.20/s"}}
"""


def check(layer, variables):
    load([layer], environ=variables, settings=False)


@pytest.fixture
def places(tmp_path):
    (tmp_path / "firmware").mkdir()
    return Places(tmp_path / "firmware" / "edge-fer.yaml", tmp_path / "state" / "edge-fer.yaml")


def config(places):
    """What the daemon makes of what was taken over."""
    environ = dict(line.split("=", 1) for line in read(places.environment).splitlines())
    return load([Layer.file(places.copy, required=True)], environ=environ, settings=False).config


def read(file):
    return file.read_text(encoding="utf-8") if file.exists() else ""


def test_a_good_file_is_taken_over_and_said_so(places):
    places.file.write_text(GOOD)
    assert take_over(places, check).fault is None
    assert config(places).faces.confirm == 4
    assert read(places.note) == "edge-fer.yaml was taken over.\n"
    assert read(places.file) == GOOD
    assert stat.S_IMODE(places.copy.stat().st_mode) == 0o644


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            b"faces: {min_sise: 48px}",
            "edge-fer.yaml:1: faces.min_sise is not a known setting. Did you mean `min_size`?",
        ),
        (b"just text", "is not a config"),
        (b"faces: {", "is not YAML"),
        (b"\xff\xfef\x00", "UTF-16"),
        (b"a: \xe9", "not UTF-8"),
        (b"#" * 300_000, "far too large"),
        (b"mqtt: {password: x}", "names no user"),
        (b"cameras: {a: {source: 'rtsp://u:${GONE}@h/'}}", "needs the environment variable GONE"),
    ],
)
def test_a_wrong_file_changes_nothing_but_the_note(places, wrong, told):
    places.file.write_text(GOOD)
    take_over(places, check)
    places.file.write_bytes(wrong)
    outcome = take_over(places, check)
    assert outcome.fault.exit_code == 78
    assert told in read(places.note)
    assert "still hold" in read(places.note)
    assert config(places).faces.confirm == 4
    assert places.file.read_bytes() == wrong
    assert {file.name for file in places.copy.parent.iterdir()} == {"edge-fer.yaml"}


def test_a_first_file_that_is_wrong_has_no_effect(places):
    places.file.write_text("nonsense: 1")
    take_over(places, check)
    assert "It has no effect" in read(places.note)
    assert not places.copy.exists()


def test_secrets_leave_the_partition_and_are_roots_alone(places):
    places.file.write_text(SECRETIVE)
    take_over(places, check)
    for file in (*places.file.parent.iterdir(), places.copy):
        assert not any(secret in read(file) for secret in ("hunter22", "geheim")), file
    assert read(places.password) == "hunter22\n"
    assert {stat.S_IMODE(file.stat().st_mode) for file in (places.password, places.environment)} == {0o600}
    assert config(places).cameras["door"].source == "rtsp://u:geheim@192.0.2.20/s"
    assert "mqtt.password, cameras.door.source" in read(places.note)
    before = {file: file.stat().st_mtime_ns for file in [*places.file.parent.iterdir(), *places.copy.parent.iterdir()]}
    take_over(places, check)
    after = {file: file.stat().st_mtime_ns for file in [*places.file.parent.iterdir(), *places.copy.parent.iterdir()]}
    assert after == before, "nothing is written where nothing is new"


def test_a_secret_that_cannot_be_moved_is_refused_and_gets_no_further(places):
    places.file.write_text("cameras: {door: {source: 'rtsp://u:caf\u00e9@192.0.2.20/s'}}\n", encoding="utf-8")
    assert take_over(places, check).fault is not None
    note = read(places.note)
    assert "cameras.door.source holds a password or token that cannot be moved off the card" in note
    assert "caf\u00e9" not in note
    assert not places.copy.exists()


def test_secrets_that_nobody_asks_for_any_more_go(places):
    places.file.write_text(SECRETIVE)
    take_over(places, check)
    places.file.write_text(GOOD)
    take_over(places, check)
    assert not places.password.exists()
    assert read(places.environment) == ""


@pytest.mark.parametrize("left", [None, "", "\n", "\0" * 161])
def test_what_a_power_cut_leaves_of_the_file_takes_nothing_away(places, left):
    """On a FAT partition: no file, one without content, or one of zeros."""
    places.file.write_text(GOOD)
    take_over(places, check)
    places.file.unlink()
    if left is not None:
        places.file.write_text(left)
    assert "still holds" in take_over(places, check).said
    assert config(places).faces.confirm == 4


def test_settings_are_taken_back_by_a_file_that_says_nothing(places):
    assert take_over(places, check).said == "There is no edge-fer.yaml, or nothing in it."
    places.file.write_text(GOOD)
    take_over(places, check)
    places.file.write_text("{}\n")
    take_over(places, check)
    assert config(places).faces.confirm != 4


def test_a_partition_that_cannot_be_written_holds_nothing_up(places, monkeypatch):
    places.file.write_text(SECRETIVE)
    ours = takeover._write

    def refuse(file, *rest):
        if file.parent == places.file.parent:
            raise OSError(30, "Read-only file system")
        ours(file, *rest)

    monkeypatch.setattr(takeover, "_write", refuse)
    assert take_over(places, check).fault is None
    assert read(places.password) == "hunter22\n"


class _PowerCut(BaseException):
    pass


@pytest.mark.parametrize("steps", range(14))
def test_a_power_cut_at_any_step_leaves_settings_that_fit_together(places, monkeypatch, steps):
    """The power goes at each call that changes a disk; then it comes back."""
    places.file.write_text(SECRETIVE.replace("hunter22", "old-one").replace("geheim", "alt"))
    take_over(places, check)
    new = SECRETIVE.replace("door", "hall")
    places.file.write_text(new)
    left = [steps]

    def until_the_power_goes(call):
        def wrapped(*arguments, **named):
            if left[0] == 0:
                raise _PowerCut
            left[0] -= 1
            return call(*arguments, **named)

        return wrapped

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", until_the_power_goes(os.fsync))
        patched.setattr(takeover.Path, "replace", until_the_power_goes(takeover.Path.replace))
        patched.setattr(takeover.Path, "unlink", lambda self, **_: None)
        try:
            take_over(places, check)
        except _PowerCut:
            pass
        else:
            assert steps > 5, "it was cut nowhere"
    assert config(places).mqtt.password_file == places.password, "what is there can be loaded at once"
    assert read(places.password).strip() in {"old-one", "hunter22"}
    take_over(places, check)
    assert config(places).cameras["hall"].source == "rtsp://u:geheim@192.0.2.20/s"
    assert read(places.password) == "hunter22\n"
    assert "hunter22" not in "".join(read(file) for file in places.file.parent.iterdir())


@given(st.binary(max_size=300))
def test_whatever_is_written_there_what_was_taken_over_can_be_loaded(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("card")
    places = Places(folder / "edge-fer.yaml", folder / "state" / "edge-fer.yaml")
    places.file.write_bytes(content)
    outcome = take_over(places, check)
    taken_over = outcome.fault is None and "nothing in it" not in outcome.said
    assert taken_over == places.copy.exists()
    assert places.note.stat().st_size < 40_000
    if places.copy.exists():
        config(places)
