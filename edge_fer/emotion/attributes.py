"""Further attributes of a person or of a picture: each has a model with its sidecar, and is read now and then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal, Protocol, Self

import numpy as np
from pydantic import Field, model_validator

from edge_fer.emotion.classifier import softmax
from edge_fer.emotion.preprocess import grey, quantise_table, resize
from edge_fer.emotion.sidecar import Crop, ModelSidecar, PictureSize, Positive, SidecarPart, beside, crop_frame_of
from edge_fer.emotion.smoothing import Smoothed
from edge_fer.errors import ModelError
from edge_fer.inference.runtime import Model
from edge_fer.types import UNCERTAIN, AttributeValue, CropFrame, Doubt, Face, Image, Scores, Track

__all__ = ["AttributeModel", "AttributeReader", "AttributeSidecar", "FaceAttribute", "PictureAttribute"]

#: The label under which a number goes through a smoother.
_NUMBER = "number"
#: Whose value that of a whole picture is.
_PICTURE = "picture"
#: Frames come at times that are sums: so much too early is in time, in seconds.
_IN_TIME = 1e-6


class AttributeInput(PictureSize):
    """What the model looks at.

    Attributes:
        channels: 1, grey; 3, red, green and blue.
    """

    channels: Literal[1, 3]


class NumberRange(SidecarPart):
    """The numbers that a model tells.

    Attributes:
        low: the lowest.
        high: the highest.
        step: a smaller change is not worth telling.
    """

    low: Annotated[float, Field(allow_inf_nan=False)]
    high: Annotated[float, Field(allow_inf_nan=False)]
    step: Positive

    @model_validator(mode="after")
    def _low_is_below_high(self) -> Self:
        if not self.low < self.high:
            msg = "low must be below high"
            raise ValueError(msg)
        return self


class AttributeSidecar(ModelSidecar):
    """All that edge-fer needs to know of an attribute's model; it has either `labels` or a `range`.

    Attributes:
        input: what the model looks at.
        labels: of the outputs, in order, where the model tells labels.
        range: of the one output, where the model tells a number: the output, dequantised.
        crop: where a face sits in the input; needed where the model looks at faces.
        temperature: what logits are divided by before the softmax; for labels.
    """

    input: AttributeInput
    labels: Annotated[tuple[str, ...], Field(min_length=2, max_length=100, strict=False)] | None = None
    range: NumberRange | None = None
    crop: Crop | None = None
    temperature: Positive = 1.0

    @model_validator(mode="after")
    def _labels_or_a_range(self) -> Self:
        if (self.labels is None) == (self.range is None):
            msg = "there must be either labels or a range"
            raise ValueError(msg)
        if self.labels and (UNCERTAIN in self.labels or len(set(self.labels)) < len(self.labels)):
            msg = f"labels must be distinct, and none may be {UNCERTAIN}"
            raise ValueError(msg)
        return self


class AttributeModel:
    """A model, its sidecar, and the way from a picture to scores or to a number. Not for two threads at once.

    Attributes:
        sidecar: what is known of the model.
    """

    def __init__(self, model: Model, sidecar: AttributeSidecar) -> None:
        """Takes a model and a sidecar that belong together; `load` sees to that."""
        self.sidecar = sidecar
        self._model = model
        self._size = (sidecar.input.width, sidecar.input.height)
        steps = sidecar.quantisation.input
        self._table = quantise_table(sidecar.input.range, steps.scale, steps.zero_point)

    @classmethod
    def load(cls, path: Path, *, of_faces: bool, threads: int = 1) -> Self:
        """Loads a model.

        Args:
            path: the `.tflite` file, with its sidecar beside it.
            of_faces: whether it shall look at faces.
            threads: CPU threads for one run.

        Raises:
            ModelError: model or sidecar is missing, damaged, does not match the other, or says nothing of faces.
            RuntimeMissingError: there is no TFLite runtime.
        """
        sidecar = AttributeSidecar.load(beside(path))
        model = Model.load(path, sha256=sidecar.sha256, threads=threads)
        size = sidecar.input
        outputs = len(sidecar.labels) if sidecar.labels else 1
        sidecar.check(model, beside(path), size=(size.height, size.width, size.channels), outputs=outputs)
        if of_faces and sidecar.crop is None:
            msg = f"{beside(path)}: crop is missing, which says where a face sits in the model's input"
            raise ModelError(msg, remedy="Add it, or write `looks_at: picture`")
        return cls(model, sidecar)

    @property
    def crop_frame(self) -> CropFrame:
        """Where a face must sit in a crop; of a model of whole pictures, anywhere."""
        return crop_frame_of(self.sidecar.crop) if self.sidecar.crop else CropFrame((0.5, 0.35), (0.5, 0.75))

    def read(self, image: Image, /) -> Scores:
        """The calibrated probability of each label; of a model of numbers, the number alone, as the smoothers take it.

        Args:
            image: RGB uint8 (height, width, 3) of any size.
        """
        seen = resize(grey(image) if self.sidecar.input.channels == 1 else image, self._size)
        steps = self.sidecar.quantisation.output
        told = (self._model.invoke(self._table[seen])[0].astype(np.float64) - steps.zero_point) * steps.scale
        if self.sidecar.range is not None:
            return {_NUMBER: min(max(float(told[0]), self.sidecar.range.low), self.sidecar.range.high)}
        scores = softmax((told / self.sidecar.temperature).tolist())
        return dict(zip(self.sidecar.labels or (), scores, strict=True))


class _Smoother(Protocol):
    """Makes a steady value of single ones; see `edge_fer.emotion.smoothing`."""

    def update(self, track_id: str, scores: Scores | None, mono: float, /) -> Smoothed | None: ...
    def forget(self, track_id: str, /) -> None: ...


class AttributeReader:
    """Reads one attribute of each of those it is shown, not more often than it should, and keeps what it read.

    It keeps a value for each person in view, so whoever leaves must be forgotten.

    Attributes:
        name: of the attribute.
        model: what is asked.

    Args:
        name: of the attribute.
        model: what is asked.
        smoother: steadies what it says; of its own.
        every: seconds between two readings of the same person or scene, at least.
        min_confidence: a leading label that scores lower is `UNCERTAIN`, 0 to 1.
    """

    def __init__(
        self, name: str, model: AttributeModel, *, smoother: _Smoother, every: float, min_confidence: float
    ) -> None:
        self.name = name
        self.model = model
        self._smoother = smoother
        self._every = every
        self._min_confidence = min_confidence
        self._values: dict[str, AttributeValue] = {}
        self._read_at: dict[str, float] = {}

    def observe(self, who: str, mono: float, look: Callable[[], Image]) -> None:
        """Reads the attribute, if it is time for that.

        Args:
            who: whose it is.
            mono: monotonic seconds.
            look: gives what the model is to look at; only called if it is time.
        """
        before = self._read_at.get(who)
        if before is not None and mono - before < self._every - _IN_TIME:
            return
        self._read_at[who] = mono
        smoothed = self._smoother.update(who, self.model.read(look()), mono)
        if smoothed is not None:
            self._values[who] = self._value(smoothed, self._values.get(who))

    def value(self, who: str) -> AttributeValue | None:
        """What is known; None where nothing was read yet."""
        return self._values.get(who)

    def forget(self, who: str) -> None:
        """Forgets a person who left; no harm if unknown."""
        self._smoother.forget(who)
        self._values.pop(who, None)
        self._read_at.pop(who, None)

    def _value(self, smoothed: Smoothed, before: AttributeValue | None) -> AttributeValue:
        numbers = self.model.sidecar.range
        if numbers is not None:
            number = smoothed.scores[_NUMBER]
            if before is not None and abs(number - float(before.value)) < numbers.step:
                return before
            return AttributeValue(number)
        confidence = smoothed.scores[smoothed.label]
        if confidence < self._min_confidence:
            return AttributeValue(UNCERTAIN, confidence, smoothed.scores, Doubt.UNCLEAR)
        return AttributeValue(smoothed.label, confidence, smoothed.scores)


class FaceAttribute:
    """An attribute of a person, read from their face.

    Args:
        reader: reads it.
        crop: cuts a face out of a picture as the reader's model wants it.
    """

    def __init__(self, reader: AttributeReader, crop: Callable[[Image, Face], Image]) -> None:
        self._reader = reader
        self._crop = crop

    @property
    def name(self) -> str:
        """The attribute's."""
        return self._reader.name

    def observe(self, image: Image, people: Sequence[Track], mono: float, /) -> None:
        """Looks at people whose faces can be read in a picture."""
        for person in people:
            self._reader.observe(person.id, mono, lambda face=person.face: self._crop(image, face))  # type: ignore[misc]

    def value(self, track_id: str, /) -> AttributeValue | None:
        """What is known of a person."""
        return self._reader.value(track_id)

    def forget(self, track_id: str, /) -> None:
        """Forgets a person who left."""
        self._reader.forget(track_id)


class PictureAttribute:
    """An attribute of what a camera sees as a whole.

    Args:
        reader: reads it.
    """

    def __init__(self, reader: AttributeReader) -> None:
        self._reader = reader

    @property
    def name(self) -> str:
        """The attribute's."""
        return self._reader.name

    def observe(self, image: Image, mono: float, /) -> None:
        """Looks at a picture."""
        self._reader.observe(_PICTURE, mono, lambda: image)

    @property
    def value(self) -> AttributeValue | None:
        """What is known."""
        return self._reader.value(_PICTURE)

    def forget(self) -> None:
        """Forgets it, because nobody looks for now."""
        self._reader.forget(_PICTURE)
