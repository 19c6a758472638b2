"""One alert rule on one camera: who its alerts are about, when they may fire, and what of it is told."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from edge_fer.rules.alerts.lifecycle import Life, Timing, Turn
from edge_fer.rules.alerts.memory import Memory
from edge_fer.rules.alerts.schedule import Schedule
from edge_fer.rules.alerts.until import Until
from edge_fer.rules.conditions.finding import SCENE, Condition, Finding, Subject, Verdict, worst
from edge_fer.rules.sight import Sight
from edge_fer.types import Alert, AlertChange, AlertState, Instant, Resolution, SignalState, Standing

__all__ = ["AlertRule"]

_NOTHING_KNOWN = Finding(Verdict.UNKNOWN, None, 0.0)
_REASONS = {Turn.OVER: Resolution.OVER, Turn.UNCLEAR: Resolution.UNCLEAR}


class AlertRule:
    """One rule on one camera: a life for each person, or for the scene, for whom its condition holds.

    For one thread, the pipeline's.

    Args:
        camera: the camera's name.
        name: the rule's name in the config.
        severity: handed on as it is.
        condition: what must hold.
        timing: how long.
        schedule: at which hours of the week it watches.
        silenced: whether it sends no alert events, or until when (UTC).
        settings: whatever the rule was made of; two rules of one name with equal settings are the same.
        labels: the emotions that it watches for.
        of_faces: whether it goes by what faces show.
        on_fire: told when an alert begins to fire, in a silence, too: the rule's name, and monotonic seconds.
        new_id: makes alert ids.
    """

    def __init__(
        self,
        camera: str,
        name: str,
        *,
        severity: str,
        condition: Condition,
        timing: Timing,
        schedule: Schedule | None = None,
        silenced: bool | datetime = False,
        settings: object = None,
        labels: tuple[str, ...] = (),
        of_faces: bool = True,
        on_fire: Callable[[str, float], None] | None = None,
        new_id: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        self.camera = camera
        self.name = name
        self.settings = settings
        self._severity = severity
        self._condition = condition
        self._timing = timing
        self._schedule = schedule or Schedule()
        self._silence_of_config = Until(silenced if isinstance(silenced, datetime) else None) if silenced else None
        self._silence: Until | None = None
        self._silent_until: datetime | None = None
        self._labels = labels
        self._of_faces = of_faces
        self._on_fire = on_fire
        self._new_id = new_id
        self._lives: dict[Subject, Life] = {}
        self._quiet: Until | None = None
        self._signal: SignalState | None = None
        self._in_schedule = self._is_silenced = False
        self._seen = False
        self._asked = float("-inf")

    @property
    def standing(self) -> Standing:
        """How it stands, as of the last frame."""
        return Standing(
            tuple(life.alert for life in self._lives.values()),
            silenced=self._is_silenced,
            silenced_until=self._silent_until if self._is_silenced else None,
            in_schedule=self._in_schedule or not self._seen,
            signal=self._signal,
        )

    def rests(self, sight: Sight) -> bool:
        """Whether a frame changes nothing, so that `update` may be left out.

        So it is where no alert is pending or firing, no schedule or silence can begin or end, and what the condition
        found last still stands.
        """
        return (
            sight.stands
            and not self._lives
            and not self._schedule.hours
            and self._silence is None
            and self._silence_of_config is None
            and 0 <= sight.at.mono - self._asked < self._condition.stands_for
        )

    def update(self, sight: Sight) -> list[AlertChange]:
        """What one frame does to the rule's alerts.

        A person without a finding is treated as unreadable; the alerts of those who left end.
        """
        at = sight.at
        self._asked = at.mono
        found = self._condition.find(sight)
        self._seen = True
        self._signal = worst(finding.signal for finding in found.values()) or self._signal
        self._in_schedule = self._schedule.covers(at)
        self._look_at_silence(at)
        changes = [self._end(track_id, at, Resolution.LEFT) for track_id in sight.left]
        if self._in_schedule:
            findings = {**dict.fromkeys(self._lives, _NOTHING_KNOWN), **found} if self._lives else found
            changes += [self._move(who, finding, at) for who, finding in findings.items() if who not in sight.left]
        else:
            changes += [self._end(subject, at, Resolution.SCHEDULE) for subject in list(self._lives)]
        if not self._is_silenced:
            # what began to fire in a silence that is over
            changes += [self._tell(life, at) for life in self._lives.values() if life.is_firing]
        return [change for change in changes if change]

    def end(
        self, at: Instant, reason: Resolution, *, people_only: bool = False, left: Sequence[str] = ()
    ) -> list[AlertChange]:
        """Ends all its alerts, or those about people, because nobody watches for now.

        Args:
            at: when.
            reason: why.
            people_only: whether those about the scene go on.
            left: ids of the people given up, of whom nothing is to be kept.
        """
        self._condition.find(Sight(at, left=left))
        subjects = [subject for subject in self._lives if subject is not SCENE or not people_only]
        return [change for subject in subjects if (change := self._end(subject, at, reason))]

    def acknowledge(self, alert_id: str | None = None) -> bool:
        """Takes it that somebody knows of an alert, or of all that fire; their state says so from then on.

        Returns:
            Whether there was one.
        """
        known = [life for life in self._lives.values() if life.is_firing and alert_id in {None, life.alert.id}]
        for life in known:
            life.alert = replace(life.alert, acknowledged=True)
        return bool(known)

    def silence(self, seconds: float, at: Instant) -> None:
        """Sends no alert events for so long; 0 ends it. Its state goes on being told.

        An alert that began to fire meanwhile, and still does, is told when the silence is over.
        """
        self._silence = Until.after(seconds, at) if seconds > 0 else None
        self._look_at_silence(at)

    def heed_silence_of(self, other: AlertRule) -> None:
        """Takes over how the config silences another rule, which is otherwise the same."""
        self._silence_of_config = other._silence_of_config

    def follow(self, other: AlertRule) -> None:
        """Takes over from another rule of its name what is not about single alerts: its cooldown and silence."""
        self._quiet = other._quiet
        self._silence = other._silence

    @property
    def memory(self) -> Memory:
        """What of it outlives a restart."""
        told = tuple(life.alert for life in self._lives.values() if life.told)
        return Memory(self._quiet, self._silence, told)

    def recall(self, memory: Memory, at: Instant) -> list[AlertChange]:
        """Goes on after a restart, before its first frame: the alerts of then have ended while nobody watched.

        Returns:
            Their ends, which nobody was told of.
        """
        self._quiet, self._silence = memory.quiet, memory.silence
        return [AlertChange(True, alert, at, Resolution.UNWATCHED) for alert in memory.told]

    def _look_at_silence(self, at: Instant) -> None:
        if self._silence is None and self._silence_of_config is None:
            self._is_silenced = False
            return
        holding = [silence for silence in (self._silence, self._silence_of_config) if silence and silence.holds(at)]
        self._is_silenced = bool(holding)
        ends = [silence.utc for silence in holding]
        self._silent_until = None if None in ends else max((end for end in ends if end), default=None)

    def _move(self, subject: Subject, finding: Finding, at: Instant) -> AlertChange | None:
        """Lets one finding about somebody move their alert, or begin one."""
        life = self._lives.get(subject)
        change = self._advance(subject, life, finding, at) if life else None
        if change is None and subject not in self._lives and finding.verdict is Verdict.HOLDS:
            life = self._lives[subject] = Life.begin(self._pending(subject, finding, at))
            change = self._advance(subject, life, finding, at)
        return change

    def _advance(self, subject: Subject, life: Life, finding: Finding, at: Instant) -> AlertChange | None:
        turn = life.take(finding, at, self._timing, may_fire=not (self._quiet and self._quiet.holds(at)))
        if turn is Turn.FIRES:
            self._cool_down(at)
            if self._on_fire:
                self._on_fire(self.name, at.mono)
            return None if self._is_silenced else self._tell(life, at)
        return self._end(subject, at, _REASONS[turn]) if turn in _REASONS else None

    def _cool_down(self, at: Instant) -> None:
        self._quiet = Until.after(self._timing.cooldown, at) if self._timing.cooldown > 0 else None

    def _pending(self, subject: Subject, finding: Finding, at: Instant) -> Alert:
        return Alert(
            id=self._new_id(),
            camera=self.camera,
            rule=self.name,
            severity=self._severity,
            track_id=subject,
            state=AlertState.PENDING,
            since=at,
            value=finding.value or 0.0,
            threshold=finding.threshold,
            labels=self._labels,
            of_faces=self._of_faces,
        )

    def _tell(self, life: Life, at: Instant) -> AlertChange | None:
        """That it fires, once."""
        if life.told:
            return None
        life.told = True
        return AlertChange(resolved=False, alert=life.alert, at=at, signal=self._signal)

    def _end(self, subject: Subject, at: Instant, reason: Resolution) -> AlertChange | None:
        life = self._lives.pop(subject, None)
        if life is None or not life.is_firing:
            return None
        if reason is Resolution.OVER:
            # any other end is one that nobody has seen: what is there again after it is no repetition
            self._cool_down(at)
        if not life.told:
            return None
        return AlertChange(resolved=True, alert=life.alert, at=at, reason=reason, signal=self._signal)
