"""What commands print: the one place, so that no text of others reaches a terminal as it came."""

from __future__ import annotations

from typing import Any, TextIO

from edge_fer.support.harmless import harmless, harmless_json

__all__ = ["say", "say_json", "say_ours"]


def say(line: str = "", *, out: TextIO | None = None) -> None:
    """Prints one line at once; what could begin another, or be heeded by a terminal, shows as an escape.

    Args:
        line: without a line break at its end.
        out: where to; standard output, if left out.
    """
    print(harmless(line), file=out, flush=True)


def say_json(content: Any) -> None:
    """Prints JSON, likewise."""
    say_ours(harmless_json(content, indent=2))


def say_ours(text: str) -> None:
    """Prints a text of several lines in which there is nothing of others, or nothing harmful any more."""
    print(text, flush=True)
