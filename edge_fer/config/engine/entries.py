"""Entries: what was written in a layer, and where. Knows nothing of what the values mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

__all__ = ["Entry", "KeyPath", "Scalar", "Value", "dotted"]

KeyPath: TypeAlias = tuple[str | int, ...]
Scalar: TypeAlias = str | int | float | bool | None
Value: TypeAlias = "Scalar | tuple[Entry, ...] | Mapping[str, Entry]"


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that was written: a value, a list or a map.

    Attributes:
        value: a scalar, a tuple of entries, or entries by key.
        layer: where it was written: a file, or the name of what else.
        line: of the key, or of the item of a list, from 1; None where there are no lines.
        path: the key path at which it was written.
        written: the text, for a scalar whose value came out of the environment.
        off: switched off by name, its value kept for a higher layer that switches it on again.
    """

    value: Value
    layer: str
    line: int | None
    path: KeyPath
    written: str | None = None
    off: bool = False

    def __str__(self) -> str:
        """As people would write it on one line."""
        if self.off:
            return "false"
        if self.written is not None:
            return self.written
        if isinstance(self.value, Mapping):
            return f"{{{', '.join(f'{key}: {entry}' for key, entry in self.value.items())}}}"
        if isinstance(self.value, tuple):
            return f"[{', '.join(map(str, self.value))}]"
        return self.value if isinstance(self.value, str) else json.dumps(self.value)

    @property
    def children(self) -> Mapping[str, Entry]:
        """What a map holds; nothing, for what is no map."""
        return self.value if isinstance(self.value, Mapping) else {}

    def at(self, *keys: str) -> Entry | None:
        """The entry at a key path below this one, if there is one."""
        entry: Entry | None = self
        for key in keys:
            entry = entry.children.get(key) if entry else None
        return entry

    def with_children(self, children: Mapping[str, Entry]) -> Entry:
        """The same map with some of its entries replaced."""
        return replace(self, value={**self.children, **children})

    @property
    def origin(self) -> str:
        """Where it was written, in words."""
        return self.layer if self.line is None else f"{self.layer}:{self.line}"

    def plain(self) -> Any:
        """The values alone, as dicts and lists, without what is switched off."""
        if isinstance(self.value, Mapping):
            return {key: entry.plain() for key, entry in self.value.items() if not entry.off}
        return [entry.plain() for entry in self.value] if isinstance(self.value, tuple) else self.value


def dotted(path: KeyPath) -> str:
    """A key path as one text: `cameras.front.size[0]`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
