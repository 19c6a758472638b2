"""What is kept on this device and can be read over the control socket; loaded when somebody first asks."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from edge_fer.clock.zone import local_zone
from edge_fer.config import tree as config
from edge_fer.config.output.writing import written
from edge_fer.contract.messages import rfc3339
from edge_fer.contract.messages.commands import ErrorCode
from edge_fer.control.protocol import Code
from edge_fer.errors import CommandError
from edge_fer.history.file import NAME
from edge_fer.history.look_back import look_back
from edge_fer.history.telling import csv_lines, period_of, told_history
from edge_fer.log.recent import RecentLines
from edge_fer.rules.scene.calendar import Calendar
from edge_fer.types import LABEL_SETS
from edge_fer.wiring.meaning import build_scale

__all__ = [
    "faces_trial_of",
    "findings_by",
    "history_of",
    "link_of",
    "log_of",
    "notice_of",
    "picture_settings_of",
]

#: Periods that can be read at once: a year would be too long an answer.
_PERIODS: Final = ("today", "week")
#: Days or weeks that one can go back.
_FURTHEST: Final = 400
#: Seconds for all findings together: a broker or camera that does not answer is waited for.
_PATIENCE: Final = 60.0
#: Seconds to make a face, at least and at most; between them, as long as the smoothing takes.
_READY: Final = 3.0
_LONGEST_READY: Final = 15.0


def history_of(settings: config.Config, fields: Mapping[str, Any], *, tells_alerts: bool) -> Mapping[str, Any]:
    """What cameras saw in a day or a week.

    Args:
        settings: the config.
        fields: `period` (today, week), `back` (how many days or weeks earlier), `csv` (as text).
        tells_alerts: whether alerts may be told.

    Raises:
        CommandError: the fields are wrong.
        HistoryError: there is no history.
    """
    period, back, csv = fields.get("period", "today"), fields.get("back", 0), fields.get("csv", False)
    if period not in _PERIODS:
        raise _wrong(field="period", value=period, remedy=f"Choose from {', '.join(_PERIODS)}")
    if not isinstance(back, int) or isinstance(back, bool) or not 0 <= back <= _FURTHEST:
        raise _wrong(field="back", value=back, remedy=f"Send a whole number from 0 to {_FURTHEST}")
    if not isinstance(csv, bool):
        raise _wrong(field="csv", value=csv, remedy="Send true or false")
    if settings.history.record == "off":
        remedy = "Write `history: {record: on}` into the config; docs/history.md says what that asks of you"
        raise CommandError(Code.FAILED, "no history is kept here", remedy=remedy, field="history.record")
    calendar = Calendar(local_zone(settings.node.timezone))
    span = period_of(period, calendar, datetime.now(UTC), back)
    past = look_back(settings.state_dir / NAME, span)
    scale = build_scale(settings.mood)
    minimum = settings.privacy.k_minimum
    found = [past.digest(calendar, name, span, k_minimum=minimum) for name in past.cameras]
    if csv:
        return {"csv": "".join(f"{line}\n" for line in csv_lines(found, scale, alerts=tells_alerts))}
    told = told_history(past, found, span, calendar, scale)
    if not tells_alerts:
        for camera in told["cameras"].values():
            camera["alerts"] = None
    return told | {"k_minimum": minimum, "timezone": str(calendar.zone)}


def notice_of(settings: config.Config) -> Mapping[str, Any]:
    """What people who are watched are told: what runs here, what leaves, what is kept, whom to ask."""
    keep = settings.history.keep
    return {
        "site": settings.node.site,
        "timezone": str(local_zone(settings.node.timezone)),
        "purpose": settings.privacy.purpose or "",
        "contact": settings.privacy.contact or "",
        "cameras": len(settings.cameras),
        "attributes": sorted({name for camera in settings.cameras.values() for name in camera.attributes}),
        "events": settings.privacy.events == "on",
        "k_minimum": settings.privacy.k_minimum,
        "pause": settings.privacy.pause_passcode is not None,
        "live": settings.privacy.live == "pixelated" and settings.privacy.events == "on",
        "recent": settings.privacy.recent == "on" and settings.privacy.events == "on",
        "notified": bool(settings.notify.targets),
        "history_days": 0 if settings.history.record == "off" else round(keep.hours / 86_400),
    }


def picture_settings_of(settings: config.Config, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """By which settings of a camera somebody's own pictures are read, where they may be.

    Args:
        settings: the config.
        fields: `camera` (its name; left out, the first).

    Raises:
        CommandError: there is no such camera, or such pictures may not be read here.
    """
    if settings.privacy.own_pictures == "off":
        msg = "reading pictures of one's own is switched off in the config file"
        remedy = "Whoever looks after this device may write `privacy: {own_pictures: on}` into its config file"
        raise CommandError(ErrorCode.REFUSED, msg, remedy=remedy, field="privacy.own_pictures")
    name = _camera_in(settings, fields)
    camera = settings.cameras[name]
    return {
        "camera": name,
        "cameras": list(settings.cameras),
        "min_size": camera.faces.min_size,
        "settings": {
            "models_dir": str(settings.models_dir),
            "emotion": written(camera.emotion),
            "faces": written(camera.faces),
            "attributes": {attribute: written(asked) for attribute, asked in camera.attributes.items()},
        },
    }


def faces_trial_of(settings: config.Config, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """What somebody is asked to show who tries the faces on the page, and how much time there is.

    Args:
        settings: the config.
        fields: `camera` (its name; left out, the first).

    Raises:
        CommandError: there is no such camera.
    """
    name = _camera_in(settings, fields)
    emotion = settings.cameras[name].emotion
    return {
        "camera": name,
        "cameras": list(settings.cameras),
        "labels": list(LABEL_SETS[emotion.labels]),
        "ready": min(max(_READY, emotion.smoothing.time_constant), _LONGEST_READY),
    }


def _camera_in(settings: config.Config, fields: Mapping[str, Any]) -> str:
    names = list(settings.cameras)
    name: str | None = fields.get("camera", names[0] if names else None)
    if name not in names:
        raise _wrong(field="camera", value=name, remedy=f"Choose from {', '.join(names)}")
    return name


def link_of(settings: config.Config, fields: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What a link in a notification is for; None where it is none, too old, or used.

    Args:
        settings: the config.
        fields: `token` (what is in the link), `use` (whether it is used up now).

    Raises:
        CommandError: the fields are wrong.
        KeepingError: that it is used up cannot be noted.
    """
    from edge_fer.notify.links import LinkBook  # noqa: PLC0415 - only where links are sent

    token, use = fields.get("token"), fields.get("use", False)
    if not isinstance(token, str):
        raise _wrong(field="token", value=token, remedy="Send what stands behind `token=` in the link")
    if not isinstance(use, bool):
        raise _wrong(field="use", value=use, remedy="Send true or false")
    if settings.notify.page is None:
        return None
    book, now = LinkBook(settings.state_dir), datetime.now(UTC).timestamp()
    link = book.look(token, now)
    # whoever is no target any more has no say
    if link is None or link.target not in settings.notify.targets or (use and book.use(token, now) is None):
        return None
    place = " · ".join((settings.node.site or settings.node.id, link.camera))
    return {"place": place, "camera": link.camera, "alert_id": link.alert_id, "target": link.target}


def log_of(recent: RecentLines | None) -> Sequence[Mapping[str, str]]:
    """The newest lines of the log, the oldest first."""
    lines = () if recent is None else recent.lines()
    return [
        {"ts": rfc3339(datetime.fromtimestamp(created, UTC)), "level": level, "text": text}
        for created, level, text in lines
    ]


def findings_by(command: Sequence[str]) -> Sequence[Mapping[str, Any]]:
    """What the doctor finds, in a process of its own, which frees its memory when it ends.

    Raises:
        CommandError: it found nothing out.
    """
    if not command:
        raise CommandError(
            Code.FAILED, "there is no doctor here", remedy="Run on the device: edge-fer doctor", field="doctor"
        )
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)  # noqa: S603
        findings: Sequence[Mapping[str, Any]] = json.loads(ended.stdout)["findings"]
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError) as error:
        msg = f"the doctor found nothing out: {type(error).__name__}"
        raise CommandError(Code.FAILED, msg, remedy="Run on the device: sudo edge-fer doctor") from None
    return findings


def _wrong(*, field: str, value: Any, remedy: str) -> CommandError:
    return CommandError(Code.MALFORMED, f"{field} is none that there is", remedy=remedy, field=field, value=value)
