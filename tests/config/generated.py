"""What is made from the config's types: run `python -m tests.config.generated` after changing them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edge_fer.config.engine.layers import PER_CAMERA
from edge_fer.config.engine.walk import allowed, inner_section, keys_of, kinds_of
from edge_fer.config.output.default import default_yaml
from edge_fer.config.output.writing import inline, written
from edge_fer.config.tree import CameraSection, Config, Section

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = ROOT / "deploy" / "config.yaml"
PAGE = ROOT / "docs" / "config.md"
BEGIN, END = "<!-- settings: begin -->\n", "<!-- settings: end -->\n"


def page() -> str:
    """The page with its table made anew."""
    text = PAGE.read_text(encoding="utf-8")
    before, after = text[: text.index(BEGIN) + len(BEGIN)], text[text.index(END) :]
    head = "| key | default | values | |\n|---|---|---|---|\n"
    return before + head + "".join(_rows(Config, "")) + after


def _rows(section: type[Section], path: str) -> Iterator[str]:
    defaults = written(section.model_construct())
    for key, info in keys_of(section).items():
        inner, by_name = inner_section(info)
        here = f"{path}{key}"
        if section is CameraSection and key in PER_CAMERA:
            yield f"| `{here}` | | | {info.description} |\n"
        elif inner:
            yield from _rows(inner, f"{here}.<name>." if by_name else f"{here}.")
        else:
            default = defaults.get(key)
            shown = "" if default is None or info.default_factory else f"`{inline(default)}`"
            yield f"| `{here}` | {shown} | {allowed(info)} | {info.description} |\n"
            for kind in kinds_of(info).values():
                yield from _rows(kind, f"{here}.")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    INSTALLED.write_text(default_yaml(commented=True), encoding="utf-8")
