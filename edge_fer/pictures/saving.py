"""Where drawings of pictures go: one file, or a folder with one for each picture; never over the picture itself."""

from __future__ import annotations

import os
from pathlib import Path

import cv2

from edge_fer.errors import PictureError
from edge_fer.pictures.files import shown
from edge_fer.types import Image

__all__ = ["Drawings"]

#: What a drawing's name may end in, and how it is then written.
KINDS = {
    ".jpg": [cv2.IMWRITE_JPEG_QUALITY, 92],
    ".jpeg": [cv2.IMWRITE_JPEG_QUALITY, 92],
    ".png": [],
    ".webp": [cv2.IMWRITE_WEBP_QUALITY, 92],
}
_WRITABLE = "Name a file in a folder that you may write to"


class Drawings:
    """Writes drawings.

    Nothing of the original files but pixels gets into them: no place, time or camera.

    Args:
        out: a file whose name ends as one of `KINDS`; or a folder, which is made where it is not there.
        several: whether there may be more than one drawing, which then go into a folder.

    Raises:
        PictureError: a file of such a name cannot be written, or the folder cannot be made.
    """

    def __init__(self, out: Path, *, several: bool) -> None:
        self._folder = out if several or os.path.isdir(out) else None  # noqa: PTH112 - any name may be given
        self._file = out
        self._written: set[Path] = set()
        if self._folder is None and out.suffix.lower() not in KINDS:
            msg = f"the drawing {shown(out)} is of no kind that can be written"
            raise PictureError(msg, remedy=f"Let its name end in one of {', '.join(KINDS)}")
        if self._folder is not None:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                msg = f"{shown(out)} is no folder for drawings: {error.strerror}"
                raise PictureError(msg, remedy="Name a folder, for there may be several") from None

    def save(self, given: str, image: Image) -> None:
        """Writes one drawing.

        Args:
            given: the path of the picture that was drawn over; its name is the drawing's in a folder.
            image: RGB uint8 (height, width, 3).

        Raises:
            PictureError: it cannot be written, or would replace the picture.
        """
        path = self._file if self._folder is None else self._in(self._folder, given)
        if os.path.exists(given) and os.path.exists(path) and path.samefile(given):  # noqa: PTH110 - likewise
            msg = f"the drawing of {shown(given)} would replace it"
            raise PictureError(msg, remedy="Name another file or folder with --annotate")
        try:
            done, data = cv2.imencode(path.suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), KINDS[path.suffix.lower()])
        except cv2.error:
            done = False
        if not done:
            msg = f"the drawing {shown(path)} cannot be written: it is too large for its kind of file"
            raise PictureError(msg, remedy="Write it as .png")
        try:
            path.write_bytes(data.tobytes())
        except OSError as error:
            msg = f"the drawing {shown(path)} cannot be written: {error.strerror}"
            raise PictureError(msg, remedy=_WRITABLE) from None
        self._written.add(path)

    def _in(self, folder: Path, given: str) -> Path:
        """A name in the folder that no other drawing has."""
        name = Path(given).name.strip("-") or "picture"
        suffix = Path(name).suffix
        stem, suffix = (Path(name).stem, suffix) if suffix.lower() in KINDS else (name, ".jpg")
        path, number = folder / f"{stem}{suffix}", 1
        while path in self._written:
            number += 1
            path = folder / f"{stem}-{number}{suffix}"
        return path
