"""sd_notify against a socket as systemd opens it."""

from __future__ import annotations

import os
import socket

import pytest

from edge_fer.daemon.systemd import notify


@pytest.mark.parametrize("abstract", [False, True])
def test_states_reach_the_socket(monkeypatch, tmp_path, abstract):
    name = f"@edge-fer-test-notify-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind("\0" + name[1:] if abstract else name)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        assert notify("READY=1", "STATUS=well")
        assert sock.recv(100) == b"READY=1\nSTATUS=well"


def test_nobody_asked(monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not notify("READY=1")


@pytest.mark.outside
def test_a_socket_that_is_gone_is_no_reason_to_fail(monkeypatch, tmp_path):
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    assert not notify("READY=1")
