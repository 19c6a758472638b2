"""How faces are found, followed, and judged."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from edge_fer.config.section import Count, Section
from edge_fer.config.values.distinct import some_and_distinct
from edge_fer.config.values.units import ANGLE, DURATION, PIXELS, Degrees, Fraction, Pixels, Seconds

__all__ = ["FaceQualitySection", "FacesSection", "Rotation"]

Level: TypeAlias = Annotated[int, Field(strict=True, ge=0, le=255)]


def _no_switch(value: object) -> object:
    """Python takes false for 0; here it is as wrong as any text."""
    return str(value) if isinstance(value, bool) else value


Rotation: TypeAlias = Annotated[Literal[0, 90, 180, 270], BeforeValidator(_no_switch)]
Rotations: TypeAlias = Annotated[tuple[Rotation, ...], some_and_distinct("[0, 90, 270]", "each rotation")]


class FaceQualitySection(Section):
    """How good a face must be to be read; a worse one is uncertain."""

    min_sharpness: Fraction = Field(
        default=0.02, description="How much of a face's contrast must be in its edges; 0 reads blurred ones too."
    )
    min_brightness: Level = Field(
        default=40, description="Grey level that the bright parts of a face must reach; 0 reads dark ones too."
    )
    max_brightness: Level = Field(
        default=230, description="Grey level above which its dark parts are overexposed; 255 reads all but white ones."
    )
    min_inside: Fraction = Field(
        default=0.9,
        description="How much of brows, eyes, nose and mouth must be inside the picture; 0 reads cut off ones too.",
    )
    max_yaw: Annotated[Degrees, ANGLE.within(0, 180)] = Field(
        default=45.0,
        description="How far it may be turned to the side, where the detector tells; 180deg reads all it finds.",
    )


class FacesSection(Section):
    """How faces are found and followed."""

    detector: Literal["auto", "blazeface", "haar", "yunet", "mtcnn"] = Field(
        default="auto",
        description="What finds faces; auto is blazeface, whose files `edge-fer models fetch` fetches.",
    )
    range: Literal["auto", "short", "full"] = Field(
        default="auto",
        description="How far away people may be (blazeface only): short for faces that fill a seventh of the picture "
        "and more, full for up to five metres; auto goes by `min_size` and the picture's size.",
    )
    rotations: Rotations = Field(
        default=(0,),
        description="Degrees clockwise by which pictures are turned to look for faces (blazeface only); "
        "[0, 90, 270] finds people who lie, and takes three times as long.",
        json_schema_extra={"minItems": 1, "uniqueItems": True},
    )
    model: Path | None = Field(
        default=None,
        description="Another model file than the fetched one (yunet only).",
        examples=["/etc/edge-fer/yunet.onnx"],
    )
    min_size: Annotated[Pixels, PIXELS.within(16, 4096)] = Field(
        default=48, description="Faces narrower than this are not read; smaller finds people farther away, slower."
    )
    confirm: Annotated[Count, Field(ge=1, le=30)] = Field(
        default=3, description="How many times a face must be found before it counts as a person."
    )
    keep_lost_for: Annotated[Seconds, DURATION.within(0, 60)] = Field(
        default=1.0, description="How long a person whose face is not found is still waited for."
    )
    detect_every: Annotated[Seconds, DURATION.within(0, 2)] = Field(
        default=0.3,
        description="How often faces are searched for while something moves, known ones being followed in between; "
        "0s searches every picture.",
    )
    rest_every: Annotated[Seconds, DURATION.within(0, 10)] = Field(
        default=2.0,
        description="How often faces are searched for while nothing moves; 0s takes everything for moving.",
    )
    quality: FaceQualitySection = Field(default=FaceQualitySection(), description="How good a face must be to be read.")
    lifeless_after: Annotated[Seconds, DURATION.within(0, 86_400)] = Field(
        default=120.0,
        description="A face that has not changed at all for so long is a picture, and no person; 0s believes all.",
    )
