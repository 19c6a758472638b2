"""The unit, as systemd itself judges it. That its sandbox holds is seen in tests/install, where systemd runs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.missing import missing

FOLDER = Path(__file__).resolve().parents[2] / "systemd"
UNIT = FOLDER / "edge-fer.service"
WEEK, TIMER = FOLDER / "edge-fer-week.service", FOLDER / "edge-fer-week.timer"
#: Those that talk to the network.
UNITS = [UNIT, FOLDER / "edge-fer-notify.service"]
WEB = [FOLDER / f"edge-fer-web{name}" for name in (".service", ".socket", "-prepare.service")]


@pytest.fixture(scope="module")
def analyze():
    path = shutil.which("systemd-analyze")
    if path is None:
        missing("needs systemd-analyze (apt install systemd)")

    def run(*arguments):
        return subprocess.run([path, *arguments], capture_output=True, text=True, check=False)

    return run


@pytest.mark.parametrize("unit", [*UNITS, WEEK], ids=lambda unit: unit.stem)
def test_it_is_strict_enough(analyze, unit):
    ended = analyze("security", "--offline=yes", "--threshold=20", "--no-pager", str(unit))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"Overall exposure level for {unit.name}: " in ended.stdout, "it was judged at all"


def test_the_page_is_as_strict_as_can_be(analyze):
    ended = analyze("security", "--offline=yes", "--threshold=15", "--no-pager", str(WEB[0]))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Overall exposure level for edge-fer-web.service: " in ended.stdout, "it was judged at all"


def test_the_page_is_put_together_rightly(analyze, tmp_path):
    from edge_fer.control.peers import GROUP, WEB_USER
    from edge_fer.web.installed import INSTALLED, PORT

    for file in WEB:
        (tmp_path / file.name).write_text(file.read_text().replace("/opt/edge-fer/bin/edge-fer", sys.executable))
    ended = analyze("verify", "--man=no", *(str(tmp_path / file.name) for file in WEB))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    service, listening, prepare = (file.read_text() for file in WEB)
    assert f"\nUser={WEB_USER}\n" in service
    assert f"\nSupplementaryGroups={GROUP}\n" in service
    assert f"\nStateDirectory={INSTALLED.state.relative_to('/var/lib')}\n" in service
    assert f"\nListenStream={PORT}\n" in listening
    assert f"\nConditionPathExists={INSTALLED.wanted}\n" in listening
    assert f"\nRuntimeDirectory={INSTALLED.wanted.parent.name}\n" in prepare
    assert f"test -e {INSTALLED.switch} " in prepare


@pytest.mark.parametrize(
    ("config", "asks"),
    [
        ("web: {enabled: true}\n", True),
        ('{"web": {"enabled": true}}', True),
        ("node: {id: pi}\n'web' : {enabled: true}\n", True),
        ("# web:\n#   enabled: true\nnode: {id: web}\n", False),
    ],
)
def test_no_python_starts_where_no_config_has_a_word_of_the_page(config, asks, tmp_path):
    (line,) = [line for line in WEB[2].read_text().splitlines() if line.startswith("ExecCondition=")]
    _, command = line.split(" -c ")
    script = command.strip("'").replace("/etc/edge-fer/config.yaml", str(tmp_path / "config.yaml"))
    (tmp_path / "config.yaml").write_text(config)
    assert (subprocess.run(["/bin/sh", "-c", script], check=False).returncode == 0) == asks


def test_systemd_finds_nothing_wrong_with_them(analyze, tmp_path):
    """In copies, because the program stands where only the installer puts it."""
    files = [*UNITS, FOLDER / "edge-fer-notify.path"]
    for file in files:
        text = file.read_text().replace("/opt/edge-fer/bin/edge-fer-notify", sys.executable)
        (tmp_path / file.name).write_text(text.replace("/opt/edge-fer/bin/edge-fer", sys.executable))
    ended = analyze("verify", "--man=no", *(str(tmp_path / file.name) for file in files))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_nor_with_the_page_of_the_week_which_comes_on_mondays(analyze, tmp_path):
    for unit in (WEEK, TIMER):
        (tmp_path / unit.name).write_text(unit.read_text().replace("/opt/edge-fer/bin/edge-fer", sys.executable))
    ended = analyze("verify", "--man=no", str(tmp_path / TIMER.name), str(tmp_path / WEEK.name))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    (when,) = [line.partition("=")[2] for line in TIMER.read_text().splitlines() if line.startswith("OnCalendar")]
    assert "Normalized form: Mon " in analyze("calendar", when).stdout


def test_daemon_sender_and_path_mean_the_same_folder():
    from edge_fer.notify.waking import SPOOL_VARIABLE

    folder = "/var/lib/edge-fer-notify"
    daemon, sender = (unit.read_text() for unit in UNITS)
    assert f"\nEnvironment={SPOOL_VARIABLE}={folder}\n" in daemon
    assert f"\nReadWritePaths=-{folder}\n" in daemon
    assert f"edge-fer-notify {folder}\n" in sender
    assert f"\nPathExists={folder}/wake\n" in (FOLDER / "edge-fer-notify.path").read_text()


def settings():
    """The settings of the unit, each with all values it is given."""
    found = {}
    for line in UNIT.read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def test_it_is_restarted_for_ever_but_not_on_a_wrong_config():
    unit = settings()
    assert unit["Restart"] == ["always"]
    assert unit["RestartPreventExitStatus"] == ["78"]
    assert unit["StartLimitIntervalSec"] == ["0"]
    assert "RestartSteps" not in unit


def test_the_watchdog_waits_longer_than_the_daemon_for_a_lost_camera():
    from edge_fer.daemon.service import ALL_LOST_AFTER, STUCK_AFTER

    seconds = int(settings()["WatchdogSec"][0].removesuffix("s"))
    assert seconds > ALL_LOST_AFTER + STUCK_AFTER, "it shall end with a word, not by a kill"
