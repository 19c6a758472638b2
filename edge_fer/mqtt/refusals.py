"""Topics that are left alone for a while, because the broker does not take them, so that the others get through.

A broker may say so: MQTT 5 has a reason code for it. Or it may hang up on what it does not like, as every broker
may in MQTT 3.1.1, and as Mosquitto 2.0.11 does in both. Then all it leaves us is what we sent last; so after it
has hung up twice without another reason, messages go out one by one, until the same topic came last twice.
"""

from __future__ import annotations

__all__ = ["Refusals"]

#: Losses after which messages go out one by one.
_STRIKES = 2


class Refusals:
    """Topics that are left alone for a while. Pure: times are seconds on a clock that never jumps.

    Args:
        pause: seconds for which a topic is held the first time; twice as long each time after that.
        longest: seconds for which one is held at most.
    """

    def __init__(self, *, pause: float = 60.0, longest: float = 600.0) -> None:
        self._pause = pause
        self._longest = longest
        self._times: dict[str, int] = {}
        self._until: dict[str, float] = {}
        self._strikes = 0
        self._suspect: str | None = None

    def hold(self, topic: str, now: float) -> None:
        """The broker does not take this topic."""
        if self._until.get(topic, now) > now:
            return  # the broker says so of another message, which was under way already
        times = self._times.get(topic, 0)
        self._times[topic] = times + 1
        self._until[topic] = now + min(self._longest, self._pause * 2.0 ** min(times, 10))
        self._suspect = None

    def held(self, now: float) -> set[str]:
        """The topics to leave alone."""
        return {topic for topic, until in self._until.items() if until > now}

    def is_careful(self, now: float) -> bool:
        """Whether messages go out one by one: because of the strikes, or because a topic is given another chance."""
        chances = (until <= now < until + self._pause for until in self._until.values())
        return self._strikes >= _STRIKES or any(chances)

    def release(self, now: float) -> None:
        """The broker was away, and may have changed its mind: each topic gets another chance."""
        self._until = {topic: min(until, now) for topic, until in self._until.items()}

    def passed(self, topic: str) -> None:
        """The broker took a message to this topic, and did not hang up on it."""
        self._until.pop(topic, None)
        self._times.pop(topic, None)

    def hung_up(self, last: str | None, now: float) -> str | None:
        """The broker has closed the connection.

        Args:
            last: the topic that was published to right before, if there was any.
            now: the time.

        Returns:
            The topic that is held from now on because of it, if there is one.
        """
        if last is None:
            self.survived()
        elif not self.is_careful(now):
            self._strikes += 1
        elif last in (self._suspect, *self._times):
            self.hold(last, now)
            return last
        else:
            self._suspect = last
        return None

    def forget(self) -> None:
        """It is another broker."""
        self._times.clear()
        self._until.clear()
        self.survived()

    def survived(self) -> None:
        """The connection has lasted, or was lost for another reason."""
        self._strikes = 0
        self._suspect = None
