"""What becomes of a webcam, told from within the emulated machine: `python -m tests.usb.webcam_story`."""

from __future__ import annotations

import itertools
import subprocess
import time

import cv2
import numpy as np

from edge_fer.capture.loop import CaptureState
from edge_fer.capture.opencv.v4l2 import capability
from tests.usb.story import NODE, Watched, tell
from tests.usb.webcam import Webcam


class Scene:
    """What the camera sees.

    Attributes:
        is_silent: while set, it sends nothing.
        spoils: every so many pictures, one is cut off; 0: none.
    """

    def __init__(self) -> None:
        self.is_silent = False
        self.spoils = 0
        self._numbers = itertools.count()

    def __call__(self, size: tuple[int, int]) -> bytes | None:
        if self.is_silent:
            return None
        number = next(self._numbers)
        image = np.random.default_rng(number).integers(60, 100, (size[1], size[0], 3), np.uint8)
        image[:, : size[0] // 2] = 220
        jpeg = cv2.imencode(".jpg", image)[1].tobytes()
        return jpeg[: len(jpeg) // 2] if self.spoils and number % self.spoils == 0 else jpeg


def main() -> None:
    """The whole story."""
    subprocess.run(["modprobe", "-a", "vhci-hcd", "uvcvideo"], check=True)
    scene = Scene()
    camera = Webcam(scene)
    small = Watched((320, 180))
    small.until(CaptureState.LOST, "not there")
    small.until(CaptureState.ONLINE, "plugged in first", act=camera.plug_in)
    tell("what", driver=capability(NODE).driver, card=capability(NODE).card)
    for number in range(1, 4):
        small.until(CaptureState.LOST, f"pulled {number}", act=camera.pull)
        time.sleep(number)
        small.until(CaptureState.ONLINE, f"plugged in again {number}", act=camera.plug_in)

    def be_silent() -> None:
        scene.is_silent = True

    def speak() -> None:
        scene.is_silent = False

    small.until(CaptureState.LOST, "falls silent", act=be_silent)
    small.until(CaptureState.ONLINE, "sends again", act=speak)
    scene.spoils = 2
    small.pictures_told("every second picture cut off")
    scene.spoils = 1
    small.until(CaptureState.LOST, "nothing but pictures that are cut off")
    scene.spoils = 0
    small.until(CaptureState.ONLINE, "whole pictures again")
    small.end()
    large = Watched((1280, 720))
    large.until(CaptureState.ONLINE, "large")
    large.end()
    tell("end")


if __name__ == "__main__":
    main()
