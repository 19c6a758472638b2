"""Mosquitto's config and access list for a fleet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from edge_fer.contract.topics import Topics, group_config
from edge_fer.fleet.nodes import FleetNode
from edge_fer.fleet.sites import SiteBroker

__all__ = ["access_list", "bridge_config", "broker_config"]

#: What a node tells, and what is asked of it, below its own name; `edge_fer/contract/topics.py` has them one by one.
_SAID: Final = (
    "availability", "info", "health", "audit", "doctor", "config/reported", "certificate/request", "response/+",
    "camera/#",
)  # fmt: skip
_ASKED: Final = ("command/+", "config/desired", "certificate/wanted", "certificate/issued")
#: Whether Home Assistant is there.
_STATUS: Final = "homeassistant/status"

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

_BRIDGE = """
# This is the broker of the site {site}: it hands everything on to the central one, and what is asked of nodes back.
# While the central one is away, what is to be handed on waits here, also over a restart. So that it does not fill the
# memory, more than this is not kept: what comes then is not handed on, and counted in
# $SYS/broker/publish/messages/dropped
max_queued_bytes 536870912

connection {user}
address {central}
bridge_cafile {folder}/ca.crt
bridge_certfile {folder}/bridge.crt
bridge_keyfile {folder}/bridge.key
remote_clientid {user}
local_clientid {user}
cleansession false
notifications false
restart_timeout 1 30
keepalive_interval 30
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


def bridge_config(site: SiteBroker, central: str, folder: str, prefix: str) -> str:
    """What the config of a site's broker has beside: the bridge to the central one.

    Args:
        site: whose broker it is.
        central: host and port of the central one.
        folder: where certificates are on the machine of the site's broker.
        prefix: of all topics.
    """
    head = _BRIDGE.format(site=site.site, user=site.user, central=central, folder=folder)
    # no topic goes both ways, or a message would go round for ever
    up = [f"topic {topic} out 1" for topic in _said("+", prefix)]
    down = [f"topic {topic} in 1" for topic in (*_asked("+", prefix), f"{prefix}/+/+/config/desired", _STATUS)]
    return "\n".join([head.rstrip("\n"), *up, *down]) + "\n"


def access_list(nodes: Iterable[FleetNode], prefix: str, sites: Sequence[SiteBroker] = ()) -> str:
    """Who may do what. A node may write what it tells, and read what is asked of it; nothing of another.

    The bridge of a site may do what the nodes of that site may, and these do it by way of the bridge alone.

    Args:
        nodes: of the fleet.
        prefix: of all topics.
        sites: those with a broker of their own that hands on to this one.
    """
    parts = [_READERS.format(prefix=prefix)]
    bridged = {site.site: site for site in sites}
    of_bridge: dict[str, tuple[list[str], list[str]]] = {site.user: ([], []) for site in sites}
    for node in sorted(nodes, key=lambda node: node.name):
        topics = Topics(node.name, prefix)
        writes = _said(node.name, prefix)
        asked = [
            *_asked(node.name, prefix),
            *group_config(prefix, node.ring, node.groups).values(),
            _STATUS,
        ]
        if site := bridged.get(node.site):
            of_bridge[site.user][0].extend(writes)
            of_bridge[site.user][1].extend(asked)
        else:
            parts.append(_rights(node.name, writes, [*asked, topics.doctor, topics.availability, topics.health]))
    parts += [_rights(user, writes, list(dict.fromkeys(reads))) for user, (writes, reads) in sorted(of_bridge.items())]
    return "\n".join(parts)


def _said(node: str, prefix: str) -> list[str]:
    """The topics on which a node tells something; `+` for the node: all nodes."""
    return [*(f"{prefix}/{node}/{leaf}" for leaf in _SAID), f"homeassistant/device/{node}/config"]


def _asked(node: str, prefix: str) -> list[str]:
    """Those on which something is asked of it alone."""
    return [f"{prefix}/{node}/{leaf}" for leaf in _ASKED]


def _rights(user: str, writes: Sequence[str], reads: Sequence[str]) -> str:
    lines = [f"user {user}", *(f"topic write {topic}" for topic in writes), *(f"topic read {topic}" for topic in reads)]
    return "\n".join(lines) + "\n"
