"""Every topic, in one place."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edge_fer.errors import ConfigError

__all__ = ["BASE", "Topics", "is_name", "is_publishable"]

#: What all our topics begin with.
BASE = "edge-fer"

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

    Raises:
        ConfigError: a name holds anything but letters, digits, `_` and `-`.
    """

    node: str

    def __post_init__(self) -> None:
        _checked("node", self.node)

    @property
    def availability(self) -> str:
        """`online` or `offline`, the Last Will; retained."""
        return f"{BASE}/{self.node}/availability"

    @property
    def info(self) -> str:
        """What the node is and runs; retained."""
        return f"{BASE}/{self.node}/info"

    @property
    def health(self) -> str:
        """How the node is doing; retained."""
        return f"{BASE}/{self.node}/health"

    @property
    def commands(self) -> str:
        """What to subscribe to for all commands."""
        return f"{BASE}/{self.node}/command/+"

    def response(self, verb: str) -> str:
        """What comes of a command; never retained."""
        return f"{BASE}/{self.node}/response/{_checked('command', verb)}"

    @property
    def doctor(self) -> str:
        """What `edge-fer doctor` tries out whether it may publish with; never retained."""
        return f"{BASE}/{self.node}/doctor"

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
        return f"{BASE}/{self.node}/camera/{_checked('camera', camera)}/{leaf}"
