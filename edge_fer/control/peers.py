"""Who is at the other end of the control socket, and what they may do: by what the kernel says of them."""

from __future__ import annotations

import grp
import os
import pwd
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from edge_fer.control.protocol import Code
from edge_fer.errors import CommandError
from edge_fer.remote.asker import Asker, Role, Way

__all__ = ["GROUP", "WEB_USER", "Accounts", "Credentials", "Peer"]

#: Whoever is a member may control the daemon.
GROUP: Final = "edge-fer"
#: The user that the web page runs as.
WEB_USER: Final = "edge-fer-web"
#: Linux's option for the groups of a peer, which Python has no name for.
_SO_PEERGROUPS: Final = 59
#: Bytes of an answer for which Python has room: 256 groups.
_LONGEST_ANSWER: Final = 1024
_LONGEST_NAME: Final = 64


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the kernel says of a peer.

    Attributes:
        uid: its user.
        gids: its groups, when it connected.
    """

    uid: int
    gids: frozenset[int]

    @classmethod
    def of(cls, connection: socket.socket) -> Credentials:
        """Those of the process that connected."""
        size = struct.calcsize("3i")
        _, uid, gid = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
        try:
            found = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _LONGEST_ANSWER)
        except OSError:
            # more than fit
            return cls(uid, frozenset({gid, *_groups_of(uid, gid)}))
        return cls(uid, frozenset({gid, *struct.unpack(f"{len(found) // 4}I", found)}))


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts of this device that matter.

    Attributes:
        own: the daemon's user.
        group: the id of the group `edge-fer`; None where there is none.
        web: the web page's user; None where there is none.
        service: the user of the installed service, which is nobody's own; None where there is none.
    """

    own: int
    group: int | None = None
    web: int | None = None
    service: int | None = None

    @classmethod
    def of_this_device(cls) -> Accounts:
        """As they are now."""
        return cls(os.geteuid(), _group_id(GROUP), _user_id(WEB_USER), _user_id(GROUP))


def _group_id(name: str) -> int | None:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def _user_id(name: str) -> int | None:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None


@dataclass(frozen=True, slots=True)
class Peer:
    """Somebody who may use the control socket.

    Attributes:
        uid: their user.
        name: its name.
        role: how much they may ask for by themselves.
        is_web: whether it is the web page, which acts for the people who are logged in there.
        is_own: whether it is root or the daemon's own user, who may run a web page of their own.
    """

    uid: int
    name: str
    role: Role
    is_web: bool = False
    is_own: bool = False

    @classmethod
    def known(cls, who: Credentials, accounts: Accounts) -> Peer:
        """The peer with these credentials.

        Raises:
            CommandError: they may not use the socket.
        """
        name = _name_of(who.uid)
        if who.uid == 0:
            return cls(who.uid, name, Role.ADMIN, is_own=True)
        if accounts.web is not None and who.uid == accounts.web:
            return cls(who.uid, name, Role.VIEWER, is_web=True)
        if who.uid == accounts.own:
            # whoever runs a daemon of their own, as with the demo, may do with it what they like
            role = Role.OPERATOR if who.uid == accounts.service else Role.ADMIN
            return cls(who.uid, name, role, is_own=True)
        if accounts.group in who.gids:
            return cls(who.uid, name, Role.OPERATOR)
        msg = f"the user {name} may not control edge-fer"
        remedy = f"Use sudo, or become a member of the group {GROUP} (sudo usermod -aG {GROUP} {name}) and log in again"
        raise CommandError(Code.DENIED, msg, remedy=remedy, field="user", value=name)

    def asker(self, acting_for: Mapping[str, Any] | None) -> Asker:
        """Who asks.

        Args:
            acting_for: the `as` of the request.

        Raises:
            CommandError: this peer may not act for somebody else, or it is not said for whom.
        """
        if acting_for is None:
            return Asker(self.name, Way.WEB if self.is_web else Way.SOCKET, self.role)
        if not self.is_web and not self.is_own:
            msg = f"{self.name} may not act for somebody else"
            remedy = f"Leave out `as`; only {WEB_USER}, root and the daemon's own user may send it"
            raise CommandError(Code.DENIED, msg, remedy=remedy, field="as")
        name, role = acting_for.get("name"), acting_for.get("role")
        if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
            remedy = f"Send the person's name, 1 to {_LONGEST_NAME} characters"
            raise CommandError(Code.MALFORMED, "as.name is no name", remedy=remedy, field="as.name", value=name)
        if role not in list(Role):
            remedy = f"Choose from {', '.join(Role)}"
            raise CommandError(Code.MALFORMED, "as.role is no role", remedy=remedy, field="as.role", value=role)
        # a page that somebody runs as themselves lets nobody do more than they may
        granted = Role(role) if self.is_web or self.role.includes(Role(role)) else self.role
        return Asker(name, Way.WEB, granted)


def _groups_of(uid: int, gid: int) -> list[int]:
    """The groups of a user, as the accounts of this device have them."""
    try:
        return os.getgrouplist(pwd.getpwuid(uid).pw_name, gid)
    except KeyError:
        return []


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid-{uid}"
