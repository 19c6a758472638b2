"""From the config to what answers on the control socket."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from edge_fer.contract.messages.commands import ErrorCode
from edge_fer.control.desk import ControlRecord, Desk
from edge_fer.daemon.camera import Camera
from edge_fer.errors import CommandError
from edge_fer.remote.asker import Role
from edge_fer.remote.executor import Executor
from edge_fer.remote.trying import try_settings
from edge_fer.wiring.node import Node, Voice
from edge_fer.wiring.remote import Remote
from edge_fer.wiring.sinks import WayOut

if TYPE_CHECKING:
    from edge_fer.control.server import LiveLease
    from edge_fer.control.state import NodeNow
    from edge_fer.remote.asker import Asker
    from edge_fer.wiring.backups import Backups
    from edge_fer.wiring.live import LiveViews
    from edge_fer.wiring.lookout import Lookout

__all__ = ["make_desks"]


def make_desks(
    remote: Remote | None,
    executor: Executor | None,
    *,
    node: Node,
    voice: Voice,
    cameras: Mapping[str, Camera],
    out: WayOut,
) -> Sequence[Desk]:
    """What answers on the control socket, not yet started; nothing, where there is none.

    Args:
        remote: has the socket.
        executor: carries commands out.
        node: knows its settings and its health.
        voice: of the node.
        cameras: by name.
        out: hears what their pipelines tell.
    """
    if remote is None or executor is None or remote.control is None:
        return []

    # most nodes are never asked, so what answers is loaded when somebody asks

    live = _LiveOnDemand(lambda: _live_views(node, voice, cameras, out))

    @cache
    def lookout() -> Lookout:
        from edge_fer.wiring.lookout import Lookout  # noqa: PLC0415

        return Lookout(node, voice, cameras, out, live.watchers)

    def look() -> NodeNow:
        return lookout()()

    def read_settings(schema: bool) -> Mapping[str, Any]:  # noqa: FBT001 - a port's
        from edge_fer.wiring.lookout import settings_of  # noqa: PLC0415

        return settings_of(remote.load, schema=schema)

    def try_out(values: Mapping[str, Any], asker: Asker) -> Mapping[str, Any]:
        if remote.try_out is None or "recent" not in out.outlet.sinks:
            msg = "the readings of the last hour are not kept"
            remedy = "Write `privacy: {recent: on, events: on}` into the config file"
            raise CommandError(ErrorCode.REFUSED, msg, remedy=remedy)
        return try_settings(values, asker, load=remote.load, try_out=remote.try_out)

    return [
        Desk(
            remote.control,
            executor,
            look=look,
            read_settings=read_settings,
            live=live,
            try_out=try_out,
            records=_records(node, remote, lookout),
        )
    ]


def _records(node: Node, remote: Remote, lookout: Callable[[], Lookout]) -> Mapping[str, ControlRecord]:
    """What else can be read, by name."""

    def read_history(fields: Mapping[str, Any]) -> Any:
        from edge_fer.wiring.records import history_of  # noqa: PLC0415

        return history_of(node.settings, fields, tells_alerts=lookout().tells_alerts())

    def read_log(_: Mapping[str, Any]) -> Any:
        from edge_fer.wiring.records import log_of  # noqa: PLC0415

        return log_of(remote.log_lines)

    def read_findings(_: Mapping[str, Any]) -> Any:
        from edge_fer.wiring.records import findings_by  # noqa: PLC0415

        return findings_by(remote.examine)

    @cache
    def backups() -> Backups:
        from edge_fer.wiring.backups import Backups  # noqa: PLC0415

        return Backups(remote.archive, node.settings.state_dir)

    def read_notice(_: Mapping[str, Any]) -> Any:
        from edge_fer.wiring.records import notice_of  # noqa: PLC0415

        return notice_of(node.settings)

    def read_picture_settings(fields: Mapping[str, Any]) -> Any:
        from edge_fer.wiring.records import picture_settings_of  # noqa: PLC0415

        return picture_settings_of(node.settings, fields)

    def read_faces_trial(fields: Mapping[str, Any]) -> Any:
        from edge_fer.wiring.records import faces_trial_of  # noqa: PLC0415

        return faces_trial_of(node.settings, fields)

    def read_link(fields: Mapping[str, Any]) -> Any:
        from edge_fer.wiring.records import link_of  # noqa: PLC0415

        return link_of(node.settings, fields)

    return {
        "notice": ControlRecord(Role.VIEWER, read_notice),
        "history": ControlRecord(Role.VIEWER, read_history),
        "log": ControlRecord(Role.OPERATOR, read_log),
        "findings": ControlRecord(Role.OPERATOR, read_findings),
        "picture_settings": ControlRecord(Role.OPERATOR, read_picture_settings),
        "faces_trial": ControlRecord(Role.OPERATOR, read_faces_trial),
        "backup": ControlRecord(Role.ADMIN, lambda fields: backups().read(fields)),
        "link": ControlRecord(Role.OPERATOR, read_link),
    }


def _live_views(node: Node, voice: Voice, cameras: Mapping[str, Camera], out: WayOut) -> LiveViews:
    from edge_fer.wiring.live import LiveViews  # noqa: PLC0415 - few ask for one

    return LiveViews(node, voice, cameras, out)


class _LiveOnDemand:
    """Live views, made when somebody first asks for one."""

    def __init__(self, make: Callable[[], LiveViews]) -> None:
        self._make = make
        self._made: LiveViews | None = None

    def begin(self, fields: Mapping[str, Any], asker: Asker, take: Callable[[Mapping[str, Any]], None]) -> LiveLease:
        """Begins one; for one thread."""
        if self._made is None:
            self._made = self._make()
        return self._made.begin(fields, asker, take)

    def watchers(self, camera: str) -> Sequence[str]:
        """Who looks at a camera now."""
        return self._made.watchers(camera) if self._made else ()

    def close(self) -> None:
        """Ends all of them."""
        if self._made:
            self._made.close()
