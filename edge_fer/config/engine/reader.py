"""From YAML text to entries: what was written, and where. Knows nothing of what the values mean.

The YAML is that of version 1.2 (so `no` is text, not false) without tags, built from the parser's events rather
than by a loader: every key and value keeps its line, and depth and number are bounded while reading, so that
neither deep nesting nor aliases of aliases can exhaust the machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from edge_fer.config.engine.entries import Entry, KeyPath, Scalar, Value, dotted
from edge_fer.config.engine.faults import Fault

__all__ = ["ParsedText", "read_yaml", "resolved"]

_MOST_ENTRIES: Final = 10_000
_DEEPEST: Final = 20
_LONGEST_SCALAR: Final = 4096

_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,30}")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]{1,30}|[0-9]{1,30}(\.[0-9]{0,30})?)([eE][-+]?[0-9]{1,4})?")
_WORDS: Final = {"": None, "~": None} | {
    form: value
    for word, value in {"null": None, "true": True, "false": False}.items()
    for form in (word, word.capitalize(), word.upper())
}
_VARIABLE: Final = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{")
_UNFIT: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")

#: What the parser says, and what helps.
_SYNTAX_REMEDIES: Final = {
    r"'\t'": "Indent with spaces; a tab is not allowed here",
    "mapping values are not allowed": "Write each `key: value` on its own line, with quotes if the value holds `: `",
    "could not find expected ':'": "Write `key: value`, with a space after the colon",
    "block end": "Give all keys of one section the same indentation, and close every quote and bracket",
    "undefined alias": "Define it earlier in the file with `&`, or write the value out",
    "unexpected end of stream": "Close every quote and bracket",
}


@dataclass(frozen=True, slots=True)
class ParsedText:
    """What came of reading a text: an entry (None where nothing could be made of it), and what is wrong."""

    entry: Entry | None
    faults: tuple[Fault, ...]


def read_yaml(
    text: str, *, layer: str, environ: Mapping[str, str], under: tuple[str, ...] = (), lines: bool = True
) -> ParsedText:
    """Read one YAML document.

    Args:
        text: the document.
        layer: what faults and entries call the place.
        environ: what `${NAME}` stands for.
        under: the key path that the document's value belongs to.
        lines: whether line numbers mean anything to the reader of a fault.
    """
    builder = _Builder(text, layer, environ, lines=lines)
    try:
        entry = builder.document(under)
    except _Unreadable as unreadable:
        return ParsedText(None, (*builder.faults, unreadable.fault))
    return ParsedText(entry, tuple(builder.faults))


def _says_something(entry: Entry) -> bool:
    """Whether anything is set in it: headings alone say nothing."""
    if isinstance(entry.value, Mapping):
        return any(_says_something(inner) for inner in entry.value.values())
    return entry.value is not None


class _Unreadable(Exception):  # noqa: N818 - says why, is never seen outside
    """Nothing can be made of the rest of the text."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.problem)
        self.fault = fault


@dataclass
class _Builder:
    """Builds entries from the parser's events; recursion is bounded by `_DEEPEST`."""

    text: str
    layer: str
    environ: Mapping[str, str]
    lines: bool
    faults: list[Fault] = field(default_factory=list)
    anchors: dict[str, tuple[Entry | None, int]] = field(default_factory=dict)
    count: int = 0

    def __post_init__(self) -> None:
        self.events = self._events()

    def document(self, under: tuple[str, ...]) -> Entry:
        """The one document's entry; an empty map where there is none."""
        next(self.events)  # the stream begins
        empty = Entry({}, self.layer, self._line(0), under)
        if self._kind(next(self.events)) == "StreamEnd":
            return empty
        entry = self._entry(next(self.events), under, line=None)
        next(self.events)  # the document ends
        more = next(self.events)
        if self._kind(more) != "StreamEnd":
            self._fault(more, under, "begins a second document", "Keep one, and take out the line `---`")
        return empty if entry is None or (entry.value is None and not under) else entry

    def _events(self) -> Iterator[Any]:
        """The parser's events; whatever it cannot read is one fault."""
        try:
            yield from YAML(typ="safe", pure=True).parse(self.text)
        except ReaderError as error:
            line = self.text.count("\n", 0, error.position) + 1
            self._give_up(line, "holds a character that text does not have", "Save it as plain UTF-8 text")
        except (YAMLError, ValueError, OverflowError, IndexError, AttributeError) as error:
            # the latter four are the parser's own slips on junk
            mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
            problem = (error.problem or error.context) if isinstance(error, MarkedYAMLError) else None
            remedies = (remedy for sign, remedy in _SYNTAX_REMEDIES.items() if sign in (problem or ""))
            remedy = next(remedies, "Check indentation, quotes and brackets here and just above")
            problem = f"is not YAML: {' '.join(problem.split())}" if problem else "is not YAML"
            self._give_up(None if mark is None else mark.line + 1, problem, remedy)

    def _entry(self, event: Any, path: KeyPath, line: int | None) -> Entry | None:
        """The entry that begins with this event; None where it had to be left out."""
        line = self._line(event.start_mark.line) if line is None else line
        kind = self._kind(event)
        if kind == "Alias":
            return self._aliased(event, path, line)
        before = self.count
        self._counted(event, 1)
        if len(path) > _DEEPEST:
            self._give_up(event.start_mark.line + 1, "is nested too deeply", f"Stay below {_DEEPEST} levels")
        if event.tag is not None and str(event.tag) != "!":
            self._fault(event, path, "has a tag", "Take the tag out; values are written plainly")
        value: Value
        written = None
        if kind == "MappingStart":
            value = self._map(path)
        elif kind == "SequenceStart":
            value = self._items(path)
        else:
            value, written, fit = self._scalar(event, path)
            if not fit:
                return None
        entry = Entry(value, self.layer, line, path, written)
        if event.anchor:
            self.anchors[event.anchor] = (entry, self.count - before)
        return entry

    def _map(self, path: KeyPath) -> Mapping[str, Entry]:
        entries: dict[str, Entry] = {}
        seen: dict[str, int] = {}
        while self._kind(event := next(self.events)) != "MappingEnd":
            name = self._key(event, path)
            at = event.start_mark.line
            entry = self._entry(next(self.events), (*path, name or "?"), self._line(at))
            if name is None:
                continue
            if name in seen and (entry is None or not _says_something(entry)):
                continue  # a heading with nothing under it, as in the file that explains every setting
            if name in entries and not _says_something(entries[name]):
                del entries[name], seen[name]
            if name in seen:
                first = f"is given twice, first in line {seen[name]}" if self.lines else "is given twice"
                self._fault(event, (*path, name), first, "Keep one of the two")
            elif entry is not None:
                entries[name] = entry
            seen.setdefault(name, at + 1)
        return entries

    def _key(self, event: Any, path: KeyPath) -> str | None:
        if self._kind(event) == "Scalar" and len(event.value) <= _LONGEST_SCALAR and not _UNFIT.search(event.value):
            return str(event.value)
        self._fault(event, path, "has a key that is not a plain word", "Write keys as plain words")
        if self._kind(event) != "Scalar":
            self._entry(event, (*path, "?"), None)
        return None

    def _items(self, path: KeyPath) -> tuple[Entry, ...]:
        items: list[Entry] = []
        while self._kind(event := next(self.events)) != "SequenceEnd":
            entry = self._entry(event, (*path, len(items)), None)
            if entry is not None:
                items.append(entry)
        return tuple(items)

    def _aliased(self, event: Any, path: KeyPath, line: int | None) -> Entry | None:
        if event.anchor not in self.anchors:
            self._fault(
                event, path, f"is an undefined alias, *{event.anchor[:40]}", _SYNTAX_REMEDIES["undefined alias"]
            )
            return None
        entry, size = self.anchors[event.anchor]
        self._counted(event, size)
        return entry and _moved(entry, path, line)

    def _scalar(self, event: Any, path: KeyPath) -> tuple[Scalar, str | None, bool]:
        """The value, its text where that differs, and whether there is one."""
        text, unset = event.value, []

        def substitute(match: re.Match[str]) -> str:
            if match[0] == "$${":
                return "${"
            if match[1] is None or match[1] not in self.environ:
                unset.append(match[0] if match[1] is None else match[1])
                return ""
            return self.environ[match[1]]

        value = _VARIABLE.sub(substitute, text)
        for name in unset:
            if name == "${":
                self._fault(event, path, "has a `${` that names no variable", "Write `${NAME}`, or `$${` for the text")
            else:
                self._fault(event, path, f"needs the environment variable {name}, which is not set", f"Set {name}")
        if len(value) > _LONGEST_SCALAR or _UNFIT.search(value):
            self._fault(event, path, "is too long or holds control characters", "Write a short plain text")
        elif not unset:
            return (
                (value if event.style or (text and not value) else resolved(value)),
                (text if value != text else None),
                True,
            )
        return None, None, False

    def _counted(self, event: Any, more: int) -> None:
        self.count += more
        if self.count > _MOST_ENTRIES:
            self._give_up(event.start_mark.line + 1, "is far too large", f"Stay below {_MOST_ENTRIES} entries")

    def _fault(self, event: Any, path: KeyPath, problem: str, remedy: str) -> None:
        line = self._line(event.start_mark.line)
        self.faults.append(Fault(self.layer, line, dotted(path), None, problem, remedy))

    def _give_up(self, line: int | None, problem: str, remedy: str) -> None:
        raise _Unreadable(Fault(self.layer, line if self.lines else None, "", None, problem, remedy))

    def _line(self, index: int) -> int | None:
        return index + 1 if self.lines else None

    @staticmethod
    def _kind(event: Any) -> str:
        return type(event).__name__.removesuffix("Event")


def resolved(text: str) -> Scalar:
    """What a scalar without quotes means in YAML 1.2's core schema."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _moved(entry: Entry, path: KeyPath, line: int | None) -> Entry:
    """The entry as if it had been written at another place."""
    value = entry.value
    if isinstance(value, Mapping):
        value = {key: _moved(inner, (*path, key), inner.line) for key, inner in value.items()}
    elif isinstance(value, tuple):
        value = tuple(_moved(inner, (*path, index), inner.line) for index, inner in enumerate(value))
    return replace(entry, value=value, path=path, line=line)
