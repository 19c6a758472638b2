"""Configs for a daemon that runs, and what its messages must be."""

from __future__ import annotations

from jsonschema import Draft202012Validator

from edge_fer.contract.messages import schemas
from edge_fer.sample import sample_path

SAMPLE = {"source": str(sample_path()), "speed": "fast"}


ENDLESS = SAMPLE | {"loop": True, "speed": "realtime"}


#: Of what the daemon tells unasked.
VALIDATORS = {kind: Draft202012Validator(schema) for kind, schema in schemas().items() if "/" not in kind}


def kind_of(topic: str) -> str:
    """Which schema a topic's payloads follow."""
    parts = topic.split("/")
    return "alert" if "alert" in parts else parts[-1]


def check_payloads(messages):
    """Every payload is as its schema says, or one of the two words of availability."""
    for message in messages:
        if message.topic.endswith("/availability"):
            assert message.payload in {"online", "offline"}
        elif message.payload:
            VALIDATORS[kind_of(message.topic)].validate(message.json)


def config(broker, camera=SAMPLE, **more):
    return {"cameras": {"front": camera}, "mqtt": {"broker": broker.url}, **more}


def is_event(kind):
    return lambda m: m.topic.endswith("/event") and m.json["event_type"] == kind
