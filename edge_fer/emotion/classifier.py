"""Reads emotions from face crops with the packaged model, or another."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from edge_fer.emotion.preprocess import grey, quantise_table, resize
from edge_fer.emotion.prior import completed, logit_shift
from edge_fer.emotion.sidecar import Sidecar, beside
from edge_fer.errors import ModelError
from edge_fer.inference.runtime import Model
from edge_fer.types import CropFrame, Image, Scores

__all__ = ["EmotionClassifier", "energy", "packaged_model", "softmax"]


def packaged_model() -> Path:
    """The model file that comes with the package."""
    return Path(str(files("edge_fer.models") / "emotion.tflite"))


class EmotionClassifier:
    """A model, its sidecar, and the way from a picture to calibrated scores. Not for two threads at once.

    Attributes:
        sidecar: what is known of the model.
        model: what runs it.
        prior: the shares of emotions that its scores are for; None where the sidecar says nothing of them.
    """

    def __init__(self, model: Model, sidecar: Sidecar, *, prior: Mapping[str, float] | None = None) -> None:
        """Takes a model and a sidecar that belong together; `load` sees to that, and has the rest.

        Raises:
            ModelError: `prior` cannot be had of this model.
        """
        self.model = model
        self.sidecar = sidecar
        self.prior = _prior(sidecar, prior or {})
        self._shift = (
            logit_shift(sidecar.labels, learned=sidecar.prior.learned, place=self.prior)
            if sidecar.prior and self.prior
            else np.zeros(len(sidecar.labels))
        )
        self._size = (sidecar.input.width, sidecar.input.height)
        steps = sidecar.quantisation.input
        self._table = quantise_table(sidecar.input.range, steps.scale, steps.zero_point)
        self._scale = np.float32(sidecar.quantisation.output.scale)
        self._zero_point = np.float32(sidecar.quantisation.output.zero_point)

    @classmethod
    def load(
        cls,
        path: Path | None = None,
        *,
        threads: int = 1,
        runtime: str | None = None,
        prior: Mapping[str, float] | None = None,
    ) -> Self:
        """Loads a model.

        Args:
            path: the `.tflite` file, with its sidecar beside it; the packaged one if left out.
            threads: CPU threads for one run.
            runtime: one of `edge_fer.inference.runtime.RUNTIMES`; the first that can be imported if left out.
            prior: how often emotions are shown at the place: shares of some labels or of all; the others split the
                rest in the proportions of the sidecar's reference, which holds where this is left out.

        Raises:
            ModelError: model or sidecar is missing, damaged, or does not match the other; or `prior` cannot be had.
            RuntimeMissingError: there is no TFLite runtime.
        """
        path = packaged_model() if path is None else path
        try:
            path.stat()
        except OSError as error:
            msg = f"{path}: cannot read the model: {error.strerror}"
            remedy = "Check the path in `emotion.model`, or leave that out for the model that comes with edge-fer"
            raise ModelError(msg, remedy=remedy) from error
        sidecar = Sidecar.load(beside(path))
        model = Model.load(path, sha256=sidecar.sha256, threads=threads, runtime=runtime)
        size = sidecar.input
        sidecar.check(model, beside(path), size=(size.height, size.width, size.channels), outputs=len(sidecar.labels))
        return cls(model, sidecar, prior=prior)

    @property
    def labels(self) -> tuple[str, ...]:
        """The model's labels, in its order."""
        return self.sidecar.labels

    @property
    def crop_frame(self) -> CropFrame:
        """Where a face must sit in a crop."""
        return self.sidecar.crop_frame

    def logits(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """What the model says before calibration.

        Args:
            crops: RGB uint8 (H, W, 3), or grey uint8 (H, W), of any size, cut as `crop_frame` says.

        Returns:
            float32 (N, labels), dequantised.
        """
        logits = np.empty((len(crops), len(self.labels)), np.float32)
        for row, crop in zip(logits, crops, strict=True):
            steps = self.model.invoke(self._quantised(crop))
            row[:] = (steps[0].astype(np.float32) - self._zero_point) * self._scale
        return logits

    def _quantised(self, crop: Image) -> NDArray[np.int8]:
        """The crop as the model's input, int8 (height, width)."""
        return self._table[resize(grey(crop), self._size)]

    def classify(self, crops: Sequence[Image], /) -> list[Scores]:
        """The calibrated probability of each label for each crop, in the model's order.

        Args:
            crops: as for `logits`; may be empty.
        """
        return self._scores(self._calibrated(crops))

    def read(self, crops: Sequence[Image], /) -> list[Scores | None]:
        """As `classify`, but None for crops unlike anything the model has learned, as far as the sidecar can tell."""
        calibrated = self._calibrated(crops)
        scores = self._scores(calibrated)
        if self.sidecar.familiar is None:
            return list(scores)
        most, temperature = self.sidecar.familiar.energy, self.sidecar.temperature
        rows = zip(calibrated.tolist(), scores, strict=True)
        return [told if energy(row, temperature) <= most else None for row, told in rows]

    def _calibrated(self, crops: Sequence[Image]) -> NDArray[np.float64]:
        return self.logits(crops).astype(np.float64) / self.sidecar.temperature

    def _scores(self, calibrated: NDArray[np.float64]) -> list[Scores]:
        shifted = (calibrated + self._shift).tolist()
        return [dict(zip(self.labels, softmax(row), strict=True)) for row in shifted]


def energy(calibrated: Sequence[float], temperature: float) -> float:
    """The energy of one crop: -T * log(sum(exp(logits / T))); the lower, the more it is like what was learned.

    Liu et al., "Energy-based out-of-distribution detection", 2020. It does not depend on any prior.

    Args:
        calibrated: the crop's logits / T.
        temperature: T, the sidecar's.
    """
    most = max(calibrated)
    return -temperature * (most + math.log(math.fsum(math.exp(logit - most) for logit in calibrated)))


def _prior(sidecar: Sidecar, given: Mapping[str, float]) -> Mapping[str, float] | None:
    """The shares that scores are to be for."""
    if sidecar.prior is None:
        if given:
            msg = f"emotion.prior: the model {sidecar.name} does not say which shares of emotions it has learned"
            remedy = "Leave `emotion.prior` out, or choose a model whose sidecar has a `prior`"
            raise ModelError(msg, remedy=remedy)
        return None
    try:
        return completed(given, sidecar.prior.reference)
    except ValueError as error:
        msg = f"emotion.prior {error}"
        raise ModelError(msg, remedy=f"Give shares of {', '.join(sidecar.labels)} that add up to less than 1") from None


def softmax(logits: Sequence[float]) -> list[float]:
    """The probabilities of a softmax."""
    # of seven numbers, a third of what numpy takes
    most = max(logits)
    powers = [math.exp(logit - most) for logit in logits]
    total = sum(powers)
    return [power / total for power in powers]
