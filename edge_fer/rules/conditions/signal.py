"""A number that something else publishes is beyond a threshold."""

from __future__ import annotations

from edge_fer.rules.conditions.finding import SCENE, Finding, Findings, Verdict
from edge_fer.rules.sight import Sight
from edge_fer.types import SignalKey, SignalState

__all__ = ["SignalCondition"]


class SignalCondition:
    """The newest number of a source is above, or below, a threshold.

    One that is missing, too old or no number says nothing, and is told as such.

    Args:
        source: where it comes from.
        threshold: the number itself is not beyond it.
        above: whether it holds above the threshold, rather than below.
        max_age: seconds after which a number is stale.
    """

    def __init__(self, source: SignalKey, threshold: float, *, above: bool, max_age: float) -> None:
        self._source = source
        self._threshold = threshold
        self._above = above
        self._max_age = max_age

    def find(self, sight: Sight) -> Findings:
        """About the scene: the number."""
        sample = sight.samples.get(self._source)
        state, value = SignalState.FRESH, None if sample is None else sample.value
        if sample is None:
            state = SignalState.MISSING
        elif sample.value is None:
            state = SignalState.INVALID
        elif sample.mono is None or sight.at.mono - sample.mono > self._max_age:
            state = SignalState.STALE
        if state is not SignalState.FRESH or value is None:
            return {SCENE: Finding(Verdict.UNKNOWN, None, self._threshold, state)}
        beyond = value > self._threshold if self._above else value < self._threshold
        return {SCENE: Finding(Verdict.HOLDS if beyond else Verdict.FAILS, value, self._threshold, state)}
