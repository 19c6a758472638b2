"""Mosquitto's config and access list for a fleet."""

from __future__ import annotations

from collections.abc import Iterable

from edge_fer.contract.topics import Topics, group_config
from edge_fer.fleet.nodes import FleetNode

__all__ = ["access_list", "broker_config"]

_CONFIG = """\
# Made by `edge-fer fleet`. A broker that takes nobody without a certificate of this fleet. See docs/fleet.md.
listener {port}
cafile {folder}/ca.crt
certfile {folder}/server.crt
keyfile {folder}/server.key
crlfile {folder}/ca.crl
tls_version tlsv1.2
require_certificate true
use_identity_as_username true
allow_anonymous false
acl_file {folder}/acl

message_size_limit 262144
# A reader with a session of its own that comes back within two weeks has missed nothing: what it can be sent is
# limited by this machine's memory alone, because a limit would drop messages in silence.
persistent_client_expiration 14d
max_queued_messages 0
# What it has acknowledged is on its way to a reader that is there, so that a crash of the broker does not lose it.
max_inflight_messages 0
autosave_interval 60
"""

_READERS = """\
# Made by `edge-fer fleet`: change nodes.csv instead. The name in a certificate is the user's.

# reads all, and stores it
user collector
topic read {prefix}/#

# whoever runs `edge-fer fleet`
user operator
topic read {prefix}/#
topic write {prefix}/+/command/+
topic write {prefix}/+/config/desired
topic write {prefix}/+/+/config/desired
topic write {prefix}/+/certificate/wanted
topic write {prefix}/+/certificate/issued
"""


def broker_config(port: int, folder: str) -> str:
    """The config of the broker.

    Args:
        port: where it listens.
        folder: where certificates and access list are on the machine of the broker.
    """
    return _CONFIG.format(port=port, folder=folder)


def access_list(nodes: Iterable[FleetNode], prefix: str) -> str:
    """Who may do what. A node may write what it tells, and read what is asked of it; nothing of another."""
    parts = [_READERS.format(prefix=prefix)]
    for node in sorted(nodes, key=lambda node: node.name):
        topics = Topics(node.name, prefix)
        own = f"{prefix}/{node.name}"
        writes = [
            topics.availability,
            topics.info,
            topics.health,
            topics.audit,
            topics.doctor,
            topics.config_reported,
            topics.certificate_request,
            f"{own}/response/+",
            f"{own}/camera/#",
            f"homeassistant/device/{node.name}/config",
        ]
        reads = [
            topics.commands,
            topics.config_desired,
            *group_config(prefix, node.ring, node.groups).values(),
            topics.certificate_wanted,
            topics.certificate_issued,
            topics.doctor,
            topics.availability,
            topics.health,
            "homeassistant/status",
        ]
        lines = [f"user {node.name}", *(f"topic write {topic}" for topic in writes)]
        lines += [f"topic read {topic}" for topic in reads]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)
