from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from edge_fer.contract.link_status import LinkStatus
from edge_fer.contract.messages import (
    CameraHealth,
    CameraInfo,
    FrameWork,
    MessageKind,
    ModelInfo,
    PrivacyInfo,
    StageLatency,
    restamp,
    rfc3339,
    seal,
)
from edge_fer.contract.trouble import Trouble
from edge_fer.types import (
    UNCERTAIN,
    AlertChange,
    AlertState,
    AttributeValue,
    Distress,
    Doubt,
    Event,
    EventKind,
    Instant,
    Quality,
    QualityFault,
    Resolution,
    SignalState,
    Standing,
    Summary,
    SummaryNumbers,
)
from tests import mqtt_page
from tests.invented import at, emotion_reading
from tests.mqtt.kit import COMPOSER, alert, alert_event, event, scene
from tests.mqtt.schemas import SCHEMAS, sealed, valid

#: Fields that came later, and are not there where they would say nothing.
MAY_BE_LEFT_OUT = {"event": {"attribute", "value", "attributes"}, "state": {"attributes"}}
#: The schemas as they were before 0.2.0.
STORED = json.loads(Path(__file__).with_name("version-1.json").read_text(encoding="utf-8"))


def open_to_more(schema):
    """The schema as its readers are told to take it: more fields may come."""
    if isinstance(schema, dict):
        return {key: open_to_more(value) for key, value in schema.items() if key != "additionalProperties"}
    return [open_to_more(item) for item in schema] if isinstance(schema, list) else schema


@pytest.mark.parametrize("kind", sorted({*STORED} - {kind for kind in STORED if kind.startswith("command/")}))
def test_readers_of_before_0_2_0_read_every_message(kind):
    jsonschema.Draft202012Validator(open_to_more(STORED[kind])).validate(mqtt_page.examples()[kind])


@pytest.mark.parametrize("kind", sorted(kind for kind in STORED if kind.startswith("command/")))
def test_requests_of_before_0_2_0_are_still_requests(kind):
    asked = mqtt_page.examples()[kind]
    known = {name: value for name, value in asked.items() if name in STORED[kind]["properties"]}
    jsonschema.Draft202012Validator(STORED[kind]).validate(known)
    jsonschema.Draft202012Validator(SCHEMAS[kind]).validate(known)


def test_schemas_are_sound_and_describe_every_field():
    verbs = {"ping", "reload", "pause", "resume", "acknowledge", "silence", "set"}
    asked = {f"{way}/{verb}" for way in ("command", "response") for verb in verbs}
    assert set(SCHEMAS) == {"info", "health", "state", "alert", "event", "alert_event", "summary", "audit"} | asked
    for kind, schema in SCHEMAS.items():
        jsonschema.Draft202012Validator.check_schema(schema)
        parts = schema.get("$defs", {})
        for part in [schema, *(part for part in parts.values() if "properties" in part)]:
            assert part["additionalProperties"] is False, kind
            if not kind.startswith("command/"):
                sparse = MAY_BE_LEFT_OUT.get(kind, set()) if part is schema else set()
                assert set(part["required"]) == set(part["properties"]) - sparse, f"{kind}: every other is there"
            for name, field in part["properties"].items():
                described = field if "description" in field else parts[field["$ref"].rpartition("/")[2]]
                assert described.get("description"), f"{kind}.{name} says nothing about itself"


def with_others(**values):
    told = emotion_reading("front", "x", at(0), "happy", 0.9, {"happy": 0.9, "sad": 0.1}, Quality(0.9))
    return replace(told, attributes={**told.attributes, **values})


MASK = AttributeValue("with", 0.87654, {"with": 0.87654, "without": 0.12346})


@pytest.mark.parametrize("kind", [kind for kind in EventKind if kind is not EventKind.CHANGED])
def test_a_reader_of_before_understands_every_event_without_attributes(kind):
    previous = "sad" if kind is EventKind.EMOTION_CHANGED else None
    found = valid("event", sealed(COMPOSER.event(Event(kind, with_others(), at(0), 1.0, previous)), at(0)))
    jsonschema.validate(found, STORED["event"])
    assert found.keys() == STORED["event"]["properties"].keys(), "nothing more is sent"


def test_a_reader_of_before_understands_every_state_without_attributes():
    found = valid("state", COMPOSER.state(scene(at(0))).model_dump_json())
    jsonschema.validate(found, STORED["state"])
    assert found.keys() == STORED["state"]["properties"].keys(), "nothing more is sent"


def test_what_has_attributes_tells_them():
    told = {"value": "with", "confidence": 0.8765, "scores": {"with": 0.8765, "without": 0.1235}}
    age = {"value": 31.5, "confidence": None, "scores": {}}
    seen = with_others(mask=MASK, age=AttributeValue(31.5))
    appeared = valid("event", sealed(COMPOSER.event(Event(EventKind.APPEARED, seen, at(0), 0.0)), at(0)))
    assert appeared["attributes"] == {"mask": told, "age": age}
    assert not {"attribute", "value"} & appeared.keys()
    changed = Event(EventKind.CHANGED, seen, at(0), 1.0, "without", "mask")
    found = valid("event", sealed(COMPOSER.event(changed), at(0)))
    assert [found[key] for key in ("event_type", "attribute", "value", "previous", "confidence", "emotion")] == [
        "changed",
        "mask",
        "with",
        "without",
        0.8765,
        "happy",
    ]
    older = Event(EventKind.CHANGED, seen, at(0), 1.0, 30.0, "age")
    found = valid("event", sealed(COMPOSER.event(older), at(0)))
    assert [found[key] for key in ("attribute", "value", "previous", "confidence")] == ["age", 31.5, 30.0, None]
    room = replace(scene(at(0)), attributes={"room": MASK})
    assert valid("state", COMPOSER.state(room).model_dump_json())["attributes"] == {"room": told}


def test_event():
    found = valid("event", sealed(event(at(1.5), duration=2.5), at(1.5), seq=7))
    assert found == {
        "v": 1,
        "node": "counter-1",
        "site": "main-street",
        "ts": "2026-01-01T00:00:01.500Z",
        "clock_synced": True,
        "camera": "front",
        "event_type": "appeared",
        "track_id": "a1b2",
        "emotion": "happy",
        "previous": None,
        "confidence": 0.8123,
        "scores": {"happy": 0.8123, "sad": 0.1877},
        "quality": 0.9,
        "quality_faults": [],
        "duration_s": 2.5,
        "doubt": None,
        "seq": 7,
        "replayed": False,
    }


def test_event_of_a_face_that_was_never_read():
    quality = Quality(0.0, (QualityFault.TOO_SMALL, QualityFault.BLURRED))
    reading = emotion_reading("front", "x", at(0), UNCERTAIN, 0.0, {}, quality)
    draft = COMPOSER.event(Event(EventKind.EMOTION_CHANGED, reading, at(0), 1.0, previous="happy"))
    found = valid("event", sealed(draft, at(0)))
    assert found["emotion"] == "uncertain"
    assert found["previous"] == "happy"
    assert found["scores"] == {}
    assert found["quality_faults"] == ["too_small", "blurred"]
    assert found["doubt"] is None


def test_event_of_a_face_torn_between_two_emotions():
    reading = emotion_reading("front", "x", at(0), UNCERTAIN, 0.5, {"angry": 0.5, "sad": 0.5}, Quality(1.0), Doubt.TORN)
    draft = COMPOSER.event(Event(EventKind.EMOTION_CHANGED, reading, at(0), 1.0, previous="happy"))
    found = valid("event", sealed(draft, at(0)))
    assert (found["emotion"], found["quality_faults"], found["doubt"]) == ("uncertain", [], "torn")


def test_an_event_kept_by_a_version_that_knew_no_doubt_can_be_sent():
    kept = event(at(0)).model_dump(mode="json")
    del kept["doubt"]
    assert json.loads(seal(json.dumps(kept), seq=1, replayed=True, at=at(1)))["emotion"] == "happy"


@pytest.mark.parametrize("resolved", [False, True])
def test_alert_event(resolved):
    found = valid("alert_event", sealed(alert_event(at(9), since=at(5), resolved=resolved), at(9)))
    assert found["event_type"] == ("resolved" if resolved else "firing")
    assert found["since"] == "2026-01-01T00:00:05.000Z"
    assert found["value"] == 0.7123
    assert found["alert_id"] == "f00d"


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([], "inactive"),
        ([AlertState.PENDING], "pending"),
        ([AlertState.PENDING, AlertState.FIRING], "firing"),
    ],
)
def test_alert_status_is_the_furthest_of_its_alerts(states, expected):
    alerts = [alert(at(3), state=state) for state in states]
    found = valid(
        "alert", COMPOSER.alert_status("front", "unhappy-guest", Standing(tuple(alerts)), at(4)).model_dump_json()
    )
    assert found["state"] == expected
    assert [instance["state"] for instance in found["alerts"]] == [state.value for state in states]


def test_an_inactive_alert_has_nothing_to_tell():
    with pytest.raises(ValueError, match="inactive"):
        COMPOSER.alert_status("front", "r", Standing((alert(at(0), state=AlertState.INACTIVE),)), at(0))


@pytest.mark.parametrize("people", [0, 3])
def test_state(people):
    found = valid("state", COMPOSER.state(scene(at(0), people)).model_dump_json())
    assert found["people"] == people
    assert found["mood"] == ("happy" if people else None)


SEEN = SummaryNumbers(4, 100.0, 80.0, {"happy": 30.0, "sad": 10.0}, 60.0, 75.0, Distress.LOW, 0.25, 80.0)


def summary(numbers, length=900):
    when = at(length)
    return Summary("front", when, length, at(0).utc, when.utc, 899.99999, numbers)


def test_a_summary():
    found = valid("summary", sealed(COMPOSER.summary(summary(SEEN)), at(900)))
    assert (found["window"], found["since"], found["until"], found["ts"]) == (
        "15m", "2026-01-01T00:00:00.000Z", "2026-01-01T00:15:00.000Z", "2026-01-01T00:15:00.000Z",
    )  # fmt: skip
    assert (found["people"], found["uncertain_share"], found["difference"]) == (4, 0.6, -5.0)
    assert found["shares"] == {"happy": 0.75, "sad": 0.25}
    assert (found["held_back"], found["distress"]) == (False, "low")


def test_a_summary_that_is_held_back_tells_no_number():
    found = valid("summary", sealed(COMPOSER.summary(summary(None)), at(900)))
    told = {key for key, value in found.items() if value is not None}
    assert found["held_back"]
    assert not told & {"people", "presence_s", "attention_s", "seconds", "shares", "satisfaction", "distress", "usual"}


def test_a_summary_of_a_window_in_which_nobody_was_seen():
    empty = SummaryNumbers(0, 0.0, 0.0, {"happy": 0.0}, 0.0, None, None, None, None)
    found = valid("summary", sealed(COMPOSER.summary(summary(empty)), at(900)))
    assert (found["shares"], found["uncertain_share"], found["satisfaction"]) == ({"happy": 0.0}, 0.0, None)


def test_a_window_is_put_right_with_the_clock():
    late = Instant(900.0, at(900).utc, synced=False)
    unsure = Summary("front", late, 900, at(0).utc, at(900).utc, 900.0, SEEN)
    found = json.loads(sealed(COMPOSER.summary(unsure), Instant(900.0, at(4500).utc)))
    assert (found["since"], found["until"]) == ("2026-01-01T01:00:00.000Z", "2026-01-01T01:15:00.000Z")


def test_info_and_health():
    info = COMPOSER.info(
        at(0),
        version="0.1.0",
        model=ModelInfo(name="m", sha256="0" * 64, runtime="r 1", labels=["happy", "sad"], scores={"accuracy": 0.61}),
        detector="haar",
        cameras={"front": CameraInfo(source="/dev/video0", kind="usb", size=(1280, 720))},
        privacy=PrivacyInfo(
            pictures_published=False, events_published=False, k_minimum=5, sinks={"mqtt": ["summaries"]}
        ),
    )
    found = valid("info", info.model_dump_json())
    assert found["privacy"] == {
        "pictures_published": False,
        "events_published": False,
        "k_minimum": 5,
        "live": "never",
        "recent": False,
        "sinks": {"mqtt": ["summaries"]},
    }
    assert found["cameras"]["front"]["size"] == [1280, 720]
    camera = CameraHealth(
        online=True, fps=9.87654, fps_limit=2.5, frames=10, skipped=20, dropped=1, stalls=0, losses=0,
        work=FrameWork(rested=7, followed=2, detected=1),
        latency_ms={"detect": StageLatency(median=20.1, p95=31.0)},
    )  # fmt: skip
    health = COMPOSER.health(
        at(0),
        uptime=12.3456,
        rss=10**8,
        temperature=None,
        throttling=None,
        cameras={"front": camera},
        link=LinkStatus(depth=3, oldest=1.5, last_trouble=Trouble.QUOTA),
    )
    found = valid("health", health.model_dump_json())
    assert found["cameras"]["front"]["fps"] == 9.8765
    assert found["outbox"] == {
        "depth": 3,
        "bytes": 0,
        "oldest_s": 1.5,
        "dropped": {"summary": 0, "event": 0, "alert_event": 0},
        "damaged": 0,
    }
    assert found["mqtt"] == {
        "connected": False,
        "connections": 0,
        "protocol": "5",
        "refusals_seen": True,
        "last_setback": "quota",
        "broker_certificate_ends": None,
        "client_certificate_ends": None,
    }
    assert set(found["outbox"]["dropped"]) == {kind.value for kind in MessageKind}


def test_what_is_not_described_is_refused():
    with pytest.raises(ValidationError, match="face_picture"):
        CameraInfo(source="x", kind="usb", size=None, face_picture="…")


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001 - given a zone below
def test_moments_are_rfc_3339_with_milliseconds(naive):
    utc = naive.replace(tzinfo=UTC)
    text = rfc3339(utc)
    assert text.endswith("Z")
    assert timedelta(0) <= utc - datetime.fromisoformat(text) < timedelta(milliseconds=1)


def test_a_clock_put_right_moves_every_moment_along():
    wrong = Instant(100.0, datetime(1970, 1, 1, 0, 1, tzinfo=UTC), synced=False)
    right = Instant(100.0, datetime(2026, 1, 1, 12, 0, tzinfo=UTC))
    found = valid("alert_event", sealed(alert_event(wrong, since=wrong.later(-4)), right))
    assert found["ts"] == "2026-01-01T12:00:00.000Z"
    assert found["since"] == "2026-01-01T11:59:56.000Z"
    assert found["clock_synced"] is True
    status = COMPOSER.alert_status("front", "r", Standing((alert(wrong.later(-4)),)), wrong).model_dump_json()
    found = valid("alert", restamp(status, right))
    assert found["alerts"][0]["since"] == "2026-01-01T11:59:56.000Z"


def test_a_moment_known_all_along_stays_as_it_is():
    draft = alert_event(at(9.1234), since=at(5))
    assert json.loads(restamp(draft.model_dump_json(), at(9.1234))) == draft.model_dump(mode="json")


def test_alert_status_tells_silence_schedule_and_signal():
    standing = Standing(silenced=True, silenced_until=at(60).utc, in_schedule=False, signal=SignalState.STALE)
    found = valid("alert", COMPOSER.alert_status("front", "pulse", standing, at(4)).model_dump_json())
    assert (found["silenced"], found["silenced_until"]) == (True, "2026-01-01T00:01:00.000Z")
    assert (found["in_schedule"], found["signal"]) == (False, "stale")


def test_an_alert_of_the_scene_has_no_track_and_its_end_has_a_reason():
    of_scene = replace(alert(at(0)), track_id=None, acknowledged=True)
    change = AlertChange(True, of_scene, at(9), Resolution.UNCLEAR, SignalState.MISSING)
    found = valid("alert_event", sealed(COMPOSER.alert_event(change), at(9)))
    assert (found["track_id"], found["reason"], found["acknowledged"]) == (None, "unclear", True)
    assert found["signal"] == "missing"


def test_the_end_of_a_silence_moves_along_with_a_clock_put_right():
    wrong = Instant(100.0, datetime(1970, 1, 1, 0, 1, tzinfo=UTC), synced=False)
    right = Instant(100.0, datetime(2026, 1, 1, 12, 0, tzinfo=UTC))
    standing = Standing(silenced=True, silenced_until=wrong.later(60).utc)
    status = COMPOSER.alert_status("front", "r", standing, wrong).model_dump_json()
    assert valid("alert", restamp(status, right))["silenced_until"] == "2026-01-01T12:01:00.000Z"


def test_a_clock_that_is_put_right_moves_what_it_said_and_no_end_of_a_certificate():
    end = "2027-01-01T00:00:00.000Z"
    body = json.dumps({"ts": rfc3339(at(0).utc), "clock_synced": False, "since": end, "broker_certificate_ends": end})
    now = replace(at(0), utc=at(0).utc + timedelta(days=1), synced=True)
    moved = json.loads(restamp(body, now))
    assert moved["since"] == "2027-01-02T00:00:00.000Z"
    assert moved["broker_certificate_ends"] == end
