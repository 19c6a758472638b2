"""What the condition of an alert says, in plain words of a language. Pure, but for reading its texts once."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

__all__ = ["condition_words", "duration_words", "label_texts", "measured_numbers", "measured_words"]

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?) ?(ms|s|m|h|d)")
#: Conditions whose measured value is a fraction of 1.
_FRACTIONS: Final = frozenset({"emotion", "crowd", "distress"})


@cache
def label_texts(language: str) -> Mapping[str, str]:
    """The texts of a language by their keys: emotions (`label_…`), views (`view_…`), conditions (`when_…`)."""
    found: dict[str, str] = json.loads(
        files("edge_fer.values").joinpath("texts", f"{language}.json").read_text("utf-8")
    )
    return found


def condition_words(when: Any, language: str) -> str:
    """A condition in one phrase; one that is not known, as in the config.

    Args:
        when: as in the config, all defaults filled in.
        language: such as `en`.
    """
    t = label_texts(language)
    key = next(iter(when), "") if isinstance(when, Mapping) else ""
    if key in {"all", "any"}:
        return t["and" if key == "all" else "or"].join(condition_words(part, language) for part in when[key])
    text = _text_of(key, when[key], t) if key else ""
    if not text:
        return _as_written(when)
    said = {name: _said(name, value, language) for name, value in when.items()}
    phrase = text.format(first=said[key], **{name: value for name, value in said.items() if name != "repeated"})
    if key == "signal":
        bounds = [t[f"when_{one}"].format(first=said[one]) for one in ("above", "below") if when.get(one) is not None]
        phrase += t["or"].rstrip().join(bounds)
    repeated = when.get("repeated", 1)
    return phrase + (t["when_repeated"].format(first=repeated) if repeated > 1 else "")


def _text_of(key: str, value: Any, t: Mapping[str, str]) -> str:
    """The text of a kind of condition, which may have one for a single emotion, or for each word it may hold."""
    if key == "emotion" and len(value) > 1:
        return t["when_emotion_many"]
    return t.get(f"when_{key}") or t.get(f"when_{key}_{value}", "")


def measured_words(when: Any, value: float, threshold: float, language: str) -> str:
    """What is measured now, and against what; empty where that tells nobody anything."""
    said = measured_numbers(when, value, threshold, language)
    return label_texts(language)["measured"].format(value=said[0], threshold=said[1]) if said else ""


def measured_numbers(when: Any, value: float, threshold: float, language: str) -> tuple[str, str] | None:
    """What was measured, and against what, each with its unit; None where that tells nobody anything."""
    key = next(iter(when), "") if isinstance(when, Mapping) else ""
    if key in {"view", "no_face", "all", "any"}:
        return None
    first, second = [
        _percent(one) if key in _FRACTIONS else _number(round(one, 2), language) for one in (value, threshold)
    ]
    return first, second


def duration_words(written: str, language: str) -> str:
    """A duration, with a unit that people know."""
    found = _DURATION.fullmatch(str(written))
    return f"{_number(found[1], language)} {label_texts(language)[f'unit_{found[2]}']}" if found else str(written)


def _said(name: str, value: Any, language: str) -> str:
    """The value of one field of a condition."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        t = label_texts(language)
        kind = "view" if name == "view" else "label"
        *first, last = [t.get(f"{kind}_{one}", str(one)) for one in value]
        return f"{', '.join(first)}{t['or']}{last}" if first else last
    if name in {"score", "share"}:
        return _percent(value)
    return duration_words(value, language) if name == "over" else _number(value, language)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _number(value: Any, language: str) -> str:
    written = f"{value:g}" if isinstance(value, float) else str(value)
    return written.replace(".", ",") if language == "de" and re.fullmatch(r"-?\d+\.\d+", written) else written


def _as_written(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_as_written(inner)}" for key, inner in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " + ".join(_as_written(inner) for inner in value)
    return str(value)
