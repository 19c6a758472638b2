"""The `fleet` section: what an operator of many nodes may do with this one."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from edge_fer.contract.topics import ALL_GROUPS
from edge_fer.values.section import Name, Section
from edge_fer.values.units import refuse

__all__ = ["FleetSection"]


class FleetSection(Section):
    """What an operator of many nodes may do with this one."""

    member: Literal["on", "off"] = Field(
        default="off",
        description="Whether it takes wanted configs and new certificates over MQTT; it leaves it to the broker who "
        "may send them (docs/fleet.md).",
    )
    ring: Name = Field(
        default="stable", description="In which ring of a rollout it gets a new config.", examples=["canary"]
    )
    groups: Annotated[tuple[Name, ...], Field(max_length=16)] = Field(
        default=(),
        description="Whose wanted configs it takes beside those of all nodes, the lowest first.",
        examples=[["ward"]],
    )

    @field_validator("groups")
    @classmethod
    def _each_once(cls, groups: tuple[str, ...]) -> tuple[str, ...]:
        if ALL_GROUPS in groups:
            refuse(f"holds `{ALL_GROUPS}`, in which every node is", "Leave it out")
        if len(set(groups)) < len(groups):
            refuse("names a group twice", "Name each once")
        return groups
