"""Who asks for a command, by which way, and how much they may ask for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["MQTT", "Asker", "Role", "Way"]


class Role(StrEnum):
    """How much somebody may ask for: each role includes the ones before it."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def includes(self, other: Role) -> bool:
        """Whether whoever has this role may do what the other role may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


class Way(StrEnum):
    """By which way a request came in."""

    MQTT = "mqtt"
    SOCKET = "socket"
    WEB = "web"


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks.

    Attributes:
        name: a user of this device, or the person that the web page names; None over MQTT, which does not tell.
        way: by which way the request came in.
        role: how much they may ask for; None over MQTT, where the broker decides.
    """

    name: str | None
    way: Way
    role: Role | None

    @property
    def words(self) -> str:
        """For the log: who, and by which way."""
        if self.way is Way.MQTT:
            return "over MQTT"
        return f"by {self.name} over the {'web page' if self.way is Way.WEB else 'control socket'}"


#: Whoever asks over MQTT.
MQTT = Asker(None, Way.MQTT, None)
