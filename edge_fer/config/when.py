"""What an alert watches for: a few kinds, each told by its first key, so that `when` reads as a sentence.

when: {emotion: [angry, sad], score: 0.6}
when: {no_face: true}
when: {all: [{emotion: [fear]}, {signal: ward/bed-3/pulse, above: 120}]}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    Field,
    GetCoreSchemaHandler,
    JsonValue,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
)
from pydantic_core import CoreSchema, core_schema

from edge_fer.config.faults import did_you_mean
from edge_fer.config.json_path import JsonPath
from edge_fer.config.section import Count, Section, Switch
from edge_fer.config.units import DURATION, PositiveFraction, Seconds, refuse

__all__ = [
    "KINDS",
    "Kind",
    "Label",
    "When",
    "WhenAll",
    "WhenAny",
    "WhenCrowd",
    "WhenDistress",
    "WhenEmotion",
    "WhenMorePeople",
    "WhenNoFace",
    "WhenSatisfaction",
    "WhenSignal",
    "WhenView",
    "WhenWorseThanUsual",
    "kind_in",
    "labels_in",
    "parts_of",
    "without_tags",
]

Label: TypeAlias = Literal["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
#: What pydantic puts before the name of a kind in the place of a fault; no key holds it.
_TAG: Final = "\0"
_MOST_PARTS: Final = 8


def _some_and_distinct(items: tuple[str, ...]) -> tuple[str, ...]:
    if not items:
        refuse("is empty", "Write a list, for example `[angry, sad]`")
    twice = [(index,) for index, item in enumerate(items) if item in items[:index]]
    if twice:
        refuse("is in the list twice", "Name each once", at=twice)
    return items


Labels: TypeAlias = Annotated[tuple[Label, ...], AfterValidator(_some_and_distinct)]
_LIST: Final[dict[str, JsonValue]] = {"minItems": 1, "uniqueItems": True}
Window: TypeAlias = Annotated[Seconds, DURATION.within(1, 86_400)]
Number: TypeAlias = Annotated[float, Field(strict=True)]


class Kind(Section):
    """What all kinds have in common.

    Attributes:
        of_person: whether it is asked of each person, rather than of the scene as a whole.
    """

    of_person: ClassVar[bool] = False

    @model_serializer(mode="wrap")
    def _without_nothing(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in handler(self).items() if value is not None}


class WhenEmotion(Kind):
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


class WhenCrowd(Kind):
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


class WhenNoFace(Kind):
    """No face is in view."""

    no_face: Switch = Field(description="Write `true`; how long is said by `for`.", examples=[True])

    @field_validator("no_face")
    @classmethod
    def _on(cls, value: bool) -> bool:  # noqa: FBT001 - pydantic hands it so
        if not value:
            refuse("watches for nothing", "Write `true`, or `false` in place of the whole alert to switch it off")
        return value


class WhenMorePeople(Kind):
    """More people are in view than so many."""

    more_people_than: Annotated[Count, Field(ge=0, le=1000)] = Field(
        description="It holds for more people than this.", examples=[10]
    )


class WhenView(Kind):
    """The camera does not get to see what it should."""

    view: Annotated[
        tuple[Literal["dark", "covered", "washed_out", "moved"], ...], AfterValidator(_some_and_distinct)
    ] = Field(
        description="What is wrong with the picture as a whole; at least one.",
        examples=[["covered", "moved"]],
        json_schema_extra=_LIST,
    )


class WhenDistress(Kind):
    """A person looks distressed, over a time."""

    of_person = True

    distress: Literal["moderate", "high"] = Field(
        description="The distress level from which on it holds.", examples=["high"]
    )
    over: Window = Field(default=300.0, description="The time over which the level is taken.")


class WhenSatisfaction(Kind):
    """The people in view look less satisfied than a threshold, over a time."""

    satisfaction_below: Annotated[Number, Field(gt=0, le=100)] = Field(
        description="The satisfaction index below which it holds.", examples=[40]
    )
    over: Window = Field(default=900.0, description="The time over which the index is taken.")


class WhenWorseThanUsual(Kind):
    """The people in view look worse than usual at this hour of the week."""

    worse_than_usual: Literal["satisfaction", "distress"] = Field(
        description="What is compared with its usual value.", examples=["satisfaction"]
    )
    by: Annotated[Number, Field(gt=0, le=10)] = Field(
        default=2.0, description="How many times the usual spread it must be off."
    )
    over: Window = Field(default=900.0, description="The time over which it is taken.")


class WhenSignal(Kind):
    """A number that something else publishes over MQTT is beyond a threshold."""

    signal: Annotated[str, Field(min_length=1)] = Field(
        description="The topic to subscribe to at our broker.", examples=["ward/bed-3/pulse"]
    )
    path: JsonPath = Field(default="$", description="Where in its JSON payload the number stands; $ is the payload.")
    above: Number | None = Field(default=None, description="It holds above this.", examples=[120])
    below: Number | None = Field(default=None, description="It holds below this.", examples=[40], validate_default=True)
    max_age: Annotated[Seconds, DURATION.within(1, 86_400)] = Field(
        default=60.0, description="An older value is stale: nothing is known then."
    )

    @field_validator("signal")
    @classmethod
    def _plain_topic(cls, topic: str) -> str:
        if any(sign in topic for sign in "+#"):
            refuse("has a wildcard", "Name one topic, without `+` and `#`")
        if topic.startswith(("$", "/")) or topic.endswith("/") or len(topic.encode(errors="replace")) > 256:
            refuse("is no topic to subscribe to", "Write it as `level/level`, 256 bytes at most, and not with a `$`")
        return topic

    @field_validator("below")
    @classmethod
    def _one_threshold(cls, below: float | None, info: ValidationInfo) -> float | None:
        if "above" in info.data and (below is None) == (info.data["above"] is None):
            if below is None:
                refuse("is missing, and so is `above`", "Write one of the two, for example `above: 120`")
            refuse("is given, and so is `above`", "Keep one, or write two signals with `any`")
        return below


_PLAIN: Final[Mapping[str, type[Kind]]] = {
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


def kind_in(value: object) -> str | None:
    """The kind that a `when` names: its key; None where it names none."""
    if isinstance(value, Kind):
        return next(key for key, kind in KINDS.items() if isinstance(value, kind))
    return next((key for key in value if key in KINDS), None) if isinstance(value, Mapping) else None


def _tag(value: object) -> str | None:
    """The kind, or the one that the keys belong to although its own is missing."""
    kind = kind_in(value)
    if kind is None and isinstance(value, Mapping):
        kind = next((name for name, kind in KINDS.items() if value and value.keys() <= kind.model_fields.keys()), None)
    return None if kind is None else f"{_TAG}{kind}"


@dataclass(frozen=True)
class _OneOf:
    """One kind out of some, told by its key; stands in `Annotated`."""

    kinds: Mapping[str, type[Kind]]

    def _check(self, value: object) -> object:
        """Refuses what names no kind, or more than one."""
        if isinstance(value, Kind):
            return value
        if not isinstance(value, Mapping):
            problem = "has no value" if value is None else "is not a section"
            refuse(problem, "Write what to watch for, for example `{emotion: [angry, sad]}`")
        named = [key for key in value if key in KINDS]
        if len(named) > 1:
            remedy = "Watch for one thing, or put both in a list after `all` or `any`"
            refuse(f"does not go together with `{named[0]}`", remedy, at=[(key,) for key in named[1:]])
        if named and named[0] not in self.kinds:
            refuse("cannot stand in such a list", "Write plain conditions into it", at=[(named[0],)])
        if _tag(value) is None:
            choose = f"Choose one of {', '.join(self.kinds)}"
            strange = [str(key) for key in value if not any(key in kind.model_fields for kind in KINDS.values())]
            if strange:
                refuse("is no key of ours", did_you_mean(strange[0], self.kinds) or choose, at=[(strange[0],)])
            refuse("names nothing to watch for", choose)
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        choices = {f"{_TAG}{name}": handler.generate_schema(kind) for name, kind in self.kinds.items()}
        return core_schema.no_info_before_validator_function(
            self._check, core_schema.tagged_union_schema(choices, discriminator=_tag)
        )


#: A condition that stands alone, or in a list of them.
Plain: TypeAlias = Annotated[Kind, _OneOf(_PLAIN)]


def _a_few(parts: tuple[Plain, ...]) -> tuple[Plain, ...]:
    if not 2 <= len(parts) <= _MOST_PARTS:
        refuse("has not two or more conditions", f"Write a list of 2 to {_MOST_PARTS} conditions")
    return parts


Parts: TypeAlias = Annotated[tuple[Plain, ...], AfterValidator(_a_few)]
_PARTS_EXAMPLE: Final = [[{"emotion": ["fear", "sad"]}, {"signal": "ward/bed-3/pulse", "above": 120}]]


class WhenAll(Kind):
    """Several conditions hold at once."""

    all: Parts = Field(description="The conditions, each as it would stand alone.", examples=_PARTS_EXAMPLE)


class WhenAny(Kind):
    """At least one of several conditions holds."""

    any: Parts = Field(description="The conditions, each as it would stand alone.", examples=_PARTS_EXAMPLE)


#: Every kind by the key that tells it.
KINDS: Final[Mapping[str, type[Kind]]] = {**_PLAIN, "all": WhenAll, "any": WhenAny}

When: TypeAlias = Annotated[Kind, _OneOf(KINDS)]


def parts_of(when: Kind) -> Iterator[tuple[tuple[str | int, ...], Kind]]:
    """The plain conditions in a `when`, itself if it is one, each with its key path below it."""
    for key in ("all", "any"):
        for index, part in enumerate(getattr(when, key, ())):
            yield (key, index), part
    if not isinstance(when, WhenAll | WhenAny):
        yield (), when


def labels_in(when: Kind) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """The emotions that a `when` names, each with its key path below it."""
    for path, part in parts_of(when):
        for key in ("emotion", "crowd"):
            for index, label in enumerate(getattr(part, key, ())):
                yield (*path, key, index), label


def without_tags(location: tuple[str | int, ...]) -> tuple[tuple[str | int, ...], str | None]:
    """The key path in the place of a fault, as pydantic tells it, and the innermost kind on the way to it."""
    tags = [part for part in location if isinstance(part, str) and part.startswith(_TAG)]
    kind = tags[-1].removeprefix(_TAG) if tags else None
    return tuple(part for part in location if part not in tags), kind
