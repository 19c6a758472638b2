"""From the config's `faces` to a face detector: one table, and what `auto` means."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edge_fer.config.tree import FacesSection
from edge_fer.errors import ModelError
from edge_fer.faces.detectors.port import FaceDetector
from edge_fer.faces.reading.quality import STILL_LARGE
from edge_fer.inference.catalogue import BLAZEFACE, YUNET
from edge_fer.inference.store import Store
from edge_fer.support.files import LARGEST_MODEL, read_file

__all__ = ["DETECTORS", "make_detector"]

# Each imports its own detector: only the one that is asked for is loaded.

# Detectors tell also of faces a little smaller than asked for, and the quality gate judges them: whoever steps back a
# little is read on or told as too small, and not lost. Haar does not: it would have to search one size more.

#: What `auto` means. Where its files are missing, that is an error: nobody gets a lesser one without asking for it.
_BEST = "blazeface"


def _blazeface(faces: FacesSection, store: Store) -> FaceDetector:
    from edge_fer.faces.detectors.blazeface import BlazeFaceDetector  # noqa: PLC0415

    files = {which: store.read(asset) for which, asset in BLAZEFACE.items() if faces.range in {"auto", which}}
    return BlazeFaceDetector(files, min_size=faces.min_size, leeway=STILL_LARGE, turns=faces.rotations)


def _haar(faces: FacesSection, _: Store) -> FaceDetector:
    from edge_fer.faces.detectors.haar import HaarDetector  # noqa: PLC0415

    return HaarDetector(min_size=faces.min_size)


def _mtcnn(faces: FacesSection, _: Store) -> FaceDetector:
    from edge_fer.faces.detectors.mtcnn import MtcnnDetector  # noqa: PLC0415

    return MtcnnDetector(min_size=faces.min_size, leeway=STILL_LARGE)


def _yunet(faces: FacesSection, store: Store) -> FaceDetector:
    from edge_fer.faces.detectors.yunet import YuNetDetector  # noqa: PLC0415

    if faces.model is None:
        return YuNetDetector(
            store.read(YUNET), file=str(store.path(YUNET)), min_size=faces.min_size, leeway=STILL_LARGE
        )
    try:
        content = read_file(faces.model, LARGEST_MODEL)
    except OSError as error:
        msg = f"`faces.model: {faces.model}` cannot be read: {error.strerror}"
        raise ModelError(msg, remedy="Check the path and its permissions") from error
    return YuNetDetector(content, file=str(faces.model), min_size=faces.min_size, leeway=STILL_LARGE)


DETECTORS: Mapping[str, Callable[[FacesSection, Store], FaceDetector]] = {
    "blazeface": _blazeface,
    "haar": _haar,
    "yunet": _yunet,
    "mtcnn": _mtcnn,
}


def make_detector(faces: FacesSection, store: Store) -> FaceDetector:
    """The detector that the config asks for.

    Args:
        faces: the section of one camera.
        store: where fetched model files are.

    Raises:
        ModelError: a model is missing or wrong.
    """
    if faces.detector != "auto":
        return DETECTORS[faces.detector](faces, store)
    try:
        return DETECTORS[_BEST](faces, store)
    except ModelError as error:
        remedy = (
            f"{error.remedy}; or write `faces: {{detector: haar}}` (-o faces.detector=haar), which needs no files, is "
            "slower and finds upright frontal faces only"
        )
        raise ModelError(error.message, remedy=remedy) from error
