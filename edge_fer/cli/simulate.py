"""`edge-fer simulate`: many nodes that are none, as a load for a broker and what listens to it."""

from __future__ import annotations

import argparse
import base64
import re
import resource
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Final

from edge_fer.cli._config_arguments import add_config_arguments, load_from
from edge_fer.cli._say import say, say_json
from edge_fer.cli._verbs import Subparsers, add_verb
from edge_fer.errors import FleetError, TraceError

if TYPE_CHECKING:
    from edge_fer.fleet.script import Script
    from edge_fer.fleet.simulator import SimulatedNode

__all__ = ["add_parser"]

_DESCRIPTION = """\
Simulates many nodes: takes a trace through the real rules once, and has each node say what comes of it, moved in
time, by an outbox and a connection of its own. With --folder, the nodes are those of a fleet (`edge-fer fleet add`),
each with its own certificate; else they are called sim-1, sim-2, and so on, and log in as the broker's address says.
Reconnect storms, wrong clocks and silence can be had as well. Ends after --for, or with Ctrl-C, once the broker has
everything. Exit status: 0 the broker has everything; 1 something waits in outboxes.
"""
_EPILOG = """\
examples:
  edge-fer simulate --nodes 20 --broker mqtt://127.0.0.1
  edge-fer simulate --nodes 100 --folder hospital --for 300
  edge-fer simulate --nodes 100 --folder hospital --storm 60 --skew 30 --silent 0.05
  edge-fer simulate --nodes 1000 --folder hospital
"""
#: Files that a simulated node has open, its socket included, and while it connects; and all the others of the process.
_FILES_PER_NODE: Final = 8
_FILES_BESIDE: Final = 64
#: Seconds for which a thread goes on while others wait for it. With Python's own 5 ms, a thousand threads that wait
#: spend the processor's time on looking whether it is their turn.
_SWITCH_EVERY: Final = 0.1
_CARD_LINE: Final = re.compile(r'^  (ca|certificate|key): "([A-Za-z0-9+/=]+)"$', re.MULTILINE)
#: Of them in a card.
_PARTS: Final = 3


def add_parser(subparsers: Subparsers) -> None:
    """Adds the verb."""
    parser = add_verb(
        subparsers,
        "simulate",
        help="simulate many nodes, as a load for a broker",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        handler=_simulate,
    )
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--broker", metavar="URL", help="the broker, such as mqtt://127.0.0.1")
    where.add_argument("--folder", metavar="FOLDER", type=Path, help="the folder of a fleet, whose nodes take part")
    parser.add_argument("--nodes", metavar="N", type=int, default=10, help="how many (default: %(default)s)")
    parser.add_argument("--skip", metavar="N", type=int, default=0, help="leave out so many nodes of the first ones")
    parser.add_argument(
        "--trace", metavar="FILE", type=Path, action="append", default=[],
        help="what the nodes see; may be repeated, and nodes take turns; left out, 20 s at a counter",
    )  # fmt: skip
    parser.add_argument(
        "--for", dest="seconds", metavar="SECONDS", type=float, default=60.0, help="how long (default: %(default)g)"
    )
    parser.add_argument(
        "--storm", metavar="SECONDS", type=float, default=0.0, help="have all nodes connect anew at once so often"
    )
    parser.add_argument(
        "--skew", metavar="SECONDS", type=float, default=0.0, help="have clocks be wrong by so much, at most"
    )
    parser.add_argument(
        "--silent", metavar="SHARE", type=float, default=0.0,
        help="have this share of the nodes, 0 to 1, say nothing more after a third of the time",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=1, help="of all that is random (default: %(default)s)")
    parser.add_argument(
        "--state", metavar="FOLDER", type=Path, help="keep outboxes here, for the next run to go on with"
    )
    parser.add_argument("--json", action="store_true", help="print JSON at the end, with the last seq of each topic")
    add_config_arguments(parser)


def _simulate(args: argparse.Namespace) -> int:
    from edge_fer.fleet.simulator import Faults, Simulation  # noqa: PLC0415 - few simulate

    if args.nodes < 1:
        msg = f"--nodes {args.nodes} is less than 1"
        raise FleetError(msg, remedy="Write for example --nodes 20")
    if args.skip < 0:
        msg = f"--skip {args.skip} is less than 0"
        raise FleetError(msg, remedy="Write for example --skip 20")
    _allow_files(args.nodes)
    if not 0 <= args.silent <= 1 or min(args.storm, args.skew) < 0 or args.seconds <= 0:
        msg = "--silent is not between 0 and 1, or --storm, --skew or --for is negative"
        raise FleetError(msg, remedy="Write for example --silent 0.05 --storm 60 --skew 30 --for 300")
    scripts = _scripts(args)
    stopped = Event()
    with ExitStack() as ending:
        for number in (signal.SIGINT, signal.SIGTERM):
            ending.callback(signal.signal, number, signal.signal(number, lambda *_: stopped.set()))
        ending.callback(sys.setswitchinterval, sys.getswitchinterval())
        sys.setswitchinterval(_SWITCH_EVERY)
        work = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="edge-fer-simulate-")))
        nodes = _of_fleet(args, work) if args.folder else _plain(args)
        out = (lambda _: None) if args.json else say
        out(f"{len(nodes)} nodes, {args.seconds:g} s; a pass of a script takes {scripts[0].length:.0f} s")
        faults = Faults(args.storm, args.skew, args.silent)
        state = args.state or work / "state"
        outcome = Simulation(nodes, scripts, state, faults=faults, seed=args.seed, say=out).run(args.seconds, stopped)
    if args.json:
        say_json(outcome.as_json())
    else:
        sent = ", ".join(f"{count} {kind}" for kind, count in sorted(outcome.sent.items()))
        say(f"{outcome.seconds:.0f} s, {outcome.connections} connections; sent {sent}; {outcome.waiting} wait")
    return 1 if outcome.waiting else 0


def _allow_files(nodes: int) -> None:
    """Lets this process open as many files as so many nodes need."""
    needed = nodes * _FILES_PER_NODE + _FILES_BESIDE
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY or allowed >= needed:
        return
    if most != resource.RLIM_INFINITY and most < needed:
        msg = f"--nodes {nodes} needs {needed} open files, and the system's limit is {most} for a process (ulimit -Hn)"
        fit = (most - _FILES_BESIDE) // _FILES_PER_NODE
        remedy = f"Raise it, for example with `sudo prlimit --nofile={needed} --pid $$`"
        if fit > 0:
            remedy += f"; or start several, each with at most --nodes {fit}, and with --skip from the second on"
        raise FleetError(msg, remedy=remedy)
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, most))


def _scripts(args: argparse.Namespace) -> list[Script]:
    from edge_fer.cli.replay import judges_for  # noqa: PLC0415
    from edge_fer.fleet.script import written_script  # noqa: PLC0415
    from edge_fer.sample import TRACE  # noqa: PLC0415
    from edge_fer.trace.reader import TraceReader  # noqa: PLC0415

    settings = load_from(args).config
    found = []
    for file in args.trace or [TRACE]:
        with TraceReader(file) as trace:
            judges = judges_for(str(file), settings, trace)
            try:
                found.append(written_script(trace, judges, uncertain_after=settings.emotion.uncertain_after))
            except ValueError as error:
                msg = f"{file}: {error}"
                raise TraceError(msg, remedy="Record a longer one") from error
    return found


def _plain(args: argparse.Namespace) -> list[SimulatedNode]:
    from edge_fer.contract.topics import PREFIX  # noqa: PLC0415
    from edge_fer.fleet.simulator import SimulatedNode  # noqa: PLC0415
    from edge_fer.mqtt.settings import BrokerSettings  # noqa: PLC0415

    names = [f"sim-{number}" for number in range(args.skip + 1, args.skip + args.nodes + 1)]
    return [SimulatedNode(name, "simulated", BrokerSettings.from_url(args.broker, node=name), PREFIX) for name in names]


def _of_fleet(args: argparse.Namespace, work: Path) -> list[SimulatedNode]:
    from edge_fer.fleet.folder import FleetFolder  # noqa: PLC0415
    from edge_fer.fleet.simulator import SimulatedNode  # noqa: PLC0415
    from edge_fer.fleet.text import read_text  # noqa: PLC0415
    from edge_fer.mqtt.settings import BrokerSettings  # noqa: PLC0415

    folder = FleetFolder(args.folder)
    settings = folder.settings
    nodes = [node for node in folder.nodes.values() if folder.card(node.name).exists()]
    nodes = nodes[args.skip :]
    if len(nodes) < args.nodes:
        msg = f"{args.folder} has cards of {len(nodes)} nodes, not of {args.nodes}"
        raise FleetError(msg, remedy="Add more: edge-fer fleet add --csv FILE")
    found = []
    for node in nodes[: args.nodes]:
        card = folder.card(node.name)
        remedy = f"Make it anew: edge-fer fleet add {node.name} --again"
        parts = dict(_CARD_LINE.findall(read_text(card, remedy=remedy)))
        if len(parts) < _PARTS:
            msg = f"{card} has no certificate and key as `edge-fer fleet add` writes them"
            raise FleetError(msg, remedy=remedy)
        files: dict[str, Any] = {}
        for key, field, word in (
            ("ca", "ca_file", "CERTIFICATE"),
            ("certificate", "cert_file", "CERTIFICATE"),
            ("key", "key_file", "PRIVATE KEY"),
        ):
            files[field] = work / f"{node.name}.{key}"
            files[field].touch(mode=0o600)
            files[field].write_text(_pem(parts[key], word), encoding="ascii")
        broker = BrokerSettings.from_url(folder.address_of(node), node=node.name, **files)
        found.append(SimulatedNode(node.name, node.site, broker, settings.prefix))
    return found


def _pem(body: str, word: str) -> str:
    text = base64.encodebytes(base64.b64decode(body)).decode("ascii")
    return f"-----BEGIN {word}-----\n{text}-----END {word}-----\n"
