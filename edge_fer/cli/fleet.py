"""`edge-fer fleet`: looks after many nodes from the operator's machine."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from edge_fer.cli._say import say, say_json
from edge_fer.cli._verbs import Subparsers, add_verb
from edge_fer.contract.topics import PREFIX

__all__ = ["add_parser"]

_DESCRIPTION = """\
Looks after many nodes from one machine: makes certificates and cards for nodes, and Mosquitto's config; says how the
nodes are; and changes their config ring by ring. Everything is kept in a folder that can live in git, but for
`secrets/` in it. docs/fleet.md goes from nothing to ten nodes. It needs `pip install 'edge-fer[fleet]'`.
"""
_EPILOG = """\
examples:
  edge-fer fleet init hospital --broker broker.example
  cd hospital
  edge-fer fleet add counter-1 --site entrance --ring canary --group counters
  edge-fer fleet add --csv new-nodes.csv
  sudo edge-fer fleet broker && sudo systemctl restart mosquitto
  edge-fer fleet status
  edge-fer fleet set group:counters emotion.min_confidence=0.5
  edge-fer fleet diff
  edge-fer fleet rollout
  edge-fer fleet renew
  edge-fer fleet revoke counter-1
"""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the verb."""
    parser = add_verb(
        subparsers,
        "fleet",
        help="look after many nodes",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        handler=lambda _: 2,
    )
    verbs = parser.add_subparsers(title="what to do", metavar="WHAT", required=True)
    _add_init(verbs)
    _add_add(verbs)
    _add_list(verbs)
    _add_site(verbs)
    _add_broker(verbs)
    _add_status(verbs)
    _add_set(verbs)
    _add_diff(verbs)
    _add_rollout(verbs)
    _add_renew(verbs)
    _add_revoke(verbs)
    _add_restore(verbs)
    _add_load(verbs)
    _add_export(verbs)


def _verb(
    verbs: Subparsers, name: str, text: str, handler: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    parser = add_verb(verbs, name, help=text, description=f"{text[0].upper()}{text[1:]}.", handler=handler)
    if name != "init":
        parser.add_argument(
            "--folder",
            metavar="FOLDER",
            type=Path,
            default=Path(os.environ.get("EDGE_FER_FLEET", ".")),
            help="the fleet's folder; left out, $EDGE_FER_FLEET, or where you are",
        )
    return parser


def _add_init(verbs: Subparsers) -> None:
    parser = _verb(verbs, "init", "make the folder of a new fleet", _init)
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="the new folder")
    parser.add_argument("--name", help="the fleet's name; left out, the folder's")
    parser.add_argument(
        "--broker",
        metavar="HOST",
        action="append",
        required=True,
        help="host name or address by which nodes call the broker; may be repeated, and cards have the first",
    )
    parser.add_argument("--port", type=int, default=8883, help="the broker's port (default: %(default)s)")
    parser.add_argument(
        "--prefix",
        default=PREFIX,
        help="`mqtt.topic_prefix` of all nodes, such as acme/edge-fer (default: %(default)s)",
    )


def _init(args: argparse.Namespace) -> int:
    from edge_fer.fleet.folder import FleetFolder, FleetSettings  # noqa: PLC0415 - nothing else needs it

    path: Path = args.folder
    name = args.name or path.absolute().name
    settings = FleetSettings(name, tuple(args.broker), args.port, args.prefix)
    FleetFolder.init(path, settings, datetime.now(UTC))
    say(f"{path} is the folder of the fleet {name}. Keep secrets/ca.key where nobody else gets at it.")
    say(f"Next: edge-fer fleet add --folder {path} NODE")
    return 0


def _add_add(verbs: Subparsers) -> None:
    parser = _verb(verbs, "add", "add nodes, with a certificate and a card for each", _add)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("node", metavar="NODE", nargs="?", help="the node's name, which becomes its `node.id`")
    which.add_argument(
        "--csv", metavar="FILE", type=Path, help="add all nodes of a table with the columns node, site, ring and groups"
    )
    parser.add_argument("--site", default="", help="where the node stands")
    parser.add_argument("--ring", help="in which ring of a rollout it is; left out, the last")
    parser.add_argument("--group", action="append", default=[], help="a group it is in; may be repeated")
    parser.add_argument("--again", action="store_true", help="make a new card for nodes that are there already, too")


def _add(args: argparse.Namespace) -> int:
    from edge_fer.fleet.folder import FleetFolder  # noqa: PLC0415
    from edge_fer.fleet.nodes import FleetNode, read_table  # noqa: PLC0415

    folder = FleetFolder(args.folder)
    rings = folder.settings.rings
    if args.csv:
        nodes = read_table(args.csv, rings)
    else:
        nodes = [FleetNode(args.node, args.site, args.ring or rings[-1], tuple(args.group))]
    fresh = folder.add(nodes, datetime.now(UTC), again=args.again)
    for name in fresh:
        say(f"{name}: {folder.card(name)}")
    for node in nodes:
        if node.name not in fresh:
            say(f"{node.name} is there already, and keeps its certificate (--again makes another card)")
    say("Next: copy each card onto its memory card, and let the broker know: edge-fer fleet broker")
    return 0


def _add_list(verbs: Subparsers) -> None:
    parser = _verb(verbs, "list", "list the nodes, without asking the broker", _list)
    parser.add_argument("--json", action="store_true", help="print JSON")


def _list(args: argparse.Namespace) -> int:
    from edge_fer.fleet.folder import FleetFolder  # noqa: PLC0415

    folder = FleetFolder(args.folder)
    ends = folder.ends()
    rows = [
        (
            node.name,
            node.site,
            node.ring,
            " ".join(node.groups),
            f"{ends[node.name]:%Y-%m-%d}" if node.name in ends else "",
        )
        for node in folder.nodes.values()
    ]
    head = ("node", "site", "ring", "groups", "certificate ends")
    if args.json:
        say_json([dict(zip(("node", "site", "ring", "groups", "certificate_ends"), row, strict=True)) for row in rows])
    else:
        _say_table([head, *sorted(rows)])
    return 0


def _say_table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _add_site(verbs: Subparsers) -> None:
    parser = _verb(
        verbs, "site", "give a site a broker of its own, which hands everything on to the central one", _site
    )
    parser.add_argument("site", metavar="SITE", help="the site, as in the nodes' column `site`")
    parser.add_argument(
        "--broker",
        metavar="HOST",
        action="append",
        required=True,
        help="host name or address by which nodes there call it; may be repeated, and cards have the first",
    )
    parser.add_argument("--port", type=int, default=8883, help="its port (default: %(default)s)")


def _site(args: argparse.Namespace) -> int:
    from edge_fer.fleet.folder import FleetFolder  # noqa: PLC0415
    from edge_fer.fleet.sites import SiteBroker  # noqa: PLC0415

    folder = FleetFolder(args.folder)
    folder.add_site(SiteBroker(args.site, tuple(args.broker), args.port), datetime.now(UTC))
    there = sum(node.site == args.site for node in folder.nodes.values())
    say(f"The site {args.site}, with {there} nodes, has a broker of its own: {', '.join(args.broker)}.")
    say(f"Next: on its machine, edge-fer fleet broker --site {args.site}; on the central one, edge-fer fleet broker")
    say("Cards that were not used yet lead there; nodes that run already need it in their config, or a new card.")
    return 0


def _add_broker(verbs: Subparsers) -> None:
    parser = _verb(
        verbs, "broker", "write Mosquitto's config, access list and certificates on its own machine", _broker
    )
    parser.add_argument(
        "--to", metavar="FOLDER", type=Path, default=Path("/etc/mosquitto"), help="Mosquitto's folder (%(default)s)"
    )
    parser.add_argument("--site", metavar="SITE", help="the broker of this site, in place of the central one")


def _broker(args: argparse.Namespace) -> int:
    from edge_fer.fleet.folder import FleetFolder  # noqa: PLC0415

    folder = FleetFolder(args.folder)
    for file in folder.install_site(args.site, args.to) if args.site else folder.install_broker(args.to):
        say(str(file))
    say("Next: sudo systemctl reload mosquitto; the first time, and after a node was revoked: restart it")
    return 0


def _add_status(verbs: Subparsers) -> None:
    parser = _verb(
        verbs, "status", "say how the nodes are: who is silent, old, hot, backed up or not as wanted", _status
    )
    _add_broker_argument(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def _add_broker_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--broker", metavar="HOST", help="connect to this name of the broker in place of the first")


def _status(args: argparse.Namespace) -> int:
    from edge_fer.fleet.folder import FleetFolder  # noqa: PLC0415
    from edge_fer.fleet.line import OperatorLine  # noqa: PLC0415
    from edge_fer.fleet.status import read_status, statuses, topics_to_read  # noqa: PLC0415

    folder = FleetFolder(args.folder)
    with OperatorLine(folder, broker=args.broker) as line:
        line.subscribe(topics_to_read(folder.settings.prefix))
        found = statuses(folder, read_status(folder, line.values), datetime.now(UTC))
    if args.json:
        say_json([one.as_json() for one in found])
    else:
        head = ("node", "site", "version", "silent for", "what is wrong")
        _say_table([head, *(one.row() for one in found)])
        well = sum(not one.problems for one in found)
        say()
        say(f"{well} of {len(found)} nodes are well")
    return 0


def _add_set(verbs: Subparsers) -> None:
    parser = _verb(verbs, "set", "change what is wanted of nodes, in the folder alone", _set)
    parser.add_argument("scope", metavar="SCOPE", help="`all`, a node's name, or `group:` and a group's name")
    parser.add_argument("settings", metavar="KEY.PATH=VALUE", nargs="*", help="as in a config file")
    parser.add_argument(
        "--default", metavar="KEY.PATH", action="append", default=[], help="leave a key to the devices' own files again"
    )


def _set(args: argparse.Namespace) -> int:
    from edge_fer.fleet.folder import FleetFolder  # noqa: PLC0415
    from edge_fer.fleet.setting import set_wanted  # noqa: PLC0415

    folder = FleetFolder(args.folder)
    set_wanted(folder, args.scope, args.settings, without=args.default)
    say(f"{folder.desired_file(args.scope)} is changed. Next: edge-fer fleet diff, then edge-fer fleet rollout")
    return 0


def _add_diff(verbs: Subparsers) -> None:
    parser = _verb(verbs, "diff", "show what a rollout would change, and which nodes are not as wanted", _diff)
    _add_broker_argument(parser)


def _diff(args: argparse.Namespace) -> int:
    from edge_fer.fleet.folder import FleetFolder  # noqa: PLC0415
    from edge_fer.fleet.line import OperatorLine  # noqa: PLC0415
    from edge_fer.fleet.rollout import differences, planned  # noqa: PLC0415
    from edge_fer.fleet.status import read_status, topics_to_read  # noqa: PLC0415

    folder = FleetFolder(args.folder)
    with OperatorLine(folder, broker=args.broker) as line:
        line.subscribe(topics_to_read(folder.settings.prefix))
        changes = planned(folder, line.values)
        differing = differences(folder, read_status(folder, line.values))
    for change in changes:
        say(f"ring {change.ring}, {change.scope}:")
        for text in change.lines():
            say(f"  {text}")
    if not changes:
        say("Everything that is wanted is published.")
    for name, problems in sorted(differing.items()):
        say(f"{name}: {'; '.join(problems)}")
    return 0


def _add_rollout(verbs: Subparsers) -> None:
    parser = _verb(
        verbs, "rollout", "publish what is wanted, ring by ring; stop where nodes are not well with it", _rollout
    )
    _add_broker_argument(parser)
    parser.add_argument(
        "--within", metavar="SECONDS", type=float, default=60.0, help="for nodes to take a config over (%(default)g)"
    )
    parser.add_argument(
        "--watch", metavar="SECONDS", type=float, default=60.0, help="for which their health is watched (%(default)g)"
    )
    parser.add_argument("--by", help="who asks, for `audit` (default: your user name)")
    parser.add_argument("--allow-silent", action="store_true", help="go on past a ring of which no node is online")


def _rollout(args: argparse.Namespace) -> int:
    from edge_fer.fleet.folder import FleetFolder  # noqa: PLC0415
    from edge_fer.fleet.line import OperatorLine  # noqa: PLC0415
    from edge_fer.fleet.rollout import Rollout  # noqa: PLC0415
    from edge_fer.fleet.status import topics_to_read  # noqa: PLC0415

    folder = FleetFolder(args.folder)
    with OperatorLine(folder, broker=args.broker) as line:
        line.subscribe(topics_to_read(folder.settings.prefix))
        rollout = Rollout(folder, line, args.by or _user(), say, args.within, args.watch)
        rollout.run(allow_silent=args.allow_silent)
    return 0


def _user() -> str:
    from getpass import getuser  # noqa: PLC0415

    try:
        return getuser()
    except (OSError, KeyError):
        return str(os.getuid())


def _add_renew(verbs: Subparsers) -> None:
    parser = _verb(verbs, "renew", "sign the new certificates that nodes ask for, 30 days before theirs end", _renew)
    _add_broker_argument(parser)
    parser.add_argument(
        "nodes", metavar="NODE", nargs="*", help="have these nodes ask now; left out, sign what is asked"
    )
    parser.add_argument(
        "--own", action="store_true", help="issue the certificates of the broker, operator and collector anew instead"
    )
    parser.add_argument(
        "--within", metavar="SECONDS", type=float, default=60.0, help="for nodes to take theirs (%(default)g)"
    )


def _renew(args: argparse.Namespace) -> int:
    from edge_fer.fleet.folder import FleetFolder  # noqa: PLC0415
    from edge_fer.fleet.line import OperatorLine  # noqa: PLC0415
    from edge_fer.fleet.renewal import Renewal  # noqa: PLC0415
    from edge_fer.fleet.status import topics_to_read  # noqa: PLC0415

    folder, now = FleetFolder(args.folder), datetime.now(UTC)
    if args.own:
        folder.renew_own(now)
        say("Next: edge-fer fleet broker, and sudo systemctl reload mosquitto")
        return 0
    with OperatorLine(folder, broker=args.broker) as line:
        line.subscribe(topics_to_read(folder.settings.prefix))
        Renewal(folder, line, say, args.within).run(args.nodes, now)
    return 0


def _add_revoke(verbs: Subparsers) -> None:
    parser = _verb(verbs, "revoke", "revoke a node's certificates, and take it out of the fleet", _revoke)
    parser.add_argument("node", metavar="NODE", help="the node's name")


def _revoke(args: argparse.Namespace) -> int:
    from edge_fer.fleet.folder import FleetFolder  # noqa: PLC0415

    folder = FleetFolder(args.folder)
    count = folder.revoke(args.node, datetime.now(UTC))
    say(f"{count} certificates of {args.node} are revoked, once the broker knows it:")
    say("  edge-fer fleet broker, then sudo systemctl restart mosquitto")
    return 0


def _add_restore(verbs: Subparsers) -> None:
    parser = _verb(verbs, "restore", "bring back what is missing in secrets/, from the authority's key alone", _restore)
    parser.add_argument(
        "--key", metavar="FILE", type=Path, help="your copy of secrets/ca.key; left out, it is in the folder already"
    )


def _restore(args: argparse.Namespace) -> int:
    from edge_fer.fleet.folder import FleetFolder  # noqa: PLC0415

    made = FleetFolder(args.folder).restore(args.key, datetime.now(UTC))
    if not made:
        say("Nothing is missing.")
        return 0
    say(f"New keys for {', '.join(made)}; the certificates of the lost ones are revoked, once the broker knows it.")
    say("Next: edge-fer fleet broker, then sudo systemctl restart mosquitto, then edge-fer fleet rollout")
    if "collector" in made:
        say("Bring secrets/collector.* to where `edge-fer fleet load` and `export` run, and restart them.")
    return 0


def _add_load(verbs: Subparsers) -> None:
    parser = _verb(verbs, "load", "store alerts, summaries and audit in PostgreSQL, until stopped", _load)
    _add_broker_argument(parser)
    parser.add_argument(
        "--database", metavar="WORDS", default="", help="where to, such as `dbname=fleet`; left out, as PGDATABASE says"
    )


def _load(args: argparse.Namespace) -> int:
    import signal  # noqa: PLC0415
    from threading import Event  # noqa: PLC0415

    from edge_fer.fleet.folder import FleetFolder  # noqa: PLC0415
    from edge_fer.fleet.loader import Loader  # noqa: PLC0415
    from edge_fer.log import set_up_log  # noqa: PLC0415

    set_up_log("info")
    loader, stopped = Loader(FleetFolder(args.folder), args.database, args.broker), Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    loader.run(stopped)
    stored = ", ".join(f"{count} {table}" for table, count in sorted(loader.counts.stored.items())) or "nothing"
    say(f"stored {stored}; {loader.counts.again} were there already")
    return 0


def _add_export(verbs: Subparsers) -> None:
    parser = _verb(verbs, "export", "tell Prometheus or vmagent how all nodes are, until stopped", _export)
    _add_broker_argument(parser)
    parser.add_argument("--port", type=int, default=9465, help="where it is asked (default: %(default)s)")
    parser.add_argument("--address", default="127.0.0.1", help="at which address (default: %(default)s)")


def _export(args: argparse.Namespace) -> int:
    import signal  # noqa: PLC0415
    from threading import Event  # noqa: PLC0415

    from edge_fer.fleet.exporter import export  # noqa: PLC0415
    from edge_fer.fleet.folder import FleetFolder  # noqa: PLC0415

    stopped = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    export(FleetFolder(args.folder), args.broker, args.address, args.port, stopped)
    return 0
