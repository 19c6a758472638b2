"""Values as people write them on one line of YAML."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from edge_fer.config.engine.reader import resolved

__all__ = ["inline", "written"]

_NEEDS_NO_QUOTES: Final = re.compile(r"[A-Za-z0-9/.][A-Za-z0-9/.:@_-]*(?<!:)")


def written(section: BaseModel, *, without: set[str] | None = None) -> dict[str, Any]:
    """A section's values by the keys that people write, with units."""
    return section.model_dump(mode="json", by_alias=True, exclude=without)


def inline(value: Any) -> str:
    """A plain value as YAML on one line, which reads back as the same value."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{inline(key)}: {inline(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(inline, value))}]"
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    if isinstance(value, str) and _NEEDS_NO_QUOTES.fullmatch(value) and resolved(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False, default=str)
