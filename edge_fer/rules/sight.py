"""Everything that alert rules go by, at one instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from edge_fer.types import Instant, Reading, View

__all__ = ["Sample", "Sight", "Source"]


class Source(NamedTuple):
    """Where an outside number comes from.

    Attributes:
        topic: of the messages.
        steps: keys and indices on the way to the number in their payload; none, where the payload is the number.
    """

    topic: str
    steps: tuple[str | int, ...] = ()


class Sample(NamedTuple):
    """The newest of an outside number.

    Attributes:
        value: the number; None where the message had none in that place.
        mono: when it came, in monotonic seconds; None where that is not known, as for a retained message.
    """

    value: float | None
    mono: float | None


@dataclass(frozen=True, slots=True)
class Sight:
    """What one frame says, after everything else has looked at it.

    Attributes:
        at: when it was captured.
        readings: one for each person found in it.
        people: how many are in view, those that the detector missed in this frame included.
        left: ids of the people given up with it.
        view: what the camera gets to see at all; None where that is not known.
        samples: the newest of each outside number.
    """

    at: Instant
    readings: Sequence[Reading] = ()
    people: int = 0
    left: Sequence[str] = ()
    view: View | None = None
    samples: Mapping[Source, Sample] = field(default_factory=dict)
