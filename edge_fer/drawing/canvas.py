"""Something to draw on: the few shapes that a timeline is made of, as SVG or as PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias
from xml.sax.saxutils import escape

import cv2
import numpy as np

from edge_fer.errors import TraceError

__all__ = ["Canvas", "PngCanvas", "SvgCanvas", "canvas_for"]

Point = tuple[float, float]


class SvgCanvas:
    """A picture as SVG, for browsers and paper.

    Args:
        width: in pixels.
        height: likewise.
    """

    def __init__(self, width: int, height: int) -> None:
        self._size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        self._shapes: list[str] = []
        self.rectangle(0, 0, width, height, "#ffffff")

    def rectangle(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """A filled rectangle."""
        self._shapes.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'
        )

    def line(self, points: Sequence[Point], colour: str, width: float = 1.0) -> None:
        """A line through points."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._shapes.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width:g}"/>')

    def text(self, x: float, y: float, text: str, colour: str = "#333333") -> None:
        """One line of text, whose foot begins at a point."""
        self._shapes.append(f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}">{escape(text)}</text>')

    def save(self, path: Path) -> None:
        """Writes the picture."""
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {self._size} font-family="sans-serif" font-size="12">'
        path.write_text("\n".join([head, *self._shapes, "</svg>"]) + "\n", encoding="utf-8")


class PngCanvas:
    """A picture as PNG, at twice the size, for where SVG is not shown. Letters beyond ASCII show as `?`.

    Args:
        width: in pixels.
        height: likewise.
    """

    _SCALE = 2

    def __init__(self, width: int, height: int) -> None:
        self._image = np.full((height * self._SCALE, width * self._SCALE, 3), 255, np.uint8)

    def rectangle(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """A filled rectangle."""
        (left, top), (right, bottom) = self._at(x, y), self._at(x + width, y + height)
        self._image[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = _bgr(colour)

    def line(self, points: Sequence[Point], colour: str, width: float = 1.0) -> None:
        """A line through points."""
        path = np.array([self._at(x, y) for x, y in points], np.int32)
        thick = max(1, round(width * self._SCALE))
        cv2.polylines(self._image, [path], isClosed=False, color=_bgr(colour), thickness=thick, lineType=cv2.LINE_AA)

    def text(self, x: float, y: float, text: str, colour: str = "#333333") -> None:
        """One line of text, whose foot begins at a point."""
        plain = text.encode("ascii", "replace").decode()
        font = cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(self._image, plain, self._at(x, y), font, 0.38 * self._SCALE, _bgr(colour), 1, cv2.LINE_AA)

    def save(self, path: Path) -> None:
        """Writes the picture."""
        _, data = cv2.imencode(".png", self._image)
        path.write_bytes(data.tobytes())

    def _at(self, x: float, y: float) -> tuple[int, int]:
        return round(x * self._SCALE), round(y * self._SCALE)


#: What a picture is drawn on; lengths in pixels from the top left, colours as `#rrggbb`.
Canvas: TypeAlias = SvgCanvas | PngCanvas


def canvas_for(path: Path, width: int, height: int) -> Canvas:
    """A canvas of the kind that the file's name asks for.

    Raises:
        TraceError: neither .svg nor .png.
    """
    kinds: dict[str, type[SvgCanvas | PngCanvas]] = {".svg": SvgCanvas, ".png": PngCanvas}
    kind = kinds.get(path.suffix.lower())
    if kind is None:
        msg = f"the picture {path} is neither .svg nor .png"
        raise TraceError(msg, remedy="Let its name end in one of the two")
    return kind(width, height)


def _bgr(colour: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return blue, green, red
