"""What an alert watches for: a few kinds, each told by its first key, so that `when` reads as a sentence.

when: {emotion: [angry, sad], score: 0.6}
when: {no_face: true}
when: {all: [{emotion: [fear]}, {signal: ward/bed-3/pulse, above: 120}]}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeAlias

from pydantic import AfterValidator, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from edge_fer.errors import did_you_mean
from edge_fer.rules.conditions.combined import Combined
from edge_fer.rules.conditions.finding import Condition, all_of, any_of
from edge_fer.rules.conditions.kind import ConditionKind, ConditionSection, Means
from edge_fer.rules.conditions.registry import PLAIN_KINDS
from edge_fer.types import SignalKey
from edge_fer.values.units import refuse

__all__ = [
    "KINDS",
    "PARTS",
    "When",
    "WhenAll",
    "WhenAny",
    "condition_of",
    "is_of_faces",
    "is_of_people",
    "kind_in",
    "labels_in",
    "parts_of",
    "signals_in",
    "without_tags",
]

#: What pydantic puts before the name of a kind in the place of a fault; no key holds it.
_TAG: Final = "\0"
_MOST_PARTS: Final = 8


def kind_in(value: object) -> str | None:
    """The kind that a `when` names: its key; None where it names none."""
    if isinstance(value, ConditionSection):
        return _kind_of(value).key
    return next((key for key in value if key in KINDS), None) if isinstance(value, Mapping) else None


def _tag(value: object) -> str | None:
    """The kind, or the one that the keys belong to although its own is missing."""
    kind = kind_in(value)
    if kind is None and isinstance(value, Mapping):
        fields = {name: kind.section.model_fields.keys() for name, kind in KINDS.items()}
        kind = next((name for name, keys in fields.items() if value and value.keys() <= keys), None)
    return None if kind is None else f"{_TAG}{kind}"


@dataclass(frozen=True)
class _OneOf:
    """One kind out of some, told by its key; stands in `Annotated`."""

    kinds: Mapping[str, ConditionKind[Any]]

    def _check(self, value: object) -> object:
        """Refuses what names no kind, or more than one."""
        if isinstance(value, ConditionSection):
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
            known = {key for kind in KINDS.values() for key in kind.section.model_fields}
            strange = [str(key) for key in value if key not in known]
            if strange:
                refuse("is not a known setting", did_you_mean(strange[0], self.kinds) or choose, at=[(strange[0],)])
            refuse("names nothing to watch for", choose)
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        choices = {f"{_TAG}{name}": handler.generate_schema(kind.section) for name, kind in self.kinds.items()}
        return core_schema.no_info_before_validator_function(
            self._check, core_schema.tagged_union_schema(choices, discriminator=_tag)
        )


#: A condition that stands alone, or in a list of them.
Plain: TypeAlias = Annotated[ConditionSection, _OneOf(PLAIN_KINDS)]


def _a_few(parts: tuple[Plain, ...]) -> tuple[Plain, ...]:
    if not 2 <= len(parts) <= _MOST_PARTS:
        refuse("has not two or more conditions", f"Write a list of 2 to {_MOST_PARTS} conditions")
    return parts


Parts: TypeAlias = Annotated[tuple[Plain, ...], AfterValidator(_a_few)]
_PARTS_EXAMPLE: Final = [[{"emotion": ["fear", "sad"]}, {"signal": "ward/bed-3/pulse", "above": 120}]]


class WhenAll(ConditionSection):
    """Several conditions hold at once."""

    all: Parts = Field(description="The conditions, each as it would stand alone.", examples=_PARTS_EXAMPLE)


class WhenAny(ConditionSection):
    """At least one of several conditions holds."""

    any: Parts = Field(description="The conditions, each as it would stand alone.", examples=_PARTS_EXAMPLE)


def _parts(parts: Iterable[ConditionSection], means: Means) -> list[Condition]:
    return [condition_of(part, means) for part in parts]


ALL = ConditionKind(
    key="all",
    section=WhenAll,
    make=lambda when, means: Combined(_parts(when.all, means), all_of),
    of_person=False,
    settable=frozenset(),
    labels=None,
    signal=None,
    of_faces=False,
)
ANY = ConditionKind(
    key="any",
    section=WhenAny,
    make=lambda when, means: Combined(_parts(when.any, means), any_of),
    of_person=False,
    settable=frozenset(),
    labels=None,
    signal=None,
    of_faces=False,
)
#: The keys that hold a list of conditions.
PARTS: Final = (ALL.key, ANY.key)
#: Every kind by the key that tells it.
KINDS: Final[Mapping[str, ConditionKind[Any]]] = {**PLAIN_KINDS, ALL.key: ALL, ANY.key: ANY}

When: TypeAlias = Annotated[ConditionSection, _OneOf(KINDS)]


def _kind_of(when: ConditionSection) -> ConditionKind[Any]:
    return next(kind for kind in KINDS.values() if isinstance(when, kind.section))


def condition_of(when: ConditionSection, means: Means) -> Condition:
    """The condition that a `when` describes."""
    return _kind_of(when).make(when, means)


def parts_of(when: ConditionSection) -> Iterator[tuple[tuple[str | int, ...], ConditionSection]]:
    """The plain conditions in a `when`, itself if it is one, each with its key path below it."""
    for key in PARTS:
        for index, part in enumerate(getattr(when, key, ())):
            yield (key, index), part
    if not isinstance(when, WhenAll | WhenAny):
        yield (), when


def is_of_people(when: ConditionSection) -> bool:
    """Whether any part of a `when` is asked of each person."""
    return any(_kind_of(part).of_person for _, part in parts_of(when))


def is_of_faces(when: ConditionSection) -> bool:
    """Whether any part of a `when` goes by what faces show."""
    return any(_kind_of(part).of_faces for _, part in parts_of(when))


def signals_in(when: ConditionSection) -> Iterator[tuple[tuple[str | int, ...], SignalKey]]:
    """The outside numbers that a `when` asks for, each with the key path, below it, of the part that does."""
    for path, part in parts_of(when):
        if signal := _kind_of(part).signal:
            yield path, signal(part)


def labels_in(when: ConditionSection) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """The emotions that a `when` names, each with its key path below it."""
    for path, part in parts_of(when):
        if key := _kind_of(part).labels:
            for index, label in enumerate(getattr(part, key)):
                yield (*path, key, index), label


def without_tags(location: tuple[str | int, ...]) -> tuple[tuple[str | int, ...], str | None]:
    """The key path in the place of a fault, as pydantic tells it, and the innermost kind on the way to it."""
    tags = [part for part in location if isinstance(part, str) and part.startswith(_TAG)]
    kind = tags[-1].removeprefix(_TAG) if tags else None
    return tuple(part for part in location if part not in tags), kind
