"""Takes the settings file on the boot partition over into the device, where the daemon reads it.

It is checked first, together with the other layers, and its secrets are moved out of it. What is wrong changes nothing
but the note beside it. Each file is written whole or not at all, in an order in which a power cut at any time leaves
settings that fit together, and the next start does what was not done.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_fer.boot.secrets import PEM_FILES, Moved, move_secrets, variables_in
from edge_fer.config import Layer
from edge_fer.config.engine.faults import ConfigFaults, Fault
from edge_fer.errors import ConfigError
from edge_fer.support.files import open_file

__all__ = ["Places", "TakeoverOutcome", "take_over"]

_LARGEST: Final = 256 * 1024
#: Bytes of faults that the note tells.
_LONGEST_NOTE: Final = 32 * 1024


@dataclass(frozen=True, slots=True)
class Places:
    """Where the files are.

    Attributes:
        file: the settings, on the boot partition.
        copy: what of them was taken over; beside it are the secrets.
    """

    file: Path
    copy: Path

    @property
    def note(self) -> Path:
        """What became of the settings, for whoever has the card in a computer."""
        return self.file.with_suffix(".log")

    @property
    def password(self) -> Path:
        """The broker's password; the unit hands it over by this name."""
        return self.copy.with_name("boot-mqtt-password")

    @property
    def environment(self) -> Path:
        """The variables; the unit reads them."""
        return self.copy.with_name("environment")


@dataclass(frozen=True, slots=True)
class TakeoverOutcome:
    """What became of the file.

    Attributes:
        said: in a sentence or two, as in the note.
        fault: why the file was refused; None where it was not.
    """

    said: str
    fault: ConfigError | None = None


def take_over(places: Places, check: Callable[[Layer, Mapping[str, str]], object]) -> TakeoverOutcome:
    """Takes the file over, if there is one and nothing is wrong with it.

    Args:
        places: where the files are.
        check: raises ConfigError where the config with this layer in it is wrong; is given the layer, and the
            variables that it may ask for.

    Raises:
        OSError: the device's own files cannot be written; what was taken over before still holds.
    """
    try:
        outcome = _taken_over(places, check)
    except ConfigError as error:
        kept = "The settings taken over before still hold." if places.copy.exists() else "It has no effect."
        outcome = TakeoverOutcome(f"{places.file.name} is wrong and was not taken over. {kept}\n\n{error}", error)
    note = outcome.said.encode()[:_LONGEST_NOTE].decode(errors="ignore") + "\n"
    # a card that cannot be written, or a computer without one, holds nothing up
    with suppress(OSError):
        if places.file.parent.is_dir() and _content(places.note) != note:
            _write(places.note, note, 0o644)
    return outcome


def _taken_over(places: Places, check: Callable[[Layer, Mapping[str, str]], object]) -> TakeoverOutcome:
    text = _content(places.file)
    missing = _missing(places.file, text)
    if missing and not places.copy.exists():
        return TakeoverOutcome(f"There is no {places.file.name}, or nothing in it.")
    if missing:
        return TakeoverOutcome(
            f"{places.file.name} {missing}; what it said last still holds. To take that back, write {{}} into it."
        )
    if text is None:
        check(Layer.file(places.file, required=True), {})  # which says what is wrong with it
        return TakeoverOutcome(f"{places.file.name} could not be read.")
    moved = move_secrets(text, places.password)
    if moved.stuck:
        raise ConfigFaults([_stuck(places.file, key) for key in moved.stuck])
    before = _variables(places.environment)
    places.copy.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    candidate = _written(places.copy, moved.text, 0o644)
    try:
        check(Layer.file(candidate, required=True, name=str(places.file)), {**before, **moved.variables})
        _keep(places, candidate, moved, before)
    finally:
        candidate.unlink(missing_ok=True)
    if moved.text == text:
        # what was told on the day when secrets were moved stays
        return TakeoverOutcome(_told_before(places.note, f"{places.file.name} was taken over."))
    with suppress(OSError):
        _write(places.file, moved.text, 0o644)
    return TakeoverOutcome(
        f"{places.file.name} was taken over.\nSecrets were moved onto the device: {', '.join(moved.keys)}."
    )


def _stuck(file: Path, key: str) -> Fault:
    problem = "holds a password or token that cannot be moved off the card"
    return Fault(
        str(file), None, key, None, problem, "Write it on one line, and blanks, quotes, `\\` and letters like é as %XX"
    )


def _missing(file: Path, text: str | None) -> str:
    """In what way there is nothing in the file; empty where there is something.

    Where the power fails, or a card is pulled, while a file on a FAT partition is written, it is left without content.
    """
    if not file.exists():
        return "is gone"
    return "is empty" if text is not None and not text.strip("\0 \t\r\n") else ""


def _keep(places: Places, candidate: Path, moved: Moved, before: Mapping[str, str]) -> None:
    """Secrets first, so that the settings never ask for what is not there; the old ones go last."""
    if moved.password is not None:
        _write(places.password, moved.password + "\n", 0o600)
    for _, _, name in PEM_FILES:
        if name in moved.files:
            mode = 0o600 if name.endswith(".key") else 0o644
            _write(places.copy.with_name(name), moved.files[name], mode)
    variables = {**before, **moved.variables}
    if moved.variables:
        _write(places.environment, _lines(variables), 0o600)
    if _content(places.copy) != moved.text:
        _put(candidate, places.copy)
    asked_for = {name: value for name, value in variables.items() if name in variables_in(moved.text)}
    if asked_for != variables:
        _write(places.environment, _lines(asked_for), 0o600)
    if places.password.name not in moved.text:
        places.password.unlink(missing_ok=True)
    for _, _, name in PEM_FILES:
        if name not in moved.text:
            places.copy.with_name(name).unlink(missing_ok=True)


def _told_before(note: Path, said: str) -> str:
    before = (_content(note) or "").strip()
    return before if before.startswith(said) else said


def _variables(file: Path) -> dict[str, str]:
    lines = (_content(file) or "").splitlines()
    return {name: value for name, equals, value in (line.partition("=") for line in lines) if equals}


def _lines(variables: Mapping[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in sorted(variables.items()))


def _content(file: Path) -> str | None:
    """The file's text; None where it cannot be read, is far too large, or is not UTF-8."""
    try:
        with open_file(file) as opened:
            data = opened.read(_LARGEST + 1)
        return data.decode("utf-8-sig") if len(data) <= _LARGEST else None
    except (OSError, UnicodeDecodeError):
        return None


def _write(file: Path, text: str, mode: int) -> None:
    """Writes a file whole or not at all, also when the power is cut."""
    new = _written(file, text, mode)
    try:
        _put(new, file)
    finally:
        new.unlink(missing_ok=True)


def _written(file: Path, text: str, mode: int) -> Path:
    """A new file, on its disk, to be put in the place of that file."""
    new = file.with_name(file.name + ".new")
    new.unlink(missing_ok=True)
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as opened:
        os.fchmod(handle, mode)
        opened.write(text.encode())
        opened.flush()
        os.fsync(handle)
    return new


def _put(new: Path, file: Path) -> None:
    """Puts a written file in the place of another, for good."""
    new.replace(file)
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
