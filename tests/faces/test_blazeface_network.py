"""The BlazeFace networks against MediaPipe's own reading of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_fer.faces.blazeface_network import RANGES, BlazeFaceNetwork
from edge_fer.runtime import RUNTIMES, available
from edge_fer.sample import sample_path
from tests.faces.pictures import frames
from tests.fetched import blazeface_models
from tests.shared import shared_data

STORED: dict[str, Any] = json.loads(Path(__file__).with_name("mediapipe_reference.json").read_text("utf-8"))
#: How far we may be from MediaPipe, in sides of its box.
TOLERANCE = 0.02


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
    return BlazeFaceNetwork(blazeface_models()[which], name=which, layout=RANGES[which], runtime=runtime)


def recording(name: str) -> Path:
    return sample_path() if name == "sample" else shared_data() / "clips" / "wolfgang-langer-pexels.mp4"


@pytest.mark.parametrize("name", ["sample", "clip"])
def test_agrees_with_mediapipe(network: BlazeFaceNetwork, which: str, name: str):
    every, expected = STORED["every"][name], STORED[which][name]
    compared = 0
    for index, (_, image) in enumerate(frames(recording(name), every=every)):
        scores, places = network.search(image)
        theirs = expected[str(index * every)]
        # one at the very edge of 0.5 may be told by one and not by the other
        ours = [number for number, score in enumerate(scores) if score > 0.52]
        assert [face for face in theirs if face["score"] > 0.54] == [] or len(ours) >= 1
        for number in ours:
            x, y, width, height = theirs[0]["box"] if len(theirs) == 1 else nearest(theirs, places[number])
            ours_box = np.array([*(places[number, 0] - places[number, 1] / 2), *places[number, 1]])
            assert np.abs(ours_box - (x, y, width, height)).max() <= TOLERANCE * width
            compared += 1
    assert compared >= len(expected) // 2


def nearest(theirs: list[dict[str, Any]], places: np.ndarray) -> list[float]:
    return min(theirs, key=lambda face: np.abs(np.array(face["keypoints"]) - places[2:]).sum())["box"]
