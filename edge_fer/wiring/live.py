"""From the config to live views; loaded when somebody first asks for one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Final

from edge_fer.contract.messages import MessageKind
from edge_fer.contract.messages.commands import ErrorCode
from edge_fer.control.live import LiveEnd, LiveNeeds, LiveView
from edge_fer.daemon.camera import Camera
from edge_fer.errors import CommandError
from edge_fer.log import ASKED
from edge_fer.remote.asker import Asker, Role
from edge_fer.remote.executor import DENIED
from edge_fer.sinks.policy import Content
from edge_fer.support.redact import redacted_text
from edge_fer.wiring.node import Node, Voice
from edge_fer.wiring.sinks import WayOut

__all__ = ["LONGEST", "LiveViews"]

log = logging.getLogger(ASKED)

#: Seconds of one live view, at most; whoever wants more asks again.
LONGEST: Final = 60.0
#: By which name the policy knows the control socket.
_SINK: Final = "control"
_NEVER: Final = "never"
#: What can be asked for, and what holds where it is left out.
_ASKED: Final[Mapping[str, Any]] = {"camera": "", "seconds": LONGEST, "picture": True}


class LiveViews:
    """Lets one person at a time look at each camera, for a minute at most, and tells in `audit` and `info` of it.

    Args:
        node: knows the config in force, and tells `info`.
        voice: tells `audit`.
        cameras: by name.
        out: has the policy, which decides what may be seen.
    """

    def __init__(self, node: Node, voice: Voice, cameras: Mapping[str, Camera], out: WayOut) -> None:
        self._node = node
        self._voice = voice
        self._cameras = cameras
        self._policy = out.outlet.policy
        self._lock = Lock()
        self._open: dict[str, _Lease] = {}
        self._closed = False

    def begin(self, fields: Mapping[str, Any], asker: Asker, take: Callable[[Mapping[str, Any]], None]) -> _Lease:
        """Begins a live view, and ends the one that the same person has of this camera.

        Raises:
            CommandError: it may not be.
        """
        asked = {name: fields.get(name, default) for name, default in _ASKED.items()}
        try:
            lease = self._begun(**asked, asker=asker, take=take)
        except CommandError as error:
            self._tell("live", asker, asked, error)
            raise
        self._tell("live", asker, asked, None)
        self._node.tell_info_again()
        return lease

    def watchers(self, camera: str) -> list[str]:
        """Who looks at a camera now."""
        lease = self._open.get(camera)
        return [lease.view.name] if lease and lease.view.over is None else []

    def close(self) -> None:
        """Ends all, because the service ends."""
        with self._lock:
            self._closed = True
            leases = list(self._open.values())
        for lease in leases:
            lease.end(LiveEnd.RESTART)

    def _begun(
        self,
        *,
        camera: str,
        seconds: float,
        picture: bool,
        asker: Asker,
        take: Callable[[Mapping[str, Any]], None],
    ) -> _Lease:
        if asker.role is None or not asker.role.includes(Role.OPERATOR):
            msg = f"{asker.name}, who is {asker.role}, may not look at cameras, which needs the role {Role.OPERATOR}"
            raise CommandError(DENIED, msg, remedy="Ask somebody with that role")
        if self._policy.live == _NEVER:
            msg = "live views are switched off in the config file"
            remedy = "Whoever looks after this device may write `privacy: {live: pixelated}` into its config file"
            raise CommandError(ErrorCode.REFUSED, msg, remedy=remedy)
        found = self._cameras.get(camera)
        if found is None:
            msg, remedy = f"there is no camera {camera!r}", f"Choose from {', '.join(self._cameras)}"
            raise CommandError(ErrorCode.REFUSED, msg, remedy=remedy, field="camera", value=camera)
        if isinstance(seconds, bool) or not 1 <= seconds <= LONGEST:
            msg, remedy = f"seconds is not from 1 to {LONGEST:g}", "Leave it out, and ask again after a minute"
            raise CommandError(ErrorCode.REFUSED, msg, remedy=remedy, field="seconds", value=seconds)
        if found.paused:
            msg = f"camera {camera} is paused, so nothing is looked at"
            raise CommandError(ErrorCode.REFUSED, msg, remedy="End the pause first", field="camera", value=camera)
        self._end_other(camera, asker)
        now = self._voice.clock().mono
        pictures = picture and self._policy.live == "pixelated"
        view = LiveView(
            camera,
            asker.name or "",
            until=now + seconds,
            pictures=pictures,
            clock=self._voice.clock,
            allowed=self._allowed if pictures else lambda _: True,
            take=take,
        )
        with self._lock:
            if self._closed:
                raise CommandError(ErrorCode.BUSY, "edge-fer ends, or begins anew", remedy="Ask again in a while")
            lease = self._open[camera] = _Lease(
                view, self._told(camera, seconds, pictures=pictures), lambda why: self._end(lease, asker, why)
            )
        if pictures:
            self._policy.grant(_SINK, {Content.PICTURES}, max(now + seconds, self._granted_until(now)))
        found.onlooker = view.offer
        return lease

    def _end_other(self, camera: str, asker: Asker) -> None:
        lease = self._open.get(camera)
        if lease is None:
            return
        if lease.view.over is None and lease.view.name != asker.name:
            msg = f"{lease.view.name} looks at camera {camera} already"
            raise CommandError(ErrorCode.REFUSED, msg, remedy="Ask again in a minute", field="camera", value=camera)
        lease.end(LiveEnd.ELSEWHERE)

    def _told(self, camera: str, seconds: float, *, pictures: bool) -> Mapping[str, Any]:
        faces = self._node.settings.cameras[camera].faces
        quality = faces.quality
        needs = LiveNeeds(
            pixels=faces.min_size, brightness=quality.min_brightness, sharpness=quality.min_sharpness
        ).model_dump(mode="json")
        return {"camera": camera, "seconds": seconds, "shows": "pixelated" if pictures else "boxes", "needs": needs}

    def _allowed(self, mono: float) -> bool:
        return Content.PICTURES in self._policy.allowed(_SINK, mono)

    def _granted_until(self, mono: float) -> float:
        return self._policy.until(_SINK, Content.PICTURES, mono) or 0.0

    def _end(self, lease: _Lease, asker: Asker, why: str) -> None:
        view = lease.view
        with self._lock:
            if self._open.get(view.camera) is not lease:
                return
            view.end(LiveEnd(why))
            del self._open[view.camera]
            self._cameras[view.camera].onlooker = None
            if not self._open:
                self._policy.withdraw(_SINK)
        seconds = round(self._voice.clock().mono - view.began, 1)
        fields = {"camera": view.camera, "seconds": seconds, "frames": view.shown, "why": str(view.over or why)}
        self._tell("end_live", asker, fields, None)
        self._node.tell_info_again()

    def _tell(self, command: str, asker: Asker, fields: Mapping[str, Any], error: CommandError | None) -> None:
        """Says in the log and in `audit` what somebody asked for, and how it ended."""
        now = self._voice.clock()
        told = self._voice.composer.audit(
            now,
            actor=asker.name,
            role=asker.role,
            via=asker.way,
            request_id=None,
            command=command,
            fields=fields,
            changes=[],
            outcome=error.code if error else "done",
            message=redacted_text(str(error)) if error else "",
        )
        self._voice.link.post(self._voice.topics.audit, MessageKind.EVENT, told, now)
        log.info("%s %s %s: %s", command, dict(fields), asker.words, error.code if error else "done")


class _Lease:
    """A live view, as the control socket has it."""

    def __init__(self, view: LiveView, told: Mapping[str, Any], end: Callable[[str], None]) -> None:
        self.view = view
        self.told = told
        self._end = end

    @property
    def over(self) -> str | None:
        """Why it is over; None while it is not."""
        return self.view.over

    def end(self, why: str) -> None:
        """Ends it, and tells of it, once."""
        self._end(why)
