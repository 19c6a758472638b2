"""One colour for each emotion, wherever emotions are shown."""

from __future__ import annotations

from collections.abc import Mapping

from edge_fer.types import LABELS, UNCERTAIN

__all__ = ["COLOURS", "DARK_COLOURS", "rgb"]

#: By label, the most pleasant first, and grey for `uncertain`; `#rrggbb`.
COLOURS: Mapping[str, str] = {
    **{label.name: label.colour for label in sorted(LABELS, key=lambda label: label.place)},
    UNCERTAIN: "#a0a0a0",
}
#: What is another colour on a dark page.
DARK_COLOURS: Mapping[str, str] = {label.name: label.dark_colour for label in LABELS if label.dark_colour}


def rgb(label: str) -> tuple[int, int, int]:
    """The colour of an emotion as red, green and blue, 0 to 255; that of `uncertain` for a label that is not known."""
    red, green, blue = bytes.fromhex(COLOURS.get(label, COLOURS[UNCERTAIN]).removeprefix("#"))
    return red, green, blue
