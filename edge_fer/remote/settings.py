"""What was set over MQTT: the topmost layer of the config, in a file of its own."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from edge_fer.config import SETTINGS_NAME, ConfigFaults, Layer, Loaded
from edge_fer.config.engine.entries import Scalar, dotted
from edge_fer.config.engine.settable import PAUSED, is_settable, nested, value_at
from edge_fer.contract.messages.commands import ErrorCode
from edge_fer.errors import CommandError
from edge_fer.support.keeping import write_whole

__all__ = ["LoadConfig", "SettingChange", "Settings"]

log = logging.getLogger(__name__)

#: Loads the config: with the settings in the file, or with others in their place.
LoadConfig: TypeAlias = Callable[[Layer | None], Loaded]

#: Settings that are kept, at most.
_MOST = 256
#: What faults call the layer.
_LAYER = "set over MQTT"
_HEADER = "# What was set over MQTT. Written by edge-fer: to change it, send another command (docs/commands.md).\n"


@dataclass(frozen=True, slots=True)
class SettingChange:
    """A setting that was changed.

    Attributes:
        key: its key.
        old: its value before.
        new: its value now.
        before: all settings before.
    """

    key: str
    old: Scalar
    new: Scalar
    before: Mapping[str, Scalar]


class Settings:
    """Changes settings one at a time, checks them as the config they make, and keeps them on disk. For one thread.

    Args:
        load: loads the config.
        values: those in force.

    Attributes:
        values: those in force, by dotted key.
    """

    def __init__(self, load: LoadConfig, values: Mapping[str, Scalar]) -> None:
        self.values = dict(values)
        self._load = load

    def put(self, key: str, value: Scalar) -> SettingChange:
        """Sets one key, or with None leaves it to the config files again.

        Raises:
            CommandError: it may not be set, or not to that; nothing has changed.
        """
        path = tuple(key.split("."))
        if not is_settable(path):
            msg = f"{key!r} is nothing that can be set over MQTT"
            raise CommandError(ErrorCode.REFUSED, msg, remedy="docs/commands.md lists what can be")
        return self._change(path, value)

    def pause(self, camera: str, *, paused: bool) -> None:
        """Keeps whether a camera is paused.

        Raises:
            CommandError: that cannot be kept.
        """
        path = ("cameras", camera, PAUSED)
        change = self._change(path, True if paused else None)
        if change.new is not paused:
            # the config files say otherwise
            self._change(path, paused)

    def put_back(self, change: SettingChange) -> None:
        """Takes a change back."""
        self._keep(change.before, self._load(None))

    def _change(self, path: tuple[str, ...], value: Scalar) -> SettingChange:
        key = dotted(path)
        try:
            now = self._load(None)
            old = value_at(now.config, path)
            wanted = {name: kept for name, kept in now.settings.items() if name != key}
            if value is not None:
                wanted[key] = value
            if len(wanted) > _MOST:
                msg = f"{_MOST} settings are kept already"
                raise CommandError(ErrorCode.REFUSED, msg, remedy="Write some of them into the config file")
            then = self._load(Layer.mapping(_LAYER, nested(wanted)))
        except KeyError:
            msg = f"{key} is not there"
            remedy = "Look up the names of cameras and alerts, and what this kind of alert has, in the config"
            raise CommandError(ErrorCode.REFUSED, msg, remedy=remedy) from None
        except ConfigFaults as faults:
            raise CommandError(ErrorCode.REFUSED, "; ".join(map(str, faults.faults))) from None
        entry = then.root.at(*path)
        if value is not None and entry is not None and entry.layer != _LAYER:
            msg = f"{key} is set by {entry.layer}, which stands above what is set over MQTT"
            raise CommandError(ErrorCode.REFUSED, msg, remedy="Start edge-fer without that")
        self._keep(wanted, now)
        return SettingChange(key, old, value_at(then.config, path), dict(now.settings))

    def _keep(self, values: Mapping[str, Scalar], loaded: Loaded) -> None:
        file = loaded.config.state_dir / SETTINGS_NAME
        tree = json.dumps(nested(values), indent=2, ensure_ascii=False).replace("${", "$${")
        try:
            write_whole(file, f"{_HEADER}{tree}\n")
        except OSError as error:
            msg = f"{file} cannot be written: {error.strerror}"
            raise CommandError(ErrorCode.FAILED, msg, remedy="Look at the disk and its permissions") from error
        self.values = dict(values)
