"""Where a face will be next, guessed from where it has been."""

from __future__ import annotations

import math
from typing import Protocol

from edge_fer.types import Box

__all__ = ["Motion", "SteadyMotion"]


class Motion(Protocol):
    """The movement of one face; times are seconds on a clock that never jumps."""

    def observe(self, box: Box, mono: float) -> None:
        """Takes in where the face was found at a time not before the last one."""
        ...

    def predict(self, mono: float) -> Box:
        """Where the face should be found."""
        ...


class SteadyMotion:
    """A constant velocity, measured so that a detector's jitter hardly shows in it.

    The velocity is that of a g-h filter with fading memory (Brookner, "Tracking and Kalman Filtering Made Easy", 1998,
    section 1.2.6): a straight line through past centres, older ones counting less and less, whatever the frame rate.
    It starts at rest. The box itself is taken as last found, and its size as constant: people come nearer slowly
    compared with the frame rate. A prediction stops at a horizon, so that somebody who was missed while turning round
    is waited for near by, and not at the far end of the room.

    Args:
        box: where the face was found first.
        mono: when, seconds.
        memory: how long the past counts, seconds; above 0.
        horizon: the longest time to predict over, seconds.
    """

    def __init__(self, box: Box, mono: float, *, memory: float = 0.3, horizon: float = 0.5) -> None:
        self._box = box
        self._mono = mono
        self._centre = complex(*box.centre)
        self._velocity = 0j
        self._memory = memory
        self._horizon = horizon

    @property
    def velocity(self) -> tuple[float, float]:
        """Of the box's centre, pixels a second, to the right and down."""
        return self._velocity.real, self._velocity.imag

    def observe(self, box: Box, mono: float) -> None:
        """Takes in where the face was found at a time not before the last one."""
        elapsed = mono - self._mono
        self._box = box
        if elapsed <= 0:
            return
        kept = math.exp(-elapsed / self._memory)
        expected = self._centre + self._velocity * elapsed
        surprise = complex(*box.centre) - expected
        self._centre = expected + (1 - kept**2) * surprise
        self._velocity += (1 - kept) ** 2 * surprise / elapsed
        self._mono = mono

    def predict(self, mono: float) -> Box:
        """Where the face should be found."""
        moved = self._velocity * min(max(mono - self._mono, 0.0), self._horizon)
        return Box(self._box.x + moved.real, self._box.y + moved.imag, self._box.width, self._box.height)
