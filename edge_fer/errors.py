"""What can go wrong, as one tree. Every error says what was wrong, with which value, and what to do about it.

Imports nothing of ours, so that everything may import it. Each class also inherits the builtin it
refines, so that a caller of the library may catch the builtin.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "AnalysisError",
    "BrokerError",
    "CommandError",
    "ConfigError",
    "EdgeFerError",
    "FetchError",
    "FleetError",
    "HistoryError",
    "KeepingError",
    "ModelError",
    "NotifyError",
    "OutboxError",
    "OutputError",
    "PictureError",
    "RuntimeMissingError",
    "SourceError",
    "SourceLostError",
    "SourceStalledError",
    "SourceStuckError",
    "SourceUnfitError",
    "TraceError",
    "did_you_mean",
]


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A remedy: a question that proposes the known word nearest to a wrong one; None where none is near."""
    nearest = difflib.get_close_matches(word.lower(), list(known), n=1)
    return f"Did you mean `{nearest[0]}`?" if nearest else None


class EdgeFerError(Exception):
    """Base of all errors a user can cause or cure.

    Args:
        message: what was wrong, naming the field or file and the value.
        remedy: what to do about it, as an imperative sentence; may be empty.
    """

    #: What `edge-fer` exits with when this error ends it; 78 is EX_CONFIG, which systemd is told not to restart on.
    exit_code = 1
    #: Whether its text has line breaks of its own, and what came from outside was made harmless already.
    has_lines = False

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}. {self.remedy}" if self.remedy else self.message


class ConfigError(EdgeFerError, ValueError):
    """The configuration is wrong; restarting will not help."""

    exit_code = 78


class ModelError(EdgeFerError, ValueError):
    """A model file or its sidecar is missing, corrupt, or does not match the other."""

    exit_code = 78


class RuntimeMissingError(EdgeFerError, ImportError):
    """No TFLite runtime is installed."""

    exit_code = 78


class FetchError(EdgeFerError, OSError):
    """A model file cannot be fetched from its home, or not be kept."""


class SourceError(EdgeFerError, OSError):
    """A frame source cannot be used."""


class SourceLostError(SourceError):
    """A source that worked has stopped working; opening it again may help."""


class SourceStalledError(SourceLostError, TimeoutError):
    """A source delivers no frames but does not say why."""


class SourceStuckError(SourceStalledError):
    """A source hangs in its driver and cannot be opened again from this process; only a new one can."""


class SourceUnfitError(SourceError, ValueError):
    """A source lacks something that is installed or set by people; restarting will not help."""

    exit_code = 78


class BrokerError(EdgeFerError, ConnectionError):
    """The MQTT broker cannot be reached or refuses us."""


class CommandError(EdgeFerError, ValueError):
    """A command over MQTT, or a request over the control socket, cannot be carried out.

    Args:
        code: why, in a word that programs understand.
        message: as of all errors.
        remedy: likewise.
        id: what the request is called; None where that cannot be read, or is known to whoever answers.
        field: the field that is wrong; None where it is not a single one.
        value: what stands there.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        remedy: str = "",
        id: str | None = None,  # noqa: A002 - as the field is called
        field: str | None = None,
        value: object = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.code = str(code)
        self.id = id
        self.field = field
        self.value = value


class FleetError(EdgeFerError, ValueError):
    """The folder of a fleet, or what is asked of it, is wrong."""


class OutboxError(EdgeFerError, OSError):
    """The outbox cannot be opened or written."""


class HistoryError(EdgeFerError, OSError):
    """The history cannot be opened, read or written."""


class BackupError(EdgeFerError, ValueError):
    """A backup cannot be made, or not be restored."""


class KeepingError(EdgeFerError, OSError):
    """A small file that edge-fer keeps cannot be written."""


class NotifyError(EdgeFerError, OSError):
    """What is to be told cannot be kept or sent."""


class OutputError(EdgeFerError, OSError):
    """Standard output cannot be written."""


class PictureError(EdgeFerError, ValueError):
    """A picture cannot be read, or one that was asked for cannot be written."""


class TraceError(EdgeFerError, ValueError):
    """A trace cannot be written, or is none."""


class AnalysisError(EdgeFerError, ValueError):
    """An analysis cannot be written, is none, or cannot be compared."""
