"""The daemon's part, as a process to be killed: the real sink, told of a hundred alerts that begin one by one.

Which alert is next is kept in a file, once the one before is in the spool: as in life, where one that was lost with
the process fires again, because its condition still holds.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from edge_fer.clock.system import SystemClock
from edge_fer.config import Layer, load
from edge_fer.notify.troubles import NodeFacts
from edge_fer.pipeline.step import Told
from edge_fer.sinks import notify as module
from edge_fer.sinks.outlet import Outlet
from edge_fer.sinks.registry import make_policy
from edge_fer.support.keeping import write_whole
from edge_fer.types import Alert, AlertChange, AlertState


def main(config: Path, counter: Path, count: int, pause: float) -> None:
    settings = load([Layer.file(config)], settings=False).config
    module._facts_of = lambda *_: NodeFacts()
    sink = module.make_notify_sink(settings, SystemClock(), lambda: None)
    outlet = Outlet(make_policy(settings))
    outlet.connect({"notify": sink})
    sink.open()
    clock = SystemClock()
    number = int(counter.read_text()) if counter.exists() else 0
    while number < count:
        now = clock()
        alert = Alert(f"a{number}", f"bed-{number:03}", "distress", "critical", None, AlertState.FIRING, now, 0.7, 0.5)
        outlet.tell(alert.camera, Told(now, changes=(AlertChange(False, alert, now),)))
        while sink._queue:
            time.sleep(0.01)
        number += 1
        write_whole(counter, str(number))
        time.sleep(pause)
    # asked of the disk: the sink may not have looked yet what an earlier life has left there
    while sink._parts.spool.queues(time.time()):
        time.sleep(0.1)
    sink.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
