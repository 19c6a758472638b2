"""Signs what nodes ask for: new certificates, for keys that never leave them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from edge_fer.contract.messages import VERSION, rfc3339
from edge_fer.contract.topics import Topics
from edge_fer.errors import FleetError
from edge_fer.fleet.authority import answers
from edge_fer.fleet.folder import FleetFolder
from edge_fer.fleet.line import OperatorLine
from edge_fer.fleet.status import parsed

__all__ = ["Renewal"]


@dataclass(frozen=True, slots=True)
class Renewal:
    """Renews certificates of nodes.

    Attributes:
        folder: of the fleet.
        line: to the broker; has read what is published.
        say: prints a line.
        within: seconds for nodes to ask, and to take what was signed.
    """

    folder: FleetFolder
    line: OperatorLine
    say: Callable[[str], None]
    within: float = 60.0

    def run(self, nodes: Sequence[str], now: datetime) -> None:
        """Signs all requests; or has nodes ask, and signs what they ask for.

        Args:
            nodes: those to be renewed whenever their certificates end; none: all that have asked by themselves.
            now: the time.

        Raises:
            FleetError: a node is not known, or did not ask or take its certificate in time.
        """
        for node in nodes:
            if node not in self.folder.nodes:
                msg = f"{node} is no node of this fleet"
                raise FleetError(msg, remedy="See `edge-fer fleet list`")
        if nodes:
            wanted = {"v": VERSION, "ends_after": rfc3339(now + timedelta(days=36_500))}
            self.line.publish({self._topics(node).certificate_wanted: json.dumps(wanted) for node in nodes})
            self.line.wait(lambda values: all(self._request(values, node) for node in nodes), self.within)
            # else each would go on to ask, again and again
            self.line.publish({self._topics(node).certificate_wanted: "" for node in nodes})
        asking = [node for node in nodes or self.folder.nodes if self._request(self.line.values, node)]
        ends = self._signed(asking, now)
        self.line.wait(lambda values: all(self._holds(values, node, end) for node, end in ends.items()), self.within)
        done = [node for node, end in ends.items() if self._holds(self.line.values, node, end)]
        self.line.publish({self._topics(node).certificate_issued: "" for node in done})
        for node in done:
            self.say(f"{node}: its new certificate holds until {ends[node]:%Y-%m-%d}")
        if not asking and not nodes:
            self.say("No node asks for a new certificate.")
        late = [node for node in nodes or asking if node not in done]
        if late:
            msg = f"not renewed yet: {', '.join(late[:20])}"
            remedy = "What was signed waits at the broker; nodes that are away take it when they come back"
            raise FleetError(msg, remedy=remedy)

    def _signed(self, asking: Sequence[str], now: datetime) -> dict[str, datetime]:
        """Signs and publishes; when each certificate ends."""
        ends, messages = {}, {}
        for node in asking:
            request = self._request(self.line.values, node)
            given = str(parsed(self.line.values.get(self._topics(node).certificate_issued, b"")).get("certificate", ""))
            if (known := answers(given, request)) is not None:
                ends[node] = known
                continue
            try:
                made = self.folder.sign(node, request, now)
            except FleetError as error:
                self.say(str(error))
                continue
            ends[node] = made.ends
            text = json.dumps({"v": VERSION, "certificate": made.pem})
            messages[self._topics(node).certificate_issued] = text
        self.line.publish(messages)
        return ends

    def _topics(self, node: str) -> Topics:
        return Topics(node, self.folder.settings.prefix)

    def _request(self, values: Mapping[str, bytes], node: str) -> str:
        return str(parsed(values.get(self._topics(node).certificate_request, b"")).get("request", ""))

    def _holds(self, values: Mapping[str, bytes], node: str, end: datetime) -> bool:
        told = parsed(values.get(self._topics(node).info, b"")).get("client_certificate_ends")
        try:
            return datetime.fromisoformat(str(told)).astimezone(UTC) == end
        except ValueError:
            return False
