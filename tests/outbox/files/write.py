"""Writes an outbox with the code of the version that Python finds: `python write.py FILE`; see README.md."""

from __future__ import annotations

import gzip
import json
import shutil
import sys
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

BOOT = "a boot"


def earlier(module: str) -> Any:
    """A module of an earlier version, by the name that it had there."""
    return import_module(f"edge_fer.{module}")


Kind, Outbox = earlier("mqtt.messages").Kind, earlier("mqtt.outbox").Outbox
Instant = earlier("types").Instant


def at(second: float) -> Any:
    return Instant(second, datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second), synced=second != 1)


def body(camera: str, number: int) -> str:
    moment = at(number)
    return json.dumps(
        {
            "v": 1,
            "node": "counter-1",
            "camera": camera,
            "ts": moment.utc.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "clock_synced": moment.synced,
            "number": number,
        }
    )


def main(file: Path) -> None:
    outbox = Outbox(file, boot=BOOT)
    base = "edge-fer/counter-1/camera"
    for number in range(5):
        for camera in ("front", "back"):
            outbox.put(f"{base}/{camera}/event", Kind.EVENT, body(camera, number), at(number))
    for number in range(4):
        outbox.put(f"{base}/front/alert_event", Kind.ALERT_EVENT, body("front", number), at(number))
    for number in range(3):
        outbox.put(f"{base}/front/summary", Kind.SUMMARY, body("front", number), at(number))
    (first,) = outbox.take(1, at(10))
    outbox.acknowledge([first.id])
    for topic in ("edge-fer/counter-1/info", f"{base}/front/state"):
        outbox.remember(topic)
    if hasattr(outbox, "damaged"):
        letter = next(one for one in outbox.take(100, at(10)) if "/back/" in one.topic)
        outbox.set_aside(letter, "as a test")
        outbox.put_back()
        harm = "UPDATE messages SET body = replace(body, '\"number\": 2', '\"number\": 7')"
        outbox._db.run(lambda c: c.execute(f"{harm} WHERE body LIKE '%front%' AND id BETWEEN 1 << 48 AND 2 << 48"))
    outbox.sync()
    for name in (file.name, f"{file.name}-wal"):
        packed = file.with_name(f"{name}.gz")
        with file.with_name(name).open("rb") as source, gzip.GzipFile(packed, "wb", mtime=0) as to:
            shutil.copyfileobj(source, to)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
