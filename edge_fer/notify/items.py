"""What one target is to be told: one row of the spool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["SEVERITIES", "ItemKind", "NotifyItem"]

#: The least serious first.
SEVERITIES = ("info", "warning", "critical")


class ItemKind(StrEnum):
    """What is told."""

    FIRING = "firing"
    #: nobody has acknowledged it
    ESCALATED = "escalated"
    RESOLVED = "resolved"
    #: edge-fer itself cannot do its work
    TROUBLE = "trouble"
    RECOVERED = "recovered"
    #: the page of a week, which goes in a mail of its own
    PAGE = "page"


@dataclass(frozen=True, slots=True)
class NotifyItem:
    """One thing that one target is to be told. Times are seconds since 1970.

    Attributes:
        target: who is to be told.
        kind: what is told.
        key: id of the alert, name of the trouble, or the week of a page.
        severity: how serious it is.
        at: when it began, or for what is over, when it ended.
        not_before: when it may be told.
        urgent: whether neither grouping nor the rate limit may delay it.
        camera: the camera, empty where it is about none.
        facts: what else may be told to this target: `rule`, `when`, `value`, `threshold`, `minutes`, `end`, `link`,
            `link_ends`; of a page `name`, `html`, `first`, `last`, `cameras`.
        id: its number in the spool; 0 before it is there.
        ended: when an alert that was not told yet was over; None while it is not.
    """

    target: str
    kind: ItemKind
    key: str
    severity: str
    at: float
    not_before: float
    urgent: bool = False
    camera: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    id: int = 0
    ended: float | None = None
