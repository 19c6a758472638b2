"""Whether what the broker has retained is right."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.faults.ledger import Ledger
from tests.faults.trace import CAMERAS, RULE, expected

__all__ = ["newest", "what_is_wrong"]


def newest(ledger: Ledger) -> dict[str, int]:
    """The newest item by camera that says how the rule stands."""
    return {camera: ledger[f"alert_{camera}"] for camera in CAMERAS}


def what_is_wrong(node: str, life: int, at_least: Mapping[str, int], held: Mapping[str, str]) -> list[str]:
    """Topics of a node whose retained value is not the present one.

    Args:
        node: its name.
        life: which life of its driver it is.
        at_least: the item by camera that was the newest when the broker was asked; it may have got a newer one.
        held: what the broker holds.
    """
    base = f"edge-fer/{node}/"
    wrong = [] if held.get(f"{base}availability") == "online" else ["availability"]
    for camera in CAMERAS:
        wrong += [] if held.get(f"{base}camera/{camera}/availability") == "online" else [f"{camera}'s availability"]
        alerts = f"{base}camera/{camera}/alert/"
        lives = {topic for topic in held if topic.startswith(f"{alerts}life-")}
        if lives != {f"{alerts}life-{life}"}:
            wrong.append(f"{camera}'s rules of other lives")
        if not _stands(held.get(alerts + RULE), at_least[camera], camera):
            wrong.append(f"{camera}'s alert")
    return wrong


def _stands(payload: str | None, at_least: int, camera: str) -> bool:
    """Whether it is what the trace says, and not older."""
    if payload is None:
        return False
    alerts = json.loads(payload)["alerts"]
    number = int(alerts[0]["value"]) if alerts else 0
    says = expected(number)
    return number >= at_least and (not number or (alerts[0]["id"], camera) == (says["alert_id"], says["camera"]))
