"""Measures what a fleet costs: `python -m tools.fleet_cost --nodes 100 300 1000`, with Mosquitto installed.

Brings up a fleet in a folder of its own, with Mosquitto, mutual TLS and the access list, and one reader
(`edge-fer fleet export`); simulates the nodes at their true rates; and prints a row of the table in docs/fleet.md for
each number of nodes.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from edge_fer.fleet.folder import FleetFolder, FleetSettings
from edge_fer.fleet.line import OperatorLine
from edge_fer.fleet.nodes import FleetNode

_HOST, _PORT = "127.0.0.1", 18883
_RECEIVED, _SENT = "$SYS/broker/publish/messages/received", "$SYS/broker/publish/messages/sent"
_COMMAND: Final = [sys.executable, "-m", "edge_fer"]
_TICKS: Final = os.sysconf("SC_CLK_TCK")
#: Seconds for all nodes to connect, and from then until it is measured, in which each tells its first health.
_CONNECT, _SETTLE = 600.0, 35.0


def _brought_up(root: Path, nodes: int) -> FleetFolder:
    folder = FleetFolder.init(root / "fleet", FleetSettings("cost", (_HOST,), _PORT), datetime.now(UTC))
    names = [f"node-{number}" for number in range(1, nodes + 1)]
    folder.add([FleetNode(name, "somewhere", folder.settings.rings[-1]) for name in names], datetime.now(UTC))
    folder.install_broker(root / "mosquitto")
    access = root / "mosquitto" / "edge-fer-fleet" / "acl"
    # the broker's own counts, which only this program asks for
    counts = f"user collector\ntopic read {_RECEIVED}\ntopic read {_SENT}\n"
    access.write_text(access.read_text("utf-8").replace("user collector\n", counts), "utf-8")
    given = (root / "mosquitto" / "conf.d" / "edge-fer-fleet.conf").read_text("utf-8")
    own = f"user {_user()}\nlog_type error\nlog_type warning\nsys_interval 1\n"
    own += f"persistence true\npersistence_location {root}/mosquitto/\n"
    (root / "mosquitto" / "mosquitto.conf").write_text(own + given, "utf-8")
    return folder


def _user() -> str:
    import pwd  # noqa: PLC0415 - as root, Mosquitto would become a user who cannot read its folder

    return pwd.getpwuid(os.geteuid()).pw_name


def _seconds(pid: int) -> float:
    """Processor time of a process so far."""
    words = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / _TICKS


def _memory(pid: int) -> float:
    """Megabytes of memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def _status_seconds(folder: FleetFolder) -> tuple[float, float]:
    """How long `edge-fer fleet status` takes, by the clock and of the processor."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    command = [*_COMMAND, "fleet", "status", "--folder", str(folder.path)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _wait_for_broker(process: subprocess.Popen[bytes]) -> None:
    import socket  # noqa: PLC0415

    while process.poll() is None:
        try:
            socket.create_connection((_HOST, _PORT), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.exit("Mosquitto does not start; see its log above")


def _online(line: OperatorLine) -> int:
    return sum(value == b"online" for topic, value in line.values.items() if topic.endswith("/availability"))


def measure(nodes: int, seconds: float, most: int) -> str:
    """One row of the table; of so many nodes, for so many seconds, with at most so many in one process."""
    mosquitto = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if mosquitto is None:
        sys.exit("Mosquitto is not installed: apt install mosquitto")
    with ExitStack() as ending:
        root = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="edge-fer-cost-")))
        folder = _brought_up(root, nodes)

        def begun(*command: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            ending.callback(process.wait)
            ending.callback(process.terminate)
            return process

        broker = begun(mosquitto, "-c", str(root / "mosquitto" / "mosquitto.conf"))
        _wait_for_broker(broker)
        begun(*_COMMAND, "fleet", "export", "--folder", str(folder.path), "--port", "19465")
        line = ending.enter_context(OperatorLine(folder, "collector"))
        line.subscribe([_RECEIVED, _SENT, f"{folder.settings.prefix}/+/availability"])
        began = time.monotonic()
        simulators = []
        for skip in range(0, nodes, most):
            part = ["--nodes", str(min(most, nodes - skip)), "--skip", str(skip), "--for", "3600"]
            simulators.append(begun(*_COMMAND, "simulate", "--folder", str(folder.path), *part))
        if not line.wait(lambda _: _online(line) == nodes, _CONNECT):
            sys.exit(f"{_online(line)} of {nodes} nodes are online after {_CONNECT:g} s")
        connecting = time.monotonic() - began
        time.sleep(_SETTLE)

        def now() -> tuple[float, float, float, int, int]:
            received, sent = int(line.values[_RECEIVED]), int(line.values[_SENT])
            return time.monotonic(), _seconds(broker.pid), sum(_seconds(one.pid) for one in simulators), received, sent

        first = now()
        time.sleep(seconds)
        took, of_broker, of_simulator, received, sent = (b - a for a, b in zip(first, now(), strict=True))
        asked = [_status_seconds(folder) for _ in range(3)]
        by_clock, by_processor = (statistics.median(column) for column in zip(*asked, strict=True))
        cells = [
            f"{nodes}",
            f"{received / took:.0f}",
            f"{sent / took:.0f}",
            f"{1e6 * of_broker / received:.0f} µs",
            f"{100 * of_broker / took:.1f} %",
            f"{_memory(broker.pid):.0f} MB",
            f"{by_clock:.1f} s",
            f"{by_processor:.1f} s",
            f"{connecting:.0f} s",
            f"{100 * of_simulator / took:.0f} %",
            f"{sum(_memory(one.pid) for one in simulators):.0f} MB",
        ]
        return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, nargs="+", default=[100, 300, 1000], help="how many (%(default)s)")
    parser.add_argument("--for", dest="seconds", type=float, default=60.0, help="seconds measured (%(default)g)")
    parser.add_argument("--most", type=int, default=250, help="nodes that one process simulates (%(default)s)")
    args = parser.parse_args()
    print(
        "nodes, messages in and out a second, broker's processor time a message, its share of a core, its memory,"
        " `status` by the clock and of the processor, connecting, simulators' share of a core, their memory"
    )
    for nodes in args.nodes:
        print(measure(nodes, args.seconds, args.most), flush=True)


if __name__ == "__main__":
    main()
