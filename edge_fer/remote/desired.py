"""Takes configs that the operator of a fleet wants, checks them, has them taken over, and reports what is in force."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from threading import Condition, Thread
from time import monotonic
from typing import Any, Final

from pydantic import ValidationError

from edge_fer.config import ConfigFaults, Fault, Loaded
from edge_fer.config.engine.desired import Document, forbidden, keep_documents
from edge_fer.config.output.writing import written
from edge_fer.config.tree import Config
from edge_fer.contract.messages.audit import AuditChange
from edge_fer.contract.messages.fleet import DesiredConfig
from edge_fer.errors import EdgeFerError
from edge_fer.mqtt.inbound import Subscription
from edge_fer.remote.reloader import Reloader
from edge_fer.support.json_text import read_json

__all__ = ["DesiredConfigs", "DesiredOutcome", "DesiredPorts", "changes_of"]

log = logging.getLogger(__name__)

#: Seconds of silence after which what has come is taken together, and seconds after which it is in any case.
_QUIET, _AT_MOST = 0.5, 5.0
#: Seconds for a config to be taken over, and for the thread to end.
_A_RELOAD, _GOODBYE = 60.0, 1.0
#: Changes that one message of `audit` tells.
_MOST_CHANGES: Final = 64


@dataclass(frozen=True, slots=True)
class DesiredOutcome:
    """What became of what is wanted.

    Attributes:
        loaded: the config in force.
        refused: revisions that are wanted and not in force, by scope.
        faults: why not.
    """

    loaded: Loaded
    refused: Mapping[str, str]
    faults: Sequence[Fault]


@dataclass(frozen=True, slots=True)
class DesiredPorts:
    """What a wanted config needs of the program.

    Attributes:
        load: loads the config, with these documents in the place of those that are kept, or with those.
        kept: those that are kept.
        reloader: has the config taken over.
        report: tells what is in force.
        audit: tells what somebody asked for: the document, what it changed, and why not, where it was refused.
    """

    load: Callable[[Sequence[Document] | None], Loaded]
    kept: Callable[[], Sequence[Document]]
    reloader: Reloader
    report: Callable[[DesiredOutcome], None]
    audit: Callable[[Document, Sequence[AuditChange], str], None]


class DesiredConfigs:
    """Wanted configs of one node. The link's thread puts in, a thread of its own does the rest.

    Args:
        topics: where they come from, by scope, the lowest first.
        ports: what it needs of the program.
    """

    def __init__(self, topics: Mapping[str, str], ports: DesiredPorts) -> None:
        self._scopes = {topic: scope for scope, topic in topics.items()}
        self._ports = ports
        self._news = Condition()
        self._came: dict[str, bytes] = {}
        self._came_at = self._first_at = 0.0
        self._closed = False
        #: what was refused, by scope, so that the same is not told twice
        self._refused: dict[str, tuple[str, tuple[Fault, ...]]] = {}
        self._thread = Thread(target=self._run, name="desired-configs", daemon=True)

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """All of them."""
        return tuple(Subscription(topic, qos=1) for topic in self._scopes)

    def take(self, topic: str, payload: bytes, *, retained: bool) -> None:  # noqa: ARG002 - wanted either way
        """Takes a wanted config; of one scope, the newest alone counts."""
        scope = self._scopes.get(topic)
        if scope is None:
            return
        with self._news:
            self._came_at = monotonic()
            if not self._came:
                self._first_at = self._came_at
            self._came[scope] = payload
            self._news.notify()

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def close(self) -> None:
        """Ends; what was not looked at comes again with the next connection."""
        with self._news:
            self._closed = True
            self._news.notify()
        self._thread.join(_GOODBYE)

    def _next(self) -> dict[str, bytes]:
        """What has come, once nothing more does for a moment; nothing, once it is closed."""
        with self._news:
            self._news.wait_for(lambda: self._came or self._closed)
            while not self._closed:
                now = monotonic()
                left = min(self._came_at + _QUIET, self._first_at + _AT_MOST) - now
                if left <= 0:
                    break
                self._news.wait(left)
            came, self._came = self._came, {}
            return {} if self._closed else came

    def _run(self) -> None:
        self._drop_strange_scopes()
        while came := self._next():
            try:
                self.handle(came)
            except Exception:
                log.exception("a wanted config could not be looked at")

    def _drop_strange_scopes(self) -> None:
        """What was wanted of a group in which this node no longer is does not hold any more."""
        kept = self._ports.kept()
        ours = [one for one in kept if one.scope in self._scopes.values()]
        if len(ours) < len(kept):
            self._take_over(ours, kept)

    def handle(self, came: Mapping[str, bytes]) -> None:
        """Takes over what has come, as far as it is good, and reports.

        Args:
            came: payloads by scope.
        """
        kept = list(self._ports.kept())
        held = {one.scope: one for one in kept}
        told = dict(self._refused)
        fresh, unread = _documents(came)
        for scope in came:
            self._refused.pop(scope, None)
        for fault in unread:
            self._refused[fault.layer.partition(" ")[2]] = ("", (fault,))
        news = {one.scope: one for one in fresh if held.get(one.scope) != one and (one.config or one.scope in held)}
        accepted = self._acceptable(held, news)
        before = self._ports.load(None)
        good = self._in_order({**held, **accepted})
        if problem := self._take_over(good, kept):
            fault = Fault("desired", None, "", None, problem, "See the log of the device")
            self._refused |= {one.scope: (one.revision, (fault,)) for one in accepted.values()}
        after = self._ports.load(None)
        changes = changes_of(before.config, after.config)
        for scope, document in news.items():
            if scope not in self._refused:
                self._ports.audit(document, changes, "")
            elif told.get(scope, ("", ()))[0] != document.revision:
                self._ports.audit(document, [], "; ".join(map(str, self._refused[scope][1])))
        refused = {scope: revision for scope, (revision, _) in self._refused.items()}
        faults = [fault for _, own in self._refused.values() for fault in own]
        self._ports.report(DesiredOutcome(after, refused, list(dict.fromkeys(faults))))

    def _acceptable(self, held: Mapping[str, Document], news: Mapping[str, Document]) -> dict[str, Document]:
        """Those of the new documents that go together with those that are held; all, or one after the other."""
        if not any(forbidden(one) for one in news.values()) and not self._faults_with({**held, **news}):
            return dict(news)
        accepted: dict[str, Document] = {}
        for document in self._in_order(news, empty=True):
            trial = {**held, **accepted, document.scope: document}
            if faults := forbidden(document) or self._faults_with(trial):
                self._refused[document.scope] = (document.revision, tuple(faults))
            else:
                accepted[document.scope] = document
        return accepted

    def _faults_with(self, documents: Mapping[str, Document]) -> Sequence[Fault]:
        try:
            self._ports.load(self._in_order(documents))
        except ConfigFaults as error:
            return error.faults
        return ()

    def _in_order(self, documents: Mapping[str, Document], *, empty: bool = False) -> list[Document]:
        """The documents, the lowest first; without those in which nothing is wanted, unless they are asked for."""
        found = [documents[scope] for scope in self._scopes.values() if scope in documents]
        return [one for one in found if one.config or empty]

    def _take_over(self, good: Sequence[Document], kept: Sequence[Document]) -> str:
        """Keeps documents and has the config read again; why not, where that cannot be, and all is as before."""
        if list(good) == list(kept):
            return ""
        state_dir = self._ports.load(None).config.state_dir
        try:
            keep_documents(state_dir, good)
        except OSError as error:
            return f"{state_dir} cannot be written: {error.strerror}"
        try:
            self._ports.reloader.ask().result(_A_RELOAD)
        except (EdgeFerError, CancelledError, TimeoutError) as error:
            problem = str(error) or "it was not taken over in time"
        else:
            return ""
        try:
            keep_documents(state_dir, kept)
        except OSError as error:
            log.error("%s cannot be written: %s", state_dir, error.strerror)  # noqa: TRY400
        return problem


def changes_of(before: Config, after: Config) -> list[AuditChange]:
    """What differs between two configs; of many differences, the first ones."""
    old, new = dict(_flat(written(before))), dict(_flat(written(after)))
    keys = [key for key in dict.fromkeys((*old, *new)) if old.get(key) != new.get(key)]
    return [AuditChange(key=key, old=old.get(key), new=new.get(key)) for key in keys[:_MOST_CHANGES]]


def _flat(tree: Mapping[str, Any], path: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in tree.items():
        here = f"{path}.{key}" if path else key
        found += _flat(value, here) if isinstance(value, Mapping) and value else [(here, value)]
    return found


def _documents(came: Mapping[str, bytes]) -> tuple[list[Document], list[Fault]]:
    """The documents that came, and what is wrong with payloads that are none."""
    found, faults = [], []
    for scope, payload in came.items():
        if not payload:
            found.append(Document(scope, "", {}))
            continue
        try:
            read = DesiredConfig.model_validate(read_json(payload))
        except (ValueError, ValidationError):
            problem = "is no wanted config of a version that is known here"
            faults.append(Fault(f"desired {scope}", None, "", None, problem, "Publish it with edge-fer fleet rollout"))
        else:
            found.append(Document(scope, read.revision, read.config, read.by))
    return found, faults
