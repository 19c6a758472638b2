"""What is wrong with a config: each fault with its place, value and remedy, and all of them as one error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from edge_fer.errors import ConfigError
from edge_fer.support.harmless import harmless
from edge_fer.support.redact import redacted

__all__ = ["ConfigFaults", "Fault"]

#: Longest value that a fault repeats.
_LONGEST_VALUE: Final = 60


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        layer: the file, or the name of what else was being read.
        line: counted from 1; None where there are no lines.
        path: the key path, such as `cameras.front.fps`; empty for a layer as a whole.
        value: what was given, as it was written; None where nothing was.
        problem: what is wrong with it, as a phrase that follows the value.
        remedy: what to do about it.
    """

    layer: str
    line: int | None
    path: str
    value: str | None
    problem: str
    remedy: str

    def __str__(self) -> str:
        place = self.layer if self.line is None else f"{self.layer}:{self.line}"
        what = "" if self.value is None else f" `{_shortened(redacted(self.value))}`"
        subject = f"{self.path}{':' if what else ''}{what} " if self.path else ""
        end = "" if self.remedy.endswith("?") else "."
        return harmless(f"{place}: {subject}{self.problem}. {self.remedy}{end}")


class ConfigFaults(ConfigError):  # noqa: N818 - it is several
    """Everything that is wrong with the configuration.

    Args:
        faults: at least one.
    """

    has_lines = True

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        count = "a fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        super().__init__("\n  ".join([f"the configuration has {count}:", *map(str, self.faults)]))


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
