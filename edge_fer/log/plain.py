"""Makes a record of the log into one line that nobody could have forged, without secrets."""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping
from numbers import Number
from typing import Any

from edge_fer.errors import EdgeFerError
from edge_fer.support.harmless import harmless, harmless_lines
from edge_fer.support.redact import redacted_text

__all__ = ["PlainFormatter", "message_of", "put_message"]


class _Plain(str):
    """What was made harmless already."""

    __slots__ = ()


class PlainFormatter(logging.Formatter):
    """Writes messages in one line each; what belongs to one and needs several, such as a traceback, is indented."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        plain = copy.copy(record)
        put_message(plain, message_of(record))
        plain.exc_text = None
        return super().format(plain)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the library's name
        """A traceback."""
        return _indented(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 - likewise
        """A stack."""
        return _indented(super().formatStack(stack_info))


def message_of(record: logging.LogRecord) -> str:
    """The record's message, made harmless; of our own errors, the line breaks between faults of the config stay."""
    if isinstance(record.msg, _Plain):
        return record.msg
    args = record.args
    try:
        if isinstance(args, Mapping) and args:
            message = harmless(record.msg) % {key: _argument(value) for key, value in args.items()}
        elif args:
            message = harmless(record.msg) % tuple(map(_argument, args))
        else:
            message = harmless(record.msg)
    except (TypeError, ValueError, KeyError):
        message = harmless(record.getMessage())
    return redacted_text(message)


def put_message(record: logging.LogRecord, message: str) -> None:
    """Makes a message that is harmless the record's own."""
    record.msg, record.args = _Plain(message), ()


def _argument(value: object) -> object:
    if isinstance(value, Number):
        return value
    return str(value) if isinstance(value, EdgeFerError) and value.has_lines else harmless(value)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in redacted_text(harmless_lines(text)).split("\n"))
