"""What each command does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from edge_fer import __version__
from edge_fer.config.engine.settable import PAUSE_REASON, PAUSED, PAUSED_UNTIL
from edge_fer.contract.messages.audit import AuditChange
from edge_fer.contract.messages.base import Part, rfc3339
from edge_fer.contract.messages.commands import (
    AcknowledgedAlert,
    AcknowledgeRequest,
    AcknowledgeResult,
    CamerasResult,
    ErrorCode,
    PauseRequest,
    PauseResult,
    PingRequest,
    PingResult,
    ReloadRequest,
    ResumeRequest,
    SetRequest,
    SetResult,
    SilencedRule,
    SilenceRequest,
    SilenceResult,
)
from edge_fer.daemon.camera import Camera
from edge_fer.errors import CommandError, EdgeFerError
from edge_fer.pipeline.step import Pipeline, Told
from edge_fer.remote.configuring import ConfigureRequest, ConfigureResult
from edge_fer.remote.guests import GUEST_PAUSE, GUEST_REASON, GuestDoor, GuestPauseRequest
from edge_fer.remote.noting import NoteRequest
from edge_fer.remote.reloader import Reloader
from edge_fer.remote.settings import SettingChange, Settings
from edge_fer.types import Instant, Pause, Standing

__all__ = ["Done", "Verbs"]

#: Seconds to wait for a pipeline to come to the end of a frame, and for a config to be taken over.
_A_FRAME, _A_RELOAD = 10.0, 60.0
#: Seconds that the disk has to keep what was changed.
_KEPT = 10.0

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a command that was carried out.

    Attributes:
        result: what whoever asked gets to know; None where there is nothing beyond that it is done.
        changes: what it changed, for `audit`.
    """

    result: Part | None = None
    changes: tuple[AuditChange, ...] = ()


class Verbs:
    """Carries commands out, one at a time. For one thread, which may have to wait.

    Args:
        cameras: by name.
        settings: what was set by command.
        reloader: has the config read again.
        uptime: seconds since the start.
        settings_changed: tells the world what is set now.
        kept: waits so many seconds at most until what was changed about alerts is on disk, and says whether it is.
        clock: the machine's.
        passcode: by which people who are watched may have the room paused; None: they may not.
    """

    def __init__(
        self,
        cameras: Mapping[str, Camera],
        *,
        settings: Settings,
        reloader: Reloader,
        uptime: Callable[[], float],
        settings_changed: Callable[[], None],
        kept: Callable[[float], bool],
        clock: Callable[[], Instant],
        passcode: Callable[[], str | None],
    ) -> None:
        self._cameras = cameras
        self._settings = settings
        self._reloader = reloader
        self._uptime = uptime
        self._settings_changed = settings_changed
        self._kept = kept
        self._clock = clock
        self._passcode = passcode
        self._guests = GuestDoor()
        self._waits_for: Future[Any] | None = None
        self._given_up = False

    def give_up(self) -> None:
        """Ends whatever a command waits for, because everything ends; from another thread."""
        self._given_up = True
        if self._waits_for is not None:
            self._waits_for.cancel()

    def ping(self, _: PingRequest) -> Done:
        """Says who is there."""
        return Done(PingResult(version=__version__, uptime_s=self._uptime()))

    def reload(self, _: ReloadRequest) -> Done:
        """Has the config read again."""
        self._reload()
        return Done()

    def _reload(self) -> None:
        self._wait(self._reloader.ask(), _A_RELOAD)

    def pause(self, request: PauseRequest) -> Done:
        """Stops looking."""
        until = None if request.for_ is None else self._clock().later(request.for_)
        pause = Pause(until.utc, request.reason or "", until.mono) if until else Pause(reason=request.reason or "")
        return self._pause(self._meant(request.camera), pause)

    def guest_pause(self, request: GuestPauseRequest) -> Done:
        """Stops looking for a while, for people who are watched; a longer pause stays as it is."""
        now = self._clock()
        self._guests.let_in(self._passcode(), request.passcode.get_secret_value(), now.mono)
        until = now.later(GUEST_PAUSE)
        pause = Pause(until.utc, GUEST_REASON, until.mono)
        shorter = {name: camera for name, camera in self._cameras.items() if _ends_before(camera.pause_now, pause)}
        return self._pause(shorter, pause)

    def _pause(self, cameras: Mapping[str, Camera], pause: Pause) -> Done:
        before = {name: camera.pause_now for name, camera in cameras.items()}
        for camera in cameras.values():
            camera.pause(pause)
        for name, camera in cameras.items():
            self._keep(name, pause)
            if not camera.ended:
                # the frame that was looked at is done with once something is answered behind it
                self._wait(camera.ask(lambda _, at: (Told(at), None)), _A_FRAME)
        until = rfc3339(pause.until) if pause.until else None
        return Done(PauseResult(cameras=list(cameras), until=until), _pauses(before, pause))

    def resume(self, request: ResumeRequest) -> Done:
        """Looks again."""
        cameras = self._meant(request.camera)
        before = {name: camera.pause_now for name, camera in cameras.items()}
        for name, camera in cameras.items():
            self._keep(name, None)
            camera.resume()
        return Done(CamerasResult(cameras=list(cameras)), _pauses(before, None))

    def _keep(self, camera: str, pause: Pause | None) -> None:
        try:
            self._settings.pause(camera, _written(pause))
        except CommandError as error:
            state = "stays paused" if pause is None else "is paused"
            msg = f"camera {camera} {state}, but that could not be kept for the next start: {error.message}"
            raise CommandError(ErrorCode.FAILED, msg, remedy=error.remedy) from error
        self._settings_changed()

    def acknowledge(self, request: AcknowledgeRequest) -> Done:
        """Says that somebody knows of alerts that fire."""
        found = []
        for name, camera in self._meant(request.camera, request.rule).items():
            asked = camera.ask(
                lambda pipeline, at: pipeline.acknowledge(at, rule=request.rule, alert_id=request.alert_id)
            )
            alerts = self._wait(asked, _A_FRAME)
            found += [AcknowledgedAlert(camera=name, rule=alert.rule, alert_id=alert.id) for alert in alerts]
        if request.alert_id is not None and not found:
            msg = f"no alert {request.alert_id} fires"
            raise CommandError(
                ErrorCode.REFUSED, msg, remedy="It may be over already", field="alert_id", value=request.alert_id
            )
        self._see_that_it_is_kept("the alerts are acknowledged")
        return Done(AcknowledgeResult(alerts=found))

    def silence(self, request: SilenceRequest) -> Done:
        """Has rules send no alert events for a while."""
        rules, changes = [], []

        def silence(pipeline: Pipeline, at: Instant) -> tuple[Told, tuple[dict[str, Standing], dict[str, Standing]]]:
            before = {rule.name: rule.standing for rule in pipeline.rules}
            told, after = pipeline.silence(request.for_, at, rule=request.rule)
            return told, (before, after)

        for name, camera in self._meant(request.camera, request.rule).items():
            before, after = self._wait(camera.ask(silence), _A_FRAME)
            for rule, standing in after.items():
                until = rfc3339(standing.silenced_until) if standing.silenced_until else None
                rules.append(SilencedRule(camera=name, rule=rule, silenced=standing.silenced, silenced_until=until))
                was, now = _silence_of(before[rule]), _silence_of(standing)
                if was != now:
                    key = f"cameras.{name}.alerts.{rule}.silenced"
                    changes.append(AuditChange(key=key, old=was, new=now))
        self._see_that_it_is_kept("the rules are silent")
        return Done(SilenceResult(rules=rules), tuple(changes))

    def _see_that_it_is_kept(self, what: str) -> None:
        """An answer says that something holds, and after a power cut it must hold as well."""
        if not self._kept(_KEPT):
            msg = f"{what}, but that could not be kept for the next start"
            raise CommandError(ErrorCode.FAILED, msg, remedy="Look at the disk and its permissions")

    def set(self, request: SetRequest) -> Done:
        """Sets one threshold of the config."""
        change = self._settings.put(request.key, request.value)
        changed = self._take_over(change)
        return Done(SetResult(key=change.key, old=change.old, new=change.new), (changed,))

    def configure(self, request: ConfigureRequest) -> Done:
        """Sets a part of the config that is made of several values."""
        change = self._settings.put_part(request.key, request.value)
        changed = self._take_over(change)
        return Done(ConfigureResult(key=change.key, old=change.old, new=change.new), (changed,))

    def note(self, _: NoteRequest) -> Done:
        """Changes nothing: that somebody asked is all there is to tell."""
        return Done()

    def _take_over(self, change: SettingChange) -> AuditChange:
        """Has the config read again with what was set, or takes it back."""
        if change.old != change.new:
            try:
                self._reload()
            except CommandError:
                self._settings.put_back(change)
                raise
        self._settings_changed()
        return AuditChange(key=change.key, old=change.old, new=change.new)

    def _meant(self, camera: str | None, rule: str | None = None) -> dict[str, Camera]:
        """The cameras that are meant: the one that is named, or all, those with such a rule."""
        if camera is not None and camera not in self._cameras:
            _refuse_name("camera", camera, self._cameras)
        meant = {name: found for name, found in self._cameras.items() if camera in {None, name}}
        if rule is None:
            return meant
        rules = {name: [one.name for one in found.rules] for name, found in meant.items()}
        having = {name: found for name, found in meant.items() if rule in rules[name]}
        if not having:
            _refuse_name("rule", rule, dict.fromkeys(one for names in rules.values() for one in names))
        return having

    def _wait(self, future: Future[Answer], seconds: float) -> Answer:
        self._waits_for = future
        if self._given_up:
            future.cancel()
        try:
            return future.result(seconds)
        except (CancelledError, TimeoutError):
            msg = "it was not done in time" if not self._given_up else "edge-fer ends, or begins anew"
            raise CommandError(ErrorCode.BUSY, msg, remedy="Ask again in a while") from None
        except EdgeFerError as error:
            raise CommandError(ErrorCode.REFUSED, error.message, remedy=error.remedy) from error
        finally:
            self._waits_for = None


def _silence_of(standing: Standing) -> bool | str:
    """Whether a rule is silenced, or until when, as the config has it."""
    return rfc3339(standing.silenced_until) if standing.silenced_until else standing.silenced


def _ends_before(one: Pause | None, other: Pause) -> bool:
    """Whether there is no pause, or one that ends sooner than another, which has an end."""
    return one is None or (one.until is not None and other.until is not None and one.until < other.until)


def _written(pause: Pause | None) -> dict[str, Any]:
    """A pause as the keys of a camera have it."""
    if pause is None:
        return {PAUSED: False, PAUSED_UNTIL: None, PAUSE_REASON: None}
    until = rfc3339(pause.until) if pause.until else None
    return {PAUSED: True, PAUSED_UNTIL: until, PAUSE_REASON: pause.reason or None}


def _pauses(before: Mapping[str, Pause | None], now: Pause | None) -> tuple[AuditChange, ...]:
    """What changed of cameras that were paused, or not, before."""
    new = _written(now)
    return tuple(
        AuditChange(key=f"cameras.{name}.{key}", old=old, new=new[key])
        for name, pause in before.items()
        for key, old in _written(pause).items()
        if old != new[key]
    )


def _refuse_name(what: str, name: str, known: Iterable[str]) -> NoReturn:
    msg, remedy = f"there is no {what} {name!r}", f"Choose from {', '.join(known)}"
    raise CommandError(ErrorCode.REFUSED, msg, remedy=remedy, field=what, value=name)
