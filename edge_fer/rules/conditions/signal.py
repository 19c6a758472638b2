"""A number that something else publishes is beyond a threshold."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from edge_fer.rules.conditions.finding import SCENE, Finding, Findings, Verdict
from edge_fer.rules.conditions.kind import ConditionKind, ConditionSection, Number
from edge_fer.rules.sight import Sight
from edge_fer.types import SignalKey, SignalState
from edge_fer.values.json_path import JsonPath, steps_of
from edge_fer.values.topic import PlainTopic
from edge_fer.values.units import DURATION, Seconds, refuse

__all__ = ["SIGNAL", "SignalCondition", "WhenSignal"]


class WhenSignal(ConditionSection):
    """A number that something else publishes over MQTT is beyond a threshold."""

    signal: PlainTopic = Field(description="The topic to subscribe to at our broker.", examples=["ward/bed-3/pulse"])
    path: JsonPath = Field(default="$", description="Where in its JSON payload the number stands; $ is the payload.")
    above: Number | None = Field(default=None, description="It holds above this.", examples=[120])
    below: Number | None = Field(default=None, description="It holds below this.", examples=[40], validate_default=True)
    max_age: Annotated[Seconds, DURATION.within(1, 86_400)] = Field(
        default=60.0, description="An older value is stale: nothing is known then."
    )

    @property
    def threshold(self) -> float:
        """`above` or `below`, whichever is given."""
        return self.above if self.above is not None else self.below or 0.0

    @field_validator("below")
    @classmethod
    def _one_threshold(cls, below: float | None, info: ValidationInfo) -> float | None:
        if "above" in info.data and (below is None) == (info.data["above"] is None):
            if below is None:
                refuse("is missing, and so is `above`", "Write one of the two, for example `above: 120`")
            refuse("is given, and so is `above`", "Keep one, or write two signals with `any`")
        return below


class SignalCondition:
    """The newest number of a source is above, or below, a threshold.

    One that is missing, too old or no number says nothing, and is told as such.

    Args:
        source: where it comes from.
        threshold: the number itself is not beyond it.
        above: whether it holds above the threshold, rather than below.
        max_age: seconds after which a number is stale.
    """

    stands_for = 0.0

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


def _key(when: WhenSignal) -> SignalKey:
    return SignalKey(when.signal, steps_of(when.path) or ())


def _condition(when: WhenSignal) -> SignalCondition:
    return SignalCondition(_key(when), when.threshold, above=when.above is not None, max_age=when.max_age)


SIGNAL = ConditionKind(
    key="signal",
    section=WhenSignal,
    make=lambda when, _: _condition(when),
    of_person=False,
    settable=frozenset({"above", "below", "max_age"}),
    labels=None,
    signal=_key,
    of_faces=False,
)
