"""How long from capture to a subscriber: `python -m tests.benchmarks.latency [--seconds 120]`.

The daemon plays a recording as a live camera, on one processor core, and publishes to a real Mosquitto on this machine.
A subscriber compares the time of each message's frame (`ts`) with its own clock. An event goes out with the frame that
made it. Where the core was busy with other work, nothing can be said, and it exits 1.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import paho.mqtt.client as mqtt

from tests.broker import HOST, Mosquitto
from tests.daemon import Daemon

__all__ = ["AT_MOST", "main"]

#: Seconds that half of the events, and that 99 in a hundred of them, may take.
AT_MOST: Mapping[int, float] = {50: 0.040, 99: 0.120}
#: Share of its core that must be idle for the bars to count.
IDLE = 0.3
#: What is told with the frame that made it.
KINDS = ("event", "alert_event", "state")


def _watched(broker: Mosquitto, seconds: float, core: int) -> tuple[dict[str, list[float]], float]:
    """Seconds that each message took, by kind, and the share of the core that was idle."""
    took: dict[str, list[float]] = defaultdict(list)

    def heard(_client: object, _told: object, message: mqtt.MQTTMessage) -> None:
        now = time.time()
        kind = message.topic.rpartition("/")[2]
        if kind in KINDS and not message.retain:
            took[kind].append(now - datetime.fromisoformat(json.loads(message.payload)["ts"]).timestamp())

    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.on_message = heard
    client.connect(HOST, broker.port)
    client.subscribe("edge-fer/#", qos=1)
    client.loop_start()
    before = _idle(core)
    begin = time.monotonic()
    time.sleep(seconds)
    idle = (_idle(core) - before) / (time.monotonic() - begin)
    client.disconnect()
    client.loop_stop()
    return took, idle


def _idle(core: int) -> float:
    """Seconds that a core has been idle since the machine started."""
    row = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith(f"cpu{core} "))
    return int(row.split()[4]) / os.sysconf("SC_CLK_TCK")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0, help="how long to watch")
    parser.add_argument("--source", default="sample:counter", help="a recording, which is played again and again")
    args = parser.parse_args(arguments)
    core = max(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder, Mosquitto(Path(folder) / "broker") as broker:
        config = {"cameras": {"camera": {"source": args.source, "loop": True}}, "mqtt": {"broker": broker.url}}
        with Daemon(Path(folder) / "node", config) as daemon:
            daemon.wait_for("online")
            for thread in Path(f"/proc/{daemon.pid}/task").iterdir():
                os.sched_setaffinity(int(thread.name), {core})
            took, idle = _watched(broker, args.seconds, core)
            daemon.stop()
    for kind, times in sorted(took.items()):
        told = ", ".join(f"p{part} {1000 * np.percentile(times, part):.0f} ms" for part in AT_MOST)
        print(f"{kind}: {len(times)} messages, {told}")
    print(f"the core was idle for {100 * idle:.0f} % of the time")
    together = [seconds for kind in ("event", "alert_event") for seconds in took.get(kind, ())]
    if not together or idle < IDLE:
        print("too few messages, or too busy a core, to say whether the bars hold")
        return 1
    over = [part for part, most in AT_MOST.items() if np.percentile(together, part) > most]
    for part in over:
        print(f"missed: p{part} of events should be at most {1000 * AT_MOST[part]:.0f} ms")
    return bool(over)


if __name__ == "__main__":
    sys.exit(main())
