from __future__ import annotations

from pathlib import Path

import pytest

from edge_fer.errors import ModelError
from edge_fer.faces.detectors.yunet import YuNetDetector
from tests.faces.pictures import on_wall
from tests.shared import shared_data


def model() -> bytes:
    return (shared_data() / "reference" / "yunet_n_320_320.onnx").read_bytes()


@pytest.mark.parametrize("min_size", [24, 48, 80, 120])
def test_finds_nothing_below_the_smallest_size(min_size: int):
    picture = on_wall(360, 1280, (10, 50, 70), (110, 50, 120), (300, 50, 200), (600, 20, 300))
    faces = YuNetDetector(model(), min_size=min_size).detect(picture)
    assert faces
    assert all(face.box.width >= min_size for face in faces)


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x07" * 500], ids=["empty", "text", "noise"])
def test_refuses_what_is_no_model(content: bytes, capfd: pytest.CaptureFixture[str]):
    with pytest.raises(ModelError, match=r"x\.onnx: OpenCV .* cannot use it as a YuNet model.*models fetch yunet"):
        YuNetDetector(content, file="x.onnx")


def test_refuses_a_model_that_was_cut_short(capfd: pytest.CaptureFixture[str]):
    with pytest.raises(ModelError, match="cannot use it"):
        YuNetDetector(model()[:100_000])


def test_refuses_a_model_of_another_kind(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    from edge_fer.emotion.classifier import packaged_model

    with pytest.raises(ModelError, match="cannot use it"):
        YuNetDetector(packaged_model().read_bytes())
