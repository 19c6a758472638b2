"""Everything that alert rules go by, at one instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from edge_fer.types import Instant, Reading, SignalKey, SignalValue, View

__all__ = ["Sight"]


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
        fresh: whether the readings are of this frame; False where it was left alone because nothing moved, so that
            those of the last one stand.
        stands: whether nothing but time has changed since the sight before: what each reading says, who is in view,
            and the view.
    """

    at: Instant
    readings: Sequence[Reading] = ()
    people: int = 0
    left: Sequence[str] = ()
    view: View | None = None
    samples: Mapping[SignalKey, SignalValue] = field(default_factory=dict)
    fresh: bool = True
    stands: bool = False
