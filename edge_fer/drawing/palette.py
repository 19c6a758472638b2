"""One colour for each emotion, wherever emotions are shown."""

from __future__ import annotations

from collections.abc import Mapping

from edge_fer.types import UNCERTAIN

__all__ = ["COLOURS", "rgb"]

#: Colours that people with the common colour blindnesses can tell apart (Okabe and Ito, 2008), and grey; `#rrggbb`.
COLOURS: Mapping[str, str] = {
    "happy": "#f0e442",
    "surprise": "#56b4e9",
    "neutral": "#e6e6e6",
    "sad": "#0072b2",
    "fear": "#cc79a7",
    "disgust": "#009e73",
    "angry": "#d55e00",
    UNCERTAIN: "#a0a0a0",
}


def rgb(label: str) -> tuple[int, int, int]:
    """The colour of an emotion as red, green and blue, 0 to 255; that of `uncertain` for a label that is not known."""
    red, green, blue = bytes.fromhex(COLOURS.get(label, COLOURS[UNCERTAIN]).removeprefix("#"))
    return red, green, blue
