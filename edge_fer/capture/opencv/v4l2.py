"""What the kernel says about a video device, asked without starting it."""

from __future__ import annotations

import fcntl
import os
import struct
from dataclasses import dataclass

__all__ = ["Capability", "capability", "parse"]

#: struct v4l2_capability of linux/videodev2.h: driver, card, bus, version, capabilities, those of this very node.
LAYOUT = struct.Struct("=16s32s32sIII12x")
#: _IOR('V', 0, struct v4l2_capability)
VIDIOC_QUERYCAP = 0x80000000 | (LAYOUT.size << 16) | (ord("V") << 8)
VIDEO_CAPTURE = 0x00000001
VIDEO_M2M = 0x00008000
VIDEO_M2M_MPLANE = 0x00004000
DEVICE_CAPS = 0x80000000
#: Parts of a Raspberry Pi that call themselves cameras but give no pictures that OpenCV could show: codecs, scalers,
#: and the raw end of a camera on the ribbon cable.
NO_CAMERAS = frozenset(
    {"bcm2835-codec", "bcm2835-isp", "pispbe", "rp1-cfe", "rpi-hevc-dec", "rpivid", "unicam"},
)


@dataclass(frozen=True, slots=True)
class Capability:
    """What a video device is.

    Attributes:
        driver: the kernel's name of its driver, such as `uvcvideo`.
        card: what it calls itself.
        captures: whether it is a camera that gives pictures by itself.
    """

    driver: str
    card: str
    captures: bool


def parse(answer: bytes) -> Capability:
    """Makes sense of a struct v4l2_capability (104 bytes)."""
    driver, card, _, _, whole, node = LAYOUT.unpack(answer)
    # one device may have several nodes, and only some of them for pictures
    flags = node if whole & DEVICE_CAPS else whole
    name = text(driver)
    camera = flags & VIDEO_CAPTURE and not flags & (VIDEO_M2M | VIDEO_M2M_MPLANE) and name not in NO_CAMERAS
    return Capability(driver=name, card=text(card), captures=bool(camera))


def text(field: bytes) -> str:
    """The string in a field padded with zeros."""
    return field.split(b"\0", 1)[0].decode(errors="replace")


def capability(path: str) -> Capability:
    """Asks a device what it is.

    Raises:
        OSError: it is not there, may not be opened, or is no video device.
    """
    # not blocking, so that a device that is busy or half gone answers at once
    handle = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        answer = bytearray(LAYOUT.size)
        fcntl.ioctl(handle, VIDIOC_QUERYCAP, answer)
    finally:
        os.close(handle)
    return parse(bytes(answer))
