"""The kinds of conditions that an alert may watch for; each is told by its first key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, TypeAlias

from pydantic import (
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
)

from edge_fer.config.section import Count, Section, Switch
from edge_fer.config.values.distinct import some_and_distinct
from edge_fer.config.values.json_path import JsonPath
from edge_fer.config.values.topic import PlainTopic
from edge_fer.config.values.units import DURATION, PositiveFraction, Seconds, refuse
from edge_fer.types import LABEL_NAMES

__all__ = [
    "PLAIN_KINDS",
    "ConditionSection",
    "Label",
    "WhenCrowd",
    "WhenDistress",
    "WhenEmotion",
    "WhenMorePeople",
    "WhenNoFace",
    "WhenSatisfaction",
    "WhenSignal",
    "WhenView",
    "WhenWorseThanUsual",
]

if TYPE_CHECKING:
    Label: TypeAlias = str
else:
    Label = Literal[LABEL_NAMES]
Labels: TypeAlias = Annotated[tuple[Label, ...], some_and_distinct("[angry, sad]")]
_LIST: Final[dict[str, JsonValue]] = {"minItems": 1, "uniqueItems": True}
Window: TypeAlias = Annotated[Seconds, DURATION.within(1, 86_400)]
Number: TypeAlias = Annotated[float, Field(strict=True)]


class ConditionSection(Section):
    """What all kinds have in common.

    Attributes:
        of_person: whether it is asked of each person, rather than of the scene as a whole.
    """

    of_person: ClassVar[bool] = False

    @model_serializer(mode="wrap")
    def _without_nothing(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in handler(self).items() if value is not None}


class WhenEmotion(ConditionSection):
    """A person shows emotions of a set."""

    of_person = True

    emotion: Labels = Field(
        description="The emotions whose scores are added up; at least one.",
        examples=[["angry", "sad"]],
        json_schema_extra=_LIST,
    )
    score: PositiveFraction = Field(default=0.6, description="The alert's condition holds from this sum on.")
    repeated: Annotated[Count, Field(ge=1, le=1000)] = Field(
        default=1, description="How many readings in a row must reach it; with more than 1, `for` is 0s if left out."
    )


class WhenCrowd(ConditionSection):
    """A share of the people in view shows emotions of a set."""

    crowd: Labels = Field(
        description="The emotions that count, where one of them leads; at least one.",
        examples=[["angry", "fear"]],
        json_schema_extra=_LIST,
    )
    share: PositiveFraction = Field(
        default=0.4, description="The share of the readable people, from which on it holds."
    )
    over: Window = Field(default=60.0, description="The time over which the share is taken.")
    min_people: Annotated[Count, Field(ge=1, le=1000)] = Field(
        default=5, description="With fewer people in view, on average over that time, it does not hold."
    )


class WhenNoFace(ConditionSection):
    """No face is in view."""

    no_face: Switch = Field(description="Write `true`; how long is said by `for`.", examples=[True])

    @field_validator("no_face")
    @classmethod
    def _on(cls, value: bool) -> bool:  # noqa: FBT001 - pydantic hands it so
        if not value:
            refuse("watches for nothing", "Write `true`, or `false` in place of the whole alert to switch it off")
        return value


class WhenMorePeople(ConditionSection):
    """More people are in view than so many."""

    more_people_than: Annotated[Count, Field(ge=0, le=1000)] = Field(
        description="It holds for more people than this.", examples=[10]
    )


class WhenView(ConditionSection):
    """The camera does not get to see what it should."""

    view: Annotated[
        tuple[Literal["dark", "covered", "washed_out", "moved"], ...], some_and_distinct("[angry, sad]")
    ] = Field(
        description="What is wrong with the picture as a whole; at least one.",
        examples=[["covered", "moved"]],
        json_schema_extra=_LIST,
    )


class WhenDistress(ConditionSection):
    """A person looks distressed, over a time."""

    of_person = True

    distress: Literal["moderate", "high"] = Field(
        description="The distress level from which on it holds.", examples=["high"]
    )
    over: Window = Field(default=300.0, description="The time over which the level is taken.")


class WhenSatisfaction(ConditionSection):
    """The people in view look less satisfied than a threshold, over a time."""

    satisfaction_below: Annotated[Number, Field(gt=0, le=100)] = Field(
        description="The satisfaction index below which it holds.", examples=[40]
    )
    over: Window = Field(default=900.0, description="The time over which the index is taken.")


class WhenWorseThanUsual(ConditionSection):
    """The people in view look worse than usual at this hour of the week."""

    worse_than_usual: Literal["satisfaction", "distress"] = Field(
        description="What is compared with its usual value.", examples=["satisfaction"]
    )
    by: Annotated[Number, Field(gt=0, le=10)] = Field(
        default=2.0, description="How many times the usual spread it must be off."
    )
    over: Window = Field(default=900.0, description="The time over which it is taken.")


class WhenSignal(ConditionSection):
    """A number that something else publishes over MQTT is beyond a threshold."""

    signal: PlainTopic = Field(description="The topic to subscribe to at our broker.", examples=["ward/bed-3/pulse"])
    path: JsonPath = Field(default="$", description="Where in its JSON payload the number stands; $ is the payload.")
    above: Number | None = Field(default=None, description="It holds above this.", examples=[120])
    below: Number | None = Field(default=None, description="It holds below this.", examples=[40], validate_default=True)
    max_age: Annotated[Seconds, DURATION.within(1, 86_400)] = Field(
        default=60.0, description="An older value is stale: nothing is known then."
    )

    @field_validator("below")
    @classmethod
    def _one_threshold(cls, below: float | None, info: ValidationInfo) -> float | None:
        if "above" in info.data and (below is None) == (info.data["above"] is None):
            if below is None:
                refuse("is missing, and so is `above`", "Write one of the two, for example `above: 120`")
            refuse("is given, and so is `above`", "Keep one, or write two signals with `any`")
        return below


#: Every kind of condition that may stand in a list of them, by the key that tells it.
PLAIN_KINDS: Final[Mapping[str, type[ConditionSection]]] = {
    "emotion": WhenEmotion,
    "crowd": WhenCrowd,
    "no_face": WhenNoFace,
    "more_people_than": WhenMorePeople,
    "view": WhenView,
    "distress": WhenDistress,
    "satisfaction_below": WhenSatisfaction,
    "worse_than_usual": WhenWorseThanUsual,
    "signal": WhenSignal,
}
