"""What bad pictures do to a model: faces blurred, dark, noisy, small, turned. Pure and repeatable."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["CONDITIONS", "degrade", "measure_degraded"]

Pictures = NDArray[np.uint8]
Classify = Callable[[list[Pictures]], NDArray[np.floating]]


def _blurred(picture: Pictures, sigma: float, _: np.random.Generator) -> Pictures:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), dtype=np.uint8)


def _darkened(picture: Pictures, light: float, random: np.random.Generator) -> Pictures:
    # A little noise of the sensor, which does not dim with the scene.
    return _as_picture(picture * light + random.normal(0, 2, picture.shape))


def _noisy(picture: Pictures, deviation: float, random: np.random.Generator) -> Pictures:
    return _as_picture(picture + random.normal(0, deviation, picture.shape))


def _small(picture: Pictures, side: float, _: np.random.Generator) -> Pictures:
    # Enlarged again by the preprocessing that is being measured.
    small = cv2.resize(picture, (int(side), int(side)), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)


def _turned(picture: Pictures, degrees: float, _: np.random.Generator) -> Pictures:
    side = len(picture)
    middle = ((side - 1) / 2, (side - 1) / 2)
    matrix = cv2.getRotationMatrix2D(middle, degrees, 1.0)
    size = (side, side)
    turned = cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(turned, dtype=np.uint8)


def _as_picture(values: NDArray[np.floating]) -> Pictures:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


#: What is done, its unit, how, and how much of it from unharmed on.
CONDITIONS: dict[str, tuple[str, Callable[..., Pictures], tuple[float, ...]]] = {
    "blur": ("Gaussian sigma, px of 48", _blurred, (0, 0.5, 1, 1.5, 2, 3)),
    "darkness": ("share of the light left", _darkened, (1, 0.5, 0.25, 0.12, 0.06, 0.03)),
    "noise": ("deviation, of 255 levels", _noisy, (0, 5, 10, 20, 30, 50)),
    "small faces": ("side of the face, px", _small, (48, 36, 24, 18, 12, 8)),
    "rotation": ("degrees", _turned, (0, 5, 10, 15, 20, 30, 45)),
}


def degrade(images: Pictures, condition: str, amount: float) -> list[Pictures]:
    """Return each picture uint8 (H, W) of (N, H, W), harmed; as it is where the amount is the condition's first."""
    _, harm, amounts = CONDITIONS[condition]
    if amount == amounts[0]:
        return list(images)
    random = np.random.default_rng(0)
    return [np.asarray(harm(image, amount, random), dtype=np.uint8) for image in images]


def measure_degraded(classify: Classify, images: Pictures, truth: NDArray[np.uint8]) -> dict[str, dict]:
    """Return the accuracy for every amount of every condition.

    Args:
        classify: pictures to logits or probabilities (N, 7).
        images: uint8 (N, 48, 48).
        truth: uint8 (N,), what they show.
    """
    found = {}
    for condition, (unit, _, amounts) in CONDITIONS.items():
        guesses = [classify(degrade(images, condition, amount)).argmax(axis=1) for amount in amounts]
        found[condition] = {
            "unit": unit,
            "amounts": list(amounts),
            "accuracy": [float((guess == truth).mean()) for guess in guesses],
        }
    return found
