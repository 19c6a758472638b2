"""The command `note`: the page tells what was done there (logins, accounts, own pictures) for `audit`. Not for MQTT."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from edge_fer.contract.messages.commands import Request, Response

__all__ = ["NoteRequest", "NoteResponse", "Noted"]

#: What can be told.
Noted = Literal[
    "login", "login_refused", "logout", "account_put", "account_role", "account_removed", "own_picture", "backup"
]


class NoteRequest(Request):
    """`note`: what happened to a login or an account of the page, or that a picture is read there."""

    event: Noted = Field(description="What happened.")
    about: Annotated[str, Field(max_length=64)] = Field(
        default="", description="The account that it is about, where that is not whoever asks."
    )
    times: Annotated[int, Field(ge=1)] = Field(default=1, description="How often since the last such note.")


class NoteResponse(Response):
    """`response/note`: it is noted."""
