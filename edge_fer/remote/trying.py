"""Trying settings before they are set: which may be tried, and on which config."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from edge_fer.config import ConfigFaults, Layer
from edge_fer.config.engine.settable import is_settable, nested
from edge_fer.config.tree import Config
from edge_fer.contract.messages.commands import ErrorCode
from edge_fer.errors import CommandError
from edge_fer.remote.asker import Asker, Role
from edge_fer.remote.executor import DENIED
from edge_fer.remote.settings import LoadConfig

__all__ = ["TryOut", "try_settings"]

#: What alerts two configs make of the readings that are kept: of the one in force, and of the one that is tried.
TryOut: TypeAlias = Callable[[Config, Config], Mapping[str, Any]]
#: Keys that are tried at once.
_MOST = 32
#: What the rules go by; what a face says was settled before, and stays as it was read.
_JUDGED = frozenset({"alerts", "mood"})


def try_settings(values: Mapping[str, Any], asker: Asker, *, load: LoadConfig, try_out: TryOut) -> Mapping[str, Any]:
    """What alerts would have come with other thresholds.

    Args:
        values: by key of the config; null: as the config files have it.
        asker: who asks.
        load: loads the config.
        try_out: takes the readings through both configs.

    Returns:
        What `try_out` gives, and the keys that make no difference here (`untried`).

    Raises:
        CommandError: one of them may not be set, or not to that.
    """
    if asker.role is None or not asker.role.includes(Role.OPERATOR):
        msg = f"{asker.name}, who is {asker.role}, may not try settings, which needs the role {Role.OPERATOR}"
        raise CommandError(DENIED, msg, remedy="Ask somebody with that role")
    if not 0 < len(values) <= _MOST:
        msg, remedy = f"{len(values)} keys are to be tried", f"Send 1 to {_MOST}"
        raise CommandError(ErrorCode.REFUSED, msg, remedy=remedy, field="set")
    for key in values:
        if not is_settable(tuple(key.split("."))):
            msg = f"{key!r} is nothing that can be set by command"
            raise CommandError(ErrorCode.REFUSED, msg, remedy="docs/commands.md lists what can be", field=key)
    now = load(None)
    wanted = {key: value for key, value in {**now.settings, **values}.items() if value is not None}
    try:
        then = load(Layer.mapping("tried", nested(wanted)))
    except ConfigFaults as faults:
        raise CommandError(ErrorCode.REFUSED, "; ".join(map(str, faults.faults)), remedy="", field="set") from None
    found = try_out(now.config, then.config)
    return {**found, "untried": [key for key in values if not _JUDGED.intersection(key.split("."))]}
