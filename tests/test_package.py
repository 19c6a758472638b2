"""What `pip install .` puts on a machine: everything the daemon needs, and nothing from the checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from email import message_from_string
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the package as pip installs it; its dependencies are those of the test environment."""
    folder, source = tmp_path_factory.mktemp("installed"), tmp_path_factory.mktemp("source")
    # built in a copy, because a build leaves files that would find their way into the next one
    for name in ("edge_fer", "models"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "checkpoints"))
    for name in ("setup.cfg", "setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", folder, source], check=True, capture_output=True)
    return folder


def run(installed, *arguments):
    environment = os.environ | {"PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-P", *arguments], cwd="/", env=environment, capture_output=True, text=True, check=False
    )


def test_the_installed_package_is_used_and_brings_its_model(installed):
    script = (
        "from edge_fer.emotion.classifier import EmotionClassifier, packaged_model;"
        "from edge_fer.sample import sample_path;"
        "print(packaged_model(), sample_path()); EmotionClassifier.load()"
    )
    ended = run(installed, "-c", script)
    assert ended.returncode == 0, ended.stderr
    assert all(path.startswith(str(installed)) for path in ended.stdout.split())


def test_the_recordings_are_installed_with_the_licence_of_the_demo(installed):
    ours = {path.name for path in (ROOT / "edge_fer/sample").iterdir() if path.suffix == ".mp4"}
    theirs = {path.name for path in (installed / "edge_fer/sample").iterdir()}
    assert theirs >= ours | {"LICENSE.SFHQ"}
    assert {"counter.mp4", "ward.mp4"} < ours


def test_every_command_works_from_any_folder(installed):
    for arguments in (["version"], ["config", "check"], ["config", "default"], ["run", "--help"]):
        ended = run(installed, "-m", "edge_fer", *arguments)
        assert ended.returncode == 0, ended.stderr


def test_every_python_file_is_installed(installed):
    ours = {path.relative_to(ROOT) for path in (ROOT / "edge_fer").rglob("*.py")}
    theirs = {path.relative_to(installed) for path in (installed / "edge_fer").rglob("*.py")}
    assert ours == theirs - {Path("edge_fer/models/__init__.py")}, "setup.py says which packages there are"


def test_nothing_that_only_tests_and_makers_use_is_installed(installed):
    """A maker is a program, and a double is no source: `edge_fer` has neither, wherever it is named."""
    names = {path.relative_to(installed).as_posix() for path in installed.rglob("*.py")}
    assert not [name for name in names if re.search(r"(^|/)(tests|tools)/|/(make|broken|fake|mock|conftest)\.py", name)]
    assert "edge_fer/capture/recorded.py" not in names, "it plays back frames that a test has made"


def test_the_metadata_says_what_it_is_and_where_it_runs(installed):
    (found,) = installed.glob("edge_fer-*.dist-info/METADATA")
    metadata = message_from_string(found.read_text(encoding="utf-8"))
    assert metadata["Author"]
    assert "mqtt" in metadata["Keywords"]
    versions = {entry.rpartition(" ")[2] for entry in metadata.get_all("Classifier") if ":: Python :: 3." in entry}
    locked = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    newest = int(re.search(r"python_full_version < '3\.(\d+)'", locked)[1])
    assert versions == {f"3.{minor}" for minor in range(11, newest)}, "those that the lock is made for"


def test_only_what_runs_is_installed(installed):
    assert not list(installed.rglob("*recipe*"))
    files = [path for path in (installed / "edge_fer").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert sum(path.stat().st_size for path in files) < 6_000_000, (
        "the model is 1.1 MB of it, the code 2.4 MB, the recordings 1.9 MB"
    )


def test_no_heavy_library_is_asked_for():
    text = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    needed = text[text.index("install_requires") : text.index("[options.package_data]")]
    assert not re.search(r"^\s+(tensorflow|torch|scipy|pandas|matplotlib)\b", needed, re.MULTILINE)
