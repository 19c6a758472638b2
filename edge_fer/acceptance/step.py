"""What one step of the acceptance finds, and all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeAlias

__all__ = ["FORMAT", "Ending", "Figure", "Result", "StepResult", "as_json", "failed", "passed", "skipped", "warned"]

#: Of the JSON; a new number when a field changes its meaning.
FORMAT: Final = 1
Figure: TypeAlias = float | int | str | bool | None


class Ending(StrEnum):
    """How a step ended."""

    PASSED = "passed"
    WARNED = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step.

    Attributes:
        name: what was looked at.
        outcome: how it ended.
        what: what was found, as a phrase without anything private.
        figures: what was measured, by names with their units.
    """

    name: str
    outcome: Ending
    what: str
    figures: Mapping[str, Figure] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """All steps, and what they were done with.

    Attributes:
        version: of edge-fer.
        date: of the day, as 2026-01-31.
        quick: whether the times were too short to say anything of the device.
        machine: board, system and the like, by name; no name of the host, no address, no serial number.
        camera: kind and size of its pictures.
        steps: in the order in which they were done.
    """

    version: str
    date: str
    quick: bool
    machine: Mapping[str, Figure]
    camera: Mapping[str, Figure]
    steps: tuple[StepResult, ...]

    @property
    def failures(self) -> int:
        """How many steps failed."""
        return sum(step.outcome is Ending.FAILED for step in self.steps)


def passed(name: str, what: str, **figures: Figure) -> StepResult:
    """The device does it."""
    return StepResult(name, Ending.PASSED, what, figures)


def warned(name: str, what: str) -> StepResult:
    """It does, and something should be looked at."""
    return StepResult(name, Ending.WARNED, what)


def failed(name: str, what: str, **figures: Figure) -> StepResult:
    """It does not."""
    return StepResult(name, Ending.FAILED, what, figures)


def skipped(name: str, why: str) -> StepResult:
    """It was not tried."""
    return StepResult(name, Ending.SKIPPED, why)


def as_json(result: Result) -> dict[str, Any]:
    """The result for programs."""
    return {
        "format": FORMAT,
        "edge_fer": result.version,
        "date": result.date,
        "quick": result.quick,
        "machine": dict(result.machine),
        "camera": dict(result.camera),
        "steps": [
            {"name": step.name, "outcome": step.outcome.value, "what": step.what, "figures": dict(step.figures)}
            for step in result.steps
        ],
    }
