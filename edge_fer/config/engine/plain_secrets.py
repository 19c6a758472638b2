"""Finds passwords and keys that are written in the config itself, where all can read them who may read it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from edge_fer.config.engine.loading import Loaded
from edge_fer.support.redact import secret_spans

__all__ = ["REMEDY", "cameras_with_secrets"]

#: What to do about one.
REMEDY: Final = (
    "Give a login as `username` and `password_file` instead, and a key as `${NAME}`, out of the environment: "
    "docs/config.md, Secrets"
)
_VARIABLE: Final = re.compile(r"(?<!\$)\$\{[A-Za-z_][A-Za-z0-9_]*\}")


def cameras_with_secrets(loaded: Loaded) -> Iterator[str]:
    """The cameras in whose `source` a password or key is written, and not a variable in its place."""
    cameras = loaded.root.at("cameras")
    for name, camera in cameras.children.items() if cameras else ():
        source = None if camera.off else camera.at("source")
        if source is not None and isinstance(source.value, str):
            text = source.written or source.value
            spans = secret_spans(text)
            if any(not _VARIABLE.search(text, start, end) for start, end in spans):
                yield name
