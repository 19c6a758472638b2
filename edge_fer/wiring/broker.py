"""From the config to the broker, and to our link with it."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path
from typing import TypeAlias

from edge_fer.clock.system import SystemClock
from edge_fer.config import tree as config
from edge_fer.contract.link_status import MqttVersion
from edge_fer.contract.publisher import Unlinked
from edge_fer.contract.topics import Topics
from edge_fer.daemon.service import BrokerPort
from edge_fer.errors import EdgeFerError
from edge_fer.mqtt.inbound import ListenerPort
from edge_fer.mqtt.link import Link, LinkOptions
from edge_fer.mqtt.pace import Pace
from edge_fer.mqtt.settings import BrokerSettings
from edge_fer.outbox.limits import Limits

__all__ = ["RENEWED_NAME", "AnyLink", "broker_settings", "make_embedded_broker", "make_link"]

#: In the state folder: a certificate that the operator of a fleet has issued, and its key.
RENEWED_NAME = "renewed.pem"
#: A link with a broker, or what stands in its place.
AnyLink: TypeAlias = Link | Unlinked
#: A disk that is full or has gone read-only, which may pass.
_PASSING = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}


def broker_settings(settings: config.Config) -> tuple[BrokerSettings, ...]:
    """Where the brokers are and how to get in, the one that is preferred first.

    Raises:
        ConfigError: it does not fit together.
    """
    mqtt, node = settings.mqtt, settings.node.id
    if mqtt.is_embedded:
        client_id = mqtt.client_id or f"edge-fer-{node}"
        return (BrokerSettings(host="127.0.0.1", port=mqtt.embedded_port, client_id=client_id),)
    renewed = settings.state_dir / RENEWED_NAME if settings.fleet.member == "on" else None
    return tuple(
        BrokerSettings.from_url(
            address,
            node=node,
            client_id=mqtt.client_id,
            password_file=mqtt.password_file,
            ca_file=mqtt.ca_file,
            cert_file=mqtt.cert_file,
            key_file=mqtt.key_file,
            renewed_file=renewed,
            keepalive=mqtt.keepalive,
            allow_insecure=mqtt.allow_insecure,
        )
        for address in mqtt.addresses
    )


def make_link(settings: config.Config, topics: Topics, clock: SystemClock, inbound: ListenerPort) -> Link:
    """The link with the broker, not yet started."""
    first, *others = broker_settings(settings)
    return Link(
        broker=first,
        others=others,
        topics=topics,
        outbox=_state_file(settings, "outbox.sqlite"),
        clock=clock,
        options=LinkOptions(
            limits=Limits(size=settings.mqtt.outbox.max_size, age=settings.mqtt.outbox.max_age),
            pace=Pace(settings.mqtt.outbox.drain_rate),
            # amqtt leaves an MQTT 5 greeting unanswered, and waiting for it would cost five seconds
            protocol=MqttVersion.V311 if settings.mqtt.is_embedded else MqttVersion.V5,
        ),
        inbound=inbound,
    )


def make_embedded_broker(port: int) -> BrokerPort:
    """A broker of our own on that port, not yet started."""
    # asyncio, which nothing else needs, is some 4 MB of memory
    from edge_fer.mqtt.embedded import EmbeddedBroker  # noqa: PLC0415

    return EmbeddedBroker(port)


def _state_file(settings: config.Config, name: str) -> Path:
    folder = settings.state_dir
    try:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        tempfile.NamedTemporaryFile(dir=folder).close()
    except OSError as error:
        if error.errno in _PASSING:
            # with a broker there, messages need no disk: they wait in memory
            return folder / name
        msg = f"the folder `state_dir` {folder} cannot be made or written: {error.strerror}"
        raise EdgeFerError(msg, remedy="Name one in `state_dir` that this user may write to") from error
    return folder / name
