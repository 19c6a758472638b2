"""What was set by command: the topmost layer of the config, in a file of its own."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from edge_fer.config import SETTINGS_NAME, ConfigFaults, Layer, Loaded
from edge_fer.config.engine.entries import Scalar, dotted
from edge_fer.config.engine.settable import STRUCTURED, is_settable, is_structured, nested, part_at, value_at
from edge_fer.contract.messages.commands import ErrorCode
from edge_fer.errors import CommandError
from edge_fer.support.keeping import write_whole

__all__ = ["LoadConfig", "SettingChange", "Settings"]

log = logging.getLogger(__name__)

#: Loads the config: with the settings in the file, or with others in their place.
LoadConfig: TypeAlias = Callable[[Layer | None], Loaded]

#: Settings that are kept, at most.
_MOST = 256
#: Bytes that they take, at most; a file that is much larger would not be read.
_LARGEST = 200_000
#: What faults call the layer.
_LAYER = "set by command"
_HEADER = "# What was set by command. Written by edge-fer: to change it, send another command (docs/commands.md).\n"


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
    old: Any
    new: Any
    before: Mapping[str, Any]


class Settings:
    """Changes settings one at a time, checks them as the config they make, and keeps them on disk. For one thread.

    Args:
        load: loads the config.
        values: those in force.

    Attributes:
        values: those in force, by dotted key.
    """

    def __init__(self, load: LoadConfig, values: Mapping[str, Any]) -> None:
        self.values = dict(values)
        self._load = load

    def put(self, key: str, value: Scalar) -> SettingChange:
        """Sets one key, or with None leaves it to the config files again.

        Raises:
            CommandError: it may not be set, or not to that; nothing has changed.
        """
        path = tuple(key.split("."))
        if not is_settable(path):
            msg = f"{key!r} is nothing that can be set by command"
            remedy = "docs/commands.md lists what can be"
            raise CommandError(ErrorCode.REFUSED, msg, remedy=remedy, field="key", value=key)
        return self._change_one(path, value)

    def put_part(self, key: str, value: Any) -> SettingChange:
        """Sets a part of the config that is made of several values, likewise.

        Raises:
            CommandError: it may not be set, or not to that; nothing has changed.
        """
        path = tuple(key.split("."))
        if not is_structured(path) or "" in path:
            msg = f"{key!r} is no part of the config that can be set by command"
            remedy = f"Choose from {', '.join(STRUCTURED)}, with a name in place of each *"
            raise CommandError(ErrorCode.REFUSED, msg, remedy=remedy, field="key", value=key)
        return self._change_one(path, value)

    def pause(self, camera: str, wanted: Mapping[str, Any]) -> None:
        """Keeps whether a camera is paused, until when, and why.

        Args:
            camera: its name.
            wanted: each key of the camera that says so, with its value.

        Raises:
            CommandError: that cannot be kept.
        """
        paths = {("cameras", camera, key): value for key, value in wanted.items()}
        _, _, files = self._checked(dict.fromkeys(paths))
        # what is as the config files have it needs no setting
        self._change({path: None if value_at(files.config, path) == value else value for path, value in paths.items()})

    def put_back(self, change: SettingChange) -> None:
        """Takes a change back."""
        self._keep(change.before, self._load(None))

    def _change_one(self, path: tuple[str, ...], value: Any) -> SettingChange:
        key, look = dotted(path), part_at if is_structured(path) else value_at
        before = self._load(None)
        try:
            old = look(before.config, path)
        except KeyError:
            raise _not_there(key) from None
        then = self._change({path: value})
        return SettingChange(key, old, look(then.config, path), dict(before.settings))

    def _change(self, values: Mapping[tuple[str, ...], Any]) -> Loaded:
        """Sets all of these at once, or with None leaves them to the config files; gives the config that they make."""
        now, wanted, then = self._checked(values)
        if wanted != now.settings:
            self._keep(wanted, now)
        return then

    def _checked(self, values: Mapping[tuple[str, ...], Any]) -> tuple[Loaded, Mapping[str, Any], Loaded]:
        """The config as it is, the settings with these values, and the config that they make."""
        given = {dotted(path): value for path, value in values.items()}
        try:
            now = self._load(None)
            wanted = {name: kept for name, kept in now.settings.items() if name not in given}
            wanted |= {name: value for name, value in given.items() if value is not None}
            if len(wanted) > _MOST:
                msg = f"{_MOST} settings are kept already"
                raise CommandError(ErrorCode.REFUSED, msg, remedy="Write some of them into the config file")
            then = self._load(Layer.mapping(_LAYER, nested(wanted)))
        except ConfigFaults as faults:
            told = "; ".join(map(str, faults.faults))
            (value, *_) = given.values()
            raise CommandError(ErrorCode.REFUSED, told, field="value", value=value) from None
        for path, value in values.items():
            entry = then.root.at(*path)
            if value is not None and entry is not None and entry.layer != _LAYER:
                msg = f"{dotted(path)} is set by {entry.layer}, which stands above what is set by command"
                raise CommandError(ErrorCode.REFUSED, msg, remedy="Start edge-fer without that")
        return now, wanted, then

    def _keep(self, values: Mapping[str, Any], loaded: Loaded) -> None:
        file = loaded.config.state_dir / SETTINGS_NAME
        tree = json.dumps(nested(values), indent=2, ensure_ascii=False).replace("${", "$${")
        if len(tree.encode()) > _LARGEST:
            msg = f"all that is set would take more than {_LARGEST} bytes"
            raise CommandError(ErrorCode.REFUSED, msg, remedy="Write some of it into the config file")
        try:
            write_whole(file, f"{_HEADER}{tree}\n")
        except OSError as error:
            msg = f"{file} cannot be written: {error.strerror}"
            raise CommandError(ErrorCode.FAILED, msg, remedy="Look at the disk and its permissions") from error
        self.values = dict(values)


def _not_there(key: str) -> CommandError:
    remedy = "Look up the names of cameras and alerts, and what this kind of alert has, in the config"
    return CommandError(ErrorCode.REFUSED, f"{key} is not there", remedy=remedy)
