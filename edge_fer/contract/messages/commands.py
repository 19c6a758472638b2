"""Commands and what comes of them: a request on `command/<verb>`, its response on `response/<verb>`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from edge_fer.contract.messages.base import Message, Moment, Part, Seconds
from edge_fer.values.units import DURATION
from edge_fer.values.units import Seconds as WrittenSeconds

__all__ = [
    "AcknowledgeRequest",
    "AcknowledgeResponse",
    "AcknowledgeResult",
    "AcknowledgedAlert",
    "CamerasResult",
    "ErrorCode",
    "PauseRequest",
    "PauseResponse",
    "PauseResult",
    "PingRequest",
    "PingResponse",
    "PingResult",
    "ReloadRequest",
    "ReloadResponse",
    "Request",
    "Response",
    "ResumeRequest",
    "ResumeResponse",
    "SetRequest",
    "SetResponse",
    "SetResult",
    "SilenceRequest",
    "SilenceResponse",
    "SilenceResult",
    "SilencedRule",
]

#: A value of the config that is no list and no section.
Plain: TypeAlias = str | int | float | bool | None
#: What somebody calls a camera, a rule or an alert.
Called: TypeAlias = Annotated[str, Field(min_length=1, max_length=64)]

_CAMERA = "The camera; left out: all of them."


class ErrorCode(StrEnum):
    """Why a command was not carried out."""

    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    UNKNOWN = "unknown"
    DUPLICATE = "duplicate"
    TOO_FREQUENT = "too_frequent"
    BUSY = "busy"
    REFUSED = "refused"
    FAILED = "failed"


class Request(BaseModel):
    """What every command has."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    id: Annotated[str, Field(min_length=1, max_length=64)] = Field(
        description="Your own name for this request, which its response repeats; another one each time."
    )


class PingRequest(Request):
    """`command/ping`: asks whether anybody is there."""


class ReloadRequest(Request):
    """`command/reload`: has the config read again, as `systemctl reload` does."""


class PauseRequest(Request):
    """`command/pause`: has a camera let go of, so that nothing is looked at over restarts, too."""

    camera: Called | None = Field(default=None, description=_CAMERA)
    for_: Annotated[WrittenSeconds, DURATION.within(1, 604_800)] | None = Field(
        default=None, alias="for", description="For how long, such as 2h, at most 7d; left out: until `resume`."
    )
    reason: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None,
        description="Why, such as a talk with relatives; it is told in `info`, `health` and `audit`, so name nobody.",
    )


class ResumeRequest(Request):
    """`command/resume`: ends a pause."""

    camera: Called | None = Field(default=None, description=_CAMERA)


class AcknowledgeRequest(Request):
    """`command/acknowledge`: says that somebody knows of alerts that fire; all of them, or some."""

    camera: Called | None = Field(default=None, description=_CAMERA)
    rule: Called | None = Field(default=None, description="The rule; left out: all of them.")
    alert_id: Called | None = Field(default=None, description="The one alert; left out: all that fire.")


class SilenceRequest(Request):
    """`command/silence`: has rules send no alert events for a while, over restarts, too."""

    camera: Called | None = Field(default=None, description=_CAMERA)
    rule: Called | None = Field(default=None, description="The rule; left out: all of them.")
    for_: Annotated[WrittenSeconds, DURATION.within(0, 604_800)] = Field(
        alias="for", description="For how long, such as 30m, at most 7d; 0s ends the silence."
    )


class SetRequest(Request):
    """`command/set`: sets one threshold of the config, over restarts, too."""

    key: Annotated[str, Field(min_length=1, max_length=300)] = Field(
        description="Its key, such as alerts.unhappy-guest.for or cameras.front.faces.min_size."
    )
    value: Plain = Field(description="Its value as in the config file; null: as the config files have it.")


class Response(Message):
    """`response/<verb>`: what came of a command that is none of ours."""

    id: str | None = Field(description="The request's; null: none could be read.")
    ok: bool = Field(description="Whether it was carried out.")
    error: ErrorCode | None = Field(
        description="Why not: malformed, too_large, unknown (no such command), duplicate (of an id), too_frequent, "
        "busy (ask again), refused (it cannot be), failed (see the log); null: it was."
    )
    message: str = Field(description="The same in a sentence, with what to do about it; empty: nothing is wrong.")


class PingResult(Part):
    """Who is there."""

    version: str = Field(description="Version of edge-fer.")
    uptime_s: Seconds = Field(description="Time since the daemon started, in seconds.")


class PingResponse(Response):
    """`response/ping`: that somebody is there."""

    result: PingResult | None = Field(description="Who; null where `ok` is false.")


class ReloadResponse(Response):
    """`response/reload`: whether the config is as it should be, and is taken over now."""


class CamerasResult(Part):
    """Cameras."""

    cameras: list[str] = Field(description="Their names.")


class PauseResult(CamerasResult):
    """Cameras that are paused, and until when."""

    until: Moment | None = Field(default=None, description="When that ends; null: only `resume` ends it.")


class PauseResponse(Response):
    """`response/pause`: from now on, no frame of these cameras is looked at."""

    result: PauseResult | None = Field(description="Which cameras; null where `ok` is false.")


class ResumeResponse(Response):
    """`response/resume`: these cameras are looked at again."""

    result: CamerasResult | None = Field(description="Which cameras; null where `ok` is false.")


class AcknowledgedAlert(Part):
    """An alert that somebody knows of."""

    camera: str = Field(description="Name of the camera.")
    rule: str = Field(description="Name of the rule.")
    alert_id: str = Field(description="Id of the alert.")


class AcknowledgeResult(Part):
    """What was acknowledged."""

    alerts: list[AcknowledgedAlert] = Field(description="The alerts; none, where none fired.")


class AcknowledgeResponse(Response):
    """`response/acknowledge`: which alerts were acknowledged."""

    result: AcknowledgeResult | None = Field(description="Which alerts; null where `ok` is false.")


class SilencedRule(Part):
    """How a rule stands after `silence`."""

    camera: str = Field(description="Name of the camera.")
    rule: str = Field(description="Name of the rule.")
    silenced: bool = Field(description="Whether it sends no alert events for now; by the config, too.")
    silenced_until: Moment | None = Field(description="When that ends; null: it is not silenced, or without an end.")


class SilenceResult(Part):
    """What was silenced, or is not any more."""

    rules: list[SilencedRule] = Field(description="The rules.")


class SilenceResponse(Response):
    """`response/silence`: how the rules stand now."""

    result: SilenceResult | None = Field(description="The rules; null where `ok` is false.")


class SetResult(Part):
    """A setting that was changed."""

    key: str = Field(description="Its key.")
    old: Plain = Field(description="Its value before.")
    new: Plain = Field(description="Its value now.")


class SetResponse(Response):
    """`response/set`: what was set, and is in force or about to be."""

    result: SetResult | None = Field(description="The setting; null where `ok` is false.")
