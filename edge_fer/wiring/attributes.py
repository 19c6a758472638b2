"""From the config to what reads further attributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from edge_fer.config import tree as config
from edge_fer.emotion.attributes import AttributeModel, AttributeReader, FaceAttribute, PictureAttribute
from edge_fer.errors import ModelError
from edge_fer.faces.reading.crop import crop_face
from edge_fer.pipeline.ports import SmootherPort
from edge_fer.types import Face, Image

__all__ = ["make_attributes"]


def make_attributes(
    attributes: Mapping[str, config.Attribute], make_smoother: Callable[[config.SmoothingSection], SmootherPort]
) -> tuple[list[FaceAttribute], list[PictureAttribute]]:
    """Those of faces, and those of whole pictures.

    Args:
        attributes: by name.
        make_smoother: makes the smoother that a section asks for.

    Raises:
        ModelError: a model is missing or wrong.
    """
    of_faces, of_pictures = [], []
    for name, given in attributes.items():
        reader = AttributeReader(
            name,
            _model(name, given),
            smoother=make_smoother(given.smoothing),
            every=given.every,
            min_confidence=given.min_confidence,
        )
        if given.looks_at == "face":
            of_faces.append(FaceAttribute(reader, partial(_crop, reader.model)))
        else:
            of_pictures.append(PictureAttribute(reader))
    return of_faces, of_pictures


def _model(name: str, given: config.Attribute) -> AttributeModel:
    try:
        return AttributeModel.load(given.model, of_faces=given.looks_at == "face", threads=given.threads)
    except ModelError as error:
        msg = f"attribute {name}: {error.message}"
        raise ModelError(msg, remedy=error.remedy) from error


def _crop(model: AttributeModel, image: Image, face: Face) -> Image:
    """A face as the model wants it."""
    size = model.sidecar.input
    return crop_face(image, face, model.crop_frame, at_most=2 * max(size.width, size.height))
