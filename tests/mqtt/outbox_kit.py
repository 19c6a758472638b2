"""Puts messages into an outbox, and takes them out again."""

from __future__ import annotations

from edge_fer.contract.messages import MessageKind
from tests.invented import at
from tests.mqtt.kit import event

BODY = event(at(0)).model_dump_json()


def put(outbox, kind=MessageKind.EVENT, seconds=0.0, *, camera="front", body=BODY):
    return outbox.put(f"edge-fer/n/camera/{camera}/{kind}", kind, body, at(seconds))


def drain(outbox, seconds=0.0):
    """Takes and acknowledges everything; what there was, as (topic's end, seq)."""
    found = []
    while letters := outbox.take(20, at(seconds)):
        found += [(letter.topic.rpartition("/")[2], letter.seq) for letter in letters]
        outbox.acknowledge([letter.id for letter in letters])
    return found


def killed(path, name="after-kill.db"):
    """The files as the operating system has them now."""
    copy = path.with_name(name)
    for suffix in ("", "-wal"):
        copy.with_name(name + suffix).write_bytes(path.with_name(path.name + suffix).read_bytes())
    return copy
