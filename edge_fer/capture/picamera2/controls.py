"""What a Pi camera is told about exposure, focus and frame rate, checked against what it can do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, TypeAlias

from edge_fer.errors import SourceUnfitError

__all__ = ["ExposureControls", "Focus", "PiSettings", "controls_for"]

#: `auto` focuses again and again where the camera can, `continuous` insists that it can; a number is the distance it is
#: fixed at, in dioptres (1 / metres; 0 is infinity).
Focus: TypeAlias = str | float

#: The slowest a camera is run, frames a second; what is not wanted of that is left out afterwards. A sensor that
#: waits for long between two frames is slow to adapt to the light, and its silence is no sign of a fault.
SLOWEST = 2.0


class AfMode(IntEnum):
    """libcamera's numbers for how a lens is focused."""

    MANUAL = 0
    CONTINUOUS = 2


class AeExposureMode(IntEnum):
    """libcamera's numbers for how automatic exposure weighs time against gain."""

    NORMAL = 0
    SHORT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureControls:
    """How long and how sensitively a picture is exposed.

    Attributes:
        time: in seconds; 0: the camera decides.
        gain: analogue gain, from 1; 0: the camera decides.
        compensation: how much brighter than the camera would, in stops.
        short: whether automatic exposure rather raises the gain than the time, so that moving faces stay sharp.
    """

    time: float = 0.0
    gain: float = 0.0
    compensation: float = 0.0
    short: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PiSettings:
    """What only a Pi camera can be told.

    Attributes:
        exposure: how a picture is exposed.
        focus: what the lens is focused on.
        mirror: whether the sensor reads out each row, and the rows, the other way round; it costs nothing there.
    """

    exposure: ExposureControls = field(default_factory=ExposureControls)
    focus: Focus = "auto"
    mirror: tuple[bool, bool] = (False, False)


@dataclass(frozen=True, slots=True)
class _Wish:
    """One setting as a control: `setting` and `shown` are what people wrote; without `must`, it goes where it can."""

    setting: str
    shown: str
    control: str
    value: float | tuple[int, int]
    must: bool = True


def controls_for(known: Mapping[str, tuple[Any, Any, Any]], *, fps: float, settings: PiSettings) -> dict[str, Any]:
    """The controls to start a camera with.

    Args:
        known: least, largest and usual value of every control the camera has, by libcamera's name.
        fps: frames a second wanted.
        settings: what else is wanted.

    Raises:
        SourceUnfitError: the camera cannot do as it is told; all that it cannot is named.
    """
    wishes = [*_frame_rate(fps), *_exposure(settings.exposure, fps), *_focus(settings.focus)]
    faults = [fault for wish in wishes if wish.must and (fault := _fault(wish, known))]
    if faults:
        msg = f"this camera cannot do as told: {'; '.join(faults)}"
        raise SourceUnfitError(msg, remedy="Change these settings")
    return {wish.control: wish.value for wish in wishes if wish.control in known}


def _frame_rate(fps: float) -> Iterator[_Wish]:
    period = round(1e6 / max(fps, SLOWEST))
    yield _Wish("fps", f"{fps:g}", "FrameDurationLimits", (period, period), must=False)


def _exposure(exposure: ExposureControls, fps: float) -> Iterator[_Wish]:
    mode = AeExposureMode.SHORT if exposure.short else AeExposureMode.NORMAL
    yield _Wish("exposure.motion", mode.name.lower(), "AeExposureMode", int(mode), must=False)
    if exposure.time:
        if exposure.time * max(fps, SLOWEST) > 1:
            msg = f"exposure.time: {exposure.time * 1000:g}ms is longer than a frame at fps {fps:g}"
            raise SourceUnfitError(msg, remedy=f"Write at most {1000 / max(fps, SLOWEST):.0f}ms, or fewer fps")
        yield _Wish("exposure.time", f"{exposure.time * 1000:g}ms", "ExposureTime", round(exposure.time * 1e6))
    if exposure.gain:
        yield _Wish("exposure.gain", f"{exposure.gain:g}", "AnalogueGain", exposure.gain)
    if exposure.compensation:
        yield _Wish("exposure.compensation", f"{exposure.compensation:g}", "ExposureValue", exposure.compensation)


def _focus(focus: Focus) -> Iterator[_Wish]:
    if isinstance(focus, str):
        yield _Wish("focus", focus, "AfMode", int(AfMode.CONTINUOUS), must=focus == "continuous")
    else:
        yield _Wish("focus", f"{focus:g}", "AfMode", int(AfMode.MANUAL))
        yield _Wish("focus", f"{focus:g}", "LensPosition", focus)


def _fault(wish: _Wish, known: Mapping[str, tuple[Any, Any, Any]]) -> str:
    """What is wrong with a wish, or nothing."""
    if wish.control not in known:
        why = "its lens cannot be focused by software" if wish.setting == "focus" else f"it has no {wish.control}"
        return f"{wish.setting}: {wish.shown} ({why})"
    least, most, _ = known[wish.control]
    if isinstance(wish.value, tuple) or not least < most or least <= wish.value <= most:
        return ""
    scale, unit = (1e-3, "ms") if wish.control == "ExposureTime" else (1, "")
    return f"{wish.setting}: {wish.shown} is not within {least * scale:g}{unit} to {most * scale:g}{unit}"
