"""What `audit` tells of a command: never a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from edge_fer.contract.composer import Composer
from edge_fer.contract.messages import AuditChange, AuditDraft
from edge_fer.remote.executor import Outcome
from edge_fer.support.redact import HIDDEN, redacted, redacted_text
from edge_fer.types import Instant

__all__ = ["audit_of", "without_secrets"]

#: Keys whose values are secrets, but for those that name a file with one.
_SECRET: Final = re.compile(r"pass(word|wd)?|pwd|secret|token|credential|private|api_?key|_key", re.IGNORECASE)
#: How the keys end that name a file.
_OF_FILES: Final = ("file", "_dir")


def audit_of(outcome: Outcome, composer: Composer, at: Instant) -> AuditDraft:
    """The message about a command.

    Args:
        outcome: what became of it.
        composer: of the node's messages.
        at: when.
    """
    asked = outcome.request.model_dump(mode="json", by_alias=True, exclude={"id"}, exclude_none=True)
    key = asked.get("key")
    if "value" in asked:
        # the key tells what the value is
        asked["value"] = without_secrets(asked["value"], str(key))
    error, asker = outcome.error, outcome.asker
    return composer.audit(
        at,
        actor=asker.name,
        role=asker.role,
        via=asker.way,
        request_id=outcome.request.id,
        command=outcome.command,
        fields=without_secrets(asked),
        changes=[
            AuditChange(
                key=change.key,
                old=without_secrets(change.old, change.key),
                new=without_secrets(change.new, change.key),
            )
            for change in (outcome.done.changes if outcome.done else ())
        ],
        outcome=error.code if error else "done",
        message=redacted_text(str(error)) if error else "",
    )


def without_secrets(value: Any, key: str = "") -> Any:
    """A value with `***` in the place of whatever is a secret by its looks, or by the key that it belongs to.

    Args:
        value: as in JSON.
        key: what it belongs to.
    """
    if isinstance(value, Mapping):
        return {name: without_secrets(inner, str(name)) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(inner, key) for inner in value]
    leaf = key.rpartition(".")[2]
    if value is not None and _SECRET.search(leaf) and not leaf.endswith(_OF_FILES):
        return HIDDEN
    return redacted(value) if isinstance(value, str) else value
