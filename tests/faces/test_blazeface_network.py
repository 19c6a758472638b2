"""The BlazeFace networks against MediaPipe's own reading of them."""

from __future__ import annotations

import json
import platform
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge_fer.errors import ModelError
from edge_fer.faces.detectors.blazeface_network import RANGES, BlazeFaceNetwork
from edge_fer.inference.runtime import RUNTIMES, available
from edge_fer.sample import sample_path
from edge_fer.types import Image
from tests.faces.pictures import frames, portrait
from tests.fetched import blazeface_models
from tests.shared import shared_data

STORED: dict[str, Any] = json.loads(Path(__file__).with_name("mediapipe_reference.json").read_text("utf-8"))
#: What MediaPipe's graphs leave out, whatever its Python interface is asked for.
LEAST = {"short": 0.5, "full": 0.6}
#: How far apart boxes may be, as a share of a face's size, and scores: MediaPipe ran on x86-64, where runtimes differ
#: in the last digits alone. On arm64 they do, too, given the same pixels; but there, what decodes recordings rounds
#: otherwise, by 0.7 levels a pixel, and that moves a box by up to 0.013 and a score by 0.028.
ON_ITS_MACHINE = platform.machine() == "x86_64"
LIKE_MEDIAPIPE, SCORED_LIKE_MEDIAPIPE = (0.001, 0.001) if ON_ITS_MACHINE else (0.02, 0.05)
#: The same for the median of whole pictures, which we shrink in another way.
ABOUT_LIKE_MEDIAPIPE = 0.03 if ON_ITS_MACHINE else 0.035


@pytest.fixture(scope="module", params=RUNTIMES)
def runtime(request: pytest.FixtureRequest) -> str:
    if request.param not in available():
        pytest.skip(f"{request.param} cannot be imported here")
    return str(request.param)


@pytest.fixture(scope="module", params=sorted(RANGES))
def which(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def network(which: str, runtime: str) -> BlazeFaceNetwork:
    return BlazeFaceNetwork(
        blazeface_models()[which], name=which, layout=RANGES[which], min_score=LEAST[which], runtime=runtime
    )


def recording(name: str) -> Path:
    return sample_path() if name == "sample" else shared_data() / "clips" / "wolfgang-langer-pexels.mp4"


def sampled(image: Image, side: int) -> tuple[Image, float, float, float]:
    """The network's square as MediaPipe samples it, its scale, and where the picture begins in it.

    One bilinear sample for each pixel, taken at its corner (`image_to_tensor_converter_opencv.cc`).
    """
    height, width = image.shape[:2]
    scale = max(height, width) / side
    x, y = (side - width / scale) / 2, (side - height / scale) / 2
    from_square = np.array([[scale, 0, -x * scale], [0, scale, -y * scale]])
    square = cv2.warpAffine(image, from_square, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return np.asarray(square, np.uint8), scale, x, y


def row(scores: np.ndarray, places: np.ndarray) -> list[np.ndarray]:
    """Score, box (x, y, width, height) and keypoints of each face, in one row."""
    return [
        np.array([score, *(one[0] - one[1] / 2), *one[1], *one[2:].ravel()])
        for score, one in zip(scores, places, strict=True)
    ]


@pytest.mark.parametrize("name", ["sample", "clip"])
def test_reads_the_network_as_mediapipe_does(network: BlazeFaceNetwork, which: str, name: str):
    every, expected = STORED["every"][name], STORED[which][name]
    compared = 0
    for index, (_, image) in enumerate(frames(recording(name), every=every)):
        square, scale, x, y = sampled(image, network.layout.side)
        scores, places = network.read(square)
        places = (places - np.array((x, y), np.float32)) * scale
        places[:, 1] += np.array((x, y), np.float32) * scale  # a size has no place
        theirs = [
            np.array([face["score"], *face["box"], *np.ravel(face["keypoints"])])
            for face in expected[str(index * every)]
        ]
        ours = row(scores, places)
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            assert np.abs(one[1:] - other[1:]).max() <= LIKE_MEDIAPIPE * other[3]
            assert one[0] == pytest.approx(other[0], abs=SCORED_LIKE_MEDIAPIPE)
            compared += 1
    assert compared >= 15


@pytest.mark.parametrize("name", ["sample", "clip"])
def test_whole_pictures_give_about_what_mediapipe_finds(network: BlazeFaceNetwork, which: str, name: str):
    # we average where MediaPipe samples single pixels, which moves boxes by a few hundredths of their size
    every, expected = STORED["every"][name], STORED[which][name]
    off = []
    for index, (_, image) in enumerate(frames(recording(name), every=every)):
        theirs = expected[str(index * every)]
        scores, places = network.search(image)
        if len(scores) == len(theirs) == 1:
            [ours] = row(scores, places)
            off.append(np.abs(ours[1:5] - theirs[0]["box"]).max() / theirs[0]["box"][2])
    assert len(off) >= 15
    assert np.median(off) <= ABOUT_LIKE_MEDIAPIPE
    assert max(off) <= 0.08


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_what_is_found_in_a_turned_picture_is_turned_back(network: BlazeFaceNetwork, turn: int):
    # a picture that stands on its side, and is searched turned until it is upright
    lying = np.ascontiguousarray(np.rot90(portrait(), turn // 90))
    scores, places = network.search(portrait())
    lying_scores, lying_places = network.search(lying, turn=turn)
    assert lying_scores == pytest.approx(scores, abs=0.05)
    height, width = lying.shape[:2]
    # np.rot90 turns the other way
    back = {
        90: lambda p: np.stack((height - p[..., 1], p[..., 0]), -1),
        180: lambda p: np.stack((width - p[..., 0], height - p[..., 1]), -1),
        270: lambda p: np.stack((p[..., 1], width - p[..., 0]), -1),
    }[turn]
    size = places[0, 1, 0]
    assert np.abs(back(lying_places)[0, [0, 2, 3, 4, 5]] - places[0, [0, 2, 3, 4, 5]]).max() < 0.03 * size
    assert lying_places[0, 1] == pytest.approx(places[0, 1], rel=0.03)


@pytest.mark.parametrize("name", ["sample", "clip"])
def test_a_network_of_the_shape_of_the_picture_finds_what_the_square_one_does(
    network: BlazeFaceNetwork, which: str, runtime: str, name: str
):
    every, layout = STORED["every"][name], RANGES[which]
    size = layout.input_size(640, 360, layout.side)
    assert size == {"short": (128, 80), "full": (192, 112)}[which]
    wide = BlazeFaceNetwork(
        blazeface_models()[which], name=which, layout=layout, size=size, min_score=LEAST[which], runtime=runtime
    )
    off, found, squarely = [], 0, 0
    for _, image in frames(recording(name), every=every):
        scores, places = wide.search(image)
        square_scores, square_places = network.search(image)
        found, squarely = found + len(scores), squarely + len(square_scores)
        if len(scores) == len(square_scores) == 1:
            off.append(np.abs(places - square_places).max() / square_places[0, 1, 0])
    assert found >= squarely - 1
    assert np.median(off) < 0.05
    # the square has more black around the picture, and this is all the difference
    assert max(off) < 0.2


def test_inputs_are_as_small_as_the_picture_lets():
    full, short = RANGES["full"], RANGES["short"]
    assert full.input_size(1280, 720, 320) == (320, 192)
    assert full.input_size(360, 640, 192) == (112, 192)
    assert full.input_size(500, 500, 192) == (192, 192)
    assert full.input_size(4000, 20, 192) == (192, 32)
    assert full.input_size(1280, 720, 320, odd=True) == (336, 208)
    assert short.input_size(640, 480, 128) == (128, 96)


def test_refuses_another_network():
    models = blazeface_models()
    with pytest.raises(ModelError, match=r"x: \d+ bytes that are no such face detector"):
        BlazeFaceNetwork(models["short"], name="x", layout=RANGES["full"])


def test_refuses_a_network_with_other_outputs():
    models = blazeface_models()
    other = replace(RANGES["short"], layers=((8, 2), (16, 4)))
    with pytest.raises(ModelError, match=r"x: takes \(1, 128, 128, 3\) and gives .* no such face detector"):
        BlazeFaceNetwork(models["short"], name="x", layout=other)
