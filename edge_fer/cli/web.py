"""`edge-fer web`: the page, its accounts and its links."""

from __future__ import annotations

import argparse
import getpass
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from edge_fer.cli._config_arguments import add_config_arguments, load_from
from edge_fer.cli._control import add_socket_argument
from edge_fer.cli._say import say
from edge_fer.cli._verbs import Subparsers, add_verb
from edge_fer.config.engine.places import default_state_dir
from edge_fer.control.place import usual_paths
from edge_fer.errors import ConfigError
from edge_fer.remote.asker import Role
from edge_fer.support.files import read_file
from edge_fer.web.accounts import AccountBook
from edge_fer.web.place import find_page
from edge_fer.web.sessions import LINK_LASTS, OneTimeLinks
from edge_fer.web.texts import LANGUAGES

if TYPE_CHECKING:
    from edge_fer.web.proxy import ReverseProxy

__all__ = ["add_parser"]

_DESCRIPTION = """\
A page that shows cameras, people and alerts as they are now, and sets thresholds. It runs in a process of its own,
which asks the running daemon over the control socket. Where edge-fer is installed as a service, `on` has it served by
HTTPS while somebody looks, and `off` ends that. `serve` runs one by hand; without --certificate it listens on this
device alone.
"""
_EPILOG = """\
examples:
  sudo edge-fer web on                     # of the installed service; prints a link
  edge-fer web serve                       # then open the link that it prints
  edge-fer web link --role operator        # a link that logs somebody in once
  edge-fer web account add ann --role operator
"""
#: Where the page listens by default.
LISTEN = "127.0.0.1:8321"
#: Seconds between two looks at whether a link was used, and before its end at which another takes its place.
_LOOK, _EARLY = 1.0, 60.0
#: Is there while the page of the installed service is on.
_SERVICE_WANTED = Path("/run/edge-fer-web/wanted")
#: Where that keeps accounts.
_SERVICE_STATE = Path("/var/lib/edge-fer-web/state")


def add_parser(subparsers: Subparsers) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "web",
        help="show a page to look at",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parts = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    serve = add_verb(parts, "serve", help="serve the page", description="Serves the page until Ctrl-C.", handler=_serve)
    serve.add_argument(
        "--listen", metavar="ADDRESS:PORT", default=LISTEN, help=f"where (default: {LISTEN}); port 0: any"
    )
    serve.add_argument(
        "--host", metavar="NAME", action="append", default=[], help="a further name that it is reached by"
    )
    serve.add_argument("--certificate", metavar="FILE", type=Path, help="for HTTPS: a certificate with its chain, PEM")
    serve.add_argument("--key", metavar="FILE", type=Path, help="its key, PEM")
    serve.add_argument(
        "--proxy", metavar="ADDRESS", action="append", default=[], help="a reverse proxy that says who is logged in"
    )
    serve.add_argument(
        "--proxy-secret-file", metavar="FILE", type=Path, help="a file with the secret that it sends along"
    )
    serve.add_argument("--idle", metavar="SECONDS", type=float, default=0.0, help="end after so long without a visitor")
    serve.add_argument("--installed", action="store_true", help="as the installed service does")
    # whoever starts it keeps the other end of its standard input: however that one ends, this one does, too
    serve.add_argument("--with-parent", action="store_true", help=argparse.SUPPRESS)
    serve.add_argument("--no-link", action="store_true", help="print no link that logs in")
    add_socket_argument(serve)
    link = add_verb(parts, "link", help="make a link that logs in once", description="Prints a link.", handler=_link)
    link.add_argument("--role", choices=list(Role), default=Role.VIEWER, help="of whoever follows it (default: viewer)")
    link.add_argument("--name", default="guest", help="by which the log and `audit` call them (default: guest)")
    link.add_argument("--address", help="what browsers call the page, where that is not its own address")
    about = "As root: has the page of the installed service served, also after each boot; prints a link for an admin."
    add_verb(parts, "on", help="serve the page of the service", description=about, handler=_on)
    about = "As root: ends the page of the installed service."
    add_verb(parts, "off", help="end the page of the service", description=about, handler=_off)
    about = "As root: makes certificates, and what else the page of the service needs. Its unit does so."
    add_verb(parts, "prepare", help="make what the page needs", description=about, handler=_prepare)
    about = "Prints the notice for people who are watched, as a page of its own, to print or to put on a web site."
    notice = add_verb(
        parts, "notice", help="print the notice for people who are watched", description=about, handler=_notice
    )
    notice.add_argument("--language", choices=LANGUAGES, default=LANGUAGES[0], help=f"default: {LANGUAGES[0]}")
    add_config_arguments(notice)
    account = parts.add_parser("account", help="who may log in", description="Adds, changes and removes accounts.")
    accounts = account.add_subparsers(title="commands", metavar="COMMAND", required=True)
    about = "Adds an account. The password is asked for, or read from a pipe."
    add = add_verb(accounts, "add", help="add one", description=about, handler=_add)
    add.add_argument("name", metavar="NAME")
    add.add_argument("--role", choices=list(Role), default=Role.VIEWER, help="default: viewer")
    role = add_verb(accounts, "role", help="change a role", description="Changes a role.", handler=_role)
    role.add_argument("name", metavar="NAME")
    role.add_argument("role", metavar="ROLE", choices=list(Role))
    remove = add_verb(accounts, "remove", help="remove one", description="Removes one.", handler=_remove)
    remove.add_argument("name", metavar="NAME")
    listing = add_verb(accounts, "list", help="list them", description="Lists names and roles.", handler=_list)
    for one in (serve, link, add, role, remove, listing):
        one.add_argument("--folder", metavar="DIR", type=Path, help="where accounts and sessions are kept")


def _folder(args: argparse.Namespace) -> Path:
    return args.folder or _folders()[0]


def _accounts(args: argparse.Namespace) -> AccountBook:
    """The accounts that are meant; root acts as the user of the service's page for its."""
    if args.folder is None and os.geteuid() == 0 and _SERVICE_STATE.is_dir():
        owner = _SERVICE_STATE.stat()
        os.umask(0o077)
        os.setgroups([])
        os.setegid(owner.st_gid)
        os.seteuid(owner.st_uid)
        return AccountBook(_SERVICE_STATE / "accounts.json")
    return AccountBook(_folder(args) / "accounts.json")


def _folders() -> list[Path]:
    """Where a page may keep its files: beside the daemon's, and beside those of the demo."""
    own = default_state_dir() / "web"
    beside = [path.parent / "web" for path in usual_paths(default_state_dir(), os.environ)]
    given = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    return [*([Path(given)] if given else []), own, *beside]


def _serve(args: argparse.Namespace) -> int:
    from edge_fer.log import set_up_log  # noqa: PLC0415

    try:
        from edge_fer.web.serve import ServeSettings, address_of, listening_sockets, serve  # noqa: PLC0415 - an extra
    except ImportError as error:
        msg = f"the page needs the Python packages starlette and uvicorn: {error}"
        raise ConfigError(msg, remedy="Install them: pip install 'edge-fer[web]'") from None
    set_up_log("warning")
    folder = _folder(args)
    settings = ServeSettings(
        control=[args.socket] if args.socket else usual_paths(default_state_dir(), os.environ),
        folder=folder,
        hosts=args.host,
        certificate=args.certificate,
        key=args.key,
        idle=args.idle,
        proxy=_proxy(args),
    )
    if args.installed:
        from edge_fer.web.installed import INSTALLED  # noqa: PLC0415 - needs cryptography

        settings = INSTALLED.serve_settings(settings)
    try:
        sockets = listening_sockets(args.listen)
    except ConfigError:
        # the demo would rather be somewhere else than nowhere; its terminal says where
        if not args.with_parent:
            raise
        sockets = listening_sockets("127.0.0.1:0")
    if args.with_parent:
        Thread(target=_end_with_parent, name="parent", daemon=True).start()
    if not (args.no_link or args.installed):
        links, address = OneTimeLinks(folder / "links"), address_of(settings, sockets)
        token = _tell_link(links, address)
        say(f"It works once, within {LINK_LASTS / 60:.0f} min. Ctrl-C ends the page.")
        if args.with_parent:
            Thread(target=_keep_a_link, args=(links, address, token), name="links", daemon=True).start()
    serve(settings, sockets)
    return 0


def _tell_link(links: OneTimeLinks, address: str) -> str:
    """Makes a link for an admin, and prints it; its token."""
    token = links.make("admin", Role.ADMIN, time.time())
    say(f"page: {address}/link?token={token}")
    return token


def _keep_a_link(links: OneTimeLinks, address: str, token: str) -> None:
    """Prints another link once the last was used, or is soon too old, as long as somebody reads."""
    made = time.monotonic()
    with suppress(OSError):
        while True:
            time.sleep(_LOOK)
            if not links.is_waiting(token) or time.monotonic() - made > LINK_LASTS - _EARLY:
                token, made = _tell_link(links, address), time.monotonic()


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


def _proxy(args: argparse.Namespace) -> ReverseProxy | None:
    from edge_fer.web.proxy import LEAST_SECRET, ReverseProxy  # noqa: PLC0415 - an extra

    if not args.proxy:
        return None
    try:
        secret = read_file(args.proxy_secret_file or Path(), 4096).decode().strip()
    except (OSError, ValueError):
        secret = ""
    try:
        found = ReverseProxy.at(args.proxy, secret)
    except ValueError:
        msg = f"--proxy {' '.join(args.proxy)}: is no address"
        raise ConfigError(msg, remedy="Write the address that the proxy connects from") from None
    if len(secret) < LEAST_SECRET:
        msg = (
            f"--proxy-secret-file {args.proxy_secret_file or ''}: holds no secret of {LEAST_SECRET} or more characters"
        )
        raise ConfigError(msg, remedy="Write one into it, for example by `openssl rand -hex 20`")
    return found


def _notice(args: argparse.Namespace) -> int:
    from edge_fer.web.notice import notice_page  # noqa: PLC0415 - needs jinja2
    from edge_fer.wiring.records import notice_of  # noqa: PLC0415

    say(notice_page(notice_of(load_from(args).config), args.language))
    return 0


def _on(_: argparse.Namespace) -> int:
    from edge_fer.cli._web_installed import turn_on  # noqa: PLC0415 - needs cryptography

    return turn_on()


def _off(_: argparse.Namespace) -> int:
    from edge_fer.cli._web_installed import turn_off  # noqa: PLC0415 - needs cryptography

    return turn_off()


def _prepare(_: argparse.Namespace) -> int:
    from edge_fer.cli._web_installed import prepare_installed  # noqa: PLC0415 - needs cryptography

    return prepare_installed()


def _link(args: argparse.Namespace) -> int:
    if args.folder is None and _SERVICE_WANTED.exists():
        from edge_fer.cli._web_installed import link_to_installed  # noqa: PLC0415 - needs cryptography

        return link_to_installed(args.name, Role(args.role), args.address)
    folders = [args.folder] if args.folder else _folders()
    folder, address = find_page(folders)
    token = OneTimeLinks(folder / "links").make(args.name, Role(args.role), time.time())
    say(f"{(args.address or address).rstrip('/')}/link?token={token}")
    say(f"It works once, within {LINK_LASTS / 60:.0f} min.")
    return 0


def _add(args: argparse.Namespace) -> int:
    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != password:
            msg = "the two passwords differ"
            raise ConfigError(msg, remedy="Type the same one twice")
    else:
        password = sys.stdin.readline().rstrip("\n")
    _accounts(args).put(args.name, Role(args.role), password)
    say(f"{args.name} may log in as {args.role}")
    return 0


def _role(args: argparse.Namespace) -> int:
    _accounts(args).change_role(args.name, Role(args.role))
    say(f"{args.name} is {args.role} now")
    return 0


def _remove(args: argparse.Namespace) -> int:
    _accounts(args).remove(args.name)
    say(f"{args.name} may log in no more")
    return 0


def _list(args: argparse.Namespace) -> int:
    for account in _accounts(args).all().values():
        say(f"{account.name}  {account.role}")
    return 0
