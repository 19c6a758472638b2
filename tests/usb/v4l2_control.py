"""Sets a control of a video device by its name, as `v4l2-ctl` does."""

from __future__ import annotations

import fcntl
import os
import struct

__all__ = ["set_control"]

#: struct v4l2_queryctrl and v4l2_control of linux/videodev2.h.
QUERY = struct.Struct("=II32siiiiI8x")
CONTROL = struct.Struct("=Ii")
VIDIOC_QUERYCTRL = 0xC0000000 | (QUERY.size << 16) | (ord("V") << 8) | 36
VIDIOC_S_CTRL = 0xC0000000 | (CONTROL.size << 16) | (ord("V") << 8) | 28
NEXT = 0x80000000


def set_control(node: str, name: str, value: int) -> None:
    """Sets a control.

    Args:
        node: the device.
        name: of the control.
        value: to set it to; a button is pressed by any.

    Raises:
        OSError: the device has none of this name, or does not take the value.
    """
    handle = os.open(node, os.O_RDWR | os.O_NONBLOCK)
    try:
        number = 0
        while True:
            asked = bytearray(QUERY.pack(number | NEXT, 0, b"", 0, 0, 0, 0, 0))
            # at its end, it says so by an error
            fcntl.ioctl(handle, VIDIOC_QUERYCTRL, asked)
            number, _, found, *_ = QUERY.unpack(asked)
            if found.rstrip(b"\0").decode() == name:
                fcntl.ioctl(handle, VIDIOC_S_CTRL, CONTROL.pack(number, value))
                return
    finally:
        os.close(handle)
