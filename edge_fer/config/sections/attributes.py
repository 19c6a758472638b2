"""A further attribute that is read of people, or of what a camera sees as a whole, with a model of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from edge_fer.config.sections.emotion import SmoothingSection
from edge_fer.types import EMOTION
from edge_fer.values.section import Count, Name, Section
from edge_fer.values.units import DURATION, Fraction, Seconds, refuse

__all__ = ["MOST_ATTRIBUTES", "Attribute", "checked_attributes"]

#: More would leave no time for faces.
MOST_ATTRIBUTES = 8


class Attribute(Section):
    """One further attribute, and the model that reads it."""

    model: Path = Field(
        description="The model: a .tflite file with its .json beside it.", examples=["/etc/edge-fer/mask.tflite"]
    )
    looks_at: Literal["face", "picture"] = Field(
        default="face",
        description="Whether the model looks at each face, and tells of a person, or at the whole picture.",
        examples=["face"],
    )
    every: Annotated[Seconds, DURATION.within(0, 3600)] = Field(
        default=1.0, description="How long a value stands before the model is asked again; 0s: in every frame."
    )
    min_confidence: Fraction = Field(
        default=0.5, description="A leading label that scores lower than this is told as uncertain (labels only)."
    )
    smoothing: SmoothingSection = Field(
        default=SmoothingSection(), description="How single readings become a steady value; of numbers, a mean."
    )
    threads: Annotated[Count, Field(ge=1, le=4)] = Field(
        default=1, description="How many processor cores the model may use."
    )

    @field_validator("model")
    @classmethod
    def _is_a_model_file(cls, model: Path) -> Path:
        if model.suffix == ".json":
            refuse("is the sidecar of a model", "Name the .tflite file beside it")
        return model


def checked_attributes(attributes: dict[Name, Attribute]) -> dict[Name, Attribute]:
    """The attributes, none of which may be called as the one that is always read, and not too many."""
    if EMOTION in attributes:
        refuse("is read anyway", "Choose another name, or write about emotions under `emotion`", at=((EMOTION,),))
    if len(attributes) > MOST_ATTRIBUTES:
        refuse(f"are {len(attributes)}, and {MOST_ATTRIBUTES} at most can be read", "Switch some off")
    return attributes
