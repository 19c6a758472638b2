"""What was read in pictures, for people: a few lines each, with bars, coloured where that can be seen."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TextIO

from edge_fer.drawing.palette import rgb
from edge_fer.pictures.faces import FaceReading, PictureReading, percent, value_in_words
from edge_fer.types import EMOTION, UNCERTAIN

__all__ = ["Style", "lines"]

#: Width of a full bar, in characters.
BAR = 24
#: An eighth of a character, two eighths and so on.
EIGHTHS = "▏▎▍▌▋▊▉█"
#: The levels of red, green and blue that the 216 colours are made of which every terminal has.
CUBE = (0, 95, 135, 175, 215, 255)


class Style:
    """What a terminal, or what else is written into, can show.

    Args:
        out: what is written into.
        environ: the process's environment: NO_COLOR (no-color.org) and TERM=dumb mean no colours.
    """

    def __init__(self, out: TextIO, environ: Mapping[str, str] = os.environ) -> None:
        self._coloured = out.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
        self._fine = environ.get("COLORTERM") in {"truecolor", "24bit"}
        try:
            EIGHTHS.encode(out.encoding or "ascii")
            self._blocks = True
        except (LookupError, UnicodeEncodeError):
            self._blocks = False

    def bold(self, words: str) -> str:
        """The words, bold."""
        return f"\x1b[1m{words}\x1b[0m" if self._coloured else words

    def faint(self, words: str) -> str:
        """The words, faint."""
        return f"\x1b[2m{words}\x1b[0m" if self._coloured else words

    def bar(self, label: str, score: float) -> str:
        """A bar in the emotion's colour, as long as its score of 0 to 1; never longer than `BAR` characters."""
        eighths = round(score * BAR * 8)
        if self._blocks:
            drawn = EIGHTHS[-1] * (eighths // 8) + (EIGHTHS[eighths % 8 - 1] if eighths % 8 else "")
        else:
            drawn = "#" * round(score * BAR)
        return f"\x1b[38;{self._colour(label)}m{drawn}\x1b[0m" if self._coloured and drawn else drawn

    def _colour(self, label: str) -> str:
        red, green, blue = rgb(label)
        if self._fine:
            return f"2;{red};{green};{blue}"
        six = [min(range(6), key=lambda step: abs(CUBE[step] - level)) for level in (red, green, blue)]
        return f"5;{16 + 36 * six[0] + 6 * six[1] + six[2]}"


def lines(reading: PictureReading, style: Style, *, min_size: float) -> Iterator[str]:
    """What was read in one picture, line by line.

    Args:
        reading: of the picture.
        style: of what the lines go to.
        min_size: faces smaller than this were not looked for, in pixels.
    """
    height, width = reading.image.shape[:2]
    yield style.bold(reading.name) + style.faint(f"  {width} x {height} pixels")
    for note in reading.notes:
        yield f"  {note}"
    for name, known in reading.attributes.items():
        yield f"  {name}: {value_in_words(known)}"
    if not reading.faces:
        yield f"  no face of at least {min_size:g} pixels was found"
    for number, face in enumerate(reading.faces, start=1):
        yield _head(number, face, style)
        for label, score in sorted(face.scores.items(), key=lambda scored: scored[1], reverse=True):
            yield f"    {label:<9}{percent(score):>6}  {style.bar(label, score)}".rstrip()
        for name, known in face.attributes.items():
            if name != EMOTION:
                yield f"    {name}: {value_in_words(known)}"


def _head(number: int, face: FaceReading, style: Style) -> str:
    label = style.bold(face.label)
    told = label if face.label == UNCERTAIN else f"{label} {percent(face.confidence)}"
    reasons = [fault.replace("_", " ") for fault in face.quality.faults] or ([str(face.doubt)] if face.doubt else [])
    why = f": {', '.join(reasons)}" if reasons else ""
    box = face.face.box
    where = f"{box.width:.0f} pixels wide at {box.x:.0f}, {box.y:.0f}"
    return f"  face {number}: {told}{why}{style.faint(f'  quality {face.quality.value:.2f}, {where}')}"
