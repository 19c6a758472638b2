"""The benchmark as a part of a program."""

from __future__ import annotations

import logging

from edge_fer.bench.measure import measure
from edge_fer.config import tree as config


def test_it_says_nothing_of_its_missing_broker_and_leaves_the_log_as_it_was(caplog):
    camera = config.CameraSection(source="sample", faces=config.FacesSection(detector="haar"))
    report = measure("front", camera, settings=config.Config(cameras={"front": camera}), frames=3)
    assert report.frames.size == (640, 360)
    assert not [record for record in caplog.records if record.name.startswith("edge_fer.mqtt")]
    logging.getLogger("edge_fer.mqtt.outbox").error("messages are lost")
    assert "messages are lost" in caplog.text
