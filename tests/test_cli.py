"""What a person gets wrong at the command line: one clear message, the right exit status, never a traceback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from edge_fer import __version__
from edge_fer.cli.main import main

NO_RIGHTS = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]


def told(capfd, *arguments):
    """The exit status, and what is said on standard error."""
    try:
        code = main(arguments)
    except SystemExit as left:
        code = left.code
    return code, capfd.readouterr().err


def test_its_version(capfd):
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert (left.value.code, capfd.readouterr().out) == (0, f"edge-fer {__version__}\n")


@pytest.mark.parametrize(
    ("typed", "usage", "says"),
    [
        ("analize visit.mp4", "edge-fer ", "analize is no command. Did you mean `analyze`?"),
        ("xyz", "edge-fer ", "xyz is no command. Choose from run, predict,"),
        ("predict --annotat x.png photo.jpg --jsn", "edge-fer predict", "unknown: --jsn. Did you mean `--json`?"),
        ("doctor --jsno", "edge-fer doctor", "unknown: --jsno. Did you mean `--json`?"),
        ("models fetch --form=x.whl", "edge-fer models fetch", "unknown: --form=x.whl. Did you mean `--from`?"),
        ("run --qqq", "edge-fer run", "unknown: --qqq. See `edge-fer run --help`"),
        ("config check extra", "edge-fer config check", "unknown: extra."),
    ],
)
def test_a_wrong_word_is_told_by_the_command_that_it_was_for(capfd, typed, usage, says):
    code, err = told(capfd, *typed.split())
    assert code == 2
    assert err.startswith(f"usage: {usage}")
    assert says in err


@pytest.mark.parametrize(
    ("typed", "code", "says"),
    [
        ("analyze nope.mp4", 1, "nope.mp4 cannot be read: there is no such file. Check the path"),
        ("analyze {tmp}", 1, "{tmp} is no video file. Name a recording; `edge-fer predict` reads pictures"),
        ("analyze {tmp}/photo.jpg", 1, "{tmp}/photo.jpg is no video file."),
        ("predict rtsp://joe:s3cret@host/x", 1, "rtsp://***@host/x is an address, and no file."),
        ("predict -o emotion.model=/nope.tflite sample", 78, "/nope.tflite: cannot read the model: No such file"),
        ("run -o state_dir={tmp}/photo.jpg -o cameras.a.source=sample", 1, "cannot be made or written: File exists."),
    ],
)
def test_one_line_says_what_is_wrong_and_what_to_do(capfd, tmp_path, typed, code, says):
    (tmp_path / "photo.jpg").touch()
    found, err = told(capfd, *typed.format(tmp=tmp_path).split())
    assert found == code
    (line,) = err.splitlines()
    assert line.startswith("edge-fer: ")
    assert says.format(tmp=tmp_path) in line


@pytest.fixture
def locked(tmp_path):
    """A folder that its user may not look into."""
    folder = tmp_path / "locked"
    folder.mkdir(mode=0)
    yield folder
    folder.chmod(0o700)


def without_rights(*arguments, **environment):
    """Runs the command as somebody who may not look into every folder, as root may."""
    if os.geteuid() == 0 and shutil.which(NO_RIGHTS[0]) is None:
        pytest.skip("root may read everything, and there is no setpriv to take that away")
    return subprocess.run(
        [*(NO_RIGHTS if os.geteuid() == 0 else []), sys.executable, "-m", "edge_fer", *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            "run -o cameras.a.source={locked}/x.mp4 -o state_dir={tmp}",
            "{locked}/x.mp4 cannot be read: Permission",
        ),
        (
            "run -o cameras.a.source=sample -o state_dir={locked}",
            "{locked} cannot be made or written: Permission",
        ),
        ("models fetch -o models_dir={locked}", "{locked}: cannot keep model files there: Permission denied."),
        ("predict {locked}/photo.jpg", "{locked}/photo.jpg cannot be read: Permission denied."),
        ("replay {locked}/trace", "{locked}/trace cannot be read: Permission denied."),
    ],
)
def test_what_may_not_be_read_or_written_is_told(locked, tmp_path, arguments, says):
    places = {"locked": locked, "tmp": tmp_path}
    ran = without_rights(*arguments.format(**places).split(), "-o", "mqtt.broker=mqtt://127.0.0.1:9")
    assert ran.returncode == 1
    assert says.format(**places) in ran.stderr.splitlines()[-1]
    assert "Traceback" not in ran.stderr


def test_nothing_is_downloaded_that_could_not_be_kept(locked):
    ran = without_rights("models", "fetch", "-o", f"models_dir={locked}")
    assert "Fetching" not in ran.stdout


def test_who_may_not_read_the_config_is_told_who_may(locked):
    ran = without_rights("config", "check", "--config", str(locked / "config.yaml"))
    assert ran.returncode == 78
    assert "cannot be read: Permission denied" in ran.stderr
    assert "run the command with sudo" in ran.stderr
