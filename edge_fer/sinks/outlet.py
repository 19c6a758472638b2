"""The one way out of a pipeline: a list of sinks behind the privacy filter."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import ParamSpec

from edge_fer.pipeline.step import Told
from edge_fer.sinks.base import SinkHealth, SinkPort
from edge_fer.sinks.policy import Content, Policy, only
from edge_fer.types import Instant

__all__ = ["Outlet"]

log = logging.getLogger(__name__)
_P = ParamSpec("_P")


class Outlet:
    """Hands what cameras' pipelines say to all sinks, to each what it may get. May be used from any thread.

    A sink that raises an error stops no other: the error is logged the first time, and counted each time.

    Args:
        policy: says what each sink may get.

    Attributes:
        policy: as given.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._sinks: dict[str, SinkPort] = {}
        self._lock = Lock()
        self._faults: dict[str, int] = {}
        #: sinks of which the last call failed
        self._failing: set[str] = set()
        #: what was logged: the sink and the kind of error
        self._logged: set[tuple[str, str]] = set()

    def connect(self, sinks: Mapping[str, SinkPort]) -> None:
        """Takes the sinks, by name, in the order in which they hear of something; before anything is told."""
        self._sinks = dict(sinks)

    @property
    def sinks(self) -> Mapping[str, SinkPort]:
        """The sinks by name."""
        return self._sinks

    def begin(self, camera: str, rules: Iterable[str], at: Instant) -> None:
        """How a camera stands before its first frame; a sink that may not know of alerts hears of no rules."""
        known = tuple(rules)
        for name, sink in self._sinks.items():
            seen = known if Content.ALERTS in self.policy.allowed(name, at.mono) else ()
            self._call(name, sink.begin, camera, seen, at)

    def tell(self, camera: str, told: Told) -> None:
        """What one step of a camera's pipeline tells."""
        for name, sink in self._sinks.items():
            filtered = only(told, self.policy.allowed(name, told.at.mono))
            self._call(name, sink.tell, camera, filtered)

    def online(self, camera: str, online: bool, at: Instant) -> None:  # noqa: FBT001 - handed on as it comes
        """Whether a camera delivers frames."""
        for name, sink in self._sinks.items():
            self._call(name, sink.online, camera, online, at)

    def health(self) -> Mapping[str, SinkHealth]:
        """How each sink is doing, with the errors that it raised."""
        return {name: self._health(name, sink) for name, sink in self._sinks.items()}

    def _health(self, name: str, sink: SinkPort) -> SinkHealth:
        said = SinkHealth(working=False)
        try:
            said = sink.health()
        except Exception as error:  # noqa: BLE001 - as in `_call`
            self._failed(name, error)
        with self._lock:
            faults = self._faults.get(name, 0)
            working = said.working and name not in self._failing
            return SinkHealth(working=working, faults=said.faults + faults, problem=said.problem)

    def _call(self, name: str, call: Callable[_P, None], *args: _P.args, **options: _P.kwargs) -> None:
        try:
            call(*args, **options)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one sink, the others go on
            self._failed(name, error)
        else:
            if name in self._failing:
                with self._lock:
                    self._failing.discard(name)

    def _failed(self, name: str, error: Exception) -> None:
        with self._lock:
            self._faults[name] = self._faults.get(name, 0) + 1
            self._failing.add(name)
            known = (name, type(error).__name__)
            is_new = known not in self._logged
            self._logged.add(known)
        if is_new:
            log.error(
                "the sink %s failed; the others go on. `health` counts how often. This is a fault of edge-fer: please"
                " report it",
                name,
                exc_info=error,
                extra={"sink": name},
            )
