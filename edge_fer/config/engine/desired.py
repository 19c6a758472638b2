"""Configs that the operator of a fleet wants: a layer for each scope, between the files and what was set by command.

The last ones that were good are kept in the state folder. What no longer fits is set aside, as it is with settings:
nobody is at the device who could put it right.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edge_fer.config.engine.faults import ConfigFaults, Fault
from edge_fer.config.engine.layers import Layer
from edge_fer.contract.topics import ALL_GROUPS
from edge_fer.support.files import read_file
from edge_fer.support.json_text import read_json
from edge_fer.support.keeping import write_whole

__all__ = ["DESIRED_NAME", "Document", "fitting_layers", "forbidden", "keep_documents", "kept_documents"]

#: In the state folder: what is wanted, and was good.
DESIRED_NAME: Final = "desired.json"
#: Bytes of the largest such file.
_LARGEST: Final = 2_000_000
#: What a device decides for itself: by which it reaches the broker, what leaves it, and who is told.
OWN: Final = frozenset(
    {"commands", "history", "metrics", "models_dir", "mqtt", "node", "notify", "privacy", "state_dir"}
)
#: What of `fleet` an operator decides, for one node alone.
_MEMBERSHIP: Final = frozenset({"ring", "groups"})


@dataclass(frozen=True, slots=True)
class Document:
    """A config that is wanted.

    Attributes:
        scope: `all`, `group:` and a name, or the node's name.
        revision: what this state of it is called.
        config: sections as in the config file.
        by: who asked for it.
    """

    scope: str
    revision: str
    config: Mapping[str, Any]
    by: str = ""

    @property
    def layer(self) -> Layer:
        """As a layer of the config."""
        return Layer.mapping(self.name, self.config)

    @property
    def name(self) -> str:
        """What faults and `explain` call the layer."""
        return f"desired {self.scope}"


def forbidden(document: Document) -> list[Fault]:
    """What in a wanted config is none of an operator's business."""
    keys = [key for key in document.config if key in OWN]
    fleet = document.config.get("fleet")
    if fleet is not None:
        shared = document.scope == ALL_GROUPS or ":" in document.scope
        inner = fleet if isinstance(fleet, Mapping) else {}
        keys += ["fleet"] if shared else [f"fleet.{key}" for key in inner if key not in _MEMBERSHIP]
    remedy = "Write it into the config file on the device"
    return [Fault(document.name, None, key, None, "cannot be set from afar", remedy) for key in keys]


def fitting_layers(
    documents: Sequence[Document], check: Callable[[Sequence[Layer]], object]
) -> tuple[list[Document], list[Fault]]:
    """Those of some documents that go together with the config, the lowest first, and what is wrong with the others.

    Args:
        documents: the lowest first.
        check: raises ConfigFaults where layers do not go together with the rest of the config.
    """
    allowed = [document for document in documents if not forbidden(document)]
    if len(allowed) == len(documents) and not _faults_with(allowed, check):
        return allowed, []
    kept: list[Document] = []
    faults: list[Fault] = []
    for document in documents:
        if found := [*forbidden(document)] or _faults_with([*kept, document], check):
            faults += found
        else:
            kept.append(document)
    return kept, faults


def kept_documents(state_dir: Path) -> tuple[list[Document], list[Fault]]:
    """What is kept of what was wanted; nothing, where the file cannot be used, which is a fault then."""
    file = state_dir / DESIRED_NAME
    try:
        match read_json(read_file(file, _LARGEST)):
            case {"v": 1, "documents": [*found]}:
                return [_document(one) for one in found], []
        problem = "is of another version, or none of ours"
    except FileNotFoundError:
        return [], []
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except (ValueError, TypeError, KeyError) as error:
        problem = f"is damaged ({type(error).__name__})"
    return [], [Fault(str(file), None, "", None, problem, "It is written anew with what the broker has")]


def keep_documents(state_dir: Path, documents: Sequence[Document]) -> None:
    """Keeps what is wanted and good.

    Raises:
        OSError: it cannot be written.
    """
    rows = [
        {"scope": one.scope, "revision": one.revision, "by": one.by, "config": dict(one.config)} for one in documents
    ]
    write_whole(state_dir / DESIRED_NAME, json.dumps({"v": 1, "documents": rows}, ensure_ascii=False, indent=1) + "\n")


def _document(found: Any) -> Document:
    scope, revision, config, by = found["scope"], found["revision"], found["config"], found["by"]
    if not all(isinstance(text, str) for text in (scope, revision, by)) or not isinstance(config, dict):
        raise TypeError
    return Document(scope, revision, config, by)


def _faults_with(documents: Sequence[Document], check: Callable[[Sequence[Layer]], object]) -> list[Fault]:
    try:
        if documents:
            check([document.layer for document in documents])
    except ConfigFaults as error:
        return list(error.faults)
    return []
