"""What a sink is: one interface for whatever hears what a camera's pipeline says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from edge_fer.pipeline.step import Told
from edge_fer.types import Instant

__all__ = ["BaseSink", "SinkHealth", "SinkPort"]


@dataclass(frozen=True, slots=True)
class SinkHealth:
    """How a sink is doing.

    Attributes:
        working: whether it takes what it is told.
        faults: how often it failed since the start.
        problem: what keeps it from its work, without secrets; empty where nothing does, or nobody knows.
    """

    working: bool = True
    faults: int = 0
    problem: str = ""


class SinkPort(Protocol):
    """Hears what cameras' pipelines say, as far as the privacy filter lets it.

    `begin`, `tell` and `online` are called from the threads of all cameras, and must return soon: a sink that waits for
    a disk or a network has a queue and a thread of its own.
    """

    def open(self) -> None:
        """Begins, before any camera does. EdgeFerError: it cannot work, and the daemon must not start without it."""

    def begin(self, camera: str, rules: Iterable[str], at: Instant) -> None:
        """How a camera stands before its first frame: offline, and without alerts; `rules` it may tell of."""

    def tell(self, camera: str, told: Told) -> None:
        """What one step of a camera's pipeline tells."""

    def online(self, camera: str, online: bool, at: Instant) -> None:  # noqa: FBT001 - handed on as it comes
        """Whether a camera delivers frames."""

    def health(self) -> SinkHealth:
        """How it is doing; from any thread."""

    def close(self) -> None:
        """Ends, soon; after all cameras have."""


class BaseSink:
    """A sink that hears nothing: others say what they want to hear."""

    def open(self) -> None:
        """Nothing to begin."""

    def begin(self, camera: str, rules: Iterable[str], at: Instant) -> None:
        """Not heard."""

    def tell(self, camera: str, told: Told) -> None:
        """Not heard."""

    def online(self, camera: str, online: bool, at: Instant) -> None:  # noqa: FBT001 - as a sink is told
        """Not heard."""

    def health(self) -> SinkHealth:
        """All is well."""
        return SinkHealth()

    def close(self) -> None:
        """Nothing to end."""
