"""What every face detector can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from edge_fer.types import Box, Face, Image

__all__ = ["FaceDetector", "FaceLooker"]


class FaceDetector(Protocol):
    """Finds faces in one picture, with no memory of earlier ones.

    An instance may keep scratch space, so each thread has its own.
    """

    @property
    def name(self) -> str:
        """What the config and `info` call it."""
        ...

    def detect(self, image: Image) -> list[Face]:
        """Finds the faces.

        Args:
            image: RGB uint8 (H, W, 3) of any size from one pixel on, contiguous or not; not changed.

        Returns:
            The faces, largest first. Boxes are in pixels of `image` and follow the common convention of `Face`,
            whatever the detector itself draws: a square from brows to chin, in a frontal face the eyes at a fifth and
            the mouth at two thirds of its height, in the middle across. They may reach beyond the edges.
        """
        ...


@runtime_checkable
class FaceLooker(Protocol):
    """Finds faces where they are expected, at less than what a search of the whole picture costs."""

    @property
    def most_places(self) -> int:
        """At more places than this, a search costs less; 0 where no face is looked at alone."""
        ...

    def look(self, image: Image, places: Sequence[Box], /) -> list[Face] | None:
        """Finds one face at each place.

        Args:
            image: as for `FaceDetector.detect`.
            places: boxes of the faces that are expected, in its pixels.

        Returns:
            The faces in the order of the places; None where one was not found.
        """
        ...
