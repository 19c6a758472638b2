"""Which version of MQTT to try next. Pure."""

from __future__ import annotations

from edge_fer.contract.link_status import MqttVersion

__all__ = ["ProtocolChoice"]

#: Hang-ups in a row, instead of an answer, after which the older version is worth a try.
_PATIENCE = 3
#: Seconds after which the newer version is tried again.
_DAY = 86400.0


class ProtocolChoice:
    """MQTT 5 where the broker speaks it, else 3.1.1, in which a broker cannot refuse a message.

    A broker that says that it does not speak MQTT 5 is believed at once. One that hangs up, or does not answer, may
    just be starting: only after three times 3.1.1 is tried, and where that is accepted, MQTT 5 once more. It is tried
    again once a day.

    Args:
        first: the version to try first; 3.1.1 is kept.
    """

    def __init__(self, first: MqttVersion = MqttVersion.V5) -> None:
        self.current = first
        self._kept = first is MqttVersion.V311
        self._ignored = 0
        #: whether it is known that the broker does not speak MQTT 5, and since when 3.1.1 is spoken
        self._known = False
        self._since: float | None = None

    @property
    def is_wanted(self) -> bool:
        """Whether 3.1.1 is spoken because we chose it, and not because the broker knows no other."""
        return self._kept

    @property
    def is_patient(self) -> bool:
        """Whether the current version was left unanswered, and is to be tried again all the same."""
        return self.current is MqttVersion.V5 and self._ignored > 0

    def accepted(self, now: float) -> bool:
        """The broker speaks the current version.

        Args:
            now: seconds on a clock that never jumps.

        Returns:
            Whether to go on with it; if not, it is the other version that is to be tried, at once.
        """
        self._ignored = 0
        if self.current is MqttVersion.V5:
            self._known = False
        elif self._kept or self._known:
            self._since = now
        else:
            # accepted now, and MQTT 5 hung up on a moment ago: if that happens again, it is no chance
            self._known, self.current = True, MqttVersion.V5
            return False
        return True

    def refused(self) -> bool:
        """The broker said that it does not speak the current version; whether the other one is worth a try at once."""
        stepping_down = self.current is MqttVersion.V5
        self.current = MqttVersion.V311 if stepping_down else MqttVersion.V5
        self._known, self._kept, self._ignored = stepping_down, False, 0
        return stepping_down

    def ignored(self) -> bool:
        """The broker hung up on our CONNECT or left it unanswered, as some do with a version they do not know.

        Returns:
            Whether the other version is worth a try at once.
        """
        if self.current is MqttVersion.V5:
            self._ignored += 1
            if not self._known and self._ignored < _PATIENCE:
                return False
            self.current, self._ignored = MqttVersion.V311, 0
            return True
        if not self._kept:
            self.current, self._known = MqttVersion.V5, False
        return False

    def is_due(self, now: float) -> bool:
        """Whether MQTT 5 is to be tried again, which then is the current version."""
        due = self.current is MqttVersion.V311 and not self._kept and self._since is not None
        if not due or self._since is None or now - self._since < _DAY:
            return False
        self.current, self._since = MqttVersion.V5, None
        return True
