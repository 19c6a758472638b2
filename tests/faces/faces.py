"""Invented faces in a picture."""

from __future__ import annotations

from edge_fer.types import Box, Face, Keypoints

#: Where the face is in a head of 200 pixels, (x, y, side).
INSIDE = (36, 72, 112)


def face(x: float, y: float = 80, side: float = 200) -> Face:
    left, top, size = (value * side / 200 for value in INSIDE)
    eyes = (x + left + 30, y + top + 30), (x + left + 80, y + top + 30)
    points = Keypoints(*eyes, (x + left + 55, y + top + 55), (x + left + 55, y + top + 80))
    return Face(Box(x + left, y + top, size, size), 0.9, points)
