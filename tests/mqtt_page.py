"""Makes the part of `docs/mqtt.md` that follows from the messages: `python -m tests.mqtt_page` after changing them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from edge_fer.config.values.units import FROM_FILE
from edge_fer.contract.composer import Composer
from edge_fer.contract.messages import (
    CameraHealth,
    CameraInfo,
    FrameWork,
    Message,
    ModelInfo,
    PrivacyInfo,
    StageLatency,
    rfc3339,
    schemas,
    seal,
)
from edge_fer.contract.messages.base import Part
from edge_fer.contract.messages.commands import (
    REQUESTS,
    AcknowledgedAlert,
    AcknowledgeResult,
    CamerasResult,
    PingResult,
    SetResult,
    SilencedRule,
    SilenceResult,
)
from edge_fer.mqtt.status import LinkStatus
from edge_fer.types import (
    Alert,
    AlertChange,
    AlertState,
    Distress,
    Event,
    EventKind,
    Scene,
    Standing,
    Summary,
    SummaryNumbers,
)
from tests.invented import at, reading

PAGE = Path(__file__).resolve().parents[1] / "docs" / "mqtt.md"
BEGIN, END = "<!-- messages: begin -->\n", "<!-- messages: end -->\n"


def page() -> str:
    """The page with its generated part made anew."""
    text = PAGE.read_text(encoding="utf-8")
    before, after = text[: text.index(BEGIN) + len(BEGIN)], text[text.index(END) :]
    made, found = examples(), schemas()
    told = [kind for kind in found if "/" not in kind]
    asked = [f"{way}/{verb}" for verb in REQUESTS for way in ("command", "response")]
    return before + "".join(_section(found[kind], made[kind]) for kind in (*told, *asked)) + after


def examples() -> dict[str, dict[str, Any]]:
    """One message of each kind, as published."""
    say = Composer("counter-1", "main-street")
    alert = Alert(
        "5d1f0c2e9a7b4c36", "front", "unhappy-guest", "warning", "3f9a1c07", AlertState.FIRING, at(8), 0.71, 0.6
    )
    changed = Event(
        EventKind.EMOTION_CHANGED, reading(12, "happy", 0.88, who="3f9a1c07", camera="front"), at(12), 6.4, "neutral"
    )
    model = ModelInfo(
        name="mobilenet_v1",
        sha256="0" * 64,
        runtime="ai_edge_litert 2.3.0",
        labels=["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"],
        scores={"public.ferplus": 0.8},
    )
    camera = CameraInfo(source="/dev/video0", kind="device", size=(1280, 720))
    doing = CameraHealth(
        online=True,
        fps=10.0,
        fps_limit=10.0,
        frames=36000,
        skipped=72000,
        dropped=12,
        work=FrameWork(rested=29000, followed=4400, detected=2588),
        stalls=0,
        losses=1,
        latency_ms={"detect": StageLatency(median=31.2, p95=40.8)},
    )
    health = say.health(
        at(3600),
        uptime=3600,
        rss=118_000_000,
        temperature=54.5,
        throttling=[],
        cameras={"front": doing},
        link=LinkStatus(connected=True),
    )
    private = PrivacyInfo(pictures_published=False, events_published=True, k_minimum=1)
    info = say.info(at(0), version="0.1.0", model=model, detector="haar", cameras={"front": camera}, privacy=private)
    return {
        "info": _plain(info),
        "health": _plain(health),
        "state": _plain(say.state(Scene("front", at(12), 2, "happy", 0.81, satisfaction=78.5))),
        "alert": _plain(say.alert_status("front", "unhappy-guest", Standing((alert,)), at(12))),
        "event": _sealed(say.event(changed), 41, at(12)),
        "alert_event": _sealed(say.alert_event(AlertChange(resolved=False, alert=alert, at=at(12))), 7, at(12)),
        "summary": _sealed(say.summary(_summary()), 96, at(900)),
        **_commands(say),
    }


def _commands(say: Composer) -> dict[str, dict[str, Any]]:
    """A request and its response for each command."""
    known = AcknowledgedAlert(camera="front", rule="unhappy-guest", alert_id="5d1f0c2e9a7b4c36")
    silenced = SilencedRule(camera="front", rule="unhappy-guest", silenced=True, silenced_until=rfc3339(at(1812).utc))
    requests: dict[str, tuple[dict[str, Any], Part | None]] = {
        "ping": ({}, PingResult(version="0.1.0", uptime_s=3600.0)),
        "reload": ({}, None),
        "pause": ({"camera": "front"}, CamerasResult(cameras=["front"])),
        "resume": ({}, CamerasResult(cameras=["front"])),
        "acknowledge": ({"alert_id": "5d1f0c2e9a7b4c36"}, AcknowledgeResult(alerts=[known])),
        "silence": ({"rule": "unhappy-guest", "for": "30m"}, SilenceResult(rules=[silenced])),
        "set": (
            {"key": "alerts.unhappy-guest.for", "value": "6s"},
            SetResult(key="alerts.unhappy-guest.for", old="4s", new="6s"),
        ),
    }
    made = {}
    for verb, (fields, result) in requests.items():
        asked = {"id": "17", **fields}
        request = REQUESTS[verb].model_validate(asked, context=FROM_FILE)
        made[f"command/{verb}"] = asked
        made[f"response/{verb}"] = _plain(say.response(verb, at(12), id=request.id, result=result))
    return made


def _summary() -> Summary:
    seconds = {"angry": 3.0, "disgust": 0.0, "fear": 0.0, "happy": 130.5, "sad": 6.0, "surprise": 4.5, "neutral": 156.0}
    numbers = SummaryNumbers(14, 412.0, 360.0, seconds, 112.0, 70.3, Distress.LOW, 0.03, 64.8)
    return Summary("front", at(900), 900, at(0).utc, at(900).utc, 900.0, numbers)


def _plain(message: Message) -> dict[str, Any]:
    return message.model_dump(mode="json")


def _sealed(draft: Message, seq: int, when: Any) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(seal(draft.model_dump_json(), seq=seq, replayed=False, at=when))
    return whole


def _section(schema: Mapping[str, Any], example: Mapping[str, Any]) -> str:
    title, _, rest = schema["description"].partition(": ")
    rows = "".join(f"| `{name}` | {kind} | {text} |\n" for name, kind, text in _rows(schema, schema, ""))
    shown = json.dumps(example, indent=2)
    table = f"| field | type | |\n|---|---|---|\n{rows}"
    return f"\n## {title}\n\n{rest[0].upper()}{rest[1:]}\n\n{table}\n```json\n{shown}\n```\n"


def _rows(part: Mapping[str, Any], whole: Mapping[str, Any], path: str) -> Iterator[tuple[str, str, str]]:
    for name, field in part["properties"].items():
        here = f"{path}{name}"
        kind, inner, step = _kind(field, whole)
        yield here, kind, field.get("description", "").replace("|", "\\|")
        if inner:
            yield from _rows(inner, whole, here + step)


def _kind(field: Mapping[str, Any], whole: Mapping[str, Any]) -> tuple[str, Mapping[str, Any] | None, str]:
    """The type in words, the object's schema where it is one, and what stands between its name and its fields'."""
    if "$ref" in field:
        field = whole["$defs"][field["$ref"].rpartition("/")[2]]
    if "anyOf" in field:
        options = [option for option in field["anyOf"] if option.get("type") != "null"]
        if len(options) == 1 and "$ref" in options[0] and len(options) < len(field["anyOf"]):
            kind, inner, step = _kind(options[0], whole)
            return f"{kind} or null", inner, step
        return " or ".join(_kind(option, whole)[0] for option in field["anyOf"]), None, ""
    if "enum" in field or "const" in field:
        return "one of " + ", ".join(field["enum"]) if "enum" in field else str(field["const"]), None, ""
    if "properties" in field:
        return "object", field, "."
    for key, word, step in (("items", "list", "[]."), ("additionalProperties", "map", ".<name>.")):
        if isinstance(field.get(key), Mapping):
            kind, inner, _ = _kind(field[key], whole)
            return f"{word} of {kind}", inner, step
    return {"array": "list"}.get(field["type"], field["type"]), None, ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
