"""A node to be killed: posts events for ever, and prints the track id of each one that the outbox has committed.

python victim.py FOLDER URL LIFE [RETAINED TOPIC]
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from edge_fer.contract.messages import MessageKind
from edge_fer.mqtt.outbox import Outbox
from tests.mqtt.kit import COMPOSER, TOPICS, event, make_link, now, scene


def main(folder: str, url: str, life: str, *retained: str) -> None:
    put = Outbox.put

    def put_and_say(self, topic, kind, body, at):
        kept = put(self, topic, kind, body, at)
        print(body.partition('"track_id":"')[2].partition('"')[0], flush=True)
        return kept

    Outbox.put = put_and_say
    link = make_link(Path(folder), url)
    at = now()
    for topic in retained:
        link.retain(topic, COMPOSER.state(scene(at)), at)
    link.start()
    for number in range(1_000_000):
        at = now()
        link.post(TOPICS.event("front"), MessageKind.EVENT, event(at, track=f"{life}-{number}"), at)
        time.sleep(0.002)


if __name__ == "__main__":
    main(*sys.argv[1:])
