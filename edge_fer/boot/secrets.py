"""Finds the secrets in a config's text, and puts a reference to each in its place. Pure.

Any computer reads the boot partition, and so may everybody on the device: a password written there is moved to a file
of root's own. `mqtt.password`, which there is nowhere else, becomes `password_file`, and `mqtt.key`, `mqtt.certificate`
and `mqtt.ca`, each the content of a file in PEM without its first and last line, become files, too; a password or a
token in the address of a camera becomes a `${VARIABLE}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode

from edge_fer.config.engine.reader import read_yaml
from edge_fer.support.redact import secret_spans

__all__ = ["PEM_FILES", "Moved", "move_secrets", "variables_in"]

_VARIABLE: Final = re.compile(r"(?<!\$)\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
#: What systemd's EnvironmentFile= takes without quotes, and nobody reads in another way.
_SAFE: Final = re.compile(r"[A-Za-z0-9!#$%&()*+,./:;<=>?@\[\]^_`{|}~-]+")


_BASE64: Final = re.compile(r"[A-Za-z0-9+/]+={0,2}")
#: Characters that any key or certificate has; what is shorter is the name of a file, perhaps.
_SHORTEST_PEM: Final = 100
#: What becomes a file of its own: key in the text, key in the config, and the file's name; the private key first.
PEM_FILES: Final = (
    ("key", "key_file", "boot-mqtt-client.key"),
    ("certificate", "cert_file", "boot-mqtt-client.crt"),
    ("ca", "ca_file", "boot-mqtt-ca.crt"),
)


@dataclass(frozen=True, slots=True)
class Moved:
    """A text without its secrets.

    Attributes:
        text: with as many lines as before.
        password: the broker's; None where the text holds none.
        files: what of certificates is moved into files, by the file's name.
        variables: what the text asks for by `${NAME}` in place of what was in it.
        keys: where there were secrets, as key paths.
        stuck: where there still are some, written in a way in which they cannot be replaced on the spot (over several
            lines, or with characters that a variable cannot hold).
    """

    text: str
    password: str | None
    files: Mapping[str, str]
    variables: Mapping[str, str]
    keys: tuple[str, ...]
    stuck: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Edit:
    start: int
    end: int
    text: str


def move_secrets(text: str, password_file: Path) -> Moved:
    """Takes the secrets out of a text.

    What is no YAML, or a broker's password over several lines, is left as it is: the config's own check refuses it.

    Args:
        text: a whole config.
        password_file: where the broker's password will be; certificates and their key will be beside it.
    """
    nodes = _nodes(text)
    edits: list[_Edit] = []
    variables: dict[str, str] = {}
    password, files, keys = _move_files(nodes.get("mqtt"), password_file, edits)
    stuck = []
    for name, camera in _pairs(nodes.get("cameras")):
        for key, value in _pairs(camera):
            if key.value != "source" or not isinstance(value, ScalarNode):
                continue
            address, where = value.value, f"cameras.{name.value}.source"
            spans = _secrets_of(address)
            if not spans:
                continue
            if not _on_one_line(value) or not all(_SAFE.fullmatch(address, *span) for span in spans):
                stuck.append(where)
                continue
            for start, end in reversed(spans):
                variable = _free_name(name.value, {*variables, *variables_in(text)})
                variables[variable] = _as_meant(address[start:end])
                address = f"{address[:start]}${{{variable}}}{address[end:]}"
            edits.append(_replaced(value, json.dumps(address, ensure_ascii=False)))
            keys.append(where)
    for edit in sorted(set(edits), key=lambda edit: edit.start, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return Moved(text, password, files, variables, tuple(keys), tuple(stuck))


def _move_files(section: Any, password_file: Path, edits: list[_Edit]) -> tuple[str | None, dict[str, str], list[str]]:
    """What of the section `mqtt` becomes files: the password, the rest by the file's name, and their key paths."""
    password, files, keys = None, {}, []
    pem = {key: (new, name) for key, new, name in PEM_FILES}
    for key, value in _pairs(section):
        if not _on_one_line(value):
            continue
        if key.value == "password" and _is_text(value.value):
            password = _as_meant(value.value)
            new, file = "password_file", password_file
        elif key.value in pem and _is_pem(value.value):
            new, name = pem[key.value]
            file = password_file.with_name(name)
            files[name] = _as_pem(value.value, "PRIVATE KEY" if key.value == "key" else "CERTIFICATE")
        else:
            continue
        edits += [_replaced(key, new), _replaced(value, json.dumps(str(file)))]
        keys.append(f"mqtt.{key.value}")
    return password, files, keys


def _secrets_of(address: str) -> list[tuple[int, int]]:
    """Where in an address there are secrets that are not in variables already."""
    return [(start, end) for start, end in secret_spans(address) if not _VARIABLE.search(address, start, end)]


def _is_text(password: str) -> bool:
    """Whether it is a password itself, and not where to take it from."""
    return bool(password) and password.isprintable() and not _VARIABLE.search(password)


def _is_pem(text: str) -> bool:
    """Whether it is what stands in a file in PEM, on one line."""
    return len(text) >= _SHORTEST_PEM and _BASE64.fullmatch(text) is not None


def _as_pem(text: str, what: str) -> str:
    lines = [
        f"-----BEGIN {what}-----",
        *(text[at : at + 64] for at in range(0, len(text), 64)),
        f"-----END {what}-----",
    ]
    return "\n".join(lines) + "\n"


def _as_meant(text: str) -> str:
    """A part of a config as the config means it: `$${` there is how `${` is written."""
    return text.replace("$${", "${")


def variables_in(text: str) -> set[str]:
    """The names that a text asks for by `${NAME}`."""
    return set(_VARIABLE.findall(text))


def _nodes(text: str) -> dict[str, Any]:
    """The sections of the text; none, where it cannot be read."""
    # which bounds depth and number, as the parser does not
    read = read_yaml(text, layer="", environ=dict.fromkeys(variables_in(text), ""))
    if read.faults:
        return {}
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except (YAMLError, ValueError):
        return {}
    return {key.value: value for key, value in _pairs(root)}


def _pairs(node: Any) -> Iterator[tuple[Any, Any]]:
    """The keys and values of a map with plain keys; nothing, for whatever else."""
    if isinstance(node, MappingNode):
        yield from ((key, value) for key, value in node.value if isinstance(key, ScalarNode))


def _on_one_line(node: Any) -> bool:
    return (
        isinstance(node, ScalarNode)
        and node.style in {None, "", "'", '"'}
        and node.start_mark.line == node.end_mark.line
    )


def _replaced(node: Any, text: str) -> _Edit:
    return _Edit(node.start_mark.index, node.end_mark.index, text)


def _free_name(camera: str, taken: set[str]) -> str:
    """A variable's name for a camera, that nothing else has."""
    name = f"CAMERA_{re.sub(r'[^A-Za-z0-9]', '_', camera).upper()}_PASSWORD"
    names = (name, *(f"{name}_{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)
