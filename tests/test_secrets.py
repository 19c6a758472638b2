"""A secret in an address is found in nothing that is written, sent, printed or collected."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from edge_fer.config import ConfigFaults, Layer, load
from tests.broker import Mosquitto, Subscriber, free_port
from tests.capture.helpers import MjpegCamera
from tests.daemon import Daemon, edge_fer
from tests.system.manager import Manager

#: In every address: whatever else is shown, this is not.
SECRET = "S3cretQ7x"  # noqa: S105
HOST = "127.0.0.1:9"
#: Addresses that can be right.
RIGHT = (
    f"rtsp://joe:{SECRET}@{HOST}/live",
    f"rtsp://{SECRET}@{HOST}/live",
    f"rtsp://{SECRET}:x@{HOST}/live",
    f"rtsp://joe:{SECRET}%23%2F%3F%40@{HOST}/live",
    f"rtsp://joe:a@{SECRET}@{HOST}/live",
    f"rtsp://joe:{SECRET} x@{HOST}/live",
    f"RTSP://joe:{SECRET}@{HOST}/live",
    f"rtsps://{HOST}/{SECRET}?enableSrtp",
    f"rtsp://{HOST}/{SECRET}/live",
    f"rtsp://{HOST}/user=joe_password={SECRET}_channel=1_stream=0.sdp?real_stream",
    f"rtsp://{HOST}/user=joe&password={SECRET}&channel=1&stream=0.sdp",
    f"http://{HOST}/videostream.cgi?loginuse=joe&loginpas={SECRET}",
    f"http://{HOST}/videostream.cgi?user=joe&pwd={SECRET}",
    f"http://{HOST}/x?access_code={SECRET}",
    f"http://{HOST}/x?pin={SECRET}",
    f"http://{HOST}/x?channel={SECRET}",
    f"http://{HOST}/x?{SECRET}",
    f"http://{HOST}/x?{SECRET}=1",
    f"http://{HOST}/x?a=1;token={SECRET}",
    f"http://{HOST}/x?password=12#{SECRET}",
    f"http://{HOST}/live#{SECRET}",
    f"http://{HOST}/@{SECRET}",
    f"http://{HOST}/x?mail=joe@{SECRET}",
)
#: Addresses in which a sign is not escaped, or the host is missing, so that they are refused.
WRONG = (
    f"rtsp://joe:#1{SECRET}@{HOST}/live",
    f"rtsp://joe:123#{SECRET}@{HOST}/live",
    f"rtsp://joe:2024/{SECRET}@{HOST}/live",
    f"rtsp://joe:?{SECRET}@{HOST}/live",
    f"rtsp://joe:p@ss#{SECRET}@{HOST}/live",
    f"rtsp://joe:p@ss/{SECRET}@cam.invalid/live",
    f"rtsp://{SECRET}/x@cam.invalid/live",
    f"rtsp://joe:{SECRET}/live",
    f"http://cam.invalid/x?password=a@{SECRET}",
    f"joe:{SECRET}@{HOST}/live",
    f"rtsp:/joe:12#{SECRET}@{HOST}/live",
)
assert len(RIGHT) + len(WRONG) >= 30


def test_of_addresses_that_can_be_right_nothing_shows(tmp_path):
    journal = tmp_path / "bin" / "journalctl"
    journal.parent.mkdir()
    (tmp_path / "password").write_text(f"{SECRET}-in-file\n")
    # the log takes what differs in numbers alone for the same
    names = [f"camera-{chr(ord('a') + number)}" for number in range(len(RIGHT))]
    cameras = {name: {"source": source} for name, source in zip(names, RIGHT, strict=True)}
    login = {"source": f"rtsp://{HOST}/live", "username": "viewer-7", "password_file": str(tmp_path / "password")}
    cameras |= {"login": login, "good": {"source": "sample", "loop": True}}
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker, ["#"]) as seen:
        config = {"cameras": cameras, "mqtt": {"broker": broker.url}, "log_level": "debug", "commands": "on"}
        config |= {
            "homeassistant": {"enabled": True},
            "faces": {"detector": "haar"},
            "metrics": {"port": free_port()},
        }
        with Daemon(tmp_path, config) as daemon:
            for name in [*names, "login"]:
                daemon.wait_for(f"camera {name} is lost")
            seen.wait_for(lambda message: message.topic.endswith("/info"))
            seen.wait_for(lambda message: message.topic.endswith("/health"))
            broker.publish("edge-fer/test/command/pause", '{"id": "1", "camera": "good"}')
            seen.wait_for(lambda message: message.topic.endswith("/response/pause"))
            assert daemon.stop(signal.SIGTERM) == 0
            journal.write_text(
                f"#!/bin/sh\ncat <<'END'\n{daemon.output}\nrtsp://joe:12#{SECRET}@{HOST}/live is lost\nEND\n"
            )
        journal.chmod(0o755)
        environment = os.environ | {"PATH": f"{journal.parent}:{os.environ['PATH']}"}
        file = ["--config", str(tmp_path / "config.yaml")]
        told = {"daemon": daemon.output, "broker": "\n".join(f"{one.topic} {one.payload}" for one in seen.messages)}
        for verb in ("config check", "config explain", "doctor", "doctor --json", "collect-logs", "discovery show"):
            ended = edge_fer(*verb.split(), *file, env=environment)
            told[verb] = ended.stdout + ended.stderr
        told |= {f"bench {source}": _said("bench", "--source", source, "--frames", "1") for source in RIGHT[:6]}
        told["try-faces"] = _said("try-faces", "--source", RIGHT[0])
    assert [name for name, text in told.items() if SECRET in text] == []
    assert [
        str(path) for path in (tmp_path / "state").rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()
    ] == []
    assert "viewer-7" not in told["collect-logs"] + told["broker"] + told["daemon"]
    assert "rtsp://***@127.0.0.1:9/live" in told["config explain"], "what is harmless shows"
    written = [line for line in told["config check"].splitlines() if "is written in cameras." in line]
    assert "password_file" in written[0]
    assert "in cameras.login.source" not in told["config check"]
    assert "is written in cameras.camera-a.source" in told["doctor"]


def test_addresses_that_cannot_be_right_are_refused_in_a_file_and_nothing_of_them_shows(tmp_path):
    cameras = {f"camera-{number}": {"source": source} for number, source in enumerate(WRONG)}
    (tmp_path / "config.yaml").write_text(json.dumps({"cameras": cameras}))
    # without rtsp:// or the like it could be a file's name
    addresses = [name for name, camera in cameras.items() if ":/" in camera["source"]]
    for verb in ("config check", "collect-logs", "run"):
        text = _said(*verb.split(), "--config", str(tmp_path / "config.yaml"))
        assert SECRET not in text
        assert [name for name in addresses if f"cameras.{name}.source" not in text] == [], (
            f"not refused by {verb}: {text}"
        )
        wrong_login = sum("@" in source.partition("://")[2] for source in WRONG)
        assert text.count("write %23 for #, %2F for /, %3F for ?, %40 for @") >= wrong_login


@pytest.mark.parametrize("source", WRONG)
def test_an_address_that_cannot_be_right_is_refused_on_the_command_line_and_nothing_of_it_shows(source):
    text = _said("config", "check", "-o", f"cameras.front.source={source}")
    text += _said("run", f"--source={source}") + _said("run", "-o", source)
    assert SECRET not in text
    if "@" in source.partition("://")[2]:
        assert "write %23 for #, %2F for /, %3F for ?, %40 for @" in text


@pytest.mark.parametrize("source", WRONG)
def test_no_piece_of_a_password_is_looked_up(source):
    script = """
import socket, sys
def refused(*given, **named):
    raise SystemExit(f"looked up {given}")
socket.getaddrinfo = socket.create_connection = refused
import cv2
cv2.VideoCapture = refused
from edge_fer.clock.system import SystemClock
from edge_fer.capture.sources import make_source
try:
    next(make_source("front", sys.argv[1], clock=SystemClock()).frames())
except OSError as error:
    print(error)
"""
    ran = subprocess.run(
        [sys.executable, "-c", script, source], capture_output=True, text=True, check=False, timeout=60
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert SECRET not in ran.stdout


@pytest.fixture
def home(tmp_path):
    """A folder in which everything is that a command may write, and the environment that makes it so."""
    folder = tmp_path / "home"
    for name in ("tmp", "state", "config", "cache", "service"):
        (folder / name).mkdir(parents=True)
    variables = {"HOME": folder, "TMPDIR": folder / "tmp", "STATE_DIRECTORY": folder / "service"}
    variables |= {f"XDG_{name.upper()}_HOME": folder / name for name in ("state", "config", "cache")}
    return folder, {name: str(path) for name, path in variables.items()}


def _written(folder, *, but=()):
    """Which files below a folder hold the secret, in their names or in what is in them."""
    files = [path for path in folder.rglob("*") if path.is_file() and path not in but]
    assert files, "nothing was written at all"
    return [str(path) for path in files if SECRET in str(path) or SECRET.encode() in path.read_bytes()]


#: Of a camera that works; it takes any path and any login.
DELIVERING = (f"joe:{SECRET}@{{}}/mjpg/video?user=joe&pwd={SECRET}&token={SECRET}", f"{{}}/{SECRET}/live#{SECRET}")


class Said:
    """Commands in a home of their own, and all that they have said.

    Args:
        folder: the home.
        variables: by which they find nothing elsewhere.
    """

    def __init__(self, folder, variables):
        self.folder, self.environment = folder, os.environ | variables
        self.told = {}

    def run(self, *arguments, code=0, **more):
        ended = edge_fer(*map(str, arguments), env=self.environment | more, cwd=self.folder)
        self.told[" ".join(map(str, arguments))] = ended.stdout + ended.stderr
        assert ended.returncode == code, ended.stdout + ended.stderr

    def check(self, *, but):
        assert [name for name, text in self.told.items() if SECRET in text or not text] == []
        assert _written(self.folder, but=but) == []


@pytest.mark.parametrize("form", DELIVERING)
def test_of_the_address_of_a_camera_that_works_nothing_shows_while_the_daemon_runs(tmp_path, home, form):
    folder, variables = home
    said = Said(folder, variables)
    camera = MjpegCamera(path=None)
    with Mosquitto(tmp_path / "broker") as broker, Subscriber(broker, ["#"]) as seen, Manager(tmp_path) as manager:
        port = free_port()
        source = f"http://{form.format(f'127.0.0.1:{camera.port}')}"
        config = {"cameras": {"door": {"source": source}}, "mqtt": {"broker": broker.url}, "commands": "on"}
        config |= {"faces": {"detector": "haar"}, "metrics": {"port": port}, "log_level": "debug"}
        config |= {"alerts": {"empty": {"when": {"no_face": True}, "for": "1s"}}}
        recording = ["--record", str(folder / "trace.jsonl"), "--show"]
        notifying = variables | {"NOTIFY_SOCKET": str(manager.path)}
        with Daemon(folder, config, *recording, environment=notifying) as daemon:
            daemon.wait_for("camera door is online")
            seen.wait_for(lambda message: message.topic.endswith("/alert_event"))
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
                said.told["metrics"] = answer.read().decode()
            daemon.configure(config | {"faces": {"detector": "blazeface"}, "models_dir": "/none"})
            said.run("reload", "--config", folder / "config.yaml", code=1, MAINPID=str(daemon.pid))
            daemon.configure(config)
            camera.die()
            daemon.wait_for("camera door is lost")
            assert daemon.stop(signal.SIGTERM) == 0
        said.told |= {"daemon": daemon.output, "systemd": str(manager._said)}
        said.told["broker"] = "\n".join(f"{one.topic} {one.payload}" for one in seen.messages)
    assert (folder / "trace.jsonl").stat().st_size > 100
    said.check(but=[folder / "config.yaml"])


@pytest.mark.parametrize("form", DELIVERING)
def test_of_the_address_of_a_camera_that_works_nothing_shows_in_traces_and_reports(tmp_path, home, form):
    folder, variables = home
    said = Said(folder, variables)
    camera = MjpegCamera(path=None)
    source = f"http://{form.format(f'127.0.0.1:{camera.port}')}"
    config = {
        "cameras": {"door": {"source": source}},
        "faces": {"detector": "haar"},
        "state_dir": str(folder / "state"),
    }
    (folder / "config.yaml").write_text(json.dumps(config))
    file = ["--config", folder / "config.yaml"]
    try:
        said.run("record", "trace.jsonl", "--for", "2s", *file)
        said.run("bench", "--source", "door", "--frames", "3", "--json", *file)
        said.run("bench", "--source", "door", "--frames", "3", *file)
        said.run("try-faces", "--source", "door", "--ready", "500ms", "--hold", "500ms", *file)
    finally:
        camera.die()
    said.run("replay", "trace.jsonl", "--plot", "timeline.svg", *file)
    said.run("replay", "trace.jsonl", "--plot", "timeline.png", "--json", *file)
    said.run("analyze", "sample", "--out", "one", *file)
    said.run("analyze", "sample", "--out", "two", "--show-faces", *file)
    said.run("compare", "one", "two", "--report", "compared.html", "--json")
    said.run("predict", "sample", "--json", "--annotate", "annotated.jpg", *file)
    said.run("predict", source, *file, code=1)
    said.run("analyze", source, *file, code=1)
    said.run("discovery", "show", *file)
    pages = {"one/report.html", "two/report.html", "compared.html", "timeline.svg", "timeline.png", "trace.jsonl"}
    assert pages <= {str(path.relative_to(folder)) for path in folder.rglob("*")}
    said.check(but=[folder / "config.yaml"])


def test_nothing_shows_in_the_journal_and_in_no_field_of_it(tmp_path):
    script = """
import os, sys
from pathlib import Path
from edge_fer.log.journal import JournalHandler
JournalHandler.__init__.__defaults__ = (Path(sys.argv.pop(1)),)
stat = os.fstat(2)
os.environ["JOURNAL_STREAM"] = f"{stat.st_dev}:{stat.st_ino}"
from edge_fer.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
    names = [f"camera-{chr(ord('a') + number)}" for number in range(len(RIGHT))]
    cameras = {name: {"source": source} for name, source in zip(names, RIGHT, strict=True)}
    (tmp_path / "config.yaml").write_text(
        json.dumps(
            {"cameras": cameras, "log_level": "debug", "faces": {"detector": "haar"}, "state_dir": str(tmp_path / "s")}
        )
    )
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(tmp_path / "journal"))
        journal.settimeout(90)
        command = [sys.executable, "-c", script, str(tmp_path / "journal"), "run", "--config"]
        process = subprocess.Popen([*command, str(tmp_path / "config.yaml")], stderr=subprocess.PIPE)
        lost, records = set(), []
        try:
            while lost < set(names):
                records.append(journal.recv(200_000))
                lost |= {name for name in names if f"camera {name} is lost".encode() in records[-1]}
        finally:
            process.terminate()
            _, said = process.communicate(timeout=60)
    assert not any(SECRET.encode() in record for record in [*records, said])


@pytest.mark.parametrize(
    ("camera", "says"),
    [
        ({"source": "sample", "username": "joe"}, "`source` is no address"),
        ({"source": "rtsp://joe@192.0.2.7/live", "username": "joe"}, "a user name in `source` already"),
        ({"source": "rtsp://192.0.2.7/live", "password_file": "/x"}, "`username` is not"),
    ],
)
def test_a_login_beside_the_address_goes_with_it(camera, says):
    with pytest.raises(ConfigFaults, match=says):
        load([Layer.mapping("test", {"cameras": {"front": camera}})], settings=False)


def _said(*arguments: str) -> str:
    ended = edge_fer(*arguments)
    assert "Traceback" not in ended.stderr
    return ended.stdout + ended.stderr
