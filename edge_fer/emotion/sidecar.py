"""The sidecar: what a `.tflite` file does not say of itself, in a `.json` file of the same name beside it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from edge_fer.emotion.prior import check_shares
from edge_fer.errors import ModelError
from edge_fer.inference.runtime import Model, Tensor
from edge_fer.support.files import read_file
from edge_fer.types import CropFrame

__all__ = [
    "Crop",
    "Familiar",
    "Input",
    "ModelSidecar",
    "PictureSize",
    "Positive",
    "Prior",
    "Quantisation",
    "Sidecar",
    "SidecarPart",
    "beside",
    "crop_frame_of",
]

#: Bytes of the largest sidecar.
LARGEST = 1_000_000
_REMEDY = "Copy the model and its sidecar again; the two belong together"

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class SidecarPart(BaseModel):
    """A part of a sidecar: frozen, and refusing what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class PictureSize(SidecarPart):
    """The pixels that a model looks at.

    Attributes:
        width: pixels.
        height: pixels.
        range: what black and white are before quantisation.
    """

    width: Annotated[int, Field(ge=8, le=1024)]
    height: Annotated[int, Field(ge=8, le=1024)]
    range: Annotated[tuple[float, float], Field(strict=False)]

    @model_validator(mode="after")
    def _black_is_below_white(self) -> Self:
        low, high = self.range
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            msg = "black must be below white"
            raise ValueError(msg)
        return self


class Input(PictureSize):
    """What the emotion model looks at.

    Attributes:
        channels: 1, grey.
    """

    channels: Literal[1]


class BoxCrop(SidecarPart):
    """How a square face box maps to the input where there are no keypoints.

    Attributes:
        scale: side of the crop over the side of the box.
        shift_x: offset of the crop's centre from the box's, as a fraction of the box's side, to the right.
        shift_y: likewise, down.
    """

    scale: Annotated[float, Field(ge=0.25, le=4)]
    shift_x: Annotated[float, Field(ge=-1, le=1)]
    shift_y: Annotated[float, Field(ge=-1, le=1)]


class Crop(SidecarPart):
    """The canonical crop, as in `edge_fer.types.CropFrame`.

    Attributes:
        eyes: middle between the eyes, (x, y) as fractions of the input's sides.
        mouth: middle of the mouth, likewise.
        box: without keypoints.
    """

    eyes: Annotated[tuple[Fraction, Fraction], Field(strict=False)]
    mouth: Annotated[tuple[Fraction, Fraction], Field(strict=False)]
    box: BoxCrop


class Steps(SidecarPart):
    """How one tensor is quantised: real = scale · (step - zero_point)."""

    scale: Positive
    zero_point: Annotated[int, Field(ge=-128, le=127)]


class Quantisation(SidecarPart):
    """How the model's tensors are quantised.

    Attributes:
        input: the picture.
        output: the logits.
    """

    input: Steps
    output: Steps


class Prior(SidecarPart):
    """How often each emotion is expected; each a mapping of all labels to shares that add up to 1.

    Attributes:
        learned: for which the softmax of the calibrated logits is right.
        reference: for places of which nothing else is known; the scores are for these shares by default.
    """

    learned: dict[str, float]
    reference: dict[str, float]


class Familiar(SidecarPart):
    """What tells crops like those learned from all others.

    Attributes:
        energy: crops of a higher energy are unlike anything learned; see `edge_fer.emotion.classifier.energy`.
    """

    energy: Annotated[float, Field(allow_inf_nan=False)]


class ModelSidecar(SidecarPart):
    """What the sidecar of any model says.

    Attributes:
        format: of the sidecar itself.
        name: of the model, for people.
        quantisation: of its input and output.
        sha256: of the `.tflite` file, lower-case hexadecimal.
        scores: how good it is: set of pictures to measure to value.
    """

    format: Literal[1]
    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    quantisation: Quantisation
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    scores: dict[str, dict[str, float]] = {}

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads a sidecar.

        Raises:
            ModelError: the file is missing, unreadable, not JSON, or a field is missing, unknown or wrong.
        """
        try:
            text = read_file(path, LARGEST).decode("utf-8")
        except OSError as error:
            msg = f"{path}: cannot read the model's sidecar: {error.strerror}"
            raise ModelError(msg, remedy="A model needs its .json beside it, under the same name") from error
        except UnicodeDecodeError as error:
            msg = f"{path}: not a text file (byte {error.start})"
            raise ModelError(msg, remedy=_REMEDY) from error
        try:
            return cls.model_validate(json.loads(text))
        except (json.JSONDecodeError, RecursionError) as error:
            msg = f"{path}: not JSON: {error}"
            raise ModelError(msg, remedy=_REMEDY) from error
        except ValidationError as error:
            faults = "; ".join(_told(fault) for fault in error.errors())
            msg = f"{path}: {faults}"
            raise ModelError(msg, remedy=_REMEDY) from error

    def check(self, model: Model, path: Path, *, size: tuple[int, int, int], outputs: int) -> None:
        """Compares the sidecar, which came from `path`, with the model it describes.

        Args:
            model: the model.
            path: where the sidecar came from.
            size: height, width and channels of the input, as the sidecar says.
            outputs: how many numbers come out, likewise.

        Raises:
            ModelError: they do not belong together; names the field and both values.
        """
        _same(path, "input", (1, *size), model.input.shape)
        _same(path, "labels", (1, outputs), model.output.shape)
        _same_steps(path, "quantisation.input", self.quantisation.input, model.input)
        _same_steps(path, "quantisation.output", self.quantisation.output, model.output)


class Sidecar(ModelSidecar):
    """All that the daemon needs to know of the emotion model.

    Attributes:
        labels: of the outputs, in order.
        input: what the model looks at.
        crop: where a face sits in it.
        temperature: what logits are divided by before the softmax, so that scores can be taken at their word
            (Guo et al., "On Calibration of Modern Neural Networks", 2017).
        prior: the shares of emotions that it has learned, and those for which it is to be read; without it, scores are
            for the shares learned, whatever these were.
        familiar: tells what is unlike anything learned; without it, nothing is.
    """

    labels: Annotated[tuple[str, ...], Field(min_length=2, strict=False)]
    input: Input
    crop: Crop
    temperature: Positive
    prior: Prior | None = None
    familiar: Familiar | None = None

    @field_validator("prior")
    @classmethod
    def _shares_of_all_labels(cls, prior: Prior | None, info: ValidationInfo) -> Prior | None:
        if prior and "labels" in info.data:
            for name, shares in prior:
                try:
                    check_shares(shares, info.data["labels"])
                except ValueError as error:
                    msg = f"{name} {error}"
                    raise ValueError(msg) from None
        return prior

    @property
    def crop_frame(self) -> CropFrame:
        """The canonical crop, for those who cut faces out."""
        return crop_frame_of(self.crop)


def crop_frame_of(crop: Crop) -> CropFrame:
    """The canonical crop, for those who cut faces out."""
    box = crop.box
    return CropFrame(crop.eyes, crop.mouth, box.scale, (box.shift_x, box.shift_y))


def beside(model: Path) -> Path:
    """Where the sidecar of a model file is."""
    return model.with_suffix(".json")


def _told(fault: Any) -> str:
    """One of pydantic's faults in our words: field, fault and value."""
    where = ".".join(str(part) for part in fault["loc"]) or "the whole"
    value = "" if fault["type"] == "missing" else f", not {fault['input']!r:.60}"
    return f"{where}: {fault['msg'].removeprefix('Value error, ').lower()}{value}"


def _same(path: Path, field: str, told: tuple[int, ...], found: tuple[int, ...]) -> None:
    if told != found:
        msg = f"{path}: {field} makes a tensor of shape {told}, but the model's is {found}"
        raise ModelError(msg, remedy=_REMEDY)


def _same_steps(path: Path, field: str, told: Steps, found: Tensor) -> None:
    # The runtime keeps float32, the sidecar what that prints as.
    if told.zero_point != found.zero_point or not math.isclose(told.scale, found.scale, rel_tol=1e-5):
        msg = (
            f"{path}: {field} is scale {told.scale:g} and zero point {told.zero_point}, "
            f"but the model's is scale {found.scale:g} and zero point {found.zero_point}"
        )
        raise ModelError(msg, remedy=_REMEDY)
