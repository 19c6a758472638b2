"""What a condition finds: true, false or unknown, for the scene or for each person, with what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol, TypeAlias

from edge_fer.rules.sight import Sight
from edge_fer.types import SignalState

__all__ = [
    "ALWAYS",
    "SCENE",
    "Condition",
    "Finding",
    "Findings",
    "Subject",
    "Verdict",
    "all_of",
    "any_of",
    "tested",
    "worst",
]

#: Whom a finding is about: a person's track id, or `SCENE`.
Subject: TypeAlias = str | None
SCENE: Subject = None
#: Seconds for which findings stand that do not go by time.
ALWAYS = float("inf")
#: What is known of a signal, the best first.
_ORDER = tuple(SignalState)


class Verdict(Enum):
    """Whether a condition holds."""

    HOLDS = auto()
    FAILS = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Finding:
    """What a condition finds about one subject.

    Attributes:
        verdict: whether it holds.
        value: what was measured, in the threshold's unit; None where nothing was.
        threshold: what that is compared with.
        signal: what is known of the outside signal that was asked, if any.
    """

    verdict: Verdict
    value: float | None
    threshold: float
    signal: SignalState | None = None


Findings: TypeAlias = Mapping[Subject, Finding]


class Condition(Protocol):
    """One kind of condition. May keep what it needs of the past; is asked at every frame, in order.

    But while nothing except time has changed since it was asked, it need not be asked again for `stands_for`.
    """

    @property
    def stands_for(self) -> float:
        """Seconds for which its findings stand while nothing but time changes; 0 where any frame may change them."""

    def find(self, sight: Sight, /) -> Findings:
        """What it finds: about each person there is anything to say of, or about the scene."""


def tested(holds: bool | None, value: float | None, threshold: float) -> Finding:  # noqa: FBT001 - a verdict
    """A finding; None where nothing is known."""
    verdict = Verdict.UNKNOWN if holds is None else Verdict.HOLDS if holds else Verdict.FAILS
    return Finding(verdict, value, threshold)


def all_of(findings: Iterable[Finding]) -> Finding:
    """All hold: fails where one fails, and is unknown where one is unknown and none fails (Kleene's logic)."""
    return _combined(findings, (Verdict.FAILS, Verdict.UNKNOWN, Verdict.HOLDS))


def any_of(findings: Iterable[Finding]) -> Finding:
    """One holds: holds where one does, and is unknown where one is unknown and none holds (Kleene's logic)."""
    return _combined(findings, (Verdict.HOLDS, Verdict.UNKNOWN, Verdict.FAILS))


def _combined(findings: Iterable[Finding], order: tuple[Verdict, ...]) -> Finding:
    """The first finding of the verdict that comes first, with the worst that is known of any signal."""
    found = list(findings)
    first = min(found, key=lambda finding: order.index(finding.verdict))
    return Finding(first.verdict, first.value, first.threshold, worst(finding.signal for finding in found))


def worst(states: Iterable[SignalState | None]) -> SignalState | None:
    """The state that is furthest from fresh; None where there is none."""
    known = [state for state in states if state is not None]
    return max(known, key=_ORDER.index) if known else None
