"""What is alerted of, and the outside numbers that rules ask for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from edge_fer.types.instant import Instant

__all__ = ["Alert", "AlertChange", "AlertState", "Resolution", "SignalKey", "SignalState", "SignalValue", "Standing"]


class AlertState(StrEnum):
    """Where an alert is in its life, after Prometheus."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"


@dataclass(frozen=True, slots=True)
class Alert:
    """One rule's condition holding for one person, or for the scene as a whole.

    Attributes:
        id: random; the same from `firing` to `resolved`.
        camera: the camera's name.
        rule: the rule's name in the config.
        severity: as the rule says.
        track_id: the person; None for the scene.
        state: pending or firing.
        since: when the condition began to hold.
        value: what was measured last, in the threshold's unit.
        threshold: what it is compared with.
        acknowledged: whether somebody has said that they know.
        labels: the emotions that its rule watches for.
        of_faces: whether its rule goes by what faces show.
    """

    id: str
    camera: str
    rule: str
    severity: str
    track_id: str | None
    state: AlertState
    since: Instant
    value: float
    threshold: float
    acknowledged: bool = False
    labels: tuple[str, ...] = ()
    of_faces: bool = True


class Resolution(StrEnum):
    """Why an alert was resolved."""

    OVER = "over"
    UNCLEAR = "unclear"
    LEFT = "left"
    UNWATCHED = "unwatched"
    SCHEDULE = "schedule"
    RELOAD = "reload"


class SignalState(StrEnum):
    """What is known of a number that something else publishes."""

    FRESH = "fresh"
    STALE = "stale"
    INVALID = "invalid"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class AlertChange:
    """An alert that began to fire, or was resolved.

    Attributes:
        resolved: which of the two.
        alert: the alert, as it then was.
        at: when.
        reason: why it was resolved; None where it began to fire.
        signal: what was known of the rule's outside signal; None where it has none.
    """

    resolved: bool
    alert: Alert
    at: Instant
    reason: Resolution | None = None
    signal: SignalState | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a rule stands on one camera.

    Attributes:
        alerts: the pending and firing ones, oldest first.
        silenced: whether it sends no alert events for now.
        silenced_until: when that ends; None where it is not silenced, or without an end.
        in_schedule: whether it watches at this hour.
        signal: what is known of its outside signals, the worst of them; None where it has none.
    """

    alerts: tuple[Alert, ...] = ()
    silenced: bool = False
    silenced_until: datetime | None = None
    in_schedule: bool = True
    signal: SignalState | None = None


class SignalKey(NamedTuple):
    """Where an outside number comes from.

    Attributes:
        topic: of the messages.
        steps: keys and indices on the way to the number in their payload; none, where the payload is the number.
    """

    topic: str
    steps: tuple[str | int, ...] = ()


class SignalValue(NamedTuple):
    """The newest of an outside number.

    Attributes:
        value: the number; None where the message had none in that place.
        mono: when it came, in monotonic seconds; None where that is not known, as for a retained message.
    """

    value: float | None
    mono: float | None
