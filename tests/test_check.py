"""`make check`: which tests it leaves out, and what becomes of one that does what none may in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

HELPER = """
import subprocess

def start():
    return subprocess.run(["true"])

class Starter:
    def start(self):
        return subprocess.run(["true"])
"""
TESTS = """
import time

import pytest

from tests.of_check import helper

@pytest.fixture
def started():
    return helper.start()

def test_quick():
    assert True

def test_names_sleep():
    time.sleep(0)

def test_uses_a_helper():
    helper.start()

def test_uses_a_method():
    helper.Starter().start()

def test_has_a_fixture(started):
    assert started

@pytest.mark.parametrize("start", [helper.start])
def test_has_a_parameter(start):
    start()

@pytest.mark.outside
def test_is_marked():
    assert True

@pytest.mark.slow
def test_is_slow():
    assert True
"""


def check(tmp_path, **files):
    """What the plugin makes of such files, in a folder that is named like ours."""
    folder = tmp_path / "tests" / "of_check"
    folder.mkdir(parents=True)
    for place in (folder, folder.parent):
        (place / "__init__.py").touch()
    (folder.parent / "check.py").write_text((ROOT / "tests/check.py").read_text(encoding="utf-8"), encoding="utf-8")
    (folder.parent / "conftest.py").write_text(
        "from hypothesis import settings\nsettings.register_profile('ours')\n", encoding="utf-8"
    )
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  outside\n  slow\n", encoding="utf-8")
    pytest_it = [sys.executable, "-m", "pytest", "-p", "tests.check", "-v", "-p", "no:cacheprovider"]
    return subprocess.run([*pytest_it, "tests/of_check"], cwd=tmp_path, capture_output=True, text=True, check=False)


def test_what_names_a_process_or_sleep_is_left_out_wherever_it_is_named(tmp_path):
    ended = check(tmp_path, helper=HELPER, test_them=TESTS)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "1 passed, 7 deselected" in ended.stdout
    assert "test_quick PASSED" in ended.stdout


STARTS = "import_module('subprocess').run(['true'])"


@pytest.mark.parametrize(
    ("act", "word"),
    [
        (STARTS, "starts a process"),
        ("import_module('os').system('true')", "starts a process"),
        ("import_module('os').fork() or import_module('os')._exit(0)", "starts a process"),
        ("getattr(import_module('socket'), 'soc' + 'ket')()", "opens a socket"),
        ("import_module('socket').getaddrinfo('localhost', 1)", "looks up an address"),
        ("getattr(import_module('time'), 'sle' + 'ep')(0)", "sleeps"),
    ],
)
def test_what_does_so_unnamed_fails_with_a_word(tmp_path, act, word):
    complained(tmp_path, f"def test_it():\n    {act}\n", word)


@pytest.mark.parametrize(
    "text",
    [
        f"def test_it():\n    try:\n        {STARTS}\n    except BaseException:\n        pass\n",
        f"def test_it():\n    it = threading.Thread(target=lambda: {STARTS})\n    it.start()\n    it.join()\n",
        f"@pytest.fixture\ndef it():\n    {STARTS}\n\ndef test_it(it):\n    pass\n",
    ],
    ids=["caught", "in a thread", "in a fixture"],
)
def test_it_fails_wherever_it_does_so(tmp_path, text):
    complained(tmp_path, text, "starts a process")


def complained(tmp_path, text, word):
    ended = check(tmp_path, test_it=f"import threading\nfrom importlib import import_module\nimport pytest\n\n{text}")
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert f"this test {word}, which none does in `make check`: mark it with @pytest.mark.outside" in ended.stdout
