"""The log: to systemd's journal with fields, or to standard error; quiet about what fails again and again."""

from __future__ import annotations

from edge_fer.log.recent import RecentLines
from edge_fer.log.setup import ASKED, complain, set_up_log

__all__ = ["ASKED", "RecentLines", "complain", "set_up_log"]
