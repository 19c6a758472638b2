"""A node without a camera: tells a trace at a steady rate by way of the daemon's own MQTT sink, link and outbox.

python driver.py NODE FOLDER PORT RATE LIFE

FOLDER holds the ledger, the password, and `disk/`, on which the outbox is. It goes on where the trace has come to, as
the world does while a daemon is down: what an earlier life has handed over is not handed over again.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from edge_fer.contract.composer import Composer
from edge_fer.contract.topics import Topics
from edge_fer.daemon.service import GOODBYE
from edge_fer.mqtt.link import Link, LinkOptions
from edge_fer.mqtt.refusals import Refusals
from edge_fer.mqtt.settings import BrokerSettings
from edge_fer.outbox.limits import Limits
from edge_fer.outbox.outbox import Outbox
from edge_fer.sinks.mqtt import MqttSink
from edge_fer.support.backoff import Backoff
from edge_fer.support.signal_flag import SignalFlag
from edge_fer.types import Instant, Standing
from tests.faults.ledger import Ledger
from tests.faults.trace import CAMERAS, RULE, camera_of, number_of, told

HOST = "127.0.0.1"
KEEPALIVE, LATE = 5.0, 3.0
#: A burst is handed over so many at a time, and then waits until the outbox has taken them.
GULP = 200


def encryption() -> dict[str, Any]:
    """What the broker's settings say of encryption: our certificates are in a folder that the environment names."""
    folder = os.environ.get("EDGE_FER_FAULTS_CERTIFICATES")
    if not folder:
        return {}
    files = {"ca_file": "ca.crt", "cert_file": "client.crt", "key_file": "client.key"}
    return {"tls": True} | {name: Path(folder, file) for name, file in files.items()}


class Driver:
    """One life of a node."""

    def __init__(self, node: str, folder: Path, port: int, life: int) -> None:
        self.ledger = Ledger(folder / "ledger")
        broker = BrokerSettings(
            host=HOST,
            port=port,
            client_id=f"edge-fer-{node}",
            username="edge",
            password_file=folder / "password",
            keepalive=KEEPALIVE,
            **encryption(),
        )
        self._topics, self._broker, self._folder = Topics(node), broker, folder
        other = os.environ.get("EDGE_FER_FAULTS_OTHER_PORT")
        self._others = [replace(broker, port=int(other))] if other else []
        self.composer = Composer(node)
        self._link(life)

    def _link(self, life: int) -> None:
        """A link of its own, which has not started."""
        topics, broker, folder = self._topics, self._broker, self._folder
        self.link = Link(
            broker=broker,
            others=self._others,
            topics=topics,
            outbox=folder / "disk" / "outbox.sqlite",
            clock=self.clock,
            options=LinkOptions(
                limits=Limits(late=LATE),
                backoff=Backoff(first=0.05, most=0.5),
                refusals=Refusals(pause=0.5, longest=1.0),
            ),
        )
        self.sink = MqttSink(self.link, topics, self.composer)
        at = self.clock()
        for camera in CAMERAS:
            self.sink.online(camera, True, at)
            self.sink._stand(camera, RULE, Standing(), at)
            # a rule that the next life does not have
            self.sink._stand(camera, f"life-{life}", Standing(), at)

    def clock(self) -> Instant:
        offset, synced = self.ledger.clock()
        return Instant(time.monotonic(), datetime.now(UTC) + timedelta(seconds=offset), synced)

    def hand_over(self) -> None:
        """Tells the next item."""
        number = self.ledger["next"]
        at = self.clock()
        self.ledger.hand(number, at.mono)
        self.ledger["next"] = number + 1
        said = told(number, at)
        self.sink.tell(camera_of(number), said)
        if said.alerts:
            self.ledger[f"alert_{camera_of(number)}"] = number

    def report(self) -> None:
        """Says how the link does."""
        status = self.link.status()
        self.ledger["connected"], self.ledger["connections"] = status.connected, status.connections
        self.ledger["depth"], self.ledger["dropped"] = status.depth, sum(status.dropped.values())

    def health(self) -> None:
        """Publishes how the node does, with what it gave up."""
        at, status = self.clock(), self.link.status()
        message = self.composer.health(
            at, uptime=0.0, rss=0, temperature=None, throttling=None, cameras={}, link=status
        )
        self.link.retain(self._topics.health, message, at)

    def burst(self) -> None:
        """Tells many items as fast as they are taken."""
        while left := self.ledger["burst"]:
            first = self.ledger["next"]
            for _ in range(min(GULP, left)):
                self.hand_over()
            while not all(self.ledger.item(number).is_settled for number in range(first, self.ledger["next"])):
                time.sleep(0.002)
                self.report()
            self.ledger["burst"] = max(0, left - GULP)

    def renew(self, life: int) -> None:
        """Another link takes the place of this one, as on a reload."""
        self.link.close(2.0, last=False)
        for camera in CAMERAS:
            self.ledger[f"alert_{camera}"] = 0
        self._link(life)
        self.link.start()
        self.ledger["reload"] = 0

    def run(self, rate: float, ended: SignalFlag, life: int) -> None:
        """Until it is ended."""
        self.link.start()
        self.ledger["ready"] = 1
        begun = healthy = time.monotonic()
        handed = 0
        while not ended.wait(max(0.0, min(0.02, begun + handed / rate - time.monotonic()))):
            self.burst()
            if self.ledger["reload"]:
                self.renew(life)
            # no catching up where the machine was busy: it is the steady rate that counts
            if time.monotonic() >= begun + handed / rate:
                if not self.ledger["rest"]:
                    self.hand_over()
                handed = max(handed + 1, int((time.monotonic() - begun) * rate))
            if time.monotonic() - healthy > 0.3:
                healthy = time.monotonic()
                self.health()
            self.report()
        self.health()
        self.link.close(GOODBYE)


def note_what_the_outbox_says(ledger: Ledger) -> None:
    """Of each message, as soon as it has said so."""
    put = Outbox.put

    def put_and_note(self: Outbox, topic: str, kind: object, body: str, at: Instant) -> bool:
        kept = put(self, topic, kind, body, at)
        ledger.settle(number_of(json.loads(body)), kept=kept)
        return kept

    Outbox.put = put_and_note


def main(node: str, folder: str, port: str, rate: str, life: str) -> None:
    logging.basicConfig(
        filename=Path(folder) / "log", level=logging.INFO, format=f"%(asctime)s life {life} %(levelname)s %(message)s"
    )
    ended = SignalFlag()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    driver = Driver(node, Path(folder), int(port), int(life))
    note_what_the_outbox_says(driver.ledger)
    driver.run(float(rate), ended, int(life))


if __name__ == "__main__":
    main(*sys.argv[1:])
