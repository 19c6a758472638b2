"""Every topic, in one place."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from edge_fer.errors import ConfigError

__all__ = ["ALL_GROUPS", "PREFIX", "Topics", "group_config", "is_name", "is_publishable"]

#: What all our topics begin with, unless the config says something else.
PREFIX = "edge-fer"
#: The group in which every node of a fleet is.
ALL_GROUPS = "all"

_NAME = re.compile(r"[A-Za-z0-9_-]+")


def is_name(text: str) -> bool:
    """Whether a text may stand in a topic as one level of it, and is no longer than names in the config may be."""
    return len(text) <= 64 and _NAME.fullmatch(text) is not None


def is_publishable(topic: str) -> bool:
    """Whether MQTT lets anybody publish to a topic of this name, and no control character is in it."""
    try:
        length = len(topic.encode())
    except UnicodeEncodeError:
        return False
    return 0 < length < 1 << 16 and topic.isprintable() and not any(sign in topic for sign in "+#")


def group_config(prefix: str, ring: str, groups: Iterable[str]) -> dict[str, str]:
    """The topics of the configs that are wanted of groups, by group, the lowest first; each retained.

    Args:
        prefix: what all topics begin with.
        ring: of a rollout: the nodes of one ring are told before those of the next.
        groups: beside that of all nodes.
    """
    # no node can be called so, because of the colon
    ring = f"ring:{_checked('ring', ring)}"
    return {group: f"{prefix}/{ring}/{_checked('group', group)}/config/desired" for group in (ALL_GROUPS, *groups)}


def _checked(what: str, name: str) -> str:
    """A name that may stand in a topic as one level of it."""
    if _NAME.fullmatch(name) is None:
        msg = f"the {what} name {name!r} cannot stand in a topic"
        raise ConfigError(msg, remedy="Use letters, digits, `_` and `-` only")
    return name


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one node.

    Attributes:
        node: the node's name.
        prefix: what all topics begin with; one or several levels, each such a name.

    Raises:
        ConfigError: a name holds anything but letters, digits, `_` and `-`.
    """

    node: str
    prefix: str = PREFIX

    def __post_init__(self) -> None:
        _checked("node", self.node)
        for level in self.prefix.split("/"):
            _checked("prefix", level)

    def is_of_us(self, topic: str) -> bool:
        """Whether a topic may be one of this node, or of another with the same prefix."""
        return f"{topic}/".startswith(f"{self.prefix}/")

    def is_of_node(self, topic: str) -> bool:
        """Whether a topic may be one of this node."""
        return topic.startswith(f"{self.prefix}/{self.node}/")

    @property
    def availability(self) -> str:
        """`online` or `offline`, the Last Will; retained."""
        return f"{self.prefix}/{self.node}/availability"

    @property
    def info(self) -> str:
        """What the node is and runs; retained."""
        return f"{self.prefix}/{self.node}/info"

    @property
    def health(self) -> str:
        """How the node is doing; retained."""
        return f"{self.prefix}/{self.node}/health"

    @property
    def audit(self) -> str:
        """Who asked for what, and what came of it; by the outbox."""
        return f"{self.prefix}/{self.node}/audit"

    @property
    def commands(self) -> str:
        """What to subscribe to for all commands."""
        return f"{self.prefix}/{self.node}/command/+"

    @property
    def config_desired(self) -> str:
        """The config that is wanted of this node, above those of its groups; retained, and written by others."""
        return f"{self.prefix}/{self.node}/config/desired"

    @property
    def config_reported(self) -> str:
        """Which config is in force, and what is wrong with what is wanted; retained."""
        return f"{self.prefix}/{self.node}/config/reported"

    @property
    def certificate_wanted(self) -> str:
        """From when on a new certificate is wanted; retained, and written by others."""
        return f"{self.prefix}/{self.node}/certificate/wanted"

    @property
    def certificate_request(self) -> str:
        """The node's request for a new certificate; retained until it has it."""
        return f"{self.prefix}/{self.node}/certificate/request"

    @property
    def certificate_issued(self) -> str:
        """The new certificate; retained, and written by others."""
        return f"{self.prefix}/{self.node}/certificate/issued"

    def response(self, verb: str) -> str:
        """What comes of a command; never retained."""
        return f"{self.prefix}/{self.node}/response/{_checked('command', verb)}"

    @property
    def doctor(self) -> str:
        """What `edge-fer doctor` tries out whether it may publish with; never retained."""
        return f"{self.prefix}/{self.node}/doctor"

    def camera_doctor(self, camera: str) -> str:
        """Likewise, below a camera."""
        return self._of_camera(camera, "doctor")

    def camera_availability(self, camera: str) -> str:
        """`online` or `offline` of one camera; retained."""
        return self._of_camera(camera, "availability")

    def state(self, camera: str) -> str:
        """What one camera sees as a whole; retained."""
        return self._of_camera(camera, "state")

    def alert(self, camera: str, rule: str) -> str:
        """Where one rule's alerts stand; retained."""
        return self._of_camera(camera, f"alert/{_checked('alert', rule)}")

    def event(self, camera: str) -> str:
        """What happened to people; by the outbox."""
        return self._of_camera(camera, "event")

    def alert_event(self, camera: str) -> str:
        """Alerts that fired or were resolved; by the outbox."""
        return self._of_camera(camera, "alert_event")

    def summary(self, camera: str) -> str:
        """What was seen in a window of time; by the outbox."""
        return self._of_camera(camera, "summary")

    def _of_camera(self, camera: str, leaf: str) -> str:
        return f"{self.prefix}/{self.node}/camera/{_checked('camera', camera)}/{leaf}"
