"""Layers of the config: where each is read from, and how a higher one overrides a lower one.

Maps merge key by key; lists and single values replace, and so does a `when` of another kind. Under the maps of names
(`cameras`, `alerts`, `attributes`, `zones`), `false` switches an entry off and anything else switches it on again.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from grp import getgrgid
from pathlib import Path
from pwd import getpwuid
from stat import S_IRGRP
from typing import Any, Final

from edge_fer.config.engine.entries import Entry, KeyPath
from edge_fer.config.engine.faults import Fault
from edge_fer.config.engine.reader import ParsedText, read_yaml
from edge_fer.rules.conditions.when import kind_in
from edge_fer.support.files import open_file
from edge_fer.support.redact import redacted

__all__ = ["PER_CAMERA", "Layer", "filled", "is_named", "merged", "wrapped"]

_LARGEST_FILE: Final = 256 * 1024
_KEY: Final = re.compile(r"[\w .-]+")
_BY_NAME: Final = frozenset({"cameras", "alerts", "attributes", "zones"})
#: What of the global sections each camera takes over.
PER_CAMERA: Final = ("view", "faces", "emotion", "attributes", "alerts")


@dataclass(frozen=True, slots=True)
class Layer:
    """One place that settings come from.

    Attributes:
        name: what faults and `explain` call it.
        content: a file, or YAML text.
        required: whether it is a fault that the file does not exist.
        under: the key path that the content belongs to.
    """

    name: str
    content: Path | str
    required: bool = False
    under: tuple[str, ...] = ()

    @classmethod
    def file(cls, path: Path, *, required: bool = False, name: str | None = None) -> Layer:
        """A file, which faults call by its path unless it has another name."""
        return cls(name or str(path), path, required)

    @classmethod
    def mapping(cls, name: str, values: Mapping[str, Any]) -> Layer:
        """Settings that the program makes itself; values as people write them (`{"faces": {"min_size": "64px"}}`)."""
        return cls(name, json.dumps(values, ensure_ascii=False).replace("${", "$${"))

    @classmethod
    def setting(cls, text: str) -> Layer:
        """One setting in the form `key.path=value`, as typed after `-o`.

        Raises:
            ValueError: it has not that form.
        """
        path, equals, value = text.partition("=")
        under = tuple(path.strip().split("."))
        if not equals or "" in under:
            msg = f"`{redacted(text)}` is not a setting; write `key.path=value`, for example `faces.min_size=64px`"
            raise ValueError(msg)
        shown = f"{path}={redacted(value)}" if _KEY.fullmatch(path) else redacted(text)
        return cls(f"-o {shown}", value, under=under)

    def read(self, environ: Mapping[str, str]) -> ParsedText:
        """What the layer says; nothing (no entry, no fault) for a file that need not exist and does not."""
        if isinstance(self.content, str):
            reading = read_yaml(self.content, layer=self.name, environ=environ, under=self.under, lines=False)
            entry = reading.entry and wrapped(reading.entry, self.under)
            return ParsedText(entry, reading.faults)
        try:
            with open_file(self.content) as file:
                data = file.read(_LARGEST_FILE + 1)
        except (FileNotFoundError, NotADirectoryError):
            missing = self._unusable("does not exist", "Create it, or name another")
            return missing if self.required else ParsedText(None, ())
        except IsADirectoryError:
            return self._unusable("is a folder", "Name a file")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "its name cannot be right"
            denied = isinstance(error, PermissionError)
            remedy = _how_to_read(self.content) if denied else "Check the file and the disk it is on"
            return self._unusable(f"cannot be read: {reason}", remedy)
        if len(data) > _LARGEST_FILE:
            return self._unusable("is far too large", f"Stay below {_LARGEST_FILE // 1024} KiB")
        return self._read_bytes(data, environ)

    def _read_bytes(self, data: bytes, environ: Mapping[str, str]) -> ParsedText:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return self._unusable("is UTF-16 text", "Save it as UTF-8")
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            return self._unusable("is not UTF-8 text", "Save it as plain UTF-8 text", line)
        reading = read_yaml(text, layer=self.name, environ=environ)
        if reading.entry is None or isinstance(reading.entry.value, Mapping):
            return reading
        problem = "is not a config, which is made of keys and values"
        fault = Fault(self.name, reading.entry.line, "", None, problem, "Write each as `key: value` on its own line")
        return ParsedText(None, (*reading.faults, fault))

    def _unusable(self, problem: str, remedy: str, line: int | None = None) -> ParsedText:
        return ParsedText(None, (Fault(self.name, line, "", None, problem, remedy),))


def _how_to_read(path: Path) -> str:
    """Who may read a file that this user may not, and how: what closes it is the file, or a folder above it."""
    for place in (path, *path.parents):
        try:
            about = place.stat()
            owner, group = getpwuid(about.st_uid).pw_name, getgrgid(about.st_gid).gr_name
        except (OSError, KeyError):
            continue
        members = f", or become a member of the group `{group}`" if about.st_mode & S_IRGRP and group != "root" else ""
        return (
            f"{place} belongs to {owner}: run the command with sudo{members}; or name a file of your own: --config FILE"
        )
    return "Run the command with sudo; or name a file of your own: --config FILE"


def wrapped(entry: Entry, under: tuple[str, ...]) -> Entry:
    """The maps around an entry that belongs to a key path."""
    for depth in reversed(range(len(under))):
        entry = Entry({under[depth]: entry}, entry.layer, None, under[:depth])
    return entry


def merged(low: Entry | None, high: Entry) -> Entry:
    """The two entries as one, each part keeping its origin."""
    by_name = is_named(high.path)
    below: Mapping[str, Entry] = {}
    if low is not None and isinstance(low.value, Mapping):
        below = low.value
        if high.value is None:
            return low  # a heading with nothing under it says nothing
        if by_name and isinstance(high.value, bool):
            return replace(high, value=below, written=None, off=not high.value)
    heading = high.value is None and is_named((*high.path, "any"))
    if heading or (by_name and (high.value is None or high.value is True)):
        return replace(high, value={}, written=None)
    if not isinstance(high.value, Mapping):
        return high
    if high.path[-1:] == ("when",) and kind_in(below) != kind_in(high.value) is not None:
        below = {}  # it watches for something else
    return replace(high, value={**below, **{key: merged(below.get(key), entry) for key, entry in high.value.items()}})


def filled(root: Entry) -> Entry:
    """The whole, with each camera's sections filled from the global ones."""
    cameras = root.at("cameras")
    if cameras is None:
        return root
    full = {name: _filled_camera(camera, root) for name, camera in cameras.children.items()}
    return root.with_children({"cameras": cameras.with_children(full)}) if full else root


def _filled_camera(camera: Entry, root: Entry) -> Entry:
    if not isinstance(camera.value, Mapping):
        return camera
    sections = {section: root.children[section] for section in PER_CAMERA if section in root.children}
    own = {key: merged(sections.get(key), entry) for key, entry in camera.children.items()}
    return camera.with_children({**sections, **own})


def is_named(path: KeyPath) -> bool:
    """Whether the key at the end of a path is a name that people give: of a camera, an alert, one of a camera's."""
    return bool(path) and len(path) % 2 == 0 and _BY_NAME.issuperset(path[::2])
