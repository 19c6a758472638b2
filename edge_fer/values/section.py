"""What all sections of the config have in common."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

__all__ = ["Count", "Name", "Section", "Switch", "Text"]

# strict: in a file, 1 is no switch and true is no number
Switch: TypeAlias = Annotated[bool, Field(strict=True)]
Count: TypeAlias = Annotated[int, Field(strict=True)]
Text: TypeAlias = Annotated[str, StringConstraints(min_length=1)]
#: What a node, a camera or an alert may be called: names become parts of MQTT topics.
Name: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class Section(BaseModel):
    """A part of the config: frozen, and refusing what it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=())
