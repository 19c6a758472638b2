"""0.1.0's outbox at work on a file: `earlier.py FILE BOOT SIZE TAKEN ADDED END`, with 0.1.0.zip on Python's path.

Prints as JSON what it took: topic, sequence number and text of each. END is `close` or `kill`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from write import Kind, Outbox, at, body, earlier  # type: ignore[import-not-found]


def main(file: str, boot: str, size: str, taken: str, added: str, end: str) -> None:
    outbox = Outbox(Path(file), boot=boot, limits=earlier("mqtt.outbox").Limits(size=int(size)))
    found = []
    while len(found) < int(taken) and (letters := outbox.take(min(50, int(taken) - len(found)), at(100))):
        found += [(letter.topic, letter.seq, json.loads(letter.body)["number"]) for letter in letters]
        for letter in letters:
            letter.sealed()
        outbox.acknowledge([letter.id for letter in letters])
    for number in range(100, 100 + int(added)):
        kind = Kind.ALERT_EVENT if number % 2 else Kind.EVENT
        assert outbox.put(f"edge-fer/counter-1/camera/front/{kind}", kind, body("front", number), at(number))
    sys.stdout.write(json.dumps({"taken": found, "depth": outbox.depth, "dropped": outbox.dropped}))
    sys.stdout.flush()
    if end == "kill":
        os._exit(0)
    outbox.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
