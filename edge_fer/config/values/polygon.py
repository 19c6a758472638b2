"""Outlines that people draw as lists of corners, and what can be wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TypeAlias

from edge_fer.config.values.units import Fraction, refuse

__all__ = ["Corner", "checked_polygon"]

#: x and y, as fractions of the picture's width and height, from the top left.
Corner: TypeAlias = tuple[Fraction, Fraction]

#: Far more than an outline needs, and few enough to compare each side with each other.
MOST_CORNERS = 100


def checked_polygon(corners: tuple[Corner, ...]) -> tuple[Corner, ...]:
    """The corners, where they are an outline around some part of the picture.

    Raises:
        PydanticCustomError: they are too few or too many, two in a row are the same, or sides cross or touch. What
            is inside of an outline that crosses itself is a matter of taste, and zones are no place for that.
    """
    if not 3 <= len(corners) <= MOST_CORNERS:
        remedy = f"Write from 3 to {MOST_CORNERS} corners, for example `[[0, 0], [0.4, 0], [0.4, 1], [0, 1]]`"
        refuse("has too few corners" if len(corners) < 3 else "has too many corners", remedy)
    doubles = [(index,) for index, corner in enumerate(corners) if corner == corners[index - 1]]
    if doubles:
        # the first corner, where the last one repeats it: the outline closes by itself
        refuse("is the same as the corner before it", "Name each corner once; the outline closes by itself", at=doubles)
    sides = [(corner, corners[(index + 1) % len(corners)]) for index, corner in enumerate(corners)]
    for (first, one), (second, other) in combinations(enumerate(sides), 2):
        neighbours = second - first in {1, len(sides) - 1}
        if _folded(one, other) if neighbours else _meet(one, other):
            place = f"between its corners {first + 1} and {second + 1}"
            refuse(f"crosses or touches itself {place}", "List the corners in order around the zone")
    return corners


def _turn(a: Sequence[float], b: Sequence[float], c: Sequence[float]) -> float:
    """Above 0 where the way from a over b to c turns one way, below where the other, 0 where straight or back."""
    cross = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    # corners are written with a few decimals: what is left beyond them is rounding
    return 0.0 if abs(cross) < 1e-12 else cross


def _folded(one: tuple[Corner, Corner], other: tuple[Corner, Corner]) -> bool:
    """Whether two sides with a common corner lie on one another."""
    (common,) = {*one} & {*other} if len({*one, *other}) == 3 else (None,)
    if common is None:
        return True
    (a,), (b,) = {*one} - {common}, {*other} - {common}
    back = sum((p - c) * (q - c) for p, q, c in zip(a, b, common, strict=True)) > 0
    return _turn(a, common, b) == 0 and back


def _meet(one: tuple[Corner, Corner], other: tuple[Corner, Corner]) -> bool:
    """Whether two sides have a point in common."""
    (a, b), (c, d) = one, other
    ends = _turn(a, b, c), _turn(a, b, d), _turn(c, d, a), _turn(c, d, b)
    if ends[0] * ends[1] < 0 and ends[2] * ends[3] < 0:
        return True
    touching = zip(ends, ((a, b, c), (a, b, d), (c, d, a), (c, d, b)), strict=True)
    return any(turn == 0 and _between(*points) for turn, points in touching)


def _between(a: Corner, b: Corner, point: Corner) -> bool:
    """Whether a point on the line through a and b lies from the one to the other."""
    return all(min(p, q) <= r <= max(p, q) for p, q, r in zip(a, b, point, strict=True))
