"""Keeps libraries from writing to standard error what the command says better."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["libraries_silenced"]


@contextmanager
def libraries_silenced() -> Iterator[None]:
    """While it lasts, standard error is Python's alone: libjpeg and libpng, which know no other place, are not heard.

    For a command, not for a library: it changes the whole process. Whoever wants their words sets OPENCV_LOG_LEVEL.
    """
    sys.stderr.flush()
    if "OPENCV_LOG_LEVEL" in os.environ:
        yield
        return
    theirs, ours = sys.stderr, os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    sys.stderr = open(ours, "w", encoding=theirs.encoding, errors=theirs.errors, buffering=1, closefd=False)  # noqa: SIM115
    try:
        yield
    finally:
        sys.stderr.flush()
        sys.stderr = theirs
        os.dup2(ours, 2)
        os.close(ours)
