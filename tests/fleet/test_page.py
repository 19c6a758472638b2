"""Every command in docs/fleet.md works, in its order: from nothing to ten nodes, with all that a fleet has."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import yaml

from tests.broker import HOST, free_port
from tests.daemon import COMMAND, Daemon
from tests.fleet.database import SCHEMA, Postgres, program
from tests.fleet.kit import Fleet
from tests.mqtt.kit import until
from tests.running import ENDLESS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "fleet.md"
ROOT = PAGE.parents[1]


def commands():
    """Each command of the page; one with a here-document with its lines."""
    for block in re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        lines = iter(block.splitlines())
        for line in lines:
            document = "\n" + "\n".join(iter(lines.__next__, "END")) + "\nEND" if "<<'END'" in line else ""
            yield line + document


class Paper(Fleet):
    """A fleet that the page's commands make, in place of ours."""

    def __init__(self, root: Path) -> None:
        self.root, self.path, self.mosquitto = root, root / "hospital", root / "mosquitto"
        self.port, self.process = free_port(), None


class Reader:
    """Who follows the page: a folder to be in, and what stands for other machines."""

    def __init__(self, root: Path, database: Postgres, ending: ExitStack) -> None:
        self.fleet = Paper(root)
        self.database, self.ending = database, ending
        self.where = root
        self.done: list[str] = []
        words = shlex.join(COMMAND)
        shell = root / "bin" / "edge-fer"
        shell.parent.mkdir()
        shell.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        shell.chmod(0o755)
        names = {
            f"GIT_{who}_{what}": "ann@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        path = f"{shell.parent}:{Path(sys.executable).parent}:{Path(program('psql')).parent}:{os.environ['PATH']}"
        place = {"PGHOST": str(database.folder), "PGUSER": "edge", "PYTHONPATH": str(ROOT)}
        self.environment = os.environ | names | place | {"PATH": path}
        (root / "media").mkdir()

    def follow(self, command: str) -> str:
        """Runs one command, with this machine in place of others; what it prints."""
        self.done.append(command)
        user = re.match(r"sudo -u (\S+) ", command)
        # the cluster's first user is `edge`, not `postgres`
        self.environment["PGUSER"] = user[1] if user and user[1] != "postgres" else "edge"
        command = command.removeprefix(user[0] if user else "sudo ")
        for there, here in {
            "/media/bootfs": self.fleet.root / "media",
            "/media/safe": self.fleet.root / "media",
            "/etc/edge-fer-fleet": self.fleet.root / "centre",
            "/opt/edge-fer/bin/edge-fer": "edge-fer",
            "deploy/fleet/schema.sql": SCHEMA,
        }.items():
            command = command.replace(there, str(here))
        match command.split()[:3]:
            case ["cd", folder]:
                self.where /= folder
                return ""
            case ["useradd" | "chown", *_]:
                # there is one user here
                return ""
            case ["systemctl", how, "mosquitto"]:
                self.fleet.reload() if how == "reload" else self.restart()
                return ""
            case ["edge-fer", "fleet", "init" | "site"]:
                command = command.replace("broker.example", f"{HOST} --port {self.fleet.port}")
                command = command.replace("cafeteria.example", f"{HOST} --port {free_port()}")
            case ["edge-fer", "fleet", "broker"]:
                # the site's broker is another machine; tests/fleet/test_sites.py runs one
                command += f" --to {self.fleet.mosquitto}{'-site' if '--site' in command else ''}"
            case ["edge-fer", "fleet", "rollout"]:
                command += " --watch 1"
            case ["edge-fer", "simulate", *_]:
                command = command.replace("--for 60", "--for 10")
            case ["edge-fer", "fleet", "load" | "export"]:
                return self.begin(command)
        done = subprocess.run(
            ["bash", "-ec", command],
            cwd=self.where, env=self.environment, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def begin(self, command: str) -> str:
        """Runs what runs until it is stopped."""
        if "export" in command:
            self.exporter = free_port()
            command = command.replace("9465", str(self.exporter))
        with (self.fleet.root / "background.log").open("ab") as log:
            process = subprocess.Popen(
                ["bash", "-ec", f"exec {command}"], cwd=self.where, env=self.environment, stdout=log, stderr=log
            )
        self.ending.callback(self.end, process)
        return ""

    @staticmethod
    def end(process: subprocess.Popen[bytes]) -> None:
        process.terminate()
        assert process.wait(60) == 0

    def restart(self) -> None:
        self.fleet.stop()
        given = (self.fleet.mosquitto / "conf.d" / "edge-fer-fleet.conf").read_text()
        own = f"user root\npersistence true\npersistence_location {self.fleet.mosquitto}/\n"
        (self.fleet.mosquitto / "mosquitto.conf").write_text(own + given)
        self.fleet.start()


def test_from_nothing_to_ten_nodes(tmp_path):
    with Postgres() as database, ExitStack() as ending:
        reader = Reader(tmp_path, database, ending)
        ending.callback(lambda: reader.fleet.stop(kill=True))
        said = {}
        for command in commands():
            said[command] = reader.follow(command)
            if command.startswith("cp secrets/cards/counter-1"):
                card = tmp_path / "cards" / "counter-1" / "edge-fer.yaml"
                card.parent.mkdir(parents=True)
                shutil.copy(tmp_path / "media" / "edge-fer.yaml", card)
            if command.startswith("edge-fer simulate"):
                assert "0 wait" in said[command]
                # one of the ten is real from here on
                config = reader.fleet.taken_over("counter-1") | {"cameras": {"front": ENDLESS}}
                node = ending.enter_context(Daemon(tmp_path / "node", config))
                node.wait_for("connected to the broker")
                until(lambda: "counter-1" in reader.fleet.folder.nodes and "online" in online(reader.fleet))
            if command == "edge-fer fleet status":
                assert "never heard of" not in said[command], "the simulated ones were there"
            if "rollout" in command:
                assert "ring canary: in force on all of them" in said[command]
            if command == "edge-fer fleet renew counter-1":
                assert "counter-1: its new certificate holds until" in said[command]
            if "fleet export" in command:
                until(lambda: b'edge_fer_fleet_online{node="counter-1"' in scraped(reader.exporter))
        listed = said["edge-fer fleet list"].splitlines()
        assert len(listed) == 11
        assert "emotion.min_lead: as in its files -> 0.12" in said["edge-fer fleet diff"]
        shown = subprocess.run(
            ["git", "-C", reader.where, "ls-files"], capture_output=True, text=True, check=True
        ).stdout
        assert "secrets" not in shown
        assert "ward-5" not in reader.fleet.folder.nodes
        assert "New keys for the broker, collector, operator" in said[next(one for one in said if "restore" in one)]
        assert "address" in (tmp_path / "mosquitto-site" / "conf.d" / "edge-fer-fleet.conf").read_text()
        assert len(reader.done) > 24
        assert node.stop() == 0


def online(fleet):
    seen = fleet.client("mosquitto_sub", "operator", "-t", "edge-fer/counter-1/availability", "-C", "1", "-W", "20")
    return seen.stdout


def scraped(port):
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/metrics", timeout=10) as answer:
            return answer.read()
    except OSError:
        time.sleep(0.2)
        return b""


def test_rules_ask_for_numbers_that_the_exporter_tells_and_files_are_whole():
    from edge_fer.fleet.exporter import _GAUGES

    told = {f"edge_fer_fleet_{name}" for name in _GAUGES}
    told |= {"edge_fer_fleet_version_info", "edge_fer_fleet_camera_online", "edge_fer_fleet_alert_events_total"}
    folder = ROOT / "deploy" / "fleet"
    rules = [rule for group in yaml.safe_load((folder / "rules.yaml").read_text())["groups"] for rule in group["rules"]]
    assert len(rules) >= 8
    for rule in rules:
        asked = set(re.findall(r"edge_fer_fleet_\w+", rule["expr"]))
        assert asked <= told, rule
        assert asked
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}
    assert yaml.safe_load((folder / "vmagent.yaml").read_text())["scrape_configs"]
    found = yaml.safe_load((folder / "alertmanager.yaml").read_text())
    receivers = {one["name"] for one in found["receivers"]}
    assert {found["route"]["receiver"], *(one["receiver"] for one in found["route"]["routes"])} == receivers
