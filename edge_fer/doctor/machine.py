"""Checks of the machine: its clock, its warmth, its disk, and who may use the cameras."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
from collections.abc import Callable
from pathlib import Path

from edge_fer.clock.system import clock_synced
from edge_fer.daemon.heat import read_heat
from edge_fer.doctor.finding import CheckResult, fault, good, skipped, warning

__all__ = ["clock", "disk", "memory", "power", "user", "warmth"]

#: Degrees Celsius from which a Raspberry Pi slows down a little, and from which much.
WARM, HOT = 80.0, 85.0
#: Bytes below which a disk is as good as full.
FULL = 100_000_000


def clock(ask: Callable[[], bool] = clock_synced) -> CheckResult:
    """Whether the times in messages can be trusted."""
    if ask():
        return good("clock", "it is synchronised")
    remedy = "Check the network and `timedatectl`; messages say `clock_synced: false` until it is"
    return warning("clock", "nobody has set it since the start, so the times in messages may be wrong", remedy)


def warmth(root: Path = Path("/")) -> CheckResult:
    """How warm the processor is."""
    degrees = read_heat(root / "sys").temperature
    if degrees is None:
        return skipped("temperature", "this machine does not tell it")
    if degrees < WARM:
        return good("temperature", f"{degrees:.0f} °C")
    what = f"{degrees:.0f} °C, at which the processor {'is slowed down' if degrees >= HOT else 'is soon slowed down'}"
    return warning("temperature", what, "Give it air, a heat sink or a fan, or lower `cameras.<name>.fps`")


def power(root: Path = Path("/")) -> CheckResult:
    """Whether the board slows itself down."""
    heat = read_heat(root / "sys")
    if heat.throttling is None or heat.throttled is None:
        return skipped("throttling", "only a Raspberry Pi tells it")
    supply = "Use the power supply made for this board, and a short cable"
    cooling = "Give it air, a heat sink or a fan"
    if "under_voltage" in heat.throttling:
        return fault("throttling", "the power supply gives too little voltage", supply)
    if heat.throttling:
        return warning("throttling", "the processor is slowed down, because it is too warm", cooling)
    if "under_voltage" in heat.throttled:
        return warning("throttling", "the power supply gave too little voltage at times since the start", supply)
    if heat.throttled:
        return warning("throttling", "the processor was slowed down at times since the start", cooling)
    return good("throttling", "none since the start")


def memory(root: Path = Path("/")) -> CheckResult:
    """Whether the ceiling that the service's unit sets is one."""
    controllers = root / "sys/fs/cgroup/cgroup.controllers"
    if not (root / "run/systemd/system").is_dir():
        return skipped("memory ceiling", "systemd does not run here")
    try:
        holds = "memory" in controllers.read_text(encoding="ascii").split()
    except OSError:
        holds = (root / "sys/fs/cgroup/memory").is_dir()
    if holds:
        return good("memory ceiling", "the kernel sees to it")
    remedy = "Add `cgroup_enable=memory` to the line in /boot/firmware/cmdline.txt, and start the machine again"
    return warning("memory ceiling", "the kernel does not heed MemoryMax= of the service", remedy)


def disk(state_dir: Path, wanted: float) -> CheckResult:
    """Whether the outbox has a place.

    Args:
        state_dir: the folder it is in.
        wanted: bytes that it may grow to.
    """
    # what does not exist yet is made below what does
    folder = next(path for path in (state_dir, *state_dir.parents) if os.access(path, os.F_OK))
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        return fault("disk", f"`state_dir` {state_dir} cannot be written", "Name a folder that this user may write to")
    free = shutil.disk_usage(folder).free
    told = f"{free / 1e6:.0f} MB are free at {state_dir}"
    if free < FULL:
        return fault("disk", told, "Make room: messages will be lost while the broker is away")
    if free < wanted:
        remedy = "Make room, or lower `mqtt.outbox.max_size`"
        return warning("disk", f"{told}, less than the outbox may grow to ({wanted / 1e6:.0f} MB)", remedy)
    return good("disk", told)


def user(devices: list[Path]) -> CheckResult:
    """Whether this process's user may open the cameras.

    Args:
        devices: of the cameras, as far as they are devices.
    """
    name = _user(os.geteuid())
    groups = sorted(_group(number) for number in {os.getegid(), *os.getgroups()})
    what = f"{name}, of {', '.join(groups)}"
    barred = [device for device in devices if device.exists() and not os.access(device, os.R_OK | os.W_OK)]
    if barred:
        owner = _group(barred[0].stat().st_gid)
        remedy = f"Run `sudo usermod -aG {owner} {name}`, and start the service, or log in, again"
        return fault("user", f"{what}, may not open {', '.join(map(str, barred))}", remedy)
    if os.geteuid() == 0:
        return warning("user", "root, who may do more than the service", "Run it as the user that edge-fer runs as")
    if "video" not in groups and not devices:
        remedy = f"Run `sudo usermod -aG video {name}` if a camera of this machine is to be used"
        return warning("user", f"{what}, not of video, whose members may open cameras", remedy)
    return good("user", what)


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
