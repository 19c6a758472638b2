"""What of alert rules outlives a restart: cooldowns, silences, and which alerts were told to fire.

Clocks of `for` do not: nobody watched meanwhile, and people have new ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from edge_fer.rules.alerts.until import Until
from edge_fer.types import Alert, AlertState, Instant

__all__ = ["Memory"]


@dataclass(frozen=True, slots=True)
class Memory:
    """What of one rule outlives a restart.

    Attributes:
        quiet: until when its cooldown lasts, or lasted; None where there was none.
        silence: until when somebody has silenced it at run time, or had.
        told: the alerts of which it was told that they fire, and not yet that they are over.
    """

    quiet: Until | None = None
    silence: Until | None = None
    told: tuple[Alert, ...] = ()

    def snapshot(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "quiet": self.quiet and self.quiet.snapshot(),
            "silence": self.silence and self.silence.snapshot(),
            "told": [_kept(alert) for alert in self.told],
        }

    @classmethod
    def restored(cls, kept: Mapping[str, Any], camera: str, rule: str, at: Instant, *, same_boot: bool) -> Self:
        """Goes on from a snapshot.

        Args:
            kept: the snapshot.
            camera: the camera's name.
            rule: the rule's name.
            at: now.
            same_boot: whether the clock that never jumps has run on since.

        Raises:
            ValueError: it is none.
        """
        try:
            quiet, silence = (
                kept[name] and Until.restored(kept[name], same_boot=same_boot) for name in ("quiet", "silence")
            )
            return cls(quiet, silence, tuple(_alert(told, camera, rule, at) for told in kept["told"]))
        except (KeyError, TypeError, AttributeError, OverflowError, OSError) as error:
            msg = f"{rule}: {type(error).__name__}: {error}"
            raise ValueError(msg) from error


def _kept(alert: Alert) -> dict[str, Any]:
    return {
        "id": alert.id,
        "severity": alert.severity,
        "track_id": alert.track_id,
        "since": alert.since.utc.timestamp(),
        "synced": alert.since.synced,
        "value": alert.value,
        "threshold": alert.threshold,
        "acknowledged": alert.acknowledged,
        "labels": list(alert.labels),
        "of_faces": alert.of_faces,
    }


def _alert(kept: Mapping[str, Any], camera: str, rule: str, at: Instant) -> Alert:
    since = datetime.fromtimestamp(float(kept["since"]), UTC)
    return Alert(
        id=str(kept["id"]),
        camera=camera,
        rule=rule,
        severity=str(kept["severity"]),
        track_id=None if kept["track_id"] is None else str(kept["track_id"]),
        state=AlertState.FIRING,
        since=Instant(at.mono - (at.utc - since).total_seconds(), since, bool(kept["synced"])),
        value=float(kept["value"]),
        threshold=float(kept["threshold"]),
        acknowledged=bool(kept["acknowledged"]),
        # what an earlier release kept has neither
        labels=tuple(map(str, kept.get("labels", ()))),
        of_faces=bool(kept.get("of_faces", True)),
    )
