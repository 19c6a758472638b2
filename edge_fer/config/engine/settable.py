"""What may be set by command, and what of that fits the config as it now is.

Over MQTT, thresholds alone: nothing that opens a file or an address, changes what leaves the device, or shuts the door
behind itself. On the device, an admin may also set zones and the hours of alerts, which are made of several values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

from edge_fer.config.engine.entries import Entry, KeyPath, Scalar, dotted
from edge_fer.config.engine.faults import ConfigFaults, Fault
from edge_fer.config.engine.layers import PER_CAMERA, merged, wrapped
from edge_fer.config.output.writing import written
from edge_fer.config.tree import Config
from edge_fer.rules.conditions.when import KINDS

__all__ = [
    "PAUSED",
    "PAUSED_UNTIL",
    "PAUSE_REASON",
    "SETTABLE",
    "STRUCTURED",
    "Fitting",
    "fitting",
    "is_settable",
    "is_structured",
    "nested",
    "part_at",
    "value_at",
]

#: The key below a camera that the commands `pause` and `resume` set.
PAUSED: Final = "paused"
#: The keys beside it that they set, too: when a pause ends, and why there is one.
PAUSED_UNTIL: Final = "paused_until"
PAUSE_REASON: Final = "pause_reason"
_OF_PAUSES: Final = frozenset({PAUSED, PAUSED_UNTIL, PAUSE_REASON})

_VIEW: Final = ("after", "dark", "covered", "washed_out", "moved", "moved_after")
_FACES: Final = ("min_size", "confirm", "keep_lost_for", "lifeless_after")
_QUALITY: Final = ("min_sharpness", "min_brightness", "max_brightness", "min_inside", "max_yaw")
_EMOTION: Final = ("min_confidence", "min_lead", "uncertain_after")
_SMOOTHING: Final = ("time_constant", "hysteresis", "readings")
_ALERT: Final = ("for", "keep_firing_for", "cooldown", "max_uncertain")
_WHEN: Final = dict.fromkeys(key for kind in KINDS.values() for key in sorted(kind.settable))
#: Every key that may be set; `*` stands for a name. Those of `view`, `faces`, `emotion` and `alerts` in a camera, too.
SETTABLE: Final = (
    *(f"view.{key}" for key in _VIEW),
    *(f"faces.{key}" for key in _FACES),
    *(f"faces.quality.{key}" for key in _QUALITY),
    *(f"emotion.{key}" for key in _EMOTION),
    *(f"emotion.smoothing.{key}" for key in _SMOOTHING),
    *(f"alerts.*.{key}" for key in _ALERT),
    *(f"alerts.*.when.{key}" for key in _WHEN),
    "mood.over",
    "mood.min_read",
    "mood.distress.moderate",
    "mood.distress.high",
)
#: Every key that the command `configure` may set, likewise; alerts in a camera, too.
STRUCTURED: Final = ("cameras.*.zones.*", "alerts.*.schedule")
_PATTERNS: Final = frozenset(tuple(key.split(".")) for key in SETTABLE)


def is_settable(path: KeyPath) -> bool:
    """Whether the command `set` may set a key."""
    if len(path) > 2 and path[0] == "cameras":
        path = path[2:]
        if path[0] not in PER_CAMERA:
            return False
    pattern = ("alerts", "*", *path[2:]) if path[:1] == ("alerts",) else path
    return pattern in _PATTERNS


def is_structured(path: KeyPath) -> bool:
    """Whether the command `configure` may set a key."""
    match path:
        case ("cameras", _, "zones", _) | ("alerts", _, "schedule") | ("cameras", _, "alerts", _, "schedule"):
            return True
        case _:
            return False


def part_at(config: Config, path: KeyPath) -> Any:
    """The value of a key that `is_structured`, as people write it; None where there is no such zone.

    Raises:
        KeyError: it names a camera or an alert that is not there.
    """
    *where, name = path
    found: Any = written(config)
    for key in where:
        found = found[key]
    return found.get(name)


def value_at(config: Config, path: KeyPath) -> Scalar:
    """The value of a key, as people write it.

    Raises:
        KeyError: there is no such key in this config, because it names a camera or an alert that is not there, or
            something that this kind of alert has not.
    """
    found: Any = written(config)
    for key in path:
        if not isinstance(found, Mapping):
            raise KeyError(key)
        found = found[key]
    if isinstance(found, Mapping | list):
        raise KeyError(path[-1])
    value: Scalar = found
    return value


def nested(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by dotted key as the sections of a config."""
    tree: dict[str, Any] = {}
    for path, value in settings.items():
        *sections, key = path.split(".")
        section = tree
        for name in sections:
            section = section.setdefault(name, {})
        section[key] = value
    return tree


@dataclass(frozen=True, slots=True)
class Fitting:
    """What of a layer of settings fits.

    Attributes:
        entries: what can be laid on top of the config; without a fault.
        set_aside: what is wrong with the rest.
    """

    entries: tuple[Entry, ...]
    set_aside: tuple[Fault, ...]

    @property
    def root(self) -> Entry | None:
        """The entries as one."""
        return _as_one(self.entries) if self.entries else None

    @property
    def values(self) -> dict[str, Any]:
        """The values by dotted key."""
        return {dotted(entry.path): False if entry.off else entry.plain() for entry in self.entries}


def fitting(layer: Entry, config: Config, check: Callable[[Entry], object]) -> Fitting:
    """What of a layer of settings can be used on top of a config that may have changed since they were made.

    A camera or an alert may have gone, or a version have other bounds. That must keep no daemon from starting.

    Args:
        layer: as it was read.
        config: what it goes on top of.
        check: raises ConfigFaults where an entry does not go together with that.
    """
    aside = {leaf.path: fault for leaf in _leaves(layer) if (fault := _misplaced(leaf, config))}
    placed = [leaf for leaf in _leaves(layer) if leaf.path not in aside]
    kept, faults = _all_or_some(placed, check)
    return Fitting(tuple(kept), (*aside.values(), *faults))


def _all_or_some(leaves: Sequence[Entry], check: Callable[[Entry], object]) -> tuple[list[Entry], list[Fault]]:
    """All of them, as nearly always; else, one after the other, those that go together with the ones before."""
    if not _faults_with(leaves, check):
        return list(leaves), []
    kept: list[Entry] = []
    faults: list[Fault] = []
    for leaf in leaves:
        if found := _faults_with([*kept, leaf], check):
            faults += found
        else:
            kept.append(leaf)
    return kept, faults


def _faults_with(leaves: Sequence[Entry], check: Callable[[Entry], object]) -> Sequence[Fault]:
    try:
        if leaves:
            check(_as_one(leaves))
    except ConfigFaults as error:
        return error.faults
    return ()


def _misplaced(leaf: Entry, config: Config) -> Fault | None:
    """What is wrong with a setting whatever its value."""

    def fault(problem: str, remedy: str) -> Fault:
        return Fault(leaf.layer, leaf.line, dotted(leaf.path), None, problem, remedy)

    structured = is_structured(leaf.path)
    is_pause = len(leaf.path) == 3 and leaf.path[0] == "cameras" and leaf.path[2] in _OF_PAUSES
    if not structured and (isinstance(leaf.value, tuple) or not (is_pause or is_settable(leaf.path))):
        return fault("cannot be set by command", "Write it into the config file")
    try:
        if structured:
            part_at(config, leaf.path)
        else:
            value_at(config, leaf.path)
    except KeyError:
        return fault("is about something that is no longer there", "Set it anew where it is wanted")
    return None


def _leaves(entry: Entry) -> Iterator[Entry]:
    """Every value in an entry that is set as one."""
    if not isinstance(entry.value, Mapping) or is_structured(entry.path):
        yield entry
        return
    for child in entry.children.values():
        yield from _leaves(child)


def _as_one(leaves: Sequence[Entry]) -> Entry:
    """Single values, at least one, as the map that they stand in."""
    return reduce(merged, [wrapped(leaf, tuple(map(str, leaf.path))) for leaf in leaves])
