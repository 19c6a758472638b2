"""What deploy/fleet/ ships for VictoriaMetrics, vmagent, vmalert and Alertmanager works in these programs of Debian."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
import urllib.parse
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.broker import HOST, free_port
from tests.daemon import COMMAND
from tests.fleet.kit import Fleet
from tests.notify.servers import MailServer, Taken, Webhook

SHIPPED = Path(__file__).resolve().parents[2] / "deploy" / "fleet"
PROGRAMS = ("victoria-metrics", "vmagent", "vmalert", "prometheus-alertmanager")
MISSING = [name for name in PROGRAMS if not shutil.which(name)]

needs_programs = pytest.mark.skipif(
    bool(MISSING), reason=f"{', '.join(MISSING)}: not installed (apt install victoria-metrics prometheus-alertmanager)"
)


class AlertHook(Webhook):
    """Takes what Alertmanager posts."""

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> bytes:
        for alert in json.loads(body)["alerts"]:
            labels, summary = alert["labels"], alert["annotations"]["summary"]
            title = f"{alert['status']} {labels['alertname']}"
            self._take(Taken(labels.get("node", ""), title, summary, time.monotonic(), {"path": path}))
        return b"{}"

    def of(self, node: str, title: str) -> list[Taken]:
        """What came of one node."""
        return [one for one in self.taken if (one.id, one.title) == (node, title)]


class Centre:
    """The machine in the centre: each program with the flags and files that are shipped, at ports of its own."""

    def __init__(self, root: Path, hook: AlertHook, mail: MailServer, exporter: int, ending: ExitStack) -> None:
        self.root, self._ending = root, ending
        self.ports = {shipped: str(free_port()) for shipped in ("8428", "8429", "8880", "9093")}
        self.ports |= {"9465": str(exporter), "9099": str(hook.port)}
        self.settings = root / "monitoring"
        self.settings.mkdir()
        for name in ("vmagent.yaml", "rules.yaml", "alertmanager.yaml"):
            text = self.here((SHIPPED / name).read_text("utf-8"))
            # a mail server on this machine, which wants neither a password nor TLS
            text = text.replace("mail.example:587", f"{HOST}:{mail.port}\n  smtp_require_tls: false")
            text = re.sub(r"^  smtp_auth_.*\n", "", text, flags=re.MULTILINE)
            (self.settings / name).write_text(text)

    def here(self, text: str) -> str:
        """Shipped text, with the ports and folders of this test in place of the shipped ones."""
        text = re.sub(r"127\.0\.0\.1:(\d+)", lambda found: f"{HOST}:{self.ports[found[1]]}", text)
        for folder in ("victoria-metrics", "edge-fer-vmagent"):
            text = text.replace(f"/var/lib/{folder}", str(self.root / folder))
        return text.replace("/etc/edge-fer-monitoring", str(self.root / "monitoring"))

    def start(self) -> None:
        """Starts all four."""
        defaults = re.search(r'^ARGS="(.*)"$', (SHIPPED / "victoria-metrics").read_text("utf-8"), re.MULTILINE)
        assert defaults is not None
        self._begin(f"/usr/bin/victoria-metrics {defaults[1]}")
        own = f"--storage.path={self.root}/alertmanager --cluster.listen-address= --web.listen-address=127.0.0.1:9093"
        self._begin(f"/usr/bin/prometheus-alertmanager --config.file={self.settings}/alertmanager.yaml {own}")
        for name in ("vmagent", "vmalert"):
            unit = (SHIPPED / f"edge-fer-fleet-{name}.service").read_text("utf-8")
            self._begin(next(line for line in unit.splitlines() if line.startswith("ExecStart="))[len("ExecStart=") :])

    def ask(self, query: str) -> list[dict[str, Any]]:
        """What VictoriaMetrics answers to a question."""
        url = f"http://{HOST}:{self.ports['8428']}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
                return found
        except OSError:
            return []

    def _begin(self, command: str) -> None:
        with (self.root / "monitoring.log").open("ab") as log:
            process = subprocess.Popen(shlex.split(self.here(command)), stdout=log, stderr=log, cwd=self.root)
        self._ending.callback(process.wait, 60)
        self._ending.callback(process.kill)


def simulated(fleet: Fleet, ending: ExitStack, skip: int) -> subprocess.Popen[bytes]:
    """One node of the fleet, which runs until it is stopped."""
    given = ["--folder", str(fleet.path), "--nodes", "1", "--skip", str(skip), "--for", "3600", "--json"]
    process = subprocess.Popen([*COMMAND, "simulate", *given], stdout=subprocess.DEVNULL)
    ending.callback(process.wait, 60)
    ending.callback(process.kill)
    return process


def wait_for(what: str, condition: Any, centre: Centre, seconds: float = 300) -> float:
    """Waits; how long it took."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            log = (centre.root / "monitoring.log").read_text(errors="replace")
            pytest.fail(f"{what} does not come within {seconds:g} s:\n{log[-6000:]}")
        time.sleep(0.5)
    return time.monotonic() - began


@needs_programs
def test_a_node_that_falls_silent_is_told_by_mail_and_webhook_and_so_is_its_return(tmp_path):
    fleet = Fleet(tmp_path, "loud --site here", "quiet --site here")
    exporter = free_port()
    with ExitStack() as ending, fleet, AlertHook() as hook, MailServer() as mail:
        export = subprocess.Popen(
            [*COMMAND, "fleet", "export", "--folder", str(fleet.path), "--port", str(exporter)],
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        ending.callback(export.wait, 60)
        ending.callback(export.kill)
        centre = Centre(tmp_path, hook, mail, exporter, ending)
        centre.start()
        simulated(fleet, ending, 0)
        quiet = simulated(fleet, ending, 1)

        def nodes() -> set[str]:
            return {one["metric"]["node"] for one in centre.ask("edge_fer_fleet_health_age_seconds < 60")}

        wait_for("the numbers of both nodes", lambda: nodes() == {"loud", "quiet"}, centre)
        assert {one["value"][1] for one in centre.ask("edge_fer_fleet_online")} == {"1"}
        assert hook.taken == []

        quiet.send_signal(signal.SIGTERM)
        assert quiet.wait(60) == 0
        took = wait_for("the alert", lambda: hook.of("quiet", "firing NodeSilent"), centre)
        first = hook.of("quiet", "firing NodeSilent")[0]
        assert re.fullmatch(r"quiet at here has said nothing for 1m \d+(\.\d+)?s", first.text), first.text
        assert first.headers["path"] == "/alerts"
        wait_for("the mail", lambda: any("FIRING" in one.title for one in mail.taken), centre)

        simulated(fleet, ending, 1)
        ended = wait_for("its end", lambda: hook.of("quiet", "resolved NodeSilent"), centre)
        wait_for("the mail of its end", lambda: any("RESOLVED" in one.title for one in mail.taken), centre)
        assert {one.headers["To"] for one in mail.taken} == {"operator@example.org"}
        assert "NodeSilent" in mail.taken[0].title
        assert not [one for one in hook.taken if one.id == "loud"], "the other one is well"
        print(f"silent node told after {took:.0f} s, its return after {ended:.0f} s")


@needs_programs
@pytest.mark.parametrize(
    "command",
    [
        "vmalert -dryRun -rule=rules.yaml",
        "vmagent -dryRun -promscrape.config=vmagent.yaml",
        "amtool check-config alertmanager.yaml",
        "systemd-analyze verify ./edge-fer-fleet-vmagent.service ./edge-fer-fleet-vmalert.service",
    ],
)
def test_files_pass_the_check_of_the_programs_that_read_them(command):
    done = subprocess.run(command.split(), cwd=SHIPPED, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
