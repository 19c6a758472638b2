"""Emotions can be told apart by people who see fewer colours."""

from __future__ import annotations

import itertools
import re
from importlib.resources import files

import cv2
import numpy as np
import pytest

from edge_fer.drawing.palette import COLOURS, DARK_COLOURS

STYLE = files("edge_fer.report").joinpath("style.css").read_text(encoding="utf-8")
#: How people see who lack one kind of cone (Machado, Oliveira and Fernandes, 2009, severity 1), on linear RGB.
SEEN = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


def colours(dark):
    """Each emotion's colour as the style gives it, RGB 0 to 1."""
    found = {name: colour.removeprefix("#") for name, colour in COLOURS.items()}
    found |= {name: colour.removeprefix("#") for name, colour in DARK_COLOURS.items()} if dark else {}
    by_day, by_night = STYLE.split("prefers-color-scheme: dark")
    found |= dict(re.findall(r"--(\w+): #([0-9a-f]{6})", by_day + by_night if dark else by_day))
    return {name: np.array(list(bytes.fromhex(found[name]))) / 255 for name in COLOURS}


def lab(colour, matrix):
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.asarray(matrix) @ linear, 0, 1).astype(np.float32)
    return cv2.cvtColor(seen[None, None], cv2.COLOR_LRGB2LAB)[0, 0]


def least_difference(of, matrix):
    return min(np.linalg.norm(lab(one, matrix) - lab(other, matrix)) for one, other in itertools.combinations(of, 2))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("eyes", SEEN)
def test_no_two_emotions_look_alike(eyes, dark):
    # a difference of 2.3 is just noticeable in CIELAB (Mahy and others, 1994); this is several times as much
    assert least_difference(colours(dark).values(), SEEN[eyes]) > 9
