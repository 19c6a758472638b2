"""The steps: each a function of what is to be looked at, which returns what it found."""

from __future__ import annotations

import os
import platform
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Final

from edge_fer.acceptance.child import Child, corner_command
from edge_fer.acceptance.step import Figure, StepResult, failed, passed, skipped, warned
from edge_fer.bench.measure import measure
from edge_fer.capture.sources import kind_of
from edge_fer.clock.system import SystemClock
from edge_fer.config import tree as config
from edge_fer.daemon.heat import read_heat
from edge_fer.daemon.machine import Machine
from edge_fer.doctor import machine as machine_checks
from edge_fer.doctor import vision
from edge_fer.doctor.finding import CheckResult, State
from edge_fer.errors import EdgeFerError
from edge_fer.inference.runtime import loaded_runtime
from edge_fer.inference.store import Store
from edge_fer.wiring import play

__all__ = ["FULL", "QUICK", "Times", "Under", "camera_facts", "machine_facts", "steps"]

#: The recording for what is not about the camera: people come and go in it.
RECORDING: Final = "sample:counter"
#: Share of the frames that were asked for, of which a camera must deliver at least so many.
ENOUGH_FRAMES: Final = 0.8
#: Mean level of a picture, of 255, below which it is too dark, and above which too bright.
DARK, BRIGHT = 40.0, 220.0
#: Share of its first speed that a warm device must keep.
ENOUGH_SPEED: Final = 0.8
#: Memory that the daemon may hold, and grow by, in bytes. The service's unit ends it at 800 MB.
MOST_MEMORY, MOST_GROWTH = 300_000_000, 30_000_000
#: Seconds in which a daemon must be at work, and a camera be noticed to be gone or back.
START, NOTICE = 90.0, 120.0


@dataclass(frozen=True, slots=True)
class Times:
    """How long is looked, in seconds.

    Attributes:
        camera: at the camera's frames.
        speed: at what the device can do.
        spans: how often its speed is measured again, to warm it up.
        span: each time.
        daemon: at the daemon, for its memory.
        full: with a full disk.
    """

    camera: float
    speed: float
    spans: int
    span: float
    daemon: float
    full: float


#: Ten minutes in sum; and what is enough to see that it works.
FULL: Final = Times(camera=60, speed=60, spans=12, span=20, daemon=90, full=30)
QUICK: Final = Times(camera=2, speed=2, spans=2, span=1, daemon=2, full=2)


@dataclass(frozen=True, slots=True)
class Under:
    """What is looked at.

    Attributes:
        name: of the camera.
        camera: its section, with a source that can be opened.
        settings: the config.
        times: how long.
        ask: asks a person to do something; None where nobody is there.
    """

    name: str
    camera: config.CameraSection
    settings: config.Config
    times: Times
    ask: Callable[[str], None] | None

    @property
    def live(self) -> bool:
        """Whether there is a camera, and not a recording in its place."""
        return kind_of(self.camera.source).live

    @property
    def watched(self) -> config.CameraSection:
        """The camera's section as the daemon watches it: the recording stands in for a camera that is not there."""
        return self.camera if self.live else self.recorded

    @property
    def recorded(self) -> config.CameraSection:
        """The camera's section with the recording in its place."""
        # how the camera is mounted says nothing of the recording
        as_it_is = {"source": RECORDING, "loop": True, "speed": "realtime", "rotate": 0, "flip": "none", "zones": {}}
        return self.camera.model_copy(update=as_it_is)


def machine_facts() -> dict[str, Figure]:
    """What the device is, without its name, address or serial number."""
    this = Machine.this(Path("/"))
    return {
        "board": this.board,
        "system": this.system,
        "kernel": this.kernel,
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "memory_mb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e6),
        "runtime": loaded_runtime(),
    }


def camera_facts(under: Under) -> dict[str, Figure]:
    """What the camera is, without its address."""
    return {"kind": kind_of(under.camera.source).name, "fps_asked": under.camera.fps if under.live else None}


def steps(under: Under) -> Iterator[StepResult]:
    """All steps, each as soon as it is done. One that fails stops no other."""
    rows: list[tuple[str, Callable[[], list[StepResult]]]] = [
        ("checks", lambda: _checks(under)),
        ("camera", lambda: _camera(under)),
        ("speed", lambda: [_speed(under)]),
        ("heat", lambda: [_heat(under)]),
        ("daemon", lambda: _daemon(under)),
        ("full disk", lambda: [_full_disk(under)]),
    ]
    for name, do in rows:
        try:
            yield from do()
        except EdgeFerError as error:
            # what it says may hold an address or a path, which is for this terminal alone
            yield failed(name, f"{type(error).__name__}: `edge-fer doctor` says more")


def _checks(under: Under) -> list[StepResult]:
    """What the doctor says of the machine; its words may name paths, so that they are left out."""
    found = [
        machine_checks.clock(),
        machine_checks.power(),
        machine_checks.memory(),
        vision.model(under.settings.emotion),
        vision.detector(under.name, under.camera, Store(under.settings.models_dir)),
    ]
    return [_of_check(result) for result in found]


def _of_check(result: CheckResult) -> StepResult:
    name = f"doctor: {result.name}"
    if result.state is State.SKIPPED:
        return skipped(name, "this device does not tell it")
    if result.state is State.GOOD:
        return passed(name, "good")
    told = "`edge-fer doctor` says what to do"
    if result.state is State.WARNING:
        return warned(name, told)
    return failed(name, told)


def _camera(under: Under) -> list[StepResult]:
    """Frames and light, from one look."""
    clock, levels, times = SystemClock(), [], []
    size, begin = (0, 0), time.monotonic()
    with closing(play(under.name, under.watched, clock=clock)) as frames:
        for frame in frames:
            times.append(time.monotonic())
            # every eighth pixel tells how bright it is
            levels.append(float(frame.image[::8, ::8].mean()))
            size = (frame.image.shape[1], frame.image.shape[0])
            del frame  # or it would be held while the next one is read
            if times[-1] - begin > under.times.camera:
                break
    light = _light(levels) if under.live else skipped("light", "there is no camera")
    return [_frames(under, times, size), light]


def _frames(under: Under, times: list[float], size: tuple[int, int]) -> StepResult:
    if len(times) < 2:
        return failed("frames", "the camera delivers hardly any", frames=len(times))
    gaps = [after - before for before, after in pairwise(times)]
    rate = len(gaps) / (times[-1] - times[0])
    figures: dict[str, Figure] = {
        "width_px": size[0],
        "height_px": size[1],
        "frames_per_s": round(rate, 1),
        "median_gap_ms": round(1000 * median(gaps), 1),
        "longest_gap_ms": round(1000 * max(gaps)),
    }
    if not under.live:
        return skipped("frames", "there is no camera")
    told = f"{rate:.1f} frames a second of {size[0]} x {size[1]}, the longest gap {max(gaps):.1f} s"
    if rate < ENOUGH_FRAMES * under.camera.fps:
        return failed("frames", f"{told}; {under.camera.fps:g} a second were asked for", **figures)
    return passed("frames", told, **figures)


def _light(levels: list[float]) -> StepResult:
    if not levels:
        return failed("light", "there is no picture")
    level = median(levels)
    figures: dict[str, Figure] = {"level_median": round(level), "level_min": round(min(levels))}
    if level < DARK:
        return failed("light", f"the pictures are dark: level {level:.0f} of 255", **figures)
    if level > BRIGHT:
        return failed("light", f"the pictures are too bright: level {level:.0f} of 255", **figures)
    return passed("light", f"level {level:.0f} of 255 on average", **figures)


def _speed(under: Under) -> StepResult:
    """How many frames of a recording the device could take, against how many the camera delivers."""
    found = measure(under.name, under.recorded, settings=under.settings, seconds=under.times.speed)
    stages = {
        f"{stage}_ms": round(cost.median_ms, 1)
        for stage, cost in found.stages.items()
        if stage in {"capture", "detect", "classify"} and cost is not None
    }
    figures: dict[str, Figure] = {
        "frames_per_s": found.fps,
        "processor_at_pace": found.process.cpu_share_at_pace,
        "detector": found.detector,
        **stages,
    }
    told = (
        f"{found.fps:.0f} frames a second at most, {found.process.cpu_share_at_pace:.0%} of one core at the usual pace"
    )
    if found.fps < under.camera.fps:
        return failed("speed", f"{told}; the camera delivers {under.camera.fps:g}", **figures)
    return passed("speed", told, **figures)


def _heat(under: Under) -> StepResult:
    """Whether the device keeps its speed while it works as hard as it can."""
    speeds, warmth, reasons = [], [], set()
    for _ in range(under.times.spans):
        found = measure(under.name, under.recorded, settings=under.settings, seconds=under.times.span)
        # by its own processor time: other programs make a device slower, too, but not hot
        speeds.append(found.fps / max(found.process.cpu_share, 1e-9))
        heat = read_heat()
        if heat.temperature is not None:
            warmth.append(heat.temperature)
        reasons |= set(heat.throttling or ())
    kept = min(1.0, median(speeds[-3:]) / max(speeds[0], 1e-9))
    hottest = max(warmth, default=None)
    figures: dict[str, Figure] = {
        "speed_kept": round(kept, 2),
        "hottest_c": hottest,
        "throttling": ", ".join(sorted(reasons)) or None,
        "seconds": round(under.times.spans * under.times.span),
    }
    told = f"{kept:.0%} of its speed is left"
    told += "; no temperature is told here" if hottest is None else f"; {hottest:.0f} °C at most"
    if reasons or kept < ENOUGH_SPEED:
        return failed("heat", told + (f"; slowed down: {', '.join(sorted(reasons))}" if reasons else ""), **figures)
    return passed("heat", told, **figures)


def _daemon(under: Under) -> list[StepResult]:
    """The daemon at work: its memory, its death, and the camera's cable."""
    with Child(under.name, under.watched, under.settings.models_dir) as child:
        started = child.online(START)
        if started is None:
            return [failed("memory", "the daemon does not get to work"), *_not_tried("the daemon does not get to work")]
        return [_memory(under, child, started), _killed(child), _cable(under, child)]


def _not_tried(why: str) -> list[StepResult]:
    return [skipped("killed daemon", why), skipped("pulled cable", why)]


def _memory(under: Under, child: Child, started: float) -> StepResult:
    time.sleep(min(2.0, under.times.daemon / 2))
    first, last = child.state(), None
    time.sleep(under.times.daemon)
    last = child.state()
    if first is None or last is None:
        return failed("memory", "the daemon does not answer")
    before, after = (state["health"]["rss_bytes"] for state in (first, last))
    figures: dict[str, Figure] = {
        "memory_mb": round(after / 1e6),
        "growth_mb": round((after - before) / 1e6),
        "start_s": round(started, 1),
    }
    told = f"{after / 1e6:.0f} MB, at work {started:.1f} s after its start"
    if after > MOST_MEMORY or after - before > MOST_GROWTH:
        return failed("memory", f"{told}, {(after - before) / 1e6:.0f} MB more than at first", **figures)
    return passed("memory", told, **figures)


def _killed(child: Child) -> StepResult:
    """Whether what waited for the broker is still there after the daemon was killed, and frames come again."""
    name = "killed daemon"
    if child.wait_for(lambda state: state["health"]["outbox"]["oldest_s"] is not None, START) is None:
        return failed(name, "nothing came to wait in the outbox")
    before = child.state()
    child.end(signal.SIGKILL)
    child.start()
    back = child.online(START)
    after = child.state()
    if before is None or back is None or after is None:
        return failed(name, "it did not get to work again")
    waited, kept = (state["health"]["outbox"] for state in (before, after))
    figures: dict[str, Figure] = {
        "back_s": round(back, 1),
        "waiting_before": waited["depth"],
        "waiting_after": kept["depth"],
    }
    # what was said since the start may hide how much was lost, but is not as old
    if kept["depth"] < waited["depth"] or (kept["oldest_s"] or 0) < waited["oldest_s"]:
        return failed(name, f"of {waited['depth']} messages that waited, some are lost", **figures)
    return passed(name, f"back after {back:.1f} s, no message is lost", **figures)


def _cable(under: Under, child: Child) -> StepResult:
    name = "pulled cable"
    if not under.live:
        return skipped(name, "there is no camera")
    if under.ask is None:
        return skipped(name, "nobody was there to pull it")
    under.ask("Pull the camera's cable, or cut its network or power, now.")
    gone = child.offline(NOTICE)
    if gone is None:
        return failed(name, f"the daemon did not notice it within {NOTICE:g} s" if child.alive else "the daemon ended")
    under.ask("Thank you. Put it in again.")
    back = child.online(NOTICE)
    if back is None:
        return failed(name, f"no frames came within {NOTICE:g} s after that", gone_s=round(gone, 1))
    return passed(name, f"frames came again after {back:.0f} s", gone_s=round(gone, 1), back_s=round(back, 1))


def _full_disk(under: Under) -> StepResult:
    """Whether the daemon goes on while its disk is full; the disk is a small one in memory, which nobody else has."""
    name = "full disk"
    corner = corner_command()
    if corner is None:
        return skipped(name, "a file system of its own is not allowed here; root may make one")
    with Child(under.name, under.recorded, under.settings.models_dir, corner=corner) as child:
        if child.online(START) is None:
            return failed(name, "the daemon does not get to work")
        filled = child.fill()
        if not child.stays_online(under.times.full):
            return failed(name, "frames came no more" if child.alive else "the daemon ended")
        child.make_room()
        state = child.state() if child.stays_online(under.times.full / 2) else None
        if state is None:
            return failed(name, "the daemon did not go on once there was room again")
        figures: dict[str, Figure] = {
            "filled_mb": round(filled / 1e6, 1),
            "given_up": sum(state["health"]["outbox"]["dropped"].values()),
        }
        return passed(name, "frames came all the time", **figures)
