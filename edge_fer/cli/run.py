"""`edge-fer run`: the daemon."""

from __future__ import annotations

import argparse
import fcntl
import logging
import os
import shlex
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_fer.cli._config_arguments import add_config_arguments, load_from
from edge_fer.cli._say import say
from edge_fer.cli._verbs import Subparsers, add_verb
from edge_fer.clock.system import SystemClock
from edge_fer.config import Config, Layer, Loaded
from edge_fer.control.place import listening_path
from edge_fer.control.server import ControlServer
from edge_fer.daemon.process import Daemon
from edge_fer.daemon.service import Service
from edge_fer.errors import EdgeFerError
from edge_fer.log import RecentLines, complain, set_up_log
from edge_fer.remote.reloader import Reloader
from edge_fer.sinks.recent import RecentReadings
from edge_fer.sinks.registry import Asked
from edge_fer.support.redact import redacted
from edge_fer.wiring import Remote, build_service

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_fer.cli._live import DemoView
    from edge_fer.config.engine.desired import Document
    from edge_fer.sinks.trace import TraceRecording

__all__ = ["add_parser"]

log = logging.getLogger(__name__)

#: Where the demo looks for a broker on this machine.
_PORT = 1883

_DESCRIPTION = """\
Watches the cameras of the config and publishes what it sees, until it is stopped, or until every recording is over.
"""
_EPILOG = """\
signals:
  SIGINT, SIGTERM   finish the step, publish `offline`, end within 5 seconds with exit status 0
  SIGHUP            read the config again: where its alerts alone have changed, cameras go on with the new ones,
                    else they start over; one with faults is refused, and the old one stays
"""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the verb."""
    parser = add_verb(
        subparsers,
        "run",
        help="watch and publish",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        handler=_run,
    )
    add_config_arguments(parser)
    parser.add_argument("--show", action="store_true", help="print each event and alert as it happens")
    parser.add_argument(
        "--record", metavar="TRACE", type=Path, help="also write a trace, as `edge-fer record` does, 500 MB at most"
    )
    parser.add_argument(
        "--demo",
        action="store_true",
        help="try it out: in a terminal a live view, else like --show; with a recording of invented people where there "
        "is no camera, and with a broker of its own where the config names none and amqtt is installed",
    )


def _run(args: argparse.Namespace) -> int:
    # found out once: later, the broker that listens may be our own
    preferred = [_demo_layer()] if args.demo else []

    def loaded(remote: Layer | None = None, desired: Sequence[Document] | None = None) -> Loaded:
        return load_from(args, extra_layers=preferred, remote=remote, desired=desired)

    def build(config: Loaded) -> Service:
        recent.go_on_with(config.config)
        remote = Remote(
            loaded,
            reloader,
            config.settings,
            control,
            load_desired=lambda desired: loaded(None, desired),
            try_out=partial(_try_out, recent),
            log_lines=log_lines,
            examine=examine,
            archive=archive,
            started=started,
        )
        return build_service(config.config, demo=args.demo, asked=asked, remote=remote)

    def renew(running: Service) -> Service | None:
        renewed = loaded()
        _tell_set_aside(renewed)
        if running.adopt(renewed.config):
            return None
        service = build(renewed)
        set_up_log(renewed.config.log_level, log_lines)
        return service

    reloader, started = Reloader(), SystemClock()()
    start = loaded()
    first = start.config
    log_lines = RecentLines()
    examine = [] if args.demo else _ourselves("doctor", "--json")
    archive = [] if args.demo else _ourselves("backup", "--local", "-")
    set_up_log(first.log_level, log_lines)
    _tell_set_aside(start)
    recording = _recording(args.record, first) if args.record else None
    place = listening_path(first.state_dir, os.environ)
    view = _begin_demo(start, place) if args.demo else None
    show = say if args.show or args.demo else None
    recent = RecentReadings()
    asked = Asked(show=view.say if view else show, record=recording, control=True, recent=recent)
    control = ControlServer(place)
    daemon = Daemon(build(start), lambda running: reloader.renew(partial(renew, running)))
    try:
        with closing(recording) if recording else nullcontext(), closing(control):
            control.start()
            with _page_beside(first, place, view) if args.demo else nullcontext():
                _at_work(daemon, view, partial(set_up_log, first.log_level, log_lines))
    except EdgeFerError as error:
        if daemon.stuck:
            complain(error)
            _leave(error.exit_code)
        raise
    if daemon.stuck:
        _leave(0)
    return 0


def _ourselves(*verb: str) -> list[str]:
    """The command line of another verb, by the config that our own command line asks for."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config")
    parser.add_argument("-o", "--set", dest="settings", action="append", default=[])
    given, _ = parser.parse_known_args(sys.argv[1:])
    options = ["--config", given.config] if given.config else []
    options += [part for setting in given.settings for part in ("-o", setting)]
    return [sys.executable, "-m", "edge_fer", *verb, *options]


def _recording(path: Path, settings: Config) -> TraceRecording:
    from edge_fer.sinks.trace import TraceRecording  # noqa: PLC0415 - few write one

    return TraceRecording(path, settings)


def _try_out(recent: RecentReadings, before: Config, after: Config) -> Mapping[str, Any]:
    """What alerts two configs make of the last hour's readings."""
    from edge_fer.recordings.replay.trial import try_out  # noqa: PLC0415 - few try something

    return try_out(recent.steps(), before, after)


def _tell_set_aside(loaded: Loaded) -> None:
    for fault in loaded.set_aside:
        log.warning("what was set by command or is wanted no longer fits, and is set aside: %s", fault)


def _leave(code: int) -> None:
    """Ends the process although a read hangs in a driver, which the interpreter would not survive or wait for."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(code)


def _demo_layer() -> Layer:
    """What the demo prefers, below whatever the files say."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state", "edge-fer-demo")
    # the small broker is an extra, which the package and the installer do without
    broker = "embedded" if find_spec("amqtt") and not _listening(_PORT) else _local_broker()
    return Layer.mapping("demo", {"mqtt": {"broker": broker}, "state_dir": str(state)})


def _claim(settings: Config) -> None:
    """Makes sure that this is the only demo with this state; holds that until the process ends.

    Raises:
        EdgeFerError: another one is at work; both would be one node to the broker, and share one outbox.
    """
    try:
        settings.state_dir.mkdir(parents=True, exist_ok=True)
        handle = os.open(settings.state_dir / "demo.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        msg = f"another demo of the node {settings.node.id} is at work on this machine"
        remedy = (
            "End that one (Ctrl-C there), or give this one a name, a folder and a port of its own: "
            f"{shlex.quote(sys.argv[0])} run --demo -o node.id=second -o state_dir=/tmp/second "
            "-o mqtt.broker=embedded -o mqtt.embedded_port=1884"
        )
        raise EdgeFerError(msg, remedy=remedy) from None
    except OSError:
        return  # whoever writes the outbox there tells what is wrong with the folder


def _local_broker() -> str:
    return f"mqtt://127.0.0.1:{_PORT}"


def _listening(port: int) -> bool:
    with socket.socket() as sock:
        sock.settimeout(0.5)
        return sock.connect_ex(("127.0.0.1", port)) == 0


def _begin_demo(loaded: Loaded, place: Path) -> DemoView | None:
    """Where no other demo is at work: the view of it in a terminal; elsewhere, lines follow a greeting."""
    from edge_fer.cli._live import DemoView, can_draw  # noqa: PLC0415

    settings = loaded.config
    _claim(settings)
    about = _about(loaded)
    if can_draw():
        return DemoView(place, _hints(settings), about)
    for line in about:
        say(line)
    _greet(settings)
    return None


def _about(loaded: Loaded) -> list[str]:
    """What was set in an earlier demo and holds in this one, which a newcomer does not expect; a line, or none."""
    if not loaded.settings:
        return []
    names = ", ".join(sorted(loaded.settings))
    return [f"Still set from last time: {names}. To begin anew, delete {loaded.config.state_dir}"]


def _at_work(daemon: Daemon, view: DemoView | None, set_up: Callable[[], None]) -> None:
    if view is None:
        daemon.run()
        return
    with view:
        # it goes where standard error leads now
        set_up()
        daemon.run()


def _page_beside(settings: Config, socket: Path, view: DemoView | None) -> AbstractContextManager[None]:
    """The page of the demo, whose link the view shows; or a line, where there is no view."""
    from edge_fer.cli._demo_page import PORT, page_beside  # noqa: PLC0415

    def tell(link: str) -> None:
        taken = "" if f":{PORT}/" in link else f"   (port {PORT} is taken)"
        if view:
            view.show_page(f"{link}{taken}")
        else:
            say(f"In a browser, once: {link}{taken}")

    return page_beside(socket, settings.state_dir / "web", tell)


def _publishes_nothing(settings: Config) -> bool:
    return settings.mqtt.addresses == (_local_broker(),) and not _listening(_PORT)


def _listen_with(settings: Config) -> str:
    """The command that shows what is published."""
    port = settings.mqtt.embedded_port
    more = f" -p {port}" if settings.mqtt.is_embedded and port != _PORT else ""
    return f"mosquitto_sub{more} -t 'edge-fer/#' -v"


def _greet(settings: Config) -> None:
    """Says where it publishes, and how to listen."""
    if _publishes_nothing(settings):
        say(f"edge-fer {settings.node.id} publishes nothing yet, because this machine has no broker.")
        say(f"It shows what it sees, and publishes as soon as one listens on port {_PORT}: sudo apt install mosquitto")
    else:
        own = settings.mqtt.is_embedded
        elsewhere = redacted(settings.mqtt.addresses[0])
        broker = f"a broker of its own on port {settings.mqtt.embedded_port}" if own else elsewhere
        say(f"edge-fer {settings.node.id} publishes to {broker}. In another terminal:")
        say(f"  {_listen_with(settings)}")
    say("Ctrl-C ends it.")
    say()


def _hints(settings: Config) -> list[str]:
    """What to try next."""
    this = shlex.quote(sys.argv[0])
    first = (
        "sudo apt install mosquitto, and it publishes what it sees"
        if _publishes_nothing(settings)
        else f"in another terminal, {_listen_with(settings)}"
    )
    return [
        first,
        f"a report of a recording, {this} analyze sample:counter --out visit",
        f"the alerts of a ward, {this} run --demo -o profile=ward",
        f"read a picture of your own, {this} predict photo.jpg",
        f"your own camera, {this} run --demo -o cameras.camera.source=/dev/video0",
    ]
