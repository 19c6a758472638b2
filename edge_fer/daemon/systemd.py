"""Tells systemd how the daemon is, by the protocol of sd_notify(3)."""

from __future__ import annotations

import logging
import os
import socket

__all__ = ["notify"]

log = logging.getLogger(__name__)


def notify(*states: str) -> bool:
    """Sends states such as `READY=1`, `WATCHDOG=1` or `STATUS=…` to whoever started us.

    Returns:
        False where nobody asked to be told, or where telling failed.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.connect(address)
            sock.sendall("\n".join(states).encode())
    except OSError as error:
        log.warning("systemd could not be told %s: %s", states, error)
        return False
    return True
