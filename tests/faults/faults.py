"""What is broken, one function a kind. Each breaks something, waits a little, and puts it right again."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from edge_fer.contract.messages import MessageKind
from tests.broker import Certificates, Mosquitto, Subscriber
from tests.faults.driver import KEEPALIVE
from tests.faults.node import PASSWORD, Node, wait_until
from tests.faults.trace import CAMERAS

__all__ = ["FAULTS", "TOUCHED", "Fault", "Scene"]

ACL = ["user edge", "topic readwrite edge-fer/#", "user reader", "topic readwrite #"]
USERS = {"edge": PASSWORD, "reader": "reader"}
#: Items that are handed over at a time while a disk is full, how many of all must find no room, and times at the most
#: until they do: the outbox goes on using the room that it had before.
BURST, TOO_MANY, BURSTS = 500, 200, 20
#: Seconds for which a certificate holds that is to end.
SHORT_LIFE = 4.0


@dataclass
class Scene:
    """What there is to break.

    Attributes:
        broker: a real Mosquitto.
        seen: who listens to it, and lives through all this.
        steady: a node that is never killed.
        mortal: one that is, and whose line is encrypted.
        cramped: one whose disk can be filled.
        chance: what happens when.
        certificates: by which the mortal node and the broker know each other.
        hurry: what the waits are shortened to.
        noticed: seconds after which each connection that had gone silent was given up.
        unsynced: when the clock of which node was wrong.
    """

    broker: Mosquitto
    seen: Subscriber
    steady: Node
    mortal: Node
    cramped: Node
    chance: random.Random
    certificates: Certificates
    hurry: float = 1.0
    noticed: list[float] = field(default_factory=list)
    unsynced: list[tuple[Node, float, float]] = field(default_factory=list)

    @property
    def nodes(self) -> list[Node]:
        return [self.steady, self.mortal, self.cramped]

    def some_nodes(self) -> list[Node]:
        """One of them, or all."""
        return self.chance.choice([[self.steady], [self.mortal], self.nodes])

    def pause(self, least: float = 0.05, most: float = 0.8) -> None:
        """A random time."""
        time.sleep(self.hurry * self.chance.uniform(least, most))

    def restart_broker(self) -> None:
        """Starts it, and lets the nodes in once the listener is there: what comes earlier, nobody would hear."""
        for node in self.nodes:
            node.proxy.refuse()
        before = self.seen.subscriptions
        self.broker.start()
        self.seen.wait_until_back(before)
        for node in self.nodes:
            node.proxy.listen()


Fault: TypeAlias = Callable[[Scene], None]


def broker_killed(scene: Scene) -> None:
    scene.broker.kill()
    scene.pause()
    scene.restart_broker()


def broker_stopped(scene: Scene) -> None:
    scene.broker.stop()
    scene.pause()
    scene.restart_broker()


def broker_hangs(scene: Scene) -> None:
    scene.broker.pause()
    scene.pause(0.1, 2.0)
    scene.broker.resume()


def broker_hangs_and_dies(scene: Scene) -> None:
    scene.broker.pause()
    scene.pause(0.05, 0.5)
    broker_killed(scene)


def line_cut(scene: Scene) -> None:
    for node in scene.some_nodes():
        node.proxy.cut()


def line_torn(scene: Scene) -> None:
    """Cut somewhere, most likely within a packet."""
    for node in scene.some_nodes():
        node.proxy.tear(scene.chance.randint(1, 4000))
    scene.pause(0.2, 0.6)


def line_stalled(scene: Scene) -> None:
    """For less than the keep-alive."""
    nodes = scene.some_nodes()
    for node in nodes:
        node.proxy.stall()
    scene.pause(0.1, 1.5)
    for node in nodes:
        node.proxy.resume()


def line_dead(scene: Scene) -> None:
    """Stalled until the node gives it up."""
    node = scene.chance.choice([scene.steady, scene.mortal])
    _notice(scene, node, node.proxy.stall)
    node.proxy.resume()


def line_half_open(scene: Scene) -> None:
    node = scene.chance.choice([scene.steady, scene.mortal])
    _notice(scene, node, node.proxy.half_open)


def _notice(scene: Scene, node: Node, fault: Callable[[], None]) -> None:
    before = node.ledger["connections"]
    wait_until(lambda: node.ledger["connected"], f"{node.name} is connected")
    fault()
    noticed = lambda: not node.ledger["connected"] or node.ledger["connections"] > before  # noqa: E731
    scene.noticed.append(wait_until(noticed, f"{node.name} notices that its connection is dead", timeout=4 * KEEPALIVE))


def port_refused(scene: Scene) -> None:
    nodes = scene.some_nodes()
    for node in nodes:
        node.proxy.refuse()
    scene.pause(0.1, 1.0)
    for node in nodes:
        node.proxy.listen()


def login_refused(scene: Scene) -> None:
    """The password is changed, and changed back."""
    scene.broker.set_passwords(USERS | {"edge": "another"})
    scene.broker.reload()
    for node in scene.nodes:
        node.proxy.cut()
    scene.pause(0.3, 1.0)
    scene.broker.set_passwords(USERS)
    scene.broker.reload()


def topic_refused(scene: Scene) -> None:
    """The access list forbids a topic, and allows it again."""
    node = scene.chance.choice([scene.steady, scene.mortal])
    topic = f"edge-fer/{node.name}/camera/{scene.chance.choice(['back', 'front'])}/event"
    scene.broker.set_acl(["user edge", f"topic deny {topic}", *ACL[1:]])
    scene.broker.reload()
    scene.pause(0.2, 0.8)
    scene.broker.set_acl(ACL)
    scene.broker.reload()


def daemon_killed(scene: Scene) -> None:
    scene.mortal.kill()
    scene.pause(0.0, 0.5)
    scene.mortal.start()


def daemon_killed_offline(scene: Scene) -> None:
    """With a backlog, once more while it starts to drain it."""
    scene.mortal.proxy.refuse()
    scene.pause(0.2, 1.0)
    scene.mortal.kill()
    scene.mortal.proxy.listen()
    scene.mortal.start()
    scene.pause(0.0, 0.3)
    scene.mortal.kill()
    scene.mortal.start()


def clock_wrong(scene: Scene) -> None:
    """Set back or forth by up to years, and known to be wrong; put right a while later."""
    nodes = scene.some_nodes()
    offset = scene.chance.choice([-1, 1]) * scene.chance.choice([5.0, 3600.0, 1e8, 1e9])
    for node in nodes:
        if offset < 0 or scene.chance.random() < 0.5:
            node.proxy.refuse()
        node.ledger.set_clock(offset, synced=False)
    begun = time.monotonic()
    scene.pause(0.2, 1.0)
    for node in nodes:
        scene.unsynced.append((node, begun, time.monotonic()))
        node.ledger.set_clock(0.0, synced=True)
        node.proxy.listen()


def disk_full(scene: Scene) -> None:
    """While the broker is away, and there is more to tell than fits."""
    node = scene.cramped
    _overflow(node)
    node.free_disk()
    node.proxy.listen()


def disk_full_and_killed(scene: Scene) -> None:
    """Likewise, and the daemon has to start on the full disk, too."""
    node = scene.cramped
    _overflow(node)
    node.kill()
    node.start()
    scene.pause(0.1, 0.5)
    node.free_disk()
    node.proxy.listen()


def disk_unwritable(scene: Scene) -> None:
    """While the broker is there, or comes and goes: what the disk does not take is sent from memory."""
    node = scene.chance.choice([scene.steady, scene.cramped])
    before = node.ledger["next"]
    node.forbid_writing()
    wait_until(lambda: node.ledger["next"] > before + 10, f"{node.name} goes on")
    if scene.chance.random() < 0.5:
        node.proxy.cut()
        scene.pause()
    node.allow_writing()


def _overflow(node: Node) -> None:
    # what is sent and not acknowledged may be given up and counted, and yet have arrived; that would blur the count
    node.ledger["rest"] = 1
    wait_until(lambda: not node.ledger["depth"] and node.all_is_settled, f"{node.name} sends everything")
    node.proxy.refuse()
    node.fill_disk()
    node.ledger["rest"] = 0
    before = node.ledger["dropped"]
    for _ in range(BURSTS):
        node.ledger["burst"] = BURST
        wait_until(lambda: not node.ledger["burst"], f"{node.name} hands over a burst", timeout=60)
        if node.ledger["dropped"] >= before + TOO_MANY:
            return
    msg = f"{node.name} has given up nothing, although its disk is full: {node.ledger['dropped'] - before}"
    raise AssertionError(msg)


def topics_refused_in_a_burst(scene: Scene) -> None:
    """The access list forbids all that a node tells while a backlog is sent, so that many are refused at once."""
    node = scene.steady
    node.proxy.refuse()
    scene.pause(0.2, 1.0)
    topics = [f"edge-fer/{node.name}/camera/{camera}/{kind}" for camera in CAMERAS for kind in MessageKind]
    scene.broker.set_acl(["user edge", *(f"topic deny {topic}" for topic in topics), *ACL[1:]])
    scene.broker.reload()
    node.proxy.listen()
    scene.pause(0.3, 1.0)
    scene.broker.set_acl(ACL)
    scene.broker.reload()


def hung_up_on(scene: Scene) -> None:
    """Instead of an answer to CONNECT, a few times."""
    nodes = scene.some_nodes()
    for node in nodes:
        node.proxy.greet_none(scene.chance.randint(1, 3))
        node.proxy.cut()
    scene.pause(0.3, 1.0)
    for node in nodes:
        node.proxy.greet_none(0)


def limits_told(scene: Scene) -> None:
    """A broker that takes few messages at a time, and no large ones."""
    scene.broker.stop()
    scene.broker.set_options([f"max_inflight_messages {scene.chance.randint(1, 3)}", "max_packet_size 4000"])
    scene.restart_broker()
    scene.pause(0.5, 1.5)
    scene.broker.stop()
    scene.broker.set_options([])
    scene.restart_broker()


def daemon_stopped(scene: Scene) -> None:
    """SIGTERM, with a backlog or without."""
    node = scene.mortal
    if scene.chance.random() < 0.5:
        node.proxy.refuse()
        scene.pause(0.2, 0.8)
    node.stop()
    node.proxy.listen()
    node.start()


def daemon_stopped_on_slow_disk(scene: Scene) -> None:
    node = scene.mortal
    node.syncs.slow()
    scene.pause(0.3, 1.0)
    node.stop()
    node.syncs.mend()
    node.start()


def daemon_reloaded(scene: Scene) -> None:
    """Another link takes over, on a slow disk half of the time."""
    node = scene.steady
    if scene.chance.random() < 0.5:
        node.syncs.slow()
    scene.pause(0.0, 0.3)
    node.ledger["reload"] = 1
    wait_until(lambda: not node.ledger["reload"], f"{node.name} reloads")
    scene.pause(0.0, 0.5)
    node.syncs.mend()


def syncs_slow(scene: Scene) -> None:
    nodes = scene.some_nodes()
    for node in nodes:
        node.syncs.slow()
    scene.pause(0.5, 2.0)
    for node in nodes:
        node.syncs.mend()


def disk_full_at_start(scene: Scene) -> None:
    """After a proper stop."""
    node = scene.cramped
    node.ledger["rest"] = 1
    wait_until(lambda: not node.ledger["depth"] and node.all_is_settled, f"{node.name} sends everything")
    node.stop()
    node.fill_disk()
    node.ledger["rest"] = 0
    node.start()
    scene.pause(0.3, 1.0)
    node.free_disk()


def rows_damaged(scene: Scene) -> None:
    """A byte of a few messages that wait changes while the daemon is down."""
    node = scene.mortal
    node.proxy.refuse()
    scene.pause(0.3, 1.0)
    node.kill()
    node.damage(scene.chance.randint(1, 5), scene.chance)
    node.proxy.listen()
    node.start()


def broker_certificate_ends(scene: Scene) -> None:
    """While the node is connected, which it stays; the next connection is refused, until there is a new certificate."""
    _certificate_ends(
        scene, scene.certificates.issue_server, "the certificate of the broker", "certificate has expired"
    )


def client_certificate_ends(scene: Scene) -> None:
    """Likewise, the node's own."""
    _certificate_ends(scene, scene.certificates.issue_client, "our certificate", "our certificate has expired")


def _certificate_ends(scene: Scene, issue: Callable[..., None], named: str, refused: str) -> None:
    node = scene.mortal
    before = len(node.log)
    said = lambda words: re.search(words, node.log[before:])  # noqa: E731
    issue(days=SHORT_LIFE / 86400)
    scene.broker.reload()
    node.proxy.cut()
    wait_until(lambda: said(f"{named}.* is no longer good"), f"{node.name} says that it has ended")
    node.proxy.cut()
    wait_until(lambda: said(refused), f"{node.name} is refused because of it")
    scene.pause()
    issue(days=2)
    scene.broker.reload()


FAULTS: dict[str, Fault] = {
    "broker killed": broker_killed,
    "broker stopped": broker_stopped,
    "broker hangs": broker_hangs,
    "broker hangs and is killed": broker_hangs_and_dies,
    "login refused": login_refused,
    "topic refused": topic_refused,
    "connection reset": line_cut,
    "connection reset within a packet": line_torn,
    "line stalls": line_stalled,
    "line dead": line_dead,
    "half-open": line_half_open,
    "port closed": port_refused,
    "daemon killed": daemon_killed,
    "daemon killed with a backlog, twice": daemon_killed_offline,
    "clock wrong, then right": clock_wrong,
    "disk full": disk_full,
    "disk full, and daemon killed": disk_full_and_killed,
    "disk unwritable": disk_unwritable,
    "topics refused in a burst": topics_refused_in_a_burst,
    "hung up on before an answer": hung_up_on,
    "limits told by the broker": limits_told,
    "daemon stopped": daemon_stopped,
    "daemon stopped on a slow disk": daemon_stopped_on_slow_disk,
    "daemon reloaded": daemon_reloaded,
    "syncs slow": syncs_slow,
    "disk full at start": disk_full_at_start,
    "rows damaged": rows_damaged,
    "broker's certificate ends": broker_certificate_ends,
    "client's certificate ends": client_certificate_ends,
}

#: What each fault has its hands on; two that share nothing may be at once.
_BROKER, _LINES, _MORTAL, _CRAMPED, _SYNCS, _ACCESS = "broker", "lines", "mortal", "cramped", "syncs", "access"
TOUCHED: dict[str, set[str]] = {
    "broker killed": {_BROKER, _LINES},
    "broker stopped": {_BROKER, _LINES},
    "broker hangs": {_BROKER, _ACCESS},
    "broker hangs and is killed": {_BROKER, _LINES, _ACCESS},
    "login refused": {_ACCESS, _BROKER},
    "topic refused": {_ACCESS, _BROKER},
    "connection reset": {_LINES},
    "connection reset within a packet": {_LINES},
    "line stalls": {_LINES},
    "line dead": {_LINES, _MORTAL},
    "half-open": {_LINES, _MORTAL},
    "port closed": {_LINES},
    "daemon killed": {_MORTAL},
    "daemon killed with a backlog, twice": {_MORTAL, _LINES},
    "clock wrong, then right": {_LINES},
    "disk full": {_CRAMPED, _LINES, _BROKER, _SYNCS},
    "disk full, and daemon killed": {_CRAMPED, _LINES, _BROKER, _SYNCS},
    "disk unwritable": {_CRAMPED},
    "topics refused in a burst": {_ACCESS, _BROKER, _LINES},
    "hung up on before an answer": {_LINES},
    "limits told by the broker": {_BROKER, _LINES},
    "daemon stopped": {_MORTAL, _LINES},
    "daemon stopped on a slow disk": {_MORTAL, _SYNCS},
    "daemon reloaded": {_SYNCS},
    "syncs slow": {_SYNCS},
    "disk full at start": {_CRAMPED, _LINES, _BROKER, _SYNCS},
    "rows damaged": {_MORTAL, _LINES},
    "broker's certificate ends": {_MORTAL, _LINES, _BROKER},
    "client's certificate ends": {_MORTAL, _LINES, _BROKER},
}
