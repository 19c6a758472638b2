"""`edge-fer discovery`: what Home Assistant is told of this device, and taking it back."""

from __future__ import annotations

import argparse
from dataclasses import replace
from datetime import UTC, datetime

from edge_fer.cli._config_arguments import add_config_arguments, load_from
from edge_fer.cli._say import say, say_json
from edge_fer.cli._verbs import Subparsers, add_verb
from edge_fer.doctor.service import become_the_service
from edge_fer.errors import BrokerError
from edge_fer.mqtt.failures import problem_and_remedy, remedy_for_refusal
from edge_fer.mqtt.session import Session
from edge_fer.mqtt.settings import BrokerSettings
from edge_fer.wiring import broker_settings
from edge_fer.wiring.discovery import build_discovery

__all__ = ["add_parser"]

_DISCOVERY = "Show what Home Assistant is told of this device, or have it forget the device."
_SHOW = """\
Prints the message with which `homeassistant.enabled: true` makes this device appear in Home Assistant, and the topic
it is retained on. Nothing is published. Exit status: 0.
"""
_REMOVE = """\
Clears that message at the broker, upon which Home Assistant removes the device with all its entities. A daemon whose
config has `homeassistant.enabled: true` announces it anew when it next connects, so switch that off first; a running
daemon that is told so (`systemctl reload edge-fer`) clears it by itself. For a message below another prefix or of
another name, use -o homeassistant.prefix=NAME or -o node.id=NAME. Exit status: 0 once the broker has cleared it, 1 if
it did not.
"""
#: Reason codes of this and up are refusals.
_REFUSED = 0x80


def add_parser(subparsers: Subparsers) -> None:
    """Adds the verb and its own verbs."""
    parser = subparsers.add_parser(
        "discovery", help="Home Assistant: show or remove this device", description=_DISCOVERY
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for name, summary, description, handler in (
        ("show", "print what Home Assistant is told", _SHOW, _show),
        ("remove", "have Home Assistant forget this device", _REMOVE, _remove),
    ):
        add_config_arguments(add_verb(verbs, name, help=summary, description=description, handler=handler))


def _show(args: argparse.Namespace) -> int:
    topic, payload = build_discovery(load_from(args).config)
    say(topic)
    say_json(payload)
    return 0


def _remove(args: argparse.Namespace) -> int:
    become_the_service()
    settings = load_from(args).config
    topic, _ = build_discovery(settings)
    # an id of its own, for the daemon has the other
    for broker in broker_settings(settings):
        _clear(topic, replace(broker, client_id=f"{broker.client_id}-discovery"))
    say(f"Cleared {topic}: Home Assistant removes {settings.node.id} with all its entities.")
    if settings.homeassistant.enabled:
        say("It comes back when the daemon next connects, unless you set `homeassistant.enabled: false`.")
    return 0


def _clear(topic: str, broker: BrokerSettings) -> None:
    """Clears a retained topic.

    Raises:
        BrokerError: the broker cannot be reached, or does not let us.
    """
    session = Session(broker, now=datetime.now(UTC))
    try:
        setback = session.open()
        code = None if setback else session.publish(topic, b"", retain=True)
        hung_up = setback is None and session.connection.was_hung_up
        setback = setback or session.connection.setback
    finally:
        session.close()
    if hung_up:
        msg = f"the broker hangs up when {topic} is cleared"
        raise BrokerError(msg, remedy="Allow this user to publish to it, in the broker's access list")
    if setback is not None:
        problem, remedy = problem_and_remedy(setback, broker)
        raise BrokerError(problem, remedy=remedy)
    if code is None or code >= _REFUSED:
        answer = "does not acknowledge" if code is None else f"refuses (0x{code:02X})"
        msg = f"the broker {answer} that {topic} is cleared"
        raise BrokerError(msg, remedy="Try again" if code is None else remedy_for_refusal(code)[0])
