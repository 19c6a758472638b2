"""The screen of `edge-fer status`: from a state as JSON to lines. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from edge_fer.control.verdict import INVENTED, needs_in
from edge_fer.values.plain_words import condition_words, duration_words, label_texts, measured_words

__all__ = ["BARS", "PLAIN_BARS", "screen"]

#: What a bar is drawn with, full and empty; and where a terminal cannot show that.
BARS: Final = "█·"
PLAIN_BARS: Final = "#."
#: Length of a full bar.
_LONG = 20
#: Lines of what needs somebody.
_MOST_NEEDS: Final = 5
#: Of the terminal.
_LANGUAGE: Final = "en"
_STATES = {"firing": "FIRING", "pending": "pending", "inactive": "-"}
_SECONDS = {"d": 86_400, "h": 3600, "min": 60, "s": 1}


def screen(state: Mapping[str, Any], bar: str = BARS) -> list[str]:
    """The lines that tell how a node is.

    Args:
        state: as the control socket tells it.
        bar: what bars are drawn with, full and empty.
    """
    lines = [*_node(state), ""]
    for name, camera in state["cameras"].items():
        lines += _camera(name, camera, state["health"]["cameras"].get(name), bar, state["timezone"])
    return lines


def _node(state: Mapping[str, Any]) -> Iterator[str]:
    site = f" ({state['site']})" if state["site"] else ""
    clock = "" if state["clock_synced"] else ", clock not synchronised: times may be wrong (timedatectl tells why)"
    zone = state["timezone"]
    up = f"up {_time(state['uptime_s'])}, {_clock(state['ts'], zone)} ({zone}){clock}"
    yield f"{state['node']}{site}  edge-fer {state['version']}, {up}"
    yield from _verdict(state)
    broker = state["broker"]
    if broker["connected"]:
        yield f"broker   {broker['address']}, connected"
    else:
        yield f"broker   {broker['address'] or '-'}, NOT CONNECTED{_after(': ', broker['problem'])}"
    outbox = state["health"]["outbox"]
    given_up = sum(outbox["dropped"].values())
    oldest = f", the oldest for {_time(outbox['oldest_s'])}" if outbox["oldest_s"] else ""
    lost = f"; {given_up} given up over all runs" if given_up else ""
    damaged = f"; {outbox['damaged']} damaged" if outbox["damaged"] else ""
    yield f"outbox   {_count(outbox['depth'], 'message waits', 'messages wait')}{oldest}{lost}{damaged}"
    health = state["health"]
    heat = "" if health["temperature_c"] is None else f", {health['temperature_c']:.0f} °C"
    slowed = f", SLOWED DOWN ({', '.join(health['throttling'])})" if health["throttling"] else ""
    yield f"device   {health['rss_bytes'] / 1e6:.0f} MB of memory{heat}{slowed}"
    privacy = state["privacy"]
    told = "" if privacy["events_published"] else "only summaries are told about people"
    few = f"summaries of fewer than {privacy['k_minimum']} people are held back" if privacy["k_minimum"] > 1 else ""
    if told or few:
        yield f"privacy  {'; '.join(part for part in (told, few) if part)}"


def _verdict(state: Mapping[str, Any]) -> Iterator[str]:
    """Whether all is well, or what needs somebody."""
    t, needs = label_texts(_LANGUAGE), needs_in(state)
    if not needs:
        yield t["well"]
        return
    yield t["needs_one"] if len(needs) == 1 else t["needs"].format(count=len(needs))
    for need in needs[:_MOST_NEEDS]:
        yield f"  {t[f'need_{need.what}'].format(name=need.name, **need.facts)}. {t[f'remedy_{need.what}']}."


def _camera(
    name: str, camera: Mapping[str, Any], health: Mapping[str, Any] | None, bar: str, zone: str
) -> Iterator[str]:
    parts = [_paused(camera, zone) if camera["paused"] else "online" if camera["online"] else "NOT THERE"]
    if camera["problem"]:
        parts[0] += f": {camera['problem']}"
    if health and camera["online"]:
        parts.append(f"{health['fps']:.1f} frames a second")
    if camera["view"] not in {None, "clear"}:
        parts.append(f"its view is {camera['view'].upper()}")
    if camera["people"] is not None:
        parts.append(_count(camera["people"], "person", "people"))
    if camera["mood"]:
        parts.append(camera["mood"])
    if camera["satisfaction"] is not None:
        parts.append(f"satisfaction {camera['satisfaction']:.0f}")
    yield f"{name}  {', '.join(parts)}"
    if camera["source"].startswith(INVENTED):
        yield "  The people are invented: there is no camera, and the recording of the demo plays."
    for person in camera["seen"] or ():
        yield f"  {person['track_id']}  {_reading(person, bar)}"
    for rule in camera["rules"] or ():
        yield from _rule(rule, zone)
    yield ""


def _paused(camera: Mapping[str, Any], zone: str) -> str:
    until = f" until {_clock(camera['paused_until'], zone)}" if camera["paused_until"] else ""
    return f"PAUSED{until}" + (f" ({camera['pause_reason']})" if camera["pause_reason"] else "")


def _reading(person: Mapping[str, Any], bar: str) -> str:
    others = (f"{name} {_value(known)}" for name, known in person["attributes"].items())
    return ", ".join([_emotion(person, bar), *others])


def _value(known: Mapping[str, Any]) -> str:
    if known["confidence"] is None:
        return f"{known['value']:g}"
    return f"{known['value']} {100 * known['confidence']:.0f} %"


def _emotion(person: Mapping[str, Any], bar: str) -> str:
    why = ", ".join(person["quality_faults"]) or person["doubt"]
    if why:
        return f"{person['emotion']:<9} ({why})"
    full = round(_LONG * person["confidence"])
    drawn = bar[0] * full + bar[1] * (_LONG - full)
    return f"{person['emotion']:<9} {drawn} {100 * person['confidence']:.0f} %"


def _rule(rule: Mapping[str, Any], zone: str) -> Iterator[str]:
    until = f" until {_clock(rule['silenced_until'], zone)}" if rule["silenced_until"] else ""
    silenced = f", silenced{until}" if rule["silenced"] else ""
    hours = "" if rule["in_schedule"] else ", outside its hours"
    signal = "" if rule["signal"] in {None, "fresh"} else f", its signal is {rule['signal']}"
    beside = f"{silenced}{hours}{signal}"
    if not rule["alerts"]:
        if beside:
            yield f"  {_STATES['inactive']:8} {rule['rule']}{beside}"
        return
    for alert in rule["alerts"]:
        who = f" {alert['track_id']}" if alert["track_id"] else ""
        known = ", acknowledged" if alert["acknowledged"] else ""
        measured = measured_words(rule["when"], alert["value"], alert["threshold"], _LANGUAGE)
        lasts = f", for {duration_words(rule['for'], _LANGUAGE)}" if rule["for"] not in {"0s", "0"} else ""
        # the numbers first: a narrow terminal cuts what is long
        why = f"{measured}{': ' if measured else ''}{condition_words(rule['when'], _LANGUAGE)}{lasts}"
        since = f"since {_clock(alert['since'], zone)}"
        yield f"  {_STATES[alert['state']]:8} {rule['rule']}{who}, {alert['severity']}, {since}{known}{beside}"
        yield f"           {why} (alert {alert['id']})"


def _clock(moment: str, zone: str) -> str:
    """The time of day of a moment at the place; in UTC, and saying so, where this device does not know its zone."""
    try:
        return f"{datetime.fromisoformat(moment).astimezone(ZoneInfo(zone)):%H:%M:%S}"
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"{moment[11:19]} UTC"


def _time(seconds: float) -> str:
    """A duration in the two largest units that it has."""
    left = int(seconds)
    parts = []
    for unit, length in _SECONDS.items():
        count, left = divmod(left, length)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def _count(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"


def _after(sign: str, text: str) -> str:
    return f"{sign}{text}" if text else ""
