"""The `notify` section: who is told of alerts and troubles, and how often."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator, model_validator

from edge_fer.errors import did_you_mean
from edge_fer.values.destination import destination_fault
from edge_fer.values.hours import WrittenHours
from edge_fer.values.section import Count, Name, Section, Switch, Text
from edge_fer.values.units import DURATION, Seconds, refuse

__all__ = ["EscalationSection", "NotifyLimitSection", "NotifyRouteSection", "NotifySection", "NotifyTargetSection"]

#: Hosts that are this device itself, which needs no encryption.
_LOCAL = {"localhost", "127.0.0.1", "::1"}
_WRITE = "Write it as Apprise wants it, for example `ntfys://ntfy.example.org/topic`"


def _somebody(to: tuple[str, ...]) -> tuple[str, ...]:
    if not to:
        refuse("names nobody", "Name one or more of `notify.targets`")
    return to


class NotifyTargetSection(Section):
    """Somebody who is told."""

    url: Text | None = Field(
        default=None,
        description="Its address, as Apprise writes it; one that holds a password or key belongs into `url_file`.",
        examples=["ntfys://ntfy.example.org/ward-3"],
    )
    url_file: Path | None = Field(
        default=None,
        description="A file that holds the address on its first line; only the sender reads it.",
        validate_default=True,
    )
    detail: Literal["place", "full"] = Field(
        default="place",
        description="What is told of an alert: only the place and `please look`, or its rule and what was measured, "
        "too.",
    )
    outside: Switch = Field(
        default=False, description="With the profile ward, whether it may be a public service, outside of the house."
    )
    quiet_hours: tuple[WrittenHours, ...] = Field(
        default=(),
        description="Hours in which only what is critical is told; the rest is told when they are over.",
        examples=[["22:00-06:00"]],
    )

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str | None) -> str | None:
        if url is not None and (fault := destination_fault(url)):
            refuse(fault, _WRITE)
        return url

    @field_validator("url_file")
    @classmethod
    def _one_of_two(cls, file: Path | None, info: ValidationInfo) -> Path | None:
        if "url" in info.data:
            if file is not None and info.data["url"] is not None:
                refuse("is given, but `url` is, too", "Take one of the two out")
            if file is None and info.data["url"] is None:
                refuse("is left out, and so is `url`", "Write one of the two")
        return file


class EscalationSection(Section):
    """Who is told, too, where nobody acknowledges an alert."""

    after: Annotated[Seconds, DURATION.within(10, 86_400)] = Field(
        default=300.0, description="How long after it fired."
    )
    to: tuple[Name, ...] = Field(
        default=(), description="Names of targets.", examples=[["head-nurse"]], validate_default=True
    )

    @field_validator("to")
    @classmethod
    def _leads_somewhere(cls, to: tuple[str, ...]) -> tuple[str, ...]:
        return _somebody(to)


class NotifyRouteSection(Section):
    """Which alerts and troubles go to which targets."""

    to: tuple[Name, ...] = Field(
        default=(), description="Names of targets.", examples=[["name"]], validate_default=True
    )
    what: Literal["all", "alerts", "troubles"] = Field(
        default="all", description="Alerts, troubles of edge-fer itself, such as a lost camera, or both."
    )
    severity: Literal["info", "warning", "critical"] = Field(default="info", description="What is at least so serious.")
    rules: tuple[Name, ...] = Field(default=(), description="The alerts of these rules alone; empty for all.")
    cameras: tuple[Name, ...] = Field(default=(), description="What is of these cameras alone; empty for all.")
    schedule: tuple[WrittenHours, ...] = Field(
        default=(),
        description="The hours of the week at which this route is taken, in local time; empty for always.",
    )
    resolved: Switch = Field(default=False, description="Whether it is told, too, that something is over.")
    escalate: tuple[EscalationSection, ...] = Field(
        default=(),
        description="Who is told where nobody acknowledges an alert.",
    )

    @field_validator("to")
    @classmethod
    def _leads_somewhere(cls, to: tuple[str, ...]) -> tuple[str, ...]:
        return _somebody(to)


class NotifyLimitSection(Section):
    """How many messages a target gets at most."""

    messages: Annotated[Count, Field(ge=1, le=1000)] = Field(
        default=6, description="The most messages within `per`; what is more waits, and is then one message."
    )
    per: Annotated[Seconds, DURATION.within(60, 86_400)] = Field(default=600.0, description="The time it counts for.")


class NotifySection(Section):
    """Who is told of alerts and troubles, on the phone or by mail; nobody, unless targets are named."""

    targets: dict[Name, NotifyTargetSection] = Field(default={}, description="Who is told, by name.")
    routes: dict[Name, NotifyRouteSection] = Field(
        default={}, description="What goes to whom, by name, the first come first; without any, all is told to all."
    )
    language: Text = Field(
        default="en", description="The language of messages: en, de, or the path of a file of texts of your own."
    )
    group: Annotated[Seconds, DURATION.within(0, 3600)] = Field(
        default=60.0, description="What comes within so long after a message to a target is one message."
    )
    limit: NotifyLimitSection = Field(
        default=NotifyLimitSection(), description="How many messages a target gets at most."
    )
    heartbeat: Text | None = Field(
        default=None,
        description="An address that is fetched each minute while all cameras deliver pictures, so that somebody else "
        "notices when they do not.",
        examples=["https://hc-ping.example.org/ward-3"],
    )

    page: Text | None = Field(
        default=None,
        description="The address at which phones reach the web page of this device; with it, a message about an alert "
        "has a link by which the alert is acknowledged.",
        examples=["https://ward.lan:8443"],
    )

    week_page: tuple[Name, ...] = Field(
        default=(),
        description="Names of targets that `edge-fer report --week --mail` sends the page of a week to; addresses of "
        "mail, with `detail: full`.",
        examples=[["manager"]],
    )

    @field_validator("page")
    @classmethod
    def _leads_to_a_page(cls, address: str | None) -> str | None:
        if address is not None:
            try:
                parts = urlsplit(address)
                safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)
                good = safe and bool(parts.hostname) and parts.port != 0
            except ValueError:
                good = False
            plain = good and parts.path in {"", "/"} and not {"@", "?", "#"} & set(address)
            if not plain or not address.isascii() or any(sign.isspace() for sign in address):
                refuse("is no address of the page", "Write https://, the host, and the port where it is not 443")
        return address

    @field_validator("language")
    @classmethod
    def _known_language(cls, language: str) -> str:
        if language not in {"en", "de"} and not Path(language).is_absolute():
            refuse("is no language that edge-fer has", "Write en, de, or the whole path of a file of texts")
        return language

    @field_validator("heartbeat")
    @classmethod
    def _can_be_pinged(cls, address: str | None) -> str | None:
        if address is not None:
            try:
                parts = urlsplit(address)
                good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
            except ValueError:
                good = False
            if not good or not address.isascii() or any(sign.isspace() for sign in address):
                refuse("is no address that can be fetched", "Write one that begins with http:// or https://")
        return address

    @model_validator(mode="after")
    def _routes_lead_to_targets(self) -> NotifySection:
        for name, route in self.routes.items():
            named: list[tuple[tuple[str | int, ...], str]] = [
                (("routes", name, "to", index), to) for index, to in enumerate(route.to)
            ]
            named += [
                (("routes", name, "escalate", step, "to", index), to)
                for step, escalation in enumerate(route.escalate)
                for index, to in enumerate(escalation.to)
            ]
            for path, to in named:
                if to not in self.targets:
                    remedy = did_you_mean(to, self.targets) or "Name one of `notify.targets`"
                    refuse("is no target", remedy, at=[path])
        for index, name in enumerate(self.week_page):
            self._may_get_a_page(("week_page", index), name)
        return self

    def _may_get_a_page(self, path: tuple[str | int, ...], name: str) -> None:
        target = self.targets.get(name)
        if target is None:
            refuse("is no target", did_you_mean(name, self.targets) or "Name one of `notify.targets`", at=[path])
        elif target.detail != "full":
            what = "gets a page that says more than the place, but has `detail: place`"
            refuse(what, f"Write `detail: full` into `notify.targets.{name}`, or name another target", at=[path])
        elif target.url is not None and not target.url.lower().startswith(("mailto://", "mailtos://")):
            refuse("has no address of mail, and a page goes by mail alone", "Name a target with a mailto://", at=[path])
