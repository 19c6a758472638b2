"""A fleet in a folder of its own, and a real Mosquitto that runs what `edge-fer fleet broker` has written."""

from __future__ import annotations

import contextlib
import io
import json
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Self

from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from edge_fer.boot.takeover import Places, take_over
from edge_fer.cli.main import main
from edge_fer.contract.messages.fleet import ConfigReported
from edge_fer.fleet.folder import FleetFolder
from tests.broker import HOST, Subscriber, free_port, tool

_REPORTED = Draft202012Validator(ConfigReported.model_json_schema(mode="serialization"))


class Fleet:
    """A fleet with a broker of its own, which runs within the block.

    Args:
        folder: where everything goes.
        nodes: the command line of `fleet add` for each node.
    """

    def __init__(self, folder: Path, *nodes: str) -> None:
        self.root = folder
        self.path = folder / "hospital"
        self.mosquitto = folder / "mosquitto"
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.ok("init", str(self.path), "--broker", HOST, "--broker", "localhost", "--port", str(self.port))
        for node in nodes:
            self.ok("add", *node.split())

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One command of `edge-fer fleet`."""
        more = [] if arguments[0] == "init" else ["--folder", str(self.path)]
        given = ["fleet", *arguments, *more]
        out, err = io.StringIO(), io.StringIO()
        # in this process, because each new one takes a second and more
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main(given)
            except SystemExit as end:
                code = int(end.code or 0)
        return subprocess.CompletedProcess(given, code, out.getvalue(), err.getvalue())

    def ok(self, *arguments: str) -> str:
        """Likewise, one that is to succeed; what it prints."""
        ended = self.run(*arguments)
        assert ended.returncode == 0, ended.stderr + ended.stdout
        return ended.stdout

    @property
    def folder(self) -> FleetFolder:
        """As it now is."""
        return FleetFolder(self.path)

    def deploy(self) -> None:
        """Writes the broker's files."""
        self._deploy()

    def _deploy(self, *more: str) -> None:
        self.ok("broker", "--to", str(self.mosquitto), *more)
        given = (self.mosquitto / "conf.d" / "edge-fer-fleet.conf").read_text()
        assert given.count(f"listener {self.port}\n") == 1
        # as root it would give up root, and with it the right to read what tests have written
        own = f"user root\npersistence true\npersistence_location {self.mosquitto}/\n"
        # a kill loses what was not saved yet, so each change is saved, which a large fleet could not afford
        own += "autosave_on_changes true\n"
        kept = given.replace("autosave_interval 60\n", "autosave_interval 1\n")
        assert kept != given
        (self.mosquitto / "mosquitto.conf").write_text(own + kept)

    def start(self) -> Self:
        """Starts the broker, with what is deployed."""
        with (self.mosquitto / "log").open("ab") as log:
            command = [tool("mosquitto"), "-c", self.mosquitto / "mosquitto.conf"]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), timeout=1):
                return self
            assert self.process.poll() is None, (self.mosquitto / "log").read_text()
            assert time.monotonic() < deadline, (self.mosquitto / "log").read_text()
            time.sleep(0.02)

    def reload(self) -> None:
        """Has the broker read its access list again."""
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def stop(self, *, kill: bool = False) -> None:
        """Ends the broker."""
        if self.process:
            self.process.kill() if kill else self.process.terminate()
            self.process.wait(30)
            self.process = None

    def __enter__(self) -> Self:
        self.deploy()
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop(kill=True)

    def taken_over(self, node: str) -> dict[str, Any]:
        """The config of a device that has taken its card over, as `edge-fer boot-config` does; keys are in files."""
        card = self.root / "cards" / node / "edge-fer.yaml"
        card.parent.mkdir(parents=True, exist_ok=True)
        if not card.exists():
            card.write_text(self.folder.card(node).read_text())
        copy = self.root / "devices" / node / "edge-fer.yaml"
        outcome = take_over(Places(card, copy), lambda layer, environ: None)
        assert outcome.fault is None
        assert "MIGHAg" not in card.read_text(), "so the key began"
        found: dict[str, Any] = YAML(typ="safe").load(copy.read_text())
        return found

    def client(self, program: str, node: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One of Mosquitto's own clients with a node's certificate, or that of a reader."""
        if node in {"operator", "collector"}:
            ca, certificate, key = self.folder.files_of(node)
        else:
            mqtt = self.taken_over(node)["mqtt"]
            ca, certificate, key = mqtt["ca_file"], mqtt["cert_file"], mqtt["key_file"]
        files = ["--cafile", ca, "--cert", certificate, "--key", key]
        command = [tool(program), "-h", HOST, "-p", str(self.port), *files, "-V", "5", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


class Site(Fleet):
    """The broker of one site of a fleet, which runs within the block, and hands on to that of the fleet.

    Args:
        fleet: whose site it is.
        name: of the site.
    """

    def __init__(self, fleet: Fleet, name: str) -> None:
        self.root, self.path, self.name = fleet.root, fleet.path, name
        self.mosquitto = fleet.root / f"mosquitto-{name}"
        self.port, self.process = free_port(), None
        self.ok("site", name, "--broker", HOST, "--port", str(self.port))

    def deploy(self) -> None:
        """Writes the broker's files."""
        self._deploy("--site", self.name)


class _Reader(Subscriber):
    """A subscriber with the collector's certificate."""

    def __init__(self, fleet: Fleet, topic: str) -> None:
        super().__init__(fleet.port, (topic,))
        ca, certificate, key = fleet.folder.files_of("collector")
        self._command += ["--cafile", str(ca), "--cert", str(certificate), "--key", str(key)]


def events_of(fleet: Fleet, node: str) -> Subscriber:
    """Hears all that a node says."""
    return _Reader(fleet, f"edge-fer/{node}/#")


def reported(fleet: Fleet, node: str) -> dict[str, Any] | None:
    """What a node reports of its config, or nothing."""
    seen = fleet.client(
        "mosquitto_sub", "operator", "-t", f"edge-fer/{node}/config/reported", "-C", "1", "-W", "20", "-q", "1"
    )
    if not seen.stdout.strip():
        return None
    found: dict[str, Any] = json.loads(seen.stdout)
    _REPORTED.validate(found)
    return found
