"""The words of notifications, one file a language, and how a message is made of what waits. Pure but for the file."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from string import Formatter
from typing import Any

from edge_fer.errors import ConfigError
from edge_fer.notify.items import SEVERITIES, ItemKind, NotifyItem
from edge_fer.support.files import read_file
from edge_fer.support.harmless import harmless
from edge_fer.values.plain_words import condition_words, label_texts, measured_numbers

__all__ = ["LANGUAGES", "NotifyMessage", "NotifyTexts"]

_FOLDER = Path(__file__).parent / "texts"
#: The languages that come with edge-fer.
LANGUAGES = tuple(sorted(file.stem for file in _FOLDER.glob("*.toml")))
#: Bytes of a file of texts.
_LARGEST = 65_536
#: Lines of a message, so that a phone shows it and every service takes it.
_MOST_LINES = 20
_ABOUT_ALERTS = (ItemKind.FIRING, ItemKind.ESCALATED)


@dataclass(frozen=True, slots=True)
class NotifyMessage:
    """What a target is sent.

    Attributes:
        title: in a few words.
        text: a line for each place, or for each rule of it.
        severity: of the most serious thing in it.
        kind: what the most serious thing in it is.
    """

    title: str
    text: str
    severity: str
    kind: ItemKind


class NotifyTexts:
    """Makes messages in one language.

    Args:
        language: `en`, `de`, or the path of a file like those in the folder `texts`.
        place: what this device calls itself, for what is about no single camera.
        zone: of the times.

    Raises:
        ConfigError: the file cannot be read, or has a text that cannot be used.
    """

    def __init__(self, language: str, *, place: str, zone: tzinfo | None = None) -> None:
        english = _read(_FOLDER / "en.toml")
        file = _FOLDER / f"{language}.toml" if language in LANGUAGES else Path(language)
        self._texts = english if language == "en" else {**english, **_checked(_read(file), english, file)}
        self._place = harmless(place)
        self._zone = zone

    def test(self) -> NotifyMessage:
        """A message that only tries the way."""
        title = self._say("test_title", place=self._place)
        return NotifyMessage(title, self._say("test"), "info", ItemKind.RECOVERED)

    def message(self, items: Sequence[NotifyItem], *, now: float, lost: int = 0) -> NotifyMessage:
        """One message of all that waits for a target.

        Args:
            items: in the order in which they are to be told, at least one.
            now: seconds since 1970.
            lost: how many could not be delivered before.
        """
        if items[0].kind is ItemKind.PAGE:
            return self._week(items[0], lost)
        groups: dict[tuple[object, ...], list[NotifyItem]] = {}
        for item in items:
            groups.setdefault(_group(item), []).append(item)
        lines = [self._line(group, now) for group in groups.values()]
        if len(lines) > _MOST_LINES:
            told = list(groups.values())[: _MOST_LINES - 1]
            more = len(items) - sum(map(len, told))
            lines = [*lines[: _MOST_LINES - 1], self._say("more", count=more)]
        if lost:
            lines.append(self._say("lost", count=lost))
        first = max(items, key=_weight)
        return NotifyMessage(
            self._title(list(groups.values()), len(items)), "\n".join(lines), first.severity, first.kind
        )

    def _week(self, item: NotifyItem, lost: int) -> NotifyMessage:
        """The mail with the page of a week: its few numbers, camera by camera."""
        facts = item.facts
        days = {name: f"{date.fromisoformat(facts[name]):{self._texts['date']}}" for name in ("first", "last")}
        cameras = facts["cameras"][:_MOST_LINES]
        lines = [self._say("week_camera", **{**one, "place": self._of(one["place"])}) for one in cameras]
        if more := len(facts["cameras"]) - len(cameras):
            lines.append(self._say("more", count=more))
        lines += [self._say("week_page"), *([self._say("lost", count=lost)] if lost else [])]
        return NotifyMessage(self._say("title_week", place=self._place, **days), "\n".join(lines), "info", item.kind)

    def _title(self, groups: Sequence[Sequence[NotifyItem]], count: int) -> str:
        names = {_TITLES[group[0].kind] for group in groups}
        cameras = {group[0].camera for group in groups}
        if len(names) > 1:
            # an alert is what people have to act on, whatever else is in the message
            names = names & {"title_alert"} or names
        if len(names) > 1:
            return self._say("title_many", count=count, place=self._place)
        place = self._of(next(iter(cameras))) if len(cameras) == 1 else self._place
        return self._say(names.pop(), place=place)

    def _line(self, group: Sequence[NotifyItem], now: float) -> str:
        """One line for things of a kind and place."""
        first, last = group[0], group[-1]
        facts = last.facts
        words = {
            "place": self._of(first.camera),
            "at": self._time(last.at, now),
            "since": self._time(first.at, now),
            "last": self._time(last.at, now),
            "count": facts.get("count", len(group)),
            "minutes": f"{facts.get('minutes', 0):g}",
            "severity": self._texts.get(last.severity, last.severity) if last.severity in SEVERITIES else last.severity,
            "rule": harmless(facts.get("rule", "")),
            "what": self._what(facts),
            "name": harmless(first.key.partition(":")[2]),
            "remedy": label_texts(self._texts["words"]).get(f"remedy_{facts.get('what')}", ""),
            "megabytes": facts.get("megabytes", ""),
            "end": self._time(facts["end"], now) if "end" in facts else "",
        }
        if first.kind in {ItemKind.TROUBLE, ItemKind.RECOVERED}:
            return self._say(f"{facts['what']}{'_over' if first.kind is ItemKind.RECOVERED else ''}", **words)
        full = "_full" if "rule" in facts else ""
        if first.kind is ItemKind.RESOLVED:
            return self._say(f"resolved{full}", **words)
        parts = [self._say(f"{'alert_again' if len(group) > 1 else 'alert'}{full}", **words)]
        if first.kind is ItemKind.ESCALATED:
            parts.append(self._say("unacknowledged", **words))
        if last.ended is not None:
            parts.append(self._say("over", at=self._time(last.ended, now)))
        elif now - last.at >= 60.0:
            parts.append(self._say("still", now=self._time(now, now)))
        # what is over needs no acknowledging
        if "link" in facts and last.ended is None and now < facts["link_ends"]:
            until = self._time(facts["link_ends"], now)
            parts.append(self._say("link", until=until, link=facts["link"]))
        return " ".join(parts)

    def _what(self, facts: Mapping[str, Any]) -> str:
        """What the rule goes by and what was measured, in the words that the page has, too."""
        when, language = facts.get("when"), self._texts["words"]
        if when is None:
            return ""
        words = harmless(condition_words(when, language))
        numbers = measured_numbers(when, float(facts["value"]), float(facts["threshold"]), language)
        if numbers is None:
            return self._say("what", condition=words)
        return self._say("what_measured", condition=words, value=numbers[0], threshold=numbers[1])

    def _of(self, camera: str) -> str:
        """A place: the device's, and which camera there."""
        return " · ".join(part for part in (self._place, harmless(camera)) if part)

    def _time(self, at: float, now: float) -> str:
        moment, today = (datetime.fromtimestamp(seconds, UTC).astimezone(self._zone) for seconds in (at, now))
        return moment.strftime(self._texts["time" if moment.date() == today.date() else "date_and_time"])

    def _say(self, name: str, /, **words: Any) -> str:
        return self._texts[name].format(**words)


_TITLES = {
    ItemKind.FIRING: "title_alert",
    ItemKind.ESCALATED: "title_alert",
    ItemKind.RESOLVED: "title_resolved",
    ItemKind.TROUBLE: "title_trouble",
    ItemKind.RECOVERED: "title_recovered",
}


def _group(item: NotifyItem) -> tuple[object, ...]:
    """What is told in one line."""
    what = item.key if item.kind in {ItemKind.TROUBLE, ItemKind.RECOVERED} else item.facts.get("rule")
    return item.kind, item.camera, what, item.facts.get("minutes")


def _weight(item: NotifyItem) -> tuple[bool, int]:
    rank = SEVERITIES.index(item.severity) if item.severity in SEVERITIES else 0
    return item.kind in {*_ABOUT_ALERTS, ItemKind.TROUBLE}, rank


def _read(file: Path) -> Mapping[str, str]:
    try:
        found = tomllib.loads(read_file(file, _LARGEST).decode("utf-8"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        msg = f"notify.language: the texts in {file} cannot be read: {reason}"
        raise ConfigError(msg, remedy=f"Write {', '.join(LANGUAGES)}, or the path of a file of texts") from None
    return found


def _checked(texts: Mapping[str, Any], english: Mapping[str, str], file: Path) -> Mapping[str, str]:
    """Texts of others: each is known, is a text, and asks for nothing but what the English one does."""
    for name, text in texts.items():
        if name not in english or not isinstance(text, str):
            msg = f"notify.language: {file} has `{name}`, which is no text of ours"
            raise ConfigError(msg, remedy="Take it out, or see en.toml for the names")
        if name == "words" and text not in LANGUAGES:
            msg = f"notify.language: {file} has `words`, which is no language of ours"
            raise ConfigError(msg, remedy=f"Write {' or '.join(LANGUAGES)}: conditions of alerts are told in it")
        try:
            strange = set(_fields(text)) - _allowed(name, english)
            is_formatted = any(form or conversion for _, _, form, conversion in Formatter().parse(text))
        except ValueError as error:
            msg = f"notify.language: the text `{name}` in {file} has braces that do not fit: {error}"
            raise ConfigError(msg, remedy="Write {{ for a brace, and see en.toml for what may stand in them") from None
        if is_formatted:
            msg = f"notify.language: the text `{name}` in {file} has a `:` or `!` within braces"
            raise ConfigError(msg, remedy="Write the name alone, such as {place}")
        if strange:
            msg = f"notify.language: the text `{name}` in {file} asks for `{{{min(strange)}}}`, which it cannot have"
            allowed = ", ".join(f"{{{field}}}" for field in sorted(_allowed(name, english))) or "nothing"
            raise ConfigError(msg, remedy=f"It may ask for {allowed}")
    return texts


def _allowed(name: str, english: Mapping[str, str]) -> set[str]:
    return set(_fields(english[name]))


def _fields(text: str) -> Iterable[str]:
    return [field for _, field, *_ in Formatter().parse(text) if field is not None]
