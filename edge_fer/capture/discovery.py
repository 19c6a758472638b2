"""Finds a camera where the config names none."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from edge_fer.capture.opencv.v4l2 import Capability, capability
from edge_fer.capture.picamera2.library import INSTALL, installed, is_pi, load, sensors
from edge_fer.errors import SourceError

__all__ = ["find_camera"]

log = logging.getLogger(__name__)


def video_nodes() -> list[str]:
    """The machine's video devices, /dev/video2 before /dev/video10."""
    nodes = (str(path) for path in Path("/dev").glob("video*"))
    return sorted(filter(re.compile(r"/dev/video\d+").fullmatch, nodes), key=lambda node: int(node[10:]))


def pi_camera() -> str | None:
    """The first Pi camera as a `source`, or None."""
    if not installed():
        if is_pi():
            log.warning("picamera2 is not installed, without which no Pi camera can be used. `%s`", INSTALL)
        return None
    try:
        found = [sensor for sensor in sensors(load()) if sensor.on_ribbon]
    except (SourceError, RuntimeError) as error:
        log.warning("Pi cameras cannot be looked for: %s", error)
        return None
    return f"picamera2:{found[0].number}" if found else None


def find_camera(
    *,
    nodes: Iterable[str] | None = None,
    ask: Callable[[str], Capability] = capability,
    ask_pi: Callable[[], str | None] = pi_camera,
) -> str | None:
    """The first Pi camera, or else the first video device that is a camera, or None. No camera is started for it.

    Args:
        nodes: devices to look at; those of this machine if left out.
        ask: gives a device's capability or raises OSError.
        ask_pi: gives the first Pi camera as a source.
    """
    found_pi = ask_pi()
    if found_pi:
        return found_pi
    for node in video_nodes() if nodes is None else nodes:
        try:
            found = ask(node)
        except PermissionError:
            log.warning("%s may not be opened by this user. Add the user to the group video", node)
        except OSError as error:
            log.debug("%s does not answer: %s", node, error)
        else:
            if found.captures:
                return node
    return None
