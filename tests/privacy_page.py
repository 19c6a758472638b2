"""Makes the table of sinks in `docs/privacy.md`: `python -m tests.privacy_page` after changing the registry."""

from __future__ import annotations

from pathlib import Path

from edge_fer.sinks.policy import Content, Policy
from edge_fer.sinks.registry import SINKS, SinkRow

PAGE = Path(__file__).resolve().parents[1] / "docs" / "privacy.md"
BEGIN, END = "<!-- sinks: begin -->\n", "<!-- sinks: end -->\n"


def page() -> str:
    """The page with its table made anew."""
    text = PAGE.read_text(encoding="utf-8")
    before, after = text[: text.index(BEGIN) + len(BEGIN)], text[text.index(END) :]
    head = "| sink | | may get | with `events: off` | keeps | sends |\n|---|---|---|---|---|---|\n"
    return before + head + "".join(_row(row) for row in SINKS) + after


def _row(row: SinkRow) -> str:
    limited = Policy({row.name: row.right}, events=False)
    words = [_words(row.right.always), _words(limited.allowed(row.name, 0.0))]
    return f"| `{row.name}` | {row.about} | {' | '.join(words)} | {row.keeps} | {row.sends} |\n"


def _words(contents: frozenset[Content]) -> str:
    return ", ".join(content for content in Content if content in contents) or "nothing"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
