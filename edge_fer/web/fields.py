"""From the settings that the control socket tells to the fields of a form, and from what somebody types back. Pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["UNITS", "SettingView", "TypedError", "in_words", "plain_value", "settings_in", "value_of"]

#: The units in which durations are typed, as the config writes them.
UNITS: Final = ("s", "m", "h", "d")
#: What stands behind a number of each kind, in the config.
_SUFFIX: Final = {"pixels": "px", "angle": "deg"}
_OF_PROFILE: Final = re.compile(r"profile ([\w-]+)(?::\d+)?")
_WRITTEN: Final = re.compile(r"(-?\d+(?:\.\d+)?) ?([A-Za-z]*)")
_TYPED: Final = re.compile(r"(-?\d+(?:[.,]\d+)*)\s*([^\d\s]*)")
#: Units as people type them, and how the config writes them.
_MEANT: Final = {
    "ms": "ms",
    "s": "s",
    "sec": "s",
    "sek": "s",
    "m": "m",
    "min": "m",
    "h": "h",
    "std": "h",
    "d": "d",
    "t": "d",
    "px": "px",
    "deg": "deg",
    "°": "deg",
    "%": "%",
}


class TypedError(ValueError):
    """What somebody typed is no value; its text is the key of a sentence that says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingView:
    """One key of the config that may be set.

    Attributes:
        key: such as `alerts.unhappy-guest.for`.
        pattern: what it is, whatever the alert or camera is called, such as `alerts.*.for`.
        camera: of which camera alone; empty: of all.
        rule: of which alert; empty: of none.
        value: as in the config file.
        kind: duration, pixels, angle, fraction, whole, number, choice, or text.
        unit: of a duration, as in the config file; empty: it has none.
        least: the smallest number allowed; None: any.
        most: the largest; None: any.
        origin: which layer it comes from.
        is_set: whether it was set by command.
        about: what it is, from the schema; may be empty.
        choices: what it may be, where that is one of a few words.
    """

    key: str
    pattern: str
    camera: str
    rule: str
    value: str
    kind: str
    unit: str
    least: float | None
    most: float | None
    origin: str
    is_set: bool
    about: str
    choices: Sequence[str]

    @property
    def group(self) -> str:
        """Where it stands on the page."""
        return self.pattern.partition(".")[0]

    @property
    def profile(self) -> str:
        """The profile that it comes from; empty: it comes from elsewhere."""
        found = _OF_PROFILE.fullmatch(self.origin)
        return found[1] if found else ""

    @property
    def number(self) -> str:
        """The number of the value, or all of it where it is none; with a point."""
        found = _WRITTEN.fullmatch(self.value)
        return found[1] if found and self.kind not in {"choice", "text"} else self.value


def in_words(number: str, language: str) -> str:
    """A number as people of a language write it."""
    return number.replace(".", ",") if language == "de" and _WRITTEN.fullmatch(number) else number


def value_of(text: str, *, unit: str, setting: SettingView, language: str) -> Any:
    """The value of a setting, as in the config file, of what somebody typed.

    Args:
        text: such as `0.65`, `65 %`, `4`, `4 min`; in German also `0,65`.
        unit: that was chosen beside it, for a number without one.
        setting: what is set.
        language: of whoever typed it.

    Raises:
        TypedError: it is no such value.
    """
    if setting.kind in {"choice", "text"}:
        return plain_value(text)
    found = _TYPED.fullmatch(text.strip())
    if found is None or len(text) > 64:
        msg = "typed_number"
        raise TypedError(msg)
    number, typed = _number(found[1], language), _MEANT.get(found[2].lower(), found[2])
    if setting.kind == "duration":
        own = typed or unit or setting.unit or "s"
        if own not in {"ms", *UNITS}:
            msg = "typed_duration"
            raise TypedError(msg)
        return f"{number}{own}"
    if setting.kind in _SUFFIX:
        if typed not in {"", _SUFFIX[setting.kind]}:
            raise TypedError("typed_" + setting.kind)
        return f"{number}{_SUFFIX[setting.kind]}"
    if typed == "%" and setting.kind == "fraction":
        return round(float(number) / 100, 9)
    if typed:
        msg = "typed_number"
        raise TypedError(msg)
    return float(number) if "." in number else int(number)


def _number(text: str, language: str) -> str:
    """A number with a point, of one that somebody of a language typed."""
    point = "," if language == "de" else "."
    other = "." if language == "de" else ","
    marks = [mark for mark in text if mark in ".,"]
    # whoever copies a value of a config file types a point; but 1.500 may be meant as 1500
    grouped = other in marks and (len(text.rpartition(other)[2]) == 3 and not text.lstrip("-").startswith("0"))
    if len(marks) > 1 or grouped or (other in marks and language != "de"):
        raise TypedError("typed_point" if point == "." else "typed_comma")
    return text.replace(",", ".")


def plain_value(text: str) -> Any:
    """What a value means: numbers and switches as in JSON, everything else as text."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return found if isinstance(found, int | float | bool) and math.isfinite(found) else text


def settings_in(told: Mapping[str, Any]) -> list[SettingView]:
    """What may be set.

    Args:
        told: the result of `settings` with its schema.
    """
    # zones and hours are more than one value
    patterns = [one for one in told["settable"] if ".zones." not in one and not one.endswith(".schedule")]
    schema = told.get("schema", {})
    found = []
    for key, row in told["values"].items():
        parts = key.split(".")
        own = parts[2:] if parts[0] == "cameras" else parts
        pattern = next((one for one in patterns if _fits(own, one.split("."))), None)
        if pattern is None or isinstance(row["value"], dict | list):
            continue
        about = _described(schema, parts)
        value = "" if row["value"] is None else str(row["value"])
        written = _WRITTEN.fullmatch(value)
        found.append(
            SettingView(
                key=key,
                pattern=pattern,
                camera=parts[1] if parts[0] == "cameras" else "",
                rule=own[1] if own[0] == "alerts" else "",
                value=value,
                kind=about.get("kind", "text"),
                unit=written[2] if written and about.get("kind") == "duration" else "",
                least=about.get("least"),
                most=about.get("most"),
                origin=row["origin"],
                is_set=key in told["set"],
                about=about.get("description", ""),
                choices=[str(choice) for choice in about.get("enum", ())],
            )
        )
    return found


def _fits(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether a key is one of those that a pattern means: `*` is any name."""
    return len(parts) == len(pattern) and all(want in {"*", part} for part, want in zip(parts, pattern, strict=True))


def _described(schema: Mapping[str, Any], parts: Sequence[str]) -> Mapping[str, Any]:
    """What the schema says of a key; empty where it says nothing."""
    at: Mapping[str, Any] = schema
    for part in parts:
        for one in _options(schema, at):
            if part in one.get("properties", {}):
                at = one["properties"][part]
                break
            if isinstance(one.get("additionalProperties"), Mapping):
                at = one["additionalProperties"]
                break
        else:
            return {}
    options = list(_options(schema, at))
    choices = next((one["enum"] for one in options if "enum" in one), ())
    return {"description": at.get("description", ""), "enum": choices, **_kind_of(options, choices)}


def _kind_of(options: Sequence[Mapping[str, Any]], choices: Sequence[Any]) -> Mapping[str, Any]:
    """What kind of value it is, and its bounds where the schema tells them."""
    if choices:
        return {"kind": "choice"}
    for one in options:
        pattern = str(one.get("pattern", ""))
        for kind, mark in (("duration", "(?:ms|s|"), ("pixels", "(?:px)"), ("angle", "(?:deg)")):
            if mark in pattern:
                return {"kind": kind}
        if one.get("type") in {"number", "integer"}:
            least, most = one.get("minimum", one.get("exclusiveMinimum")), one.get("maximum")
            kind = "whole" if one["type"] == "integer" else "fraction" if most == 1 else "number"
            return {"kind": kind, "least": least, "most": most}
    return {"kind": "text"}


def _options(schema: Mapping[str, Any], at: Mapping[str, Any], depth: int = 6) -> Iterator[Mapping[str, Any]]:
    """What a part of the schema may be, with references followed."""
    if depth == 0:
        return
    if "$ref" in at:
        name = str(at["$ref"]).rpartition("/")[2]
        yield from _options(schema, schema.get("$defs", {}).get(name, {}), depth - 1)
    for kind in ("anyOf", "allOf", "oneOf"):
        for one in at.get(kind, ()):
            yield from _options(schema, one, depth - 1)
    yield at
