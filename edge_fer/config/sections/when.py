"""What an alert watches for: a few kinds, each told by its first key, so that `when` reads as a sentence.

when: {emotion: [angry, sad], score: 0.6}
when: {no_face: true}
when: {all: [{emotion: [fear]}, {signal: ward/bed-3/pulse, above: 120}]}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeAlias

from pydantic import AfterValidator, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from edge_fer.config.sections.conditions import PLAIN_KINDS, ConditionSection
from edge_fer.config.values.units import refuse
from edge_fer.errors import did_you_mean

__all__ = ["KINDS", "When", "WhenAll", "WhenAny", "kind_in", "labels_in", "parts_of", "without_tags"]

#: What pydantic puts before the name of a kind in the place of a fault; no key holds it.
_TAG: Final = "\0"
_MOST_PARTS: Final = 8


def kind_in(value: object) -> str | None:
    """The kind that a `when` names: its key; None where it names none."""
    if isinstance(value, ConditionSection):
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

    kinds: Mapping[str, type[ConditionSection]]

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


#: Every kind by the key that tells it.
KINDS: Final[Mapping[str, type[ConditionSection]]] = {**PLAIN_KINDS, "all": WhenAll, "any": WhenAny}

When: TypeAlias = Annotated[ConditionSection, _OneOf(KINDS)]


def parts_of(when: ConditionSection) -> Iterator[tuple[tuple[str | int, ...], ConditionSection]]:
    """The plain conditions in a `when`, itself if it is one, each with its key path below it."""
    for key in ("all", "any"):
        for index, part in enumerate(getattr(when, key, ())):
            yield (key, index), part
    if not isinstance(when, WhenAll | WhenAny):
        yield (), when


def labels_in(when: ConditionSection) -> Iterator[tuple[tuple[str | int, ...], str]]:
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
