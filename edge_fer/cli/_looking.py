"""What the commands have in common that look at everything: they say things once, and end whatever hangs."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator

from edge_fer.config import Loaded
from edge_fer.config.engine.plain_secrets import cameras_with_secrets
from edge_fer.doctor.checkup import checkup
from edge_fer.doctor.finding import CheckResult
from edge_fer.errors import OutputError
from edge_fer.log import complain

__all__ = ["findings_of", "leave"]


def findings_of(loaded: Loaded) -> Iterator[CheckResult]:
    """Every finding; what is wrong becomes one, and is not said in the log as well."""
    logging.disable(logging.WARNING)
    try:
        yield from checkup(loaded.config, list(cameras_with_secrets(loaded)))
    finally:
        logging.disable(logging.NOTSET)


def leave(code: int) -> int:
    """The exit code; or the process ends here, where a camera left a thread that would break the interpreter's end."""
    if threading.active_count() > 1:
        try:
            sys.stdout.flush()
        except OutputError as error:
            complain(error)
            code = error.exit_code
        except BrokenPipeError:
            pass
        os._exit(code)
    return code
