"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from edge_fer.errors import EdgeFerError

__all__ = ["CheckResult", "State", "fault", "good", "of_error", "skipped", "warning"]


class State(StrEnum):
    """How a thing is."""

    GOOD = "good"
    WARNING = "warning"
    FAULT = "fault"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check found.

    Attributes:
        name: what was looked at.
        state: how it is.
        what: what was found, as a phrase.
        remedy: what to do about it, as an imperative sentence; empty where nothing need be done.
    """

    name: str
    state: State
    what: str
    remedy: str = ""


def good(name: str, what: str) -> CheckResult:
    """All is well."""
    return CheckResult(name, State.GOOD, what)


def warning(name: str, what: str, remedy: str) -> CheckResult:
    """It works, but not for sure, or not as well as it could."""
    return CheckResult(name, State.WARNING, what, remedy)


def fault(name: str, what: str, remedy: str) -> CheckResult:
    """It does not work."""
    return CheckResult(name, State.FAULT, what, remedy)


def skipped(name: str, why: str) -> CheckResult:
    """It was not looked at."""
    return CheckResult(name, State.SKIPPED, why)


def of_error(name: str, error: EdgeFerError) -> CheckResult:
    """The fault that an error of ours tells of."""
    return fault(name, error.message, error.remedy)
