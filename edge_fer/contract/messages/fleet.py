"""What a node and the operator of its fleet tell one another: configs that are wanted, and certificates."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from edge_fer.contract.messages.base import VERSION, ForeignMoment, Message, Part

__all__ = [
    "CertificateIssued",
    "CertificateRequest",
    "CertificateWanted",
    "ConfigFault",
    "ConfigReported",
    "DesiredConfig",
    "desired_text",
    "revision_of",
]


class _FromOperator(BaseModel):
    """What every message of the operator has. Later versions may add fields."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, allow_inf_nan=False)

    v: Literal[1] = Field(description="Version of this contract.")


class DesiredConfig(_FromOperator):
    """`config/desired`: a config that is wanted of a node, or of the nodes of a group. Retained."""

    revision: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")] = Field(
        description="What this state of it is called; the node reports it once it is in force."
    )
    by: Annotated[str, Field(max_length=200)] = Field(default="", description="Who asked for it, for `audit`.")
    config: dict[str, JsonValue] = Field(description="Sections as in the config file; empty: nothing is wanted.")


class CertificateWanted(_FromOperator):
    """`certificate/wanted`: asks for a request for a new certificate. Retained."""

    ends_after: ForeignMoment = Field(description="A certificate that ends by then is to be renewed now.")


class CertificateIssued(_FromOperator):
    """`certificate/issued`: the certificate that a node has asked for. Retained."""

    certificate: Annotated[str, Field(max_length=16_384)] = Field(description="The certificate in PEM.")


class ConfigFault(Part):
    """Something that is wrong with a wanted config."""

    layer: str = Field(description="Where it stands: `desired` and a scope.")
    key: str = Field(description="The key in the config; empty: the whole.")
    problem: str = Field(description="What is wrong with it.")
    remedy: str = Field(description="What to do about it.")


class ConfigReported(Message):
    """`config/reported`: which config is in force, and what is wrong with what is wanted. Retained."""

    hash: str = Field(description="As `config_hash` in `info`: differs where the config in force does.")
    layers: list[str] = Field(description="Where the config in force comes from, the lowest first.")
    desired: dict[str, str] = Field(
        description="The revisions of wanted configs that are in force, by scope: `all`, `group:` and a name, or the "
        "node's name."
    )
    refused: dict[str, str] = Field(description="The revisions that are wanted and not in force, by scope.")
    faults: list[ConfigFault] = Field(description="Why not; empty: nothing is wrong.")


class CertificateRequest(Message):
    """`certificate/request`: asks for a new certificate, for a key that never leaves the device. Retained."""

    request: str = Field(description="The request (PKCS #10) in PEM.")
    ends: ForeignMoment | None = Field(description="When the present certificate ends; null: that cannot be read.")


def revision_of(config: Mapping[str, Any]) -> str:
    """What a state of a wanted config is called: 16 hex digits that differ where it does."""
    text = json.dumps(config, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def desired_text(config: Mapping[str, Any], by: str) -> dict[str, Any]:
    """A wanted config as it is published."""
    return {"v": VERSION, "revision": revision_of(config), "by": by, "config": dict(config)}
