"""The folder of a fleet: what stands in which file. All but `secrets/` can live in git."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from edge_fer.config.engine.reader import read_yaml
from edge_fer.contract.topics import ALL_GROUPS, PREFIX, Topics, group_config, is_name
from edge_fer.errors import ConfigError, FleetError, did_you_mean
from edge_fer.fleet.access import access_list, bridge_config, broker_config
from edge_fer.fleet.authority import CERTIFICATE_DAYS, Authority, Issued, new_key, parsed_request
from edge_fer.fleet.nodes import COLUMNS, RESERVED, FleetNode, read_table, table
from edge_fer.fleet.sites import SiteBroker, read_sites, sites_table
from edge_fer.fleet.text import read_text

__all__ = ["FleetFolder", "FleetSettings", "Record"]

_IGNORED: Final = "# keys, and cards with keys in them: keep these apart from git\nsecrets/\n"
_ISSUED: Final = ("serial", "name", "kind", "issued", "ends", "revoked")
_HOST: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-")


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """What holds for the whole fleet (`fleet.yaml`).

    Attributes:
        name: of the fleet.
        brokers: by which names and addresses nodes call the broker; cards have the first.
        port: where it listens.
        prefix: `mqtt.topic_prefix` of all nodes.
        rings: in which order nodes get a new config; the last is where nodes are of which nothing is said.
    """

    name: str
    brokers: tuple[str, ...]
    port: int = 8883
    prefix: str = PREFIX
    rings: tuple[str, ...] = ("canary", "stable")

    @property
    def address(self) -> str:
        """The address by which nodes call the broker."""
        return _address(self.brokers[0], self.port)

    def checked(self) -> FleetSettings:
        """The settings themselves.

        Raises:
            FleetError: something in them cannot be.
        """
        if not self.name or not self.name.isprintable() or len(self.name) > 60:
            msg = f"the fleet's name {self.name[:70]!r} is empty, too long or no single line"
            raise FleetError(msg, remedy="Write at most 60 characters")
        if not self.brokers:
            msg = "no broker is named"
            raise FleetError(msg, remedy="Name one with --broker")
        _check_broker(self.brokers, self.port)
        try:
            Topics("any", self.prefix)
        except ConfigError as error:
            raise FleetError(error.message, remedy=error.remedy) from error
        if not self.rings or len(set(self.rings)) < len(self.rings) or not all(map(is_name, self.rings)):
            msg = f"the rings {', '.join(self.rings)!r} are none, or not names that differ"
            raise FleetError(msg, remedy="Write for example `rings: [canary, stable]` into fleet.yaml")
        return self


@dataclass(frozen=True, slots=True)
class Record:
    """A certificate that was issued, as `certificates/issued.csv` has it."""

    serial: str
    name: str
    kind: str
    issued: datetime
    ends: datetime
    revoked: datetime | None = None


class FleetFolder:
    """The files of one fleet. Each is written whole or not at all.

    Args:
        path: of the folder.

    Raises:
        FleetError: it is none, or something in it is wrong.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.settings = _settings(path / "fleet.yaml")
        self.nodes = {node.name: node for node in read_table(path / "nodes.csv", self.settings.rings)}
        self.sites = {site.site: site for site in read_sites(path / "sites.csv")}
        self.records = _records(path / "certificates" / "issued.csv")
        self._desired: dict[str, dict[str, Any]] = {}

    @classmethod
    def init(cls, path: Path, settings: FleetSettings, now: datetime) -> FleetFolder:
        """Makes the folder of a new fleet.

        Raises:
            FleetError: there is one already, or it cannot be written.
        """
        settings.checked()
        if (path / "fleet.yaml").exists():
            msg = f"{path} is the folder of a fleet already"
            raise FleetError(msg, remedy="Name another folder, or go on with this one: edge-fer fleet add")
        authority, key = Authority.make(f"{settings.name} authority", now)
        _write(path / ".gitignore", _IGNORED)
        _write(path / "secrets" / "ca.key", key, 0o600)
        _write(path / "certificates" / "ca.crt", authority.pem)
        _write(path / "certificates" / "issued.csv", _issued_text([]))
        _write(path / "nodes.csv", ",".join(COLUMNS) + "\n")
        (path / "desired").mkdir(exist_ok=True)
        # last, because the folder is one of a fleet once this is there
        _write(path / "fleet.yaml", _settings_text(settings))
        folder = cls(path)
        folder.renew_own(now)
        folder.write_broker(now)
        return folder

    def authority(self) -> Authority:
        """What signs."""
        return Authority.load(self.path / "certificates" / "ca.crt", self.path / "secrets" / "ca.key")

    def files_of(self, user: str) -> tuple[Path, Path, Path]:
        """The authority's certificate, and certificate and key of somebody who reads all nodes."""
        secrets = self.path / "secrets"
        return self.path / "certificates" / "ca.crt", secrets / f"{user}.crt", secrets / f"{user}.key"

    def card(self, node: str) -> Path:
        """The file that goes onto a node's memory card."""
        return self.path / "secrets" / "cards" / node / "edge-fer.yaml"

    def address_of(self, node: FleetNode) -> str:
        """By which address a node calls its broker: its site's, or the central one."""
        site = self.sites.get(node.site)
        return _address(site.brokers[0], site.port) if site else self.settings.address

    def renew_own(self, now: datetime) -> None:
        """Issues the certificates of the broker and of those who read all nodes, for new keys."""
        self._issue_server(now)
        for user in sorted(RESERVED):
            self._issue_reader(user, now)
        for site in self.sites.values():
            self._issue_site(site, now)

    def add_site(self, site: SiteBroker, now: datetime) -> None:
        """Gives a site a broker of its own; one that has one is changed, and its certificates are issued anew.

        Cards of its nodes that nobody has used yet lead to that broker from now on.
        """
        _check_broker(site.checked().brokers, site.port)
        if site.site in self.sites:
            self._revoke_site(self.sites[site.site], now)
        self.sites[site.site] = site
        self._issue_site(site, now)
        _write(self.path / "sites.csv", sites_table(self.sites.values()))
        self.write_broker(now)
        for node in self.nodes.values():
            if node.site == site.site and self.card(node.name).exists():
                self._rewrite_card(node)

    def _issue_site(self, site: SiteBroker, now: datetime) -> None:
        """Issues the certificates of a site's broker and of its bridge, for new keys."""
        secrets, public = self._site_folders(site)
        key, pem = new_key()
        made = self.authority().issue(site.brokers[0], key.public_key(), now, hosts=site.brokers, days=CERTIFICATE_DAYS)
        self._record(made, site.user, "broker", now)
        _write(secrets / "server.key", pem, 0o600)
        _write(public / "server.crt", made.pem)
        key, pem = new_key()
        made = self.authority().issue(site.user, key.public_key(), now, days=CERTIFICATE_DAYS)
        self._record(made, site.user, "bridge", now)
        _write(secrets / "bridge.key", pem, 0o600)
        _write(public / "bridge.crt", made.pem)

    def _revoke_site(self, site: SiteBroker, now: datetime) -> None:
        for kind in ("broker", "bridge"):
            self._revoke_records(now, kind, site.user)

    def _site_folders(self, site: SiteBroker) -> tuple[Path, Path]:
        """Where the keys of a site's broker are, and what is not secret."""
        return self.path / "secrets" / "sites" / site.site, self.path / "sites" / site.site

    def restore(self, key: Path | None, now: datetime) -> list[str]:
        """Brings back what is missing in `secrets/`: the authority's key, and those of the broker and the readers.

        The certificates of lost keys are revoked, for nobody knows who has those now.

        Args:
            key: the file with the authority's key; None: it is in the folder.
            now: the time.

        Returns:
            Who has a new key.

        Raises:
            FleetError: the key is missing, or is not that of this fleet.
        """
        own = self.path / "secrets" / "ca.key"
        # whether it is the right one, before anything is written
        Authority.load(self.path / "certificates" / "ca.crt", key or own)
        if key:
            _write(own, _text(key), 0o600)
        made = []
        if not (self.path / "secrets" / "server.key").exists():
            for host in {one.name for one in self.records if one.kind == "broker" and not one.name.startswith("site:")}:
                self._revoke_records(now, "broker", host)
            self._issue_server(now)
            made.append("the broker")
        for user in sorted(RESERVED):
            if not all(file.exists() for file in self.files_of(user)):
                self._revoke_records(now, "reader", user)
                self._issue_reader(user, now)
                made.append(user)
        for site in self.sites.values():
            secrets, public = self._site_folders(site)
            files = (secrets / "server.key", secrets / "bridge.key", public / "server.crt", public / "bridge.crt")
            if not all(file.exists() for file in files):
                self._revoke_site(site, now)
                self._issue_site(site, now)
                made.append(f"the site {site.site}")
        self.write_broker(now)
        return made

    def _issue_server(self, now: datetime) -> None:
        """Issues the broker's certificate, for a new key."""
        key, pem = new_key()
        hosts = self.settings.brokers
        made = self.authority().issue(hosts[0], key.public_key(), now, hosts=hosts, days=CERTIFICATE_DAYS)
        self._record(made, hosts[0], "broker", now)
        _write(self.path / "secrets" / "server.key", pem, 0o600)
        _write(self.path / "broker" / "server.crt", made.pem)

    def _issue_reader(self, user: str, now: datetime) -> None:
        """Issues the certificate of somebody who reads all nodes, for a new key."""
        key, pem = new_key()
        made = self.authority().issue(user, key.public_key(), now, days=CERTIFICATE_DAYS)
        self._record(made, user, "reader", now)
        _, certificate_file, key_file = self.files_of(user)
        _write(key_file, pem, 0o600)
        _write(certificate_file, made.pem)

    def add(self, nodes: Sequence[FleetNode], now: datetime, *, again: bool = False) -> list[str]:
        """Adds nodes, and makes a card for each that is new.

        Args:
            nodes: those to add; one that is there already is changed.
            now: the time.
            again: whether those that are there get a new card, too.

        Returns:
            The names of those with a new card.
        """
        authority = self.authority()
        fresh = []
        for node in nodes:
            node.checked(self.settings.rings)
            known = self.nodes.get(node.name)
            self.nodes[node.name] = node
            if known and not again:
                if known != node and self.card(node.name).exists():
                    self._rewrite_card(node)
                continue
            key, pem = new_key()
            made = authority.issue(node.name, key.public_key(), now, days=CERTIFICATE_DAYS)
            self.records.append(_record_of(made, node.name, "node", now))
            _write(self.card(node.name), self._card_text(node, certificate=made.pem, key=pem), 0o600)
            fresh.append(node.name)
        self._write_records()
        _write(self.path / "nodes.csv", table(self.nodes.values()))
        self.write_broker(now)
        return fresh

    def sign(self, node: str, request: str, now: datetime) -> Issued:
        """Signs a node's request for a new certificate.

        Raises:
            FleetError: the node is none of the fleet's, or its request is wrong.
        """
        if node not in self.nodes:
            msg = f"{node} is no node of this fleet, or was revoked"
            raise FleetError(msg, remedy="Add it first: edge-fer fleet add")
        key = parsed_request(request, node).public_key()
        made = self.authority().issue(node, key, now, days=CERTIFICATE_DAYS)
        self._record(made, node, "node", now)
        return made

    def revoke(self, node: str, now: datetime) -> int:
        """Revokes all certificates of a node, and takes it out of the fleet; how many there were.

        Raises:
            FleetError: there is no such node.
        """
        known = any(one.name == node and one.kind == "node" and not one.revoked for one in self.records)
        if node not in self.nodes and not known:
            msg = f"{node} is no node of this fleet"
            raise FleetError(msg, remedy="See `edge-fer fleet list`")
        count = self._revoke_records(now, "node", node)
        self.nodes.pop(node, None)
        _write(self.path / "nodes.csv", table(self.nodes.values()))
        self.write_broker(now)
        self.card(node).unlink(missing_ok=True)
        return count

    def write_broker(self, now: datetime) -> None:
        """Writes what the broker needs: its config, its access list, and which certificates no longer hold."""
        broker = self.path / "broker"
        revoked = {one.serial: one.revoked for one in self.records if one.revoked}
        _write(broker / "ca.crt", self.authority().pem)
        _write(broker / "ca.crl", self.authority().revocations(revoked, now))
        prefix, sites = self.settings.prefix, list(self.sites.values())
        _write(broker / "acl", access_list(self.nodes.values(), prefix, sites))
        for site in sites:
            there = [node for node in self.nodes.values() if node.site == site.site]
            _write(self._site_folders(site)[1] / "acl", access_list(there, prefix))

    def install_site(self, name: str, mosquitto: Path) -> list[Path]:
        """Writes the files of a site's broker into Mosquitto's own folder on this machine; which they are.

        Raises:
            FleetError: there is no such site.
        """
        if name not in self.sites:
            msg = f"the site {name!r} has no broker of its own"
            remedy = did_you_mean(name, list(self.sites)) or "Give it one: edge-fer fleet site SITE --broker HOST"
            raise FleetError(msg, remedy=remedy)
        site, target, made = self.sites[name], mosquitto / "edge-fer-fleet", []
        secrets, public = self._site_folders(site)
        for folder, file, mode in (
            (self.path / "broker", "ca.crt", 0o644),
            (self.path / "broker", "ca.crl", 0o644),
            (public, "server.crt", 0o644),
            (public, "bridge.crt", 0o644),
            (public, "acl", 0o640),
            (secrets, "server.key", 0o640),
            (secrets, "bridge.key", 0o640),
        ):
            _write(target / file, _text(folder / file), mode)
            made.append(target / file)
        host, port = self.settings.brokers[0], self.settings.port
        text = broker_config(site.port, str(target))
        text += bridge_config(site, f"{host}:{port}", str(target), self.settings.prefix)
        config = mosquitto / "conf.d" / "edge-fer-fleet.conf"
        _write(config, text)
        return [*made, config]

    def install_broker(self, mosquitto: Path) -> list[Path]:
        """Writes the broker's files into Mosquitto's own folder on this machine; which they are."""
        target, made = mosquitto / "edge-fer-fleet", []
        for name, mode in (("ca.crt", 0o644), ("ca.crl", 0o644), ("server.crt", 0o644), ("acl", 0o640)):
            _write(target / name, _text(self.path / "broker" / name), mode)
            made.append(target / name)
        _write(target / "server.key", _text(self.path / "secrets" / "server.key"), 0o640)
        config = mosquitto / "conf.d" / "edge-fer-fleet.conf"
        _write(config, broker_config(self.settings.port, str(target)))
        return [*made, target / "server.key", config]

    def ends(self) -> dict[str, datetime]:
        """When the newest certificate of each node ends."""
        held = [one for one in self.records if one.kind == "node" and not one.revoked]
        return {one.name: one.ends for one in sorted(held, key=lambda one: one.ends)}

    def desired_file(self, scope: str) -> Path:
        """Where the wanted config of a scope stands: `all`, `group:NAME`, or a node's name."""
        kind, _, name = scope.rpartition(":")
        return self.path / "desired" / f"{kind or ('group' if scope == ALL_GROUPS else 'node')}-{name}.yaml"

    def checked_scope(self, scope: str) -> str:
        """The scope itself.

        Raises:
            FleetError: there is no such node or group.
        """
        groups = {group for node in self.nodes.values() for group in node.groups}
        if scope == ALL_GROUPS or scope in self.nodes or scope in {f"group:{group}" for group in groups}:
            return scope
        msg = f"{scope!r} is no node, and no group that a node is in"
        remedy = "Write `all`, a node's name, or `group:` and a group's name"
        raise FleetError(msg, remedy=remedy)

    def desired(self, scope: str) -> dict[str, Any]:
        """The wanted config of a scope; empty, where nothing is wanted.

        Raises:
            FleetError: the file cannot be read, or is no config.
        """
        if scope not in self._desired:
            self._desired[scope] = self._read_desired(scope)
        return deepcopy(self._desired[scope])

    def _read_desired(self, scope: str) -> dict[str, Any]:
        file = self.desired_file(scope)
        if not file.exists():
            return {}
        found = _yaml(file)
        if not isinstance(found, Mapping):
            msg = f"{file} is not made of keys and values"
            raise FleetError(msg, remedy="Write each as `key: value`")
        return dict(found)

    def want(self, scope: str, config: Mapping[str, Any]) -> None:
        """Writes the wanted config of a scope."""
        head = f"# The config that is wanted of {scope}. Takes effect with `edge-fer fleet rollout`.\n"
        text = json.dumps(config, indent=2, ensure_ascii=False)
        _write(self.desired_file(scope), f"{head}{text}\n")
        self._desired.pop(scope, None)

    def topics_of(self, node: FleetNode) -> dict[str, str]:
        """The topics that a node takes wanted configs from, by scope, the lowest first."""
        prefix = self.settings.prefix
        groups = group_config(prefix, node.ring, node.groups)
        scopes = {group if group == ALL_GROUPS else f"group:{group}": topic for group, topic in groups.items()}
        return {**scopes, node.name: Topics(node.name, prefix).config_desired}

    def _rewrite_card(self, node: FleetNode) -> None:
        """A card that nobody has used yet gets the node's new ring, groups and site."""
        found = _yaml(self.card(node.name))
        mqtt = found["mqtt"] if isinstance(found, Mapping) and isinstance(found.get("mqtt"), Mapping) else {}
        if "certificate" in mqtt and "key" in mqtt:
            text = self._card_text(node, certificate=mqtt["certificate"], key=mqtt["key"])
            _write(self.card(node.name), text, 0o600)

    def _card_text(self, node: FleetNode, *, certificate: str, key: str) -> str:
        settings, quoted = self.settings, json.dumps
        lines = [
            f"# {node.name}: copy this file onto the card's boot partition (docs/fleet.md).",
            "# It holds a private key, which the device moves onto itself when it first starts.",
            "node:",
            f"  id: {quoted(node.name)}",
            *([f"  site: {quoted(node.site, ensure_ascii=False)}"] if node.site else []),
            "mqtt:",
            f"  broker: {quoted(self.address_of(node))}",
            *([f"  topic_prefix: {quoted(settings.prefix)}"] if settings.prefix != PREFIX else []),
            f"  ca: {quoted(_body(self.authority().pem))}",
            f"  certificate: {quoted(_body(certificate))}",
            f"  key: {quoted(_body(key))}",
            "fleet:",
            "  member: on",
            f"  ring: {quoted(node.ring)}",
            f"  groups: {quoted(list(node.groups))}",
        ]
        return "\n".join(lines) + "\n"

    def _record(self, made: Issued, name: str, kind: str, now: datetime) -> None:
        self.records.append(_record_of(made, name, kind, now))
        self._write_records()

    def _revoke_records(self, now: datetime, kind: str, name: str | None = None) -> int:
        """Revokes the certificates of a kind that hold, of one name or of all; how many there were."""
        held = [one for one in self.records if one.kind == kind and name in {None, one.name} and not one.revoked]
        self.records = [replace(one, revoked=now) if one in held else one for one in self.records]
        self._write_records()
        return len(held)

    def _write_records(self) -> None:
        _write(self.path / "certificates" / "issued.csv", _issued_text(self.records))


def _record_of(made: Issued, name: str, kind: str, now: datetime) -> Record:
    return Record(made.serial, name, kind, now.replace(microsecond=0), made.ends)


def _body(pem: str) -> str:
    """What stands between the first and the last line, on one line, as values in a config are."""
    return "".join(line for line in pem.splitlines() if not line.startswith("-"))


def _address(host: str, port: int) -> str:
    return f"mqtts://[{host}]:{port}" if ":" in host else f"mqtts://{host}:{port}"


def _check_broker(hosts: Sequence[str], port: int) -> None:
    for host in hosts:
        if not _is_host(host):
            msg = f"{host!r} is neither a host name nor an address"
            raise FleetError(msg, remedy="Write broker.example or 192.0.2.10, without mqtts:// and port")
    if not 1 <= port <= 65535:
        msg = f"the port {port} is not between 1 and 65535"
        raise FleetError(msg, remedy="Most brokers use 8883 for TLS")


def _is_host(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return bool(host) and len(host) <= 253 and set(host) <= _HOST and not host.startswith(("-", "."))
    return True


def _settings_text(settings: FleetSettings) -> str:
    quoted = json.dumps
    return (
        "# What holds for the whole fleet (docs/fleet.md).\n"
        f"name: {quoted(settings.name, ensure_ascii=False)}\n"
        f"brokers: {quoted(list(settings.brokers))}\n"
        f"port: {settings.port}\n"
        f"prefix: {quoted(settings.prefix)}\n"
        "# a new config goes to one ring after the other; a node of which nothing is said is in the last\n"
        f"rings: {quoted(list(settings.rings))}\n"
    )


def _settings(file: Path) -> FleetSettings:
    if not file.exists():
        msg = f"{file.parent} is not the folder of a fleet: there is no fleet.yaml in it"
        raise FleetError(msg, remedy="Change to that folder, name it with --folder, or make one: edge-fer fleet init")
    match _yaml(file):
        case {"name": str(name), "brokers": [*brokers], "port": int(port), "prefix": str(prefix), "rings": [*rings]}:
            words = tuple(map(str, brokers)), tuple(map(str, rings))
            return FleetSettings(name, words[0], port, prefix, words[1]).checked()
    msg = f"{file} lacks one of name, brokers, port, prefix and rings, or one is of the wrong kind"
    raise FleetError(msg, remedy="Compare it with docs/fleet.md")


def _yaml(file: Path) -> Any:
    read = read_yaml(_text(file), layer=str(file), environ={})
    if read.faults:
        raise FleetError(str(read.faults[0]))
    return read.entry.plain() if read.entry else {}


def _text(file: Path) -> str:
    return read_text(file, remedy="Bring it back, for example from git")


def _records(file: Path) -> list[Record]:
    found = []
    rows = csv.DictReader(io.StringIO(_text(file)))
    try:
        for row in rows:
            serial, name, kind = row["serial"], row["name"], row["kind"]
            issued, ends, revoked = _moment(row["issued"]), _moment(row["ends"]), row["revoked"]
            int(serial, 16)
            found.append(Record(serial, name, kind, issued, ends, _moment(revoked) if revoked else None))
    except (KeyError, ValueError, TypeError, csv.Error) as error:
        msg = f"{file}, line {rows.line_num}, is none of ours"
        remedy = "Bring the file back from git: without it, nothing can be revoked"
        raise FleetError(msg, remedy=remedy) from error
    return found


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        msg = "no time zone"
        raise ValueError(msg)
    return found.astimezone(UTC)


def _issued_text(records: Iterable[Record]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_ISSUED)
    for one in records:
        revoked = one.revoked.replace(microsecond=0).isoformat() if one.revoked else ""
        writer.writerow([one.serial, one.name, one.kind, one.issued.isoformat(), one.ends.isoformat(), revoked])
    return out.getvalue()


def _write(file: Path, text: str, mode: int = 0o644) -> None:
    """Writes a file whole or not at all, readable for its owner alone until it is whole."""
    fresh = file.with_name(f".{file.name}.new")
    try:
        secret = "secrets" in file.parts
        file.parent.mkdir(mode=0o700 if secret else 0o755, parents=True, exist_ok=True)
        fresh.unlink(missing_ok=True)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fchmod(handle, mode)
            os.fsync(handle)
        _belongs_to_broker(fresh, mode)
        fresh.replace(file)
    except OSError as error:
        msg = f"{file} cannot be written: {error.strerror}"
        raise FleetError(msg, remedy="Check the folder, its permissions and the disk") from error


def _belongs_to_broker(file: Path, mode: int) -> None:
    """Mosquitto gives up root before it reads what is not for everybody."""
    if mode == 0o640 and os.geteuid() == 0:
        from grp import getgrnam  # noqa: PLC0415

        try:
            os.chown(file, 0, getgrnam("mosquitto").gr_gid)
        except KeyError:
            return
