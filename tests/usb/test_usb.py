"""A USB camera for real, as far as the kernel's own camera is one, in an emulated machine: `make usb-test`, as root."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.capture.tried import tried
from tests.missing import missing
from tests.usb.machine import Machine, lacking

pytestmark = [
    pytest.mark.skipif("EDGE_FER_TEST_USB" not in os.environ, reason="fetches a kernel, and takes root: make usb-test"),
    pytest.mark.timeout(1200),
]
USB = "USB (the kernel's `vivid`, in an emulated machine)"
NODE = "/dev/video0"


@pytest.fixture(scope="module")
def story():
    """What was done, and what became of the camera."""
    if packages := lacking():
        missing(f"needs {', '.join(packages)}")
    told = Machine(Path(os.environ["EDGE_FER_TEST_USB"])).tells("tests.usb.story", timeout=900)
    for one in told:
        print(one)
    return {one["did"]: one for one in told}


def state(one):
    return one["states"][-1][0], one["states"][-1][1]


def assert_sends(one, size=(320, 180)):
    assert one["ok"], one
    assert one["nodes"] == [NODE], "it has its number again"
    assert one["sizes"] == [list(size)] * 3
    assert one["is_picture"]
    assert one["indices"] == sorted(set(one["indices"]))


@tried(USB, "not there at first, then plugged in; another program asks for it", "waited for; read; the other is told")
def test_a_camera_that_is_plugged_in_later(story):
    assert story["not there"]["ok"]
    assert "is not there. Plug the camera in" in state(story["not there"])[1]
    assert_sends(story["plugged in first"])
    assert story["found"]["node"] == NODE
    assert "cannot be opened. See with `fuser -v` whether another program" in story["second program"]["why"]


@tried(USB, "unplugged while it sends and plugged in again, three times", "lost; found again at its old number")
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_camera_that_is_pulled_out_and_plugged_in_again(story, number):
    pulled = story[f"pulled {number}"]
    assert pulled["ok"]
    assert pulled["losses"] == number
    assert "/dev/video0 has stopped sending" in pulled["states"][0][1]
    assert pulled["nodes"] == []
    assert_sends(story[f"plugged in again {number}"])


@tried(USB, "its driver is taken away; it falls silent; a fault of its driver", "lost, and read again afterwards")
def test_other_faults(story):
    for fault, why, after in (
        ("taken off without a word", "has stopped sending", "plugged in after that"),
        ("falls silent", "sent nothing for", "sends again"),
        ("fatal error while it sends", "has stopped sending", "after the error"),
    ):
        assert story[fault]["ok"], fault
        assert why in story[fault]["states"][0][1]
        assert_sends(story[after])
    assert "end" in story


@tried(USB, "BGR, RGB, YUYV, UYVY, NV12, YU12, grey of 8 and of 16 bits", "each in its colours")
def test_formats(story):
    formats = {did.removeprefix("format "): one for did, one in story.items() if did.startswith("format ")}
    assert set(formats) == {"BGR3", "RGB3", "YUYV", "UYVY", "NV12", "YU12", "GREY", "Y16 "}
    # bars of white, yellow, cyan, green, magenta, red, blue and black, of three quarters of the light
    bars = [(191, 191, 191), (191, 191, 0), (0, 191, 191), (0, 191, 0), (191, 0, 191), (191, 0, 0), (0, 0, 191)]
    for name, one in formats.items():
        assert one["size"] == [640, 360], name
        for seen, bar in zip(one["bars"], bars, strict=False):
            grey = 0.2126 * bar[0] + 0.7152 * bar[1] + 0.0722 * bar[2]
            wanted = [grey] * 3 if name in {"GREY", "Y16 "} else bar
            assert seen == pytest.approx(wanted, abs=12), (name, one["bars"])
