"""What every face detector can do."""

from __future__ import annotations

from typing import Protocol

from edge_fer.types import Face, Image

__all__ = ["FaceDetector"]


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
