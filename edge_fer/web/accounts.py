"""Who may log in to the page: names, roles and passwords, in one file."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_fer.errors import ConfigError
from edge_fer.remote.asker import Role
from edge_fer.support.files import read_file
from edge_fer.web.private import write_private

__all__ = ["LEAST_PASSWORD", "Account", "AccountBook"]

#: Characters of a password.
LEAST_PASSWORD: Final = 10
_LONGEST_PASSWORD: Final = 1024
_LONGEST_NAME: Final = 64
#: scrypt with 16 MB: a quarter of a second on a Pi 4.
_COST, _BLOCK, _LANES = 1 << 14, 8, 1
_LARGEST: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may log in.

    Attributes:
        name: of the person.
        role: how much they may do.
        secret: `scrypt$salt$hash`, both base64.
    """

    name: str
    role: Role
    secret: str

    @property
    def proof(self) -> str:
        """By which a session knows that the password is still the one that it was begun with."""
        return hashlib.sha256(self.secret.encode()).hexdigest()


class AccountBook:
    """The accounts, in a file that only its owner may read. Each look reads it anew: another process may write it.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self) -> Mapping[str, Account]:
        """Every account by its name.

        Raises:
            ConfigError: the file cannot be read.
        """
        try:
            content = json.loads(read_file(self._path, _LARGEST))
            found = [Account(str(one["name"]), Role(one["role"]), str(one["secret"])) for one in content["accounts"]]
        except FileNotFoundError:
            return {}
        except OSError as error:
            msg = f"{self._path}: {error.strerror}"
            raise ConfigError(
                msg, remedy="Let the page's user read it, or take it away and add the accounts anew"
            ) from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            msg = f"{self._path} holds no accounts"
            raise ConfigError(msg, remedy="Take it away, and add the accounts anew") from error
        return {account.name: account for account in found}

    def put(self, name: str, role: Role, password: str) -> None:
        """Adds an account, or gives one another role and password.

        Raises:
            ConfigError: name or password will not do.
            KeepingError: it cannot be kept.
        """
        if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable() or name != name.strip():
            msg = f"the name {name[:80]!r} will not do"
            raise ConfigError(msg, remedy=f"Take 1 to {_LONGEST_NAME} characters that can be printed")
        if not LEAST_PASSWORD <= len(password) <= _LONGEST_PASSWORD:
            msg = f"a password of {len(password)} characters will not do"
            raise ConfigError(msg, remedy=f"Take {LEAST_PASSWORD} to {_LONGEST_PASSWORD}")
        self._write({**self.all(), name: Account(name, role, _secret(password))})

    def change_role(self, name: str, role: Role) -> None:
        """Gives somebody another role; ConfigError where there is nobody of that name."""
        account = self._of(name)
        self._write({**self.all(), name: Account(name, role, account.secret)})

    def remove(self, name: str) -> None:
        """Takes an account away; ConfigError where there is none of that name."""
        self._of(name)
        self._write({key: account for key, account in self.all().items() if key != name})

    def verified(self, name: str, password: str) -> Account | None:
        """The account, if the password is its; takes as long where there is none of that name."""
        account = self.all().get(name)
        right = _matches(password[:_LONGEST_PASSWORD], account.secret if account else _NOBODY)
        return account if right else None

    def _of(self, name: str) -> Account:
        known = self.all()
        if name not in known:
            msg = f"there is no account {name[:80]!r}"
            raise ConfigError(msg, remedy=f"Choose from {', '.join(known)}" if known else "There are none: add one")
        return known[name]

    def _write(self, accounts: Mapping[str, Account]) -> None:
        told = [{"name": one.name, "role": one.role, "secret": one.secret} for one in accounts.values()]
        write_private(self._path, json.dumps({"v": 1, "accounts": told}, indent=1))


def _secret(password: str) -> str:
    salt = secrets.token_bytes(16)
    return "$".join(("scrypt", *(base64.b64encode(part).decode() for part in (salt, _hash(password, salt)))))


def _hash(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=_COST, r=_BLOCK, p=_LANES, maxmem=64 << 20, dklen=32)


def _matches(password: str, secret: str) -> bool:
    kind, _, rest = secret.partition("$")
    salt, _, expected = rest.partition("$")
    try:
        found = _hash(password, base64.b64decode(salt, validate=True))
        return kind == "scrypt" and hmac.compare_digest(found, base64.b64decode(expected, validate=True))
    except ValueError:
        return False


#: What nobody's password matches.
_NOBODY: Final = "$".join(("scrypt", *(base64.b64encode(os.urandom(size)).decode() for size in (16, 32))))
