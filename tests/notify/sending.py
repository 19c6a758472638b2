"""A sender, as a process of its own, and the spool that it takes from."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict

from edge_fer.notify.sender import SenderSettings, SenderTarget
from edge_fer.notify.spool import Spool

__all__ = ["run", "settings", "spool_with", "start"]


def settings(**targets):
    at_once = {"group": 0.0, "messages": 1000, "per": 60.0}
    return SenderSettings(
        "node-1", "Ward 3", targets={name: SenderTarget(url) for name, url in targets.items()}, **at_once
    )


def spool_with(folder, given):
    spool = Spool(folder / "notify")
    spool.configure(asdict(given))
    return spool


def start(spool):
    return subprocess.Popen([sys.executable, "-m", "edge_fer.notify", str(spool.folder)])


def run(spool, timeout=90):
    ended = subprocess.run(
        [sys.executable, "-m", "edge_fer.notify", str(spool.folder)],
        capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip
    return ended.returncode, ended.stderr
