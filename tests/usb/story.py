"""What becomes of a USB camera, told from within the emulated machine: `python -m tests.usb.story`.

The kernel's own camera (`vivid`) is the device: its button `Disconnect` does what pulling the cable does, and its
driver is taken off the device and put onto it again. Each line of JSON tells what was done, and how the capture loop
found the camera.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np

from edge_fer.capture.discovery import find_camera, video_nodes
from edge_fer.capture.loop import CaptureLoop, CaptureState, LoopSettings
from edge_fer.capture.opencv.live import OpenCvLive
from edge_fer.capture.slot import LiveSlot
from edge_fer.clock.system import SystemClock
from edge_fer.support.backoff import Backoff
from tests.usb.v4l2_control import set_control

NODE = "/dev/video0"
DRIVER = Path("/sys/bus/platform/drivers/vivid")
#: Seconds for anything; the machine is slow.
LONG = 120.0


def tell(did: str, **found: object) -> None:
    """A line for the test."""
    print("\ntold " + json.dumps({"did": did, **found}), flush=True)


class Watched:
    """A capture loop of the camera, and how it finds it."""

    def __init__(self) -> None:
        self.states: list[tuple[CaptureState, str]] = []
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self.slot = LiveSlot()
        self.loop = CaptureLoop(
            "front",
            OpenCvLive("front", NODE, clock=SystemClock(), size=(320, 180)),
            self.slot,
            clock=SystemClock(),
            settings=LoopSettings(stall_after=40.0, start_within=LONG),
            on_state=self._note,
            backoff=Backoff(first=0.5, most=0.5),
        )
        self._thread = threading.Thread(target=self.loop.run, args=[self._stop])
        self._thread.start()

    def _note(self, state: CaptureState, reason: str) -> None:
        with self._changed:
            self.states.append((state, reason))
            self._changed.notify_all()

    def until(self, state: CaptureState, did: str, *, act: Callable[[], object] = lambda: None) -> None:
        """Does something, waits until the loop is in a state, and tells of it."""
        with self._changed:
            before = len(self.states)
        act()
        with self._changed:
            is_there = self._changed.wait_for(lambda: state in {one for one, _ in self.states[before:]}, LONG)
            states = [(one.value, why) for one, why in self.states[before:]]
        found = {"ok": is_there, "states": states, "nodes": video_nodes()}
        if is_there and state is CaptureState.ONLINE:
            found |= self._pictures()
        tell(did, **found, losses=self.loop.losses)

    def _pictures(self) -> dict[str, object]:
        """What the camera sends; the first may be of before."""
        frames = [self.slot.take(LONG) for _ in range(4)][1:]
        images = [frame.image for frame in frames if frame]
        return {
            "sizes": [image.shape[1::-1] for image in images],
            "is_picture": all(bool(np.ptp(image) > 100) for image in images),
            "indices": [frame.index for frame in frames if frame],
        }

    def end(self) -> None:
        """Ends it, so that it lets go of the camera."""
        self._stop.set()
        self._thread.join(LONG)


def plug_in() -> None:
    """Puts the driver onto the device."""
    (DRIVER / "bind").write_text("vivid.0")


def pull() -> None:
    """Pulls the cable; then the driver lets go of the device, as one of USB does."""
    set_control(NODE, "Disconnect", 1)
    (DRIVER / "unbind").write_text("vivid.0")


def formats() -> None:
    """What pictures of each format look like; the camera shows vertical bars."""
    for code in ("BGR3", "RGB3", "YUYV", "UYVY", "NV12", "YU12", "GREY", "Y16 "):

        def opener(path: str, api: int, code: str = code) -> cv2.VideoCapture:
            capture = cv2.VideoCapture(path, api)
            capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*code))
            return capture

        source = OpenCvLive("front", NODE, clock=SystemClock(), size=(640, 360), opener=opener)
        with closing(source.frames()) as frames:
            image = next(frames).image
        height, width = image.shape[:2]
        bars = [image[height // 2, width * (2 * number + 1) // 16].tolist() for number in range(8)]
        tell(f"format {code}", size=[width, height], bars=bars)


def main() -> None:
    """The whole story."""
    watched = Watched()
    watched.until(CaptureState.LOST, "not there")
    load = lambda: subprocess.run(["modprobe", "vivid", "n_devs=1", "node_types=0x1"], check=True)  # noqa: E731
    watched.until(CaptureState.ONLINE, "plugged in first", act=load)
    tell("found", node=find_camera(ask_pi=lambda: None))
    try:
        next(OpenCvLive("other", NODE, clock=SystemClock()).frames())
    except OSError as error:
        tell("second program", why=str(error))
    for number in range(1, 4):
        watched.until(CaptureState.LOST, f"pulled {number}", act=pull)
        time.sleep(number)
        watched.until(CaptureState.ONLINE, f"plugged in again {number}", act=plug_in)
    watched.until(CaptureState.LOST, "taken off without a word", act=lambda: (DRIVER / "unbind").write_text("vivid.0"))
    watched.until(CaptureState.ONLINE, "plugged in after that", act=plug_in)
    all_dropped = lambda: set_control(NODE, "Percentage of Dropped Buffers", 100)  # noqa: E731
    watched.until(CaptureState.LOST, "falls silent", act=all_dropped)
    watched.until(CaptureState.ONLINE, "sends again", act=lambda: set_control(NODE, "Percentage of Dropped Buffers", 0))
    broken = lambda: set_control(NODE, "Inject Fatal Streaming Error", 1)  # noqa: E731
    watched.until(CaptureState.LOST, "fatal error while it sends", act=broken)
    watched.until(CaptureState.ONLINE, "after the error")
    watched.end()
    formats()
    tell("end")


if __name__ == "__main__":
    main()
