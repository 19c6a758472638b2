"""What keeps this process small: settings of native libraries, made once, before they get to work."""

from __future__ import annotations

import ctypes
import os
from typing import Any

import cv2

__all__ = ["keep_small"]

#: glibc's number (malloc.h) for how many heaps threads may have beside one another.
M_ARENA_MAX = -8


def keep_small() -> None:
    """Saves some 5 MB of memory; to be called before threads and pictures."""
    _without_ipp()
    _with_one_heap()


def _without_ipp() -> None:
    """Keeps OpenCV from using Intel's primitives, which it has on x86 alone: 3.5 MB, and hardly faster.

    Whoever wants them sets OPENCV_IPP, which then holds.
    """
    if "OPENCV_IPP" in os.environ:
        return
    os.environ["OPENCV_IPP"] = "disabled"
    opencv: Any = cv2  # the type stubs know neither of the two places where this was
    home = opencv if hasattr(opencv, "getLogLevel") else opencv.utils.logging
    level = home.getLogLevel()
    home.setLogLevel(0)  # or it would warn of what is wanted
    opencv.ipp.useIPP()  # reads the variable, for good
    home.setLogLevel(level)


def _with_one_heap() -> None:
    """Keeps the C library from giving each thread a heap of its own, each with holes of its own: 2 MB in the daemon."""
    c_library = ctypes.CDLL(None)
    if hasattr(c_library, "mallopt"):
        c_library.mallopt(M_ARENA_MAX, 1)
