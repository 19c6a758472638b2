"""Loads the config: reads the layers, lays them over one another, and checks the whole, telling every fault."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from edge_fer.config.engine.complaints import DEFAULT, faults_of
from edge_fer.config.engine.entries import Entry
from edge_fer.config.engine.faults import ConfigFaults, Fault
from edge_fer.config.engine.layers import Layer, filled, merged
from edge_fer.config.engine.profile import fitted, profile_layer
from edge_fer.config.engine.settable import fitting
from edge_fer.config.output.writing import written
from edge_fer.config.tree import Config
from edge_fer.values.units import FROM_FILE

if TYPE_CHECKING:
    from edge_fer.config.engine.desired import Document

__all__ = ["BOOT_COPY", "BOOT_FILE", "SETTINGS_NAME", "SYSTEM_FILE", "Loaded", "load", "standard_files"]

#: What the machine's administrator writes.
SYSTEM_FILE: Final = Path("/etc/edge-fer/config.yaml")
#: What somebody writes who has only the memory card: seen as a drive by any computer.
BOOT_FILE: Final = Path("/boot/firmware/edge-fer.yaml")
#: What of it was checked and taken over (`edge-fer boot-config`): this is what is read.
BOOT_COPY: Final = Path("/var/lib/edge-fer-boot/edge-fer.yaml")
#: In the state folder: what was set by command.
SETTINGS_NAME: Final = "settings.yaml"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A config without faults.

    Attributes:
        config: the whole tree; every camera's own `view`, `faces`, `emotion`, `attributes` and `alerts` are complete.
        layers: names of the layers that were there, the lowest first.
        root: what was written, and where, for `explain`.
        desired: what the operator of a fleet wants and is in force: revisions by scope.
        settings: what was set by command and is in force, by dotted key.
        set_aside: what was set by command or is wanted, and is not in force, because it no longer fits.
    """

    config: Config
    layers: tuple[str, ...]
    root: Entry
    desired: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    set_aside: tuple[Fault, ...] = ()


def standard_files(config: Path | None = None) -> tuple[Layer, ...]:
    """The files that a device reads, the lowest first.

    Args:
        config: a file to read, which must exist, in place of `/etc/edge-fer/config.yaml`, which need not.
    """
    system = Layer.file(SYSTEM_FILE) if config is None else Layer.file(config, required=True)
    return system, Layer.file(BOOT_COPY, name=str(BOOT_FILE))


def load(
    layers: Sequence[Layer] = (),
    *,
    overrides: Sequence[Layer] = (),
    environ: Mapping[str, str] | None = None,
    settings: bool | Layer = True,
    desired: Sequence[Document] | None = None,
) -> Loaded:
    """Load the config from layers, each overriding those before it.

    Below them are the defaults and the profile (the one that the highest layer names); above them what the operator of
    a fleet wants (`desired.json` in `state_dir`), the settings made by command (`settings.yaml` there), and above those
    the overrides.

    Args:
        layers: the lowest first; usually `standard_files()`.
        overrides: what goes on top of everything, the lowest first.
        environ: what `${NAME}` stands for; the process's environment if left out.
        settings: whether those made by command are read, and what a fleet's operator wants; or others to take in the
            place of those made by command.
        desired: what to take in the place of what is kept of what a fleet's operator wants, which must fit then.

    Raises:
        ConfigFaults: everything that is wrong, in whichever layer; but what is wrong with a file of settings is set
            aside, because nobody wrote it by hand who could put it right.
    """
    environ = os.environ if environ is None else environ
    alone = base = _stacked(layers, None, overrides, environ)
    documents: Sequence[Document] = ()
    aside: Sequence[Fault] = ()
    if settings and alone.config.fleet.member == "on":
        documents, aside = _wanted(
            alone.config.state_dir, desired, lambda more: _stacked([*layers, *more], None, overrides, environ)
        )
    wanted = {one.scope: one.revision for one in documents}
    layers = [*layers, *(one.layer for one in documents)]

    def on_top(remote: Entry | None) -> Loaded:
        return replace(_stacked(layers, remote, overrides, environ), desired=wanted)

    if isinstance(settings, Layer):
        reading = settings.read(environ)
        if reading.faults:
            raise ConfigFaults(reading.faults)
        return on_top(reading.entry)
    if documents:
        base = on_top(None)
    if not settings:
        return base
    reading = Layer.file(alone.config.state_dir / SETTINGS_NAME).read(environ)
    if reading.entry is None:
        return replace(base, set_aside=(*aside, *reading.faults))
    found = fitting(reading.entry, base.config, on_top)
    loaded = on_top(found.root) if found.entries else base
    return replace(loaded, settings=found.values, set_aside=(*aside, *reading.faults, *found.set_aside))


def _wanted(
    state_dir: Path, given: Sequence[Document] | None, check: Callable[[Sequence[Layer]], object]
) -> tuple[Sequence[Document], Sequence[Fault]]:
    """What the operator of a fleet wants, as far as it fits, and what does not."""
    from edge_fer.config.engine.desired import fitting_layers, kept_documents  # noqa: PLC0415 - in a fleet alone

    documents, unread = kept_documents(state_dir) if given is None else (given, [])
    fit, faults = fitting_layers(documents, check)
    if given is not None and faults:
        raise ConfigFaults(faults)
    return fit, [*unread, *faults]


def _stacked(
    layers: Sequence[Layer], remote: Entry | None, overrides: Sequence[Layer], environ: Mapping[str, str]
) -> Loaded:
    """The layers over one another, with the settings made by command below the overrides."""
    faults: list[Fault] = []

    def read(layers: Sequence[Layer]) -> list[Entry]:
        readings = [layer.read(environ) for layer in layers]
        faults.extend(fault for reading in readings for fault in reading.faults)
        return [reading.entry for reading in readings if reading.entry is not None]

    (default,) = read([_defaults()])
    lower, upper = read(layers), [*([remote] if remote else ()), *read(overrides)]
    profile = profile_layer(reduce(merged, [*lower, *upper], default))
    stack = [default, *read([profile]), *lower, *upper]
    whole = reduce(merged, stack)
    cameras = whole.at("cameras")
    if cameras is None or not cameras.value:
        whole = merged(read([_default_camera()])[0], whole)
    whole = filled(whole)
    root = fitted(whole, profile.name)
    try:
        config = Config.model_validate(root.plain(), context=FROM_FILE)
    except ValidationError as error:
        faults.extend(faults_of(error, root))
    if faults:
        set_remotely = [remote.layer] if remote else []
        names = [*(layer.name for layer in (profile, *layers)), *set_remotely, *(layer.name for layer in overrides)]
        raise ConfigFaults(_in_order(faults, names))
    return Loaded(config, tuple(entry.layer for entry in stack), root)


def _defaults() -> Layer:
    """The lowest layer. Without cameras: theirs stands only where nobody names one."""
    return Layer.mapping(DEFAULT, written(Config(), without={"cameras"}))


def _default_camera() -> Layer:
    """What there is where nobody names a camera."""
    return Layer.mapping(DEFAULT, {"cameras": {name: {} for name in Config.model_fields["cameras"].default}})


def _in_order(faults: Iterable[Fault], layers: Sequence[str]) -> list[Fault]:
    """The faults, each once, by layer and line."""
    place = {name: index for index, name in enumerate(layers)}
    return sorted(dict.fromkeys(faults), key=lambda fault: (place.get(fault.layer, len(place)), fault.line or 0))
