"""The command `configure`: it sets parts of the config that are made of several values. Not for MQTT."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, JsonValue

from edge_fer.contract.messages.base import Part
from edge_fer.contract.messages.commands import Request, Response

__all__ = ["ConfigureRequest", "ConfigureResponse", "ConfigureResult"]


class ConfigureRequest(Request):
    """`configure`: sets a part of the config that is made of several values, over restarts, too."""

    key: Annotated[str, Field(min_length=1, max_length=300)] = Field(
        description="Its key, such as cameras.front.zones.door or alerts.queue.schedule."
    )
    value: JsonValue = Field(description="Its value as in the config file; null: as the config files have it.")


class ConfigureResult(Part):
    """A part of the config that was set."""

    key: str = Field(description="Its key.")
    old: JsonValue = Field(description="Its value before; null: it was not there.")
    new: JsonValue = Field(description="Its value now, likewise.")


class ConfigureResponse(Response):
    """What was set, and is in force or about to be."""

    result: ConfigureResult | None = Field(description="The part; null where `ok` is false.")
