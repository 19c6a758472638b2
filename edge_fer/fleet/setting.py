"""Changes wanted configs in the fleet's folder, and checks what can be checked without the device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edge_fer.config import ConfigFaults, Layer, load
from edge_fer.config.engine.desired import Document, forbidden
from edge_fer.config.engine.reader import read_yaml
from edge_fer.config.tree import Config
from edge_fer.errors import FleetError, did_you_mean
from edge_fer.fleet.folder import FleetFolder

__all__ = ["set_wanted"]


def set_wanted(folder: FleetFolder, scope: str, settings: Sequence[str], *, without: Sequence[str] = ()) -> None:
    """Changes the wanted config of a scope.

    Args:
        folder: of the fleet.
        scope: `all`, a node's name, or `group:` and a group's name.
        settings: each `key.path=value`.
        without: keys that are left to the devices' own files again.

    Raises:
        FleetError: there is no such scope or key, or a value cannot be.
    """
    scope = folder.checked_scope(scope)
    config = folder.desired(scope)
    for key in without:
        if not _drop(config, key.split(".")):
            msg = f"{key} is not set for {scope}"
            raise FleetError(msg, remedy=f"See {folder.desired_file(scope)}")
    for text in settings:
        _put(config, *_parsed(text))
    _check(scope, config, [text.partition("=")[0].strip() for text in settings])
    folder.want(scope, config)


def _parsed(text: str) -> tuple[list[str], Any]:
    path, equals, value = text.partition("=")
    keys = path.strip().split(".")
    if not equals or "" in keys:
        msg = f"{text!r} is not a setting"
        raise FleetError(msg, remedy="Write `key.path=value`, for example `faces.min_size=64px`")
    read = read_yaml(value, layer=path.strip(), environ={}, lines=False)
    if read.faults:
        raise FleetError(str(read.faults[0]))
    return keys, read.entry.plain() if read.entry else None


def _put(config: dict[str, Any], keys: Sequence[str], value: Any) -> None:
    *sections, last = keys
    for key in sections:
        inner = config.get(key)
        config[key] = dict(inner) if isinstance(inner, Mapping) else {}
        config = config[key]
    config[last] = value


def _drop(config: dict[str, Any], keys: Sequence[str]) -> bool:
    """Takes a key out, and the sections that nothing is left in."""
    first, *rest = keys
    if first not in config:
        return False
    if not rest:
        del config[first]
        return True
    inner = config[first]
    if not isinstance(inner, dict) or not _drop(inner, rest):
        return False
    if not inner:
        del config[first]
    return True


def _check(scope: str, config: Mapping[str, Any], keys: Sequence[str]) -> None:
    """What is wrong whatever the device's own files say: the rest, each device checks."""
    for key in config:
        if key not in Config.model_fields:
            msg = f"{scope}: there is no section {key!r} in a config"
            remedy = did_you_mean(key, Config.model_fields) or "docs/config.md has them all"
            raise FleetError(msg, remedy=remedy)
    if "fleet" in config:
        msg = f"{scope}: ring and groups of a node stand in nodes.csv"
        raise FleetError(msg, remedy="Change them there, and run `edge-fer fleet rollout`")
    faults = forbidden(Document(scope, "", config))
    try:
        load([Layer.mapping(scope, config)], environ={}, settings=False)
    except ConfigFaults as error:
        faults += [one for one in error.faults if any(f"{one.path}.".startswith(f"{key}.") for key in keys)]
    if faults:
        first = faults[0]
        msg = f"{first.path} {first.problem}"
        raise FleetError(msg, remedy=first.remedy)
