"""The `mqtt` section: the link to the broker, and what is kept while it is down."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator

from edge_fer.values.section import Count, Section, Switch, Text
from edge_fer.values.topic import TopicPrefix
from edge_fer.values.units import DURATION, SIZE, Bytes, Seconds, refuse

__all__ = ["MqttSection", "OutboxSection"]


_DEFAULT_BROKER = "mqtt://127.0.0.1:1883"


class OutboxSection(Section):
    """What is kept on disk until the broker has it."""

    max_size: Annotated[Bytes, SIZE.within(1_000_000)] = Field(
        default=256_000_000, description="How much disk space may be used; beyond it, the oldest summaries go first."
    )
    max_age: Annotated[Seconds, DURATION.within(60)] = Field(
        default=1_209_600.0, description="How long a message is kept for a broker that is away."
    )
    drain_rate: Annotated[float, Field(strict=True, ge=10, le=100_000)] = Field(
        default=200.0,
        description="Events and summaries sent a second at most, once the broker is back; alert events need not wait.",
    )


class MqttSection(Section):
    """Where messages go."""

    broker: Text = Field(
        default=_DEFAULT_BROKER,
        description="The broker: mqtt://user@host:1883, mqtts://user@host:8883 (encrypted), ws:// and wss:// (over "
        "WebSockets), unix:///path (a socket on this device), or embedded for trying things out on this device alone.",
    )
    brokers: tuple[Text, ...] = Field(
        default=(),
        max_length=8,
        description="Several brokers in the place of `broker`, with one user and one set of certificates: "
        "where one cannot be reached, the next is tried, and nothing is lost.",
        examples=[["mqtt://192.0.2.10", "mqtt://192.0.2.11"]],
    )
    allow_insecure: Switch = Field(
        default=False, description="Whether a password may be sent to another host over an unencrypted link."
    )
    password_file: Path | None = Field(
        default=None,
        description="A file that holds the broker's password on its first line.",
        examples=["/etc/edge-fer/mqtt-password"],
    )
    ca_file: Path | None = Field(
        default=None,
        description="The certificate authority that the broker's certificate is checked against; "
        "left out, those of the system.",
        examples=["/etc/edge-fer/ca.crt"],
    )
    cert_file: Path | None = Field(
        default=None,
        description="This device's own certificate, where the broker asks for one.",
        examples=["/etc/edge-fer/client.crt"],
    )
    key_file: Path | None = Field(
        default=None,
        description="The private key of `cert_file`.",
        examples=["/etc/edge-fer/client.key"],
        validate_default=True,
    )
    topic_prefix: TopicPrefix = Field(
        default="edge-fer",
        description="What all topics of this device begin with, before its id; may have several levels, by which an "
        "access list or a bridge can tell sites apart.",
        examples=["acme/main-street/edge-fer"],
    )
    client_id: Text | None = Field(
        default=None,
        description="The name given to the broker; left out, edge-fer and the node's id.",
        examples=["edge-fer-counter-1a2b"],
    )
    keepalive: Annotated[Seconds, DURATION.within(5, 3600)] = Field(
        default=30.0, description="Within this time a connection that died in silence is noticed."
    )
    embedded_port: Annotated[Count, Field(ge=1, le=65535)] = Field(
        default=1883, description="The port of the embedded broker, on this device alone."
    )
    outbox: OutboxSection = Field(default=OutboxSection(), description="What is kept on disk until the broker has it.")

    @property
    def addresses(self) -> tuple[str, ...]:
        """The brokers' addresses, the one that is preferred first; `embedded` alone where it is that."""
        return self.brokers or (self.broker,)

    @property
    def is_embedded(self) -> bool:
        """Whether the broker is one of our own."""
        return self.addresses == ("embedded",)

    @field_validator("broker")
    @classmethod
    def _broker_address(cls, broker: str) -> str:
        if broker == "embedded":
            return broker
        return _checked(broker, "Write `embedded`, or an address such as `mqtt://192.0.2.10:1883`")

    @field_validator("brokers")
    @classmethod
    def _broker_addresses(cls, brokers: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for number, broker in enumerate(brokers):
            _checked(broker, "Write each as `mqtt://192.0.2.10:1883`")
            if broker in brokers[:number]:
                refuse(f"has {broker!r} twice", "Write each broker once")
        if len({urlsplit(broker).scheme in {"mqtts", "wss"} for broker in brokers}) > 1:
            refuse("has encrypted addresses and others", "Encrypt all of them, or none")
        if len({urlsplit(broker).username for broker in brokers}) > 1:
            refuse("has different user names", "Write the same user in all of them; they share one password")
        if brokers and info.data.get("broker") not in {None, "embedded", _DEFAULT_BROKER}:
            refuse("is given beside `broker`", "Write all of them in `brokers`, and take `broker` out")
        return brokers

    @field_validator("password_file")
    @classmethod
    def _safe_to_send(cls, file: Path | None, info: ValidationInfo) -> Path | None:
        if file is None or not {"broker", "brokers"} <= info.data.keys():
            return file
        urls = [urlsplit(address) for address in info.data["brokers"] or (info.data["broker"],)]
        if not all(url.username for url in urls):
            refuse("is given, but `broker` names no user", "Write the address as `mqtts://user@host`")
        exposed = [url for url in urls if url.scheme in {"mqtt", "ws"} and not _is_this_host(url.hostname or "")]
        if exposed and not info.data.get("allow_insecure", True):
            remedy = (
                "Let `broker` begin with `mqtts://` or `wss://`, or set `allow_insecure: true` if you trust the network"
            )
            refuse("would go to another host over an unencrypted link", remedy)
        return file

    @field_validator("ca_file", "cert_file")
    @classmethod
    def _only_encrypted(cls, file: Path | None, info: ValidationInfo) -> Path | None:
        addresses = info.data.get("brokers") or (info.data.get("broker", "mqtts://"),)
        if file is not None and not addresses[0].startswith(("mqtts://", "wss://")):
            refuse("is of no use on an unencrypted link", "Let `broker` begin with `mqtts://` or `wss://`")
        return file

    @field_validator("key_file")
    @classmethod
    def _goes_with_certificate(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        if "cert_file" in info.data and (key is None) != (info.data["cert_file"] is None):
            if key is None:
                refuse("is missing, but `cert_file` is given", "Name the certificate's private key")
            refuse("is given, but `cert_file` is not", "Name the key's certificate in `cert_file`")
        return key


def _checked(broker: str, remedy: str) -> str:
    """The address of a broker, if it is one."""
    try:
        url = urlsplit(broker)
        port = url.port
    except ValueError:
        refuse("is not an address: its host or port cannot be right", remedy)
    is_unix, over_websockets = url.scheme == "unix", url.scheme in {"ws", "wss"}
    if url.scheme not in {"mqtt", "mqtts"} and not is_unix and not over_websockets:
        refuse("does not begin with mqtt://, mqtts://, ws://, wss:// or unix://", remedy)
    if url.password is not None:
        refuse("holds a password", "Take it out, and name a file that holds it in `password_file`")
    if is_unix and (url.hostname or not url.path.strip("/") or url.query or url.fragment):
        refuse("names no socket", "Write the socket's whole path, such as `unix:///run/mosquitto.sock`")
    if (not url.hostname and not is_unix) or any(c.isspace() for c in broker):
        refuse("names no host", remedy)
    has_more = (url.path not in {"", "/"} or url.query) and not is_unix and not over_websockets
    if port == 0 or has_more or url.fragment:
        refuse("has more to it than a host and a port", remedy)
    return broker


def _is_this_host(host: str) -> bool:
    """Whether an address never leaves the device."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
