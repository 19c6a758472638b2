"""`edge-fer notify`: shows who is told of alerts, and tries it."""

from __future__ import annotations

import argparse
import os
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from edge_fer.cli._config_arguments import add_config_arguments, load_from
from edge_fer.cli._say import say, say_json
from edge_fer.cli._verbs import Subparsers, add_verb
from edge_fer.clock.zone import local_zone
from edge_fer.config import Config
from edge_fer.errors import ConfigError, EdgeFerError, NotifyError, did_you_mean
from edge_fer.notify.delivery import INSTALL, AppriseDelivery, is_installed
from edge_fer.notify.sender import SenderTarget
from edge_fer.notify.spool import FILE, Prepared, Spool, TargetStatus
from edge_fer.notify.texts import NotifyTexts
from edge_fer.notify.waking import seen_spool, spool_closed_to_us
from edge_fer.sinks.notify import sender_settings
from edge_fer.support.redact import redacted
from edge_fer.values.destination import leads_outside

__all__ = ["add_parser"]

_DESCRIPTION = """\
Shows who is told of alerts and troubles (`notify` in the config), and tries it. docs/notifications.md has the rest.
"""
_TEST = """\
Sends a test to all targets, or to the one that is named, at once and from this process. Run it as a user who may read
the targets' addresses: `sudo edge-fer notify test`. Exit status: 0 if all have taken it, else 1.
"""
_LIST = """\
Shows the targets, what goes to them, what waits for each and why it is not taken.
"""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the verb."""
    parser = add_verb(
        subparsers, "notify", help="show who is told of alerts, and try it", description=_DESCRIPTION, handler=_list
    )
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    test = add_verb(verbs, "test", help="send a test", description=_TEST, handler=_test)
    test.add_argument("target", metavar="TARGET", nargs="?", help="the target; left out, all of them")
    add_config_arguments(test)
    listed = add_verb(verbs, "list", help="show the targets, and what waits", description=_LIST, handler=_list)
    listed.add_argument("--json", action="store_true", help="print it as JSON")
    add_config_arguments(listed)


def _test(args: argparse.Namespace) -> int:
    settings = sender_settings(_with_targets(load_from(args).config))
    if args.target is not None and args.target not in settings.targets:
        msg = f"there is no target `{args.target}`"
        known = list(settings.targets)
        raise ConfigError(msg, remedy=did_you_mean(args.target, known) or f"Choose from {', '.join(known)}")
    if not is_installed():
        msg = "the Python package apprise, which sends notifications, is not installed"
        raise NotifyError(msg, remedy=INSTALL)
    texts = NotifyTexts(settings.language, place=settings.place, zone=local_zone(settings.zone or None))
    deliver = AppriseDelivery(settings.node)
    refused = 0
    for name, target in settings.targets.items():
        if args.target in {None, name}:
            prepared = Prepared(uuid.uuid4().hex, texts.test(), urgent=False, failures=0)
            delivered = deliver(target, prepared)
            refused += not delivered.taken
            say(f"{name:20} {'taken' if delivered.taken else f'NOT TAKEN: {delivered.problem}'}")
    return int(refused > 0)


def _list(args: argparse.Namespace) -> int:
    config = _with_targets(load_from(args).config)
    zone = local_zone(config.node.timezone)
    status, unknown = _status(config)
    targets = sender_settings(config).targets
    if args.json:
        say_json({name: _as_json(config, name, target, _of(status, name)) for name, target in targets.items()})
        return 0
    if unknown:
        say(f"What waits, and what was sent, is not known: {unknown}\n")
    for name, target in targets.items():
        told = _as_json(config, name, target, _of(status, name))
        say(f"{name:20} {told['address']}{'  (outside)' if told['outside'] else ''}")
        say(f"{'':20} {told['detail']}; {', '.join(told['routes']) or 'no route leads to it'}")
        if status is None:
            continue
        sent = status[name].last_sent
        last = f"last sent {datetime.fromtimestamp(sent, zone):%Y-%m-%d %H:%M}" if sent else "nothing sent yet"
        lost = f", {told['lost']} given up" if told["lost"] else ""
        say(f"{'':20} {told['waiting']} wait, {last}{lost}")
        if told["problem"]:
            say(f"{'':20} NOT TAKEN: {told['problem']}")
    return 0


def _as_json(config: Config, name: str, target: SenderTarget, status: TargetStatus | None) -> dict[str, Any]:
    """What is told of a target; where its status is not known, what that would say is null."""
    routes = {
        route
        for route, given in config.notify.routes.items()
        if name in given.to or any(name in step.to for step in given.escalate)
    }
    return {
        "address": redacted(target.url) if target.url else f"as in {target.url_file}",
        # what is in a file, the sender alone knows
        "outside": bool(target.url) and leads_outside(target.url),
        "detail": config.notify.targets[name].detail,
        "routes": sorted(routes) if config.notify.routes else ["everything"],
        "waiting": status and status.waiting,
        "last_sent": status and status.last_sent,
        "lost": status and status.lost,
        "problem": status and status.problem,
    }


def _of(status: Mapping[str, TargetStatus] | None, name: str) -> TargetStatus | None:
    return None if status is None else status[name]


def _status(config: Config) -> tuple[dict[str, TargetStatus] | None, str]:
    """How targets are doing; None, and why, where that cannot be known."""
    folder = seen_spool(config.state_dir, os.environ)
    if closed := spool_closed_to_us(folder):
        return None, closed
    try:
        found = Spool(folder).status() if (folder / FILE).is_file() else {}
    except EdgeFerError as error:
        return None, str(error)
    return dict.fromkeys(config.notify.targets, TargetStatus()) | found, ""


def _with_targets(config: Config) -> Config:
    if not config.notify.targets:
        msg = "notify.targets: nobody is named who could be told"
        raise ConfigError(msg, remedy="Name somebody; docs/notifications.md shows how")
    return config
