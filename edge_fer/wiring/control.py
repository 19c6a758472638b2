"""From the config to what answers on the control socket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from edge_fer.control.desk import Desk, Record
from edge_fer.daemon.camera import Camera
from edge_fer.remote.asker import Role
from edge_fer.remote.executor import Executor
from edge_fer.wiring.node import Node, Voice
from edge_fer.wiring.remote import Remote
from edge_fer.wiring.sinks import WayOut

if TYPE_CHECKING:
    from edge_fer.control.state import NodeNow
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

    @cache
    def lookout() -> Lookout:
        from edge_fer.wiring.lookout import Lookout  # noqa: PLC0415

        return Lookout(node, voice, cameras, out)

    def look() -> NodeNow:
        return lookout()()

    def read_settings(schema: bool) -> Mapping[str, Any]:  # noqa: FBT001 - a port's
        from edge_fer.wiring.lookout import settings_of  # noqa: PLC0415

        return settings_of(remote.load, schema=schema)

    def read_history(fields: Mapping[str, Any]) -> Any:
        from edge_fer.wiring.records import history_of  # noqa: PLC0415

        return history_of(node.settings, fields, tells_alerts=lookout().tells_alerts())

    def read_log(_: Mapping[str, Any]) -> Any:
        from edge_fer.wiring.records import log_of  # noqa: PLC0415

        return log_of(remote.recent)

    def read_findings(_: Mapping[str, Any]) -> Any:
        from edge_fer.wiring.records import findings_by  # noqa: PLC0415

        return findings_by(remote.examine)

    def read_notice(_: Mapping[str, Any]) -> Any:
        from edge_fer.wiring.records import notice_of  # noqa: PLC0415

        return notice_of(node.settings)

    records = {
        "notice": Record(Role.VIEWER, read_notice),
        "history": Record(Role.VIEWER, read_history),
        "log": Record(Role.OPERATOR, read_log),
        "findings": Record(Role.OPERATOR, read_findings),
    }
    return [Desk(remote.control, executor, look=look, read_settings=read_settings, records=records)]
