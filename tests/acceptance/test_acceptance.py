"""The acceptance of a device: what it tries really happens, and nothing private gets into what it writes."""

from __future__ import annotations

import getpass
import json
import os
import re
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

from edge_fer.acceptance import steps as steps_module
from edge_fer.acceptance.child import CORNER_BYTES, Child, corner_command
from edge_fer.acceptance.page import COLUMNS, acceptance_page, row
from edge_fer.acceptance.step import Ending, Result, as_json, failed, passed, skipped
from edge_fer.acceptance.steps import QUICK, Under, _frames, _heat, _light, _of_check, steps
from edge_fer.config import Layer, load
from edge_fer.doctor.finding import CheckResult, State
from tests.capture.helpers import MjpegCamera
from tests.daemon import edge_fer
from tests.fetched import models_folder
from tests.missing import missing

ROOT = Path(__file__).resolve().parents[2]


def under(**camera):
    camera = {"source": "sample:counter", "loop": True} | camera
    settings = load([Layer.mapping("test", {"cameras": {"front": camera}})], environ={}, settings=False).config
    return Under("front", settings.cameras["front"], settings, QUICK, None)


def result(*found, quick=False):
    machine = {"board": "Raspberry Pi 5 | Model B", "system": "Debian", "runtime": None}
    return Result("1.2.3", "2026-01-31", quick, machine, {"kind": "device"}, found)


@pytest.mark.outside
def test_a_quick_acceptance_passes_and_writes_nothing_private(tmp_path):
    models_folder()
    ended = edge_fer("acceptance", "--quick", "--out", str(tmp_path / "out"), "--source", "sample:counter")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    figures = (tmp_path / "out/acceptance.json").read_text("utf-8")
    page = (tmp_path / "out/acceptance.html").read_text("utf-8")
    outcomes = {step["name"]: step["outcome"] for step in json.loads(figures)["steps"]}
    for name in ("doctor: model", "doctor: detector", "speed", "heat", "memory", "killed daemon"):
        assert outcomes[name] == "passed", name
    for name in ("frames", "light", "pulled cable"):
        assert outcomes[name] == "skipped", name
    if corner_command():
        assert outcomes["full disk"] == "passed"
    assert "quick try" in page
    for text in (figures, page):
        assert not [
            private
            for private in (socket.gethostname(), str(tmp_path), str(ROOT), os.environ.get("HOME", "/root"))
            if len(private) > 1 and private in text
        ]
        assert not re.search(
            r"\b\d+\.\d+\.\d+\.\d+\b|data:image/(jpeg|png)|\w+://\w", text.replace("http://www.w3.org", "")
        )
    assert getpass.getuser() not in json.loads(figures)["machine"].values()
    assert ended.stdout.splitlines()[-1].count("|") == len(COLUMNS) + 4


@pytest.mark.outside
def test_a_folder_that_cannot_be_written_is_said_before_ten_minutes_pass(tmp_path):
    (tmp_path / "file").touch()
    ended = edge_fer("acceptance", "--quick", "--out", str(tmp_path / "file" / "out"), timeout=60)
    assert ended.returncode == 1
    assert "--out" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.outside
def test_a_camera_that_goes_and_comes_back_is_noticed():
    """A network camera, whose server is stopped and started again where a person would pull the cable."""
    models_folder()
    camera = MjpegCamera()
    asked = []

    def act(what):
        asked.append(what)
        camera.die() if len(asked) == 1 else camera.start()

    try:
        it = under(source=camera.url, loop=False, fps=5, stall_after="2s")
        with Child(it.name, it.camera, it.settings.models_dir) as child:
            assert child.online(120) is not None
            found = steps_module._cable(Under(it.name, it.camera, it.settings, QUICK, act), child)
    finally:
        camera.die()
    assert found.outcome is Ending.PASSED, found
    assert len(asked) == 2
    assert found.figures.keys() == {"gone_s", "back_s"}


@pytest.mark.outside
def test_a_full_corner_is_no_other_disk():
    models_folder()
    corner = corner_command()
    if corner is None:
        missing("needs the right to make a file system")
    it = under()
    with Child(it.name, it.camera, it.settings.models_dir, corner=corner) as child:
        assert child.online(120) is not None
        filled = child.fill()
        # nothing of it is in the folder as all others see it
        assert list(child._state.iterdir()) == []
        assert CORNER_BYTES / 2 < filled <= CORNER_BYTES
        assert child.stays_online(2)
        child.make_room()
        assert child.stays_online(1)
    assert not child._state.exists()


@pytest.mark.outside
def test_a_daemon_that_loses_what_waited_fails(monkeypatch):
    models_folder()
    it = under()
    with Child(it.name, it.camera, it.settings.models_dir) as child:
        assert child.online(120) is not None
        start = child.start

        def forget():
            for file in child._state.glob("outbox*"):
                file.unlink()
            start()

        monkeypatch.setattr(child, "start", forget)
        # so that what is said after the start anew is not as old
        old = 5 + (child.state() or {"uptime_s": 0})["uptime_s"]
        assert child.wait_for(lambda state: (state["health"]["outbox"]["oldest_s"] or 0) > old, 120) is not None
        found = steps_module._killed(child)
    assert found.outcome is Ending.FAILED, found


@pytest.mark.parametrize(("level", "outcome"), [(20, "failed"), (120, "passed"), (240, "failed")])
def test_light(level, outcome):
    assert _light([level] * 3).outcome == outcome


@pytest.mark.parametrize(("gap", "outcome"), [(0.1, "passed"), (0.2, "failed")])
def test_frames_that_were_asked_for_must_come(gap, outcome):
    it = under(source="/dev/video9", loop=False, fps=10)
    assert _frames(it, [number * gap for number in range(20)], (640, 480)).outcome == outcome


def test_a_source_that_is_missing_fails_its_step_alone_and_its_address_is_not_told(monkeypatch):
    monkeypatch.setattr(steps_module, "_speed", lambda _: passed("speed", "fast"))
    for name in ("_checks", "_daemon"):
        monkeypatch.setattr(steps_module, name, lambda _: [])
    for name in ("_heat", "_full_disk"):
        monkeypatch.setattr(steps_module, name, lambda _, name=name: passed(name, "good"))
    found = list(steps(under(source="/nowhere/secret.sock.dev", loop=False)))
    assert [step.outcome for step in found] == ["failed", "passed", "passed", "passed"]
    assert "secret" not in json.dumps(as_json(result(*found)))


def test_the_row_has_a_cell_for_each_column_of_the_page():
    text = (ROOT / "docs/hardware.md").read_text("utf-8")
    table = text.partition("<!-- acceptance: table -->\n")[2].partition("<!-- end of table -->")[0]
    head = [cell.strip() for cell in table.splitlines()[0].strip("|").split("|")]
    assert head == ["board", "system", "camera", *(title for title, _, _ in COLUMNS)]
    found = (
        passed("frames", "", frames_per_s=9.9),
        failed("heat", "", speed_kept=0.5, hottest_c=None),
        skipped("pulled cable", "nobody"),
        passed("full disk", ""),
    )
    cells = [cell.strip() for cell in row(result(*found)).strip("|").split("|")]
    assert cells == [
        "Raspberry Pi 5 / Model B", "Debian", "device", "9.9", "-", "-", "0.5 (failed)", "-", "-", "-", "-", "passed",
    ]  # fmt: skip


def test_the_page_escapes_what_it_shows():
    page = acceptance_page(result(failed("<b>", "<script>", frames=1)))
    assert "<script>" not in page
    assert "1 failed" in page
    assert "quick try" not in page


@pytest.mark.parametrize(
    ("state", "outcome"),
    [(State.GOOD, "passed"), (State.WARNING, "warning"), (State.SKIPPED, "skipped"), (State.FAULT, "failed")],
)
def test_what_the_doctor_warns_of_has_not_just_passed(state, outcome):
    found = _of_check(CheckResult("clock", state, "/a/secret/path", "do it"))
    assert found.outcome == outcome
    assert "secret" not in found.what
    assert f"<td>{outcome}</td>" in acceptance_page(result(found))
    assert result(found).failures == (outcome == "failed")


@pytest.mark.parametrize(
    ("last", "is_well"),
    [
        # half as fast with half of the processor: somebody else has the rest
        ((50.0, 0.5), True),
        ((50.0, 1.0), False),
    ],
)
def test_a_busy_machine_is_slower_and_a_hot_one_too_but_only_heat_is_told(monkeypatch, last, is_well):
    spans = iter([(100.0, 1.0), *[last] * 50])

    def measure(*_, **__):
        fps, share = next(spans)
        return SimpleNamespace(fps=fps, process=SimpleNamespace(cpu_share=share))

    monkeypatch.setattr(steps_module, "measure", measure)
    found = _heat(under())
    assert (found.outcome is Ending.PASSED, found.figures["speed_kept"]) == (is_well, 1.0 if is_well else 0.75)
