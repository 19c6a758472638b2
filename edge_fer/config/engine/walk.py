"""Walks over the tree of types: which keys a section has, and what stands below a key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from edge_fer.config.sections.exposure import FocusRange
from edge_fer.config.tree import Config, Section
from edge_fer.rules.conditions.kind import ConditionSection
from edge_fer.rules.conditions.when import KINDS, without_tags
from edge_fer.values.units import Quantity, Share

__all__ = ["BOUNDS", "allowed", "inner_section", "keys_of", "kinds_of", "owners_of", "section_at"]

#: Names of numeric bounds, and the words for them.
BOUNDS: Final = (("gt", "above"), ("ge", "at least"), ("lt", "below"), ("le", "at most"))

_IN_WORDS: Final[Mapping[Any, str]] = {bool: "true, false", Path: "a path", Path | None: "a path"}


def keys_of(section: type[Section]) -> dict[str, FieldInfo]:
    """A section's fields by the key that people write."""
    return {info.alias or name: info for name, info in section.model_fields.items()}


def inner_section(info: FieldInfo) -> tuple[type[Section] | None, bool]:
    """The section that a field holds, if any, and whether it holds many of them by name."""
    annotation = info.annotation
    if get_origin(annotation) is dict:
        return get_args(annotation)[1], True
    if isinstance(annotation, type) and issubclass(annotation, Section) and annotation is not ConditionSection:
        return annotation, False
    return None, False


def kinds_of(info: FieldInfo) -> Mapping[str, type[Section]]:
    """The sections that a field holds one of, by the key that tells which; none for most fields."""
    return {key: kind.section for key, kind in KINDS.items()} if info.annotation is ConditionSection else {}


def section_at(path: tuple[Any, ...]) -> type[Section] | None:
    """The section whose keys stand at a place as pydantic tells it; None where names or a value stand."""
    keys, kind = without_tags(path)
    if kind is not None:
        return KINDS[kind].section if path[-1] not in keys else None
    section: type[Section] | None = Config
    parts = iter(keys)
    for part in parts:
        info = keys_of(section).get(str(part)) if section else None
        if info is None:
            return None
        section, by_name = inner_section(info)
        if by_name and next(parts, None) is None:
            return None
    return section


def allowed(info: FieldInfo) -> str:
    """Which values a field takes, in words."""
    # of a field that may be left out, the limits stand at the type beside None
    beside_none = get_args(info.annotation) if type(None) in get_args(info.annotation) else ()
    limits = [*info.metadata, *(limit for part in beside_none for limit in get_args(part)[1:])]
    for limit in reversed(limits):
        if isinstance(limit, Quantity | Share | FocusRange):
            return limit.range
    bounds = [
        f"{words} {getattr(limit, name)}" for limit in info.metadata for name, words in BOUNDS if hasattr(limit, name)
    ]
    if bounds:
        return ", ".join(bounds)
    annotation = info.annotation
    if annotation is ConditionSection:
        return f"one of {', '.join(KINDS)}"
    if get_origin(annotation) is Literal:
        return ", ".join(map(str, get_args(annotation)))
    return "a list" if get_origin(annotation) is tuple else _IN_WORDS.get(annotation, "text")


def owners_of(key: str, section: type[Section] = Config, at: str = "") -> Iterator[str]:
    """The key paths of the sections that have a key, the global ones alone."""
    for name, info in keys_of(section).items():
        if name == key and at:
            yield at
        inner, by_name = inner_section(info)
        if inner and not by_name:
            yield from owners_of(key, inner, f"{at}.{name}".removeprefix("."))
