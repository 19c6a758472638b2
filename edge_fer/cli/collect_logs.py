"""`edge-fer collect-logs`: one text for a bug report, with the secrets taken out."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

from edge_fer import __version__
from edge_fer.cli._config_arguments import add_config_arguments, load_from
from edge_fer.cli._looking import findings_of, leave
from edge_fer.cli._say import say
from edge_fer.cli._secrets import Secrets
from edge_fer.cli._verbs import Subparsers, add_verb
from edge_fer.config import standard_files
from edge_fer.config.engine.entries import Entry
from edge_fer.config.output.explain import explain
from edge_fer.doctor.service import UNIT, become_the_service
from edge_fer.errors import EdgeFerError

__all__ = ["add_parser"]

_DESCRIPTION = """\
Prints one text for a bug report: versions, the config in force, the doctor's findings, and the service's journal.
Passwords, user names and tokens are taken out as `***`; it holds no picture. It still tells of your place, with names
of cameras and addresses: read it before you pass it on.

  sudo edge-fer collect-logs > report.txt
"""
#: Newest lines of the journal.
LINES = 2000
#: Packages whose versions say most about what may be wrong.
PACKAGES = ("ai-edge-litert", "tflite-runtime", "numpy", "opencv-python-headless", "paho-mqtt", "picamera2", "pydantic")


def add_parser(subparsers: Subparsers) -> None:
    """Adds the verb."""
    parser = add_verb(
        subparsers,
        "collect-logs",
        help="print what a bug report needs",
        description=_DESCRIPTION,
        handler=_collect,
    )
    add_config_arguments(parser)


def _collect(args: argparse.Namespace) -> int:
    # while this is root still, which may read the whole journal
    journal = _journal()
    become_the_service()
    for title, lines in _sections(args, journal):
        say(f"== {title}")
        for line in lines:
            say(line)
        say()
    return leave(0)


def _sections(args: argparse.Namespace, journal: str) -> Iterator[tuple[str, Iterator[str]]]:
    """Each part of the report, without the secrets."""
    try:
        loaded = load_from(args)
    except EdgeFerError as error:
        secrets, config = Secrets.of(*_entries(args)), iter(str(error).splitlines())
        findings: Iterator[str] = iter(())
    else:
        secrets = Secrets.of(loaded.root)
        config = (f"{row.path} = {row.value}  ({row.origin})" for row in explain(loaded))
        findings = (f"{found.state:8} {found.name}: {found.what}. {found.remedy}" for found in findings_of(loaded))
    parts = {"versions": _versions(), "config": config, "doctor": findings, "journal": iter(journal.splitlines())}
    for title, lines in parts.items():
        yield title, map(secrets.taken_out_of, lines)


def _entries(args: argparse.Namespace) -> Iterator[Entry]:
    """What is written in the layers of a config that is wrong."""
    for layer in (*standard_files(args.config), *args.settings):
        entry = layer.read(os.environ).entry
        if entry is not None:
            yield entry


def _versions() -> Iterator[str]:
    yield f"edge-fer {__version__}"
    yield f"Python {platform.python_version()}"
    yield platform.platform()
    for name, file in {"system": "/etc/os-release", "board": "/proc/device-tree/model"}.items():
        try:
            text = Path(file).read_text(encoding="utf-8", errors="replace").strip("\0\n")
        except OSError:
            continue
        yield f"{name}: {text.splitlines()[0]}"
    known = {package.name.lower(): package.version for package in distributions()}
    yield from (f"{name} {known[name]}" for name in PACKAGES if name in known)


def _journal() -> str:
    command = ["journalctl", "--unit", UNIT, "--lines", str(LINES), "--no-pager", "--output", "short-iso", "--quiet"]
    try:
        ended = subprocess.run(  # noqa: S603 - nothing in it comes from outside
            command, capture_output=True, text=True, errors="replace", timeout=60, check=False
        )
    except FileNotFoundError:
        return "this system has no journal"
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"the journal cannot be read: {error}"
    return ended.stdout or ended.stderr or "there is nothing of the service in the journal"
