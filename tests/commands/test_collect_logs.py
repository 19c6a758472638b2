"""A bug report holds what helps, and no secret, wherever one was planted."""

from __future__ import annotations

import json
import os

import pytest

from edge_fer.cli._secrets import Secrets
from tests.daemon import edge_fer

#: Planted, each in another place.
SECRETS = (
    "pw-in-url",
    "joe-in-url",
    "token-in-query",
    "pw-in-file",
    "pw-from-env",
    "pw-in-journal",
    "mqtt-user",
    "p@ss/w0rd",
)


@pytest.fixture
def report(tmp_path):
    (tmp_path / "password").write_text("pw-in-file\n")
    journal = tmp_path / "bin" / "journalctl"
    journal.parent.mkdir()
    lines = [
        "camera front is lost: rtsp://other:pw-in-journal@192.0.2.9/x",
        "the broker said pw-in-file",
        "password: pw-in-journal",
        "camera front is online",
    ]
    journal.write_text("#!/bin/sh\n" + "".join(f"echo '{line}'\n" for line in lines))
    journal.chmod(0o755)
    config = {
        "node": {"id": "test"},
        "cameras": {
            "front": {"source": "rtsp://joe-in-url:pw-in-url@127.0.0.1:9/stream"},
            "side": {"source": "http://127.0.0.1:9/video?token=token-in-query&size=640x480"},
            "back": {"source": "http://${CAMERA_LOGIN}@127.0.0.1:9/video"},
            "odd": {"source": "rtsp://u:p%40ss%2Fw0rd@127.0.0.1:9/"},
        },
        "mqtt": {"broker": "mqtt://mqtt-user@127.0.0.1:9", "password_file": str(tmp_path / "password")},
        "state_dir": str(tmp_path),
    }
    file = tmp_path / "config.yaml"
    environment = os.environ | {"PATH": f"{journal.parent}:{os.environ['PATH']}", "CAMERA_LOGIN": "me:pw-from-env"}

    def collect(**more):
        file.write_text(json.dumps(config | more))
        return edge_fer("collect-logs", "--config", str(file), env=environment)

    return collect


def test_it_holds_what_helps(report):
    ended = report()
    assert (ended.returncode, ended.stderr) == (0, "")
    for part in ("== versions", "numpy ", "== config", "faces.min_size = 48px", "== doctor", "fault", "== journal"):
        assert part in ended.stdout
    assert "camera front is online" in ended.stdout


def test_it_holds_no_secret(report):
    text = report().stdout
    assert [secret for secret in SECRETS if secret in text] == []
    assert "127.0.0.1:9/stream" in text, "what is no secret stays"
    assert "size=640x480" in text


def test_of_an_address_that_cannot_be_right_nothing_shows(report):
    raw = {"raw": {"source": "rtsp://joe-in-url:12/pw-in-url#x@127.0.0.1:9/stream"}}
    text = report(cameras=raw).stdout
    assert "write %23 for #, %2F for /" in text
    assert [secret for secret in SECRETS if secret in text] == []


def test_a_wrong_config_is_reported_and_its_secrets_are_not(report):
    ended = report(faces={"min_sise": 1})
    assert ended.returncode == 0
    assert "min_sise" in ended.stdout
    assert [secret for secret in SECRETS if secret in ended.stdout] == []


@pytest.mark.parametrize(
    "text",
    [
        "rtsp://u:hunter22@h/x",
        "http://hunter22@h/x",
        "rtsp://u:hunt@hunter22@h/x",
        "rtsp://u:a/hunter22@h/x",
        'token="hunter22"',
        "Password: hunter22",
        "http://h/?a=1&api_key=hunter22",
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text):
    assert "hunter22" not in Secrets().taken_out_of(f"before {text} after")


def test_ordinary_words_stay():
    text = (
        "mqtt.password_file = /etc/edge-fer/mqtt-password  (default), 12:30:01 camera front is online at http://h:80/x"
    )
    assert Secrets().taken_out_of(text) == text


def test_a_user_called_like_a_part_of_other_words_takes_nothing_with_it():
    secrets = Secrets(names=["edge"])
    text = secrets.taken_out_of("edge-fer 1.0, ai-edge-litert, /etc/edge-fer: the broker lets edge in (edge)")
    assert text == "edge-fer 1.0, ai-edge-litert, /etc/edge-fer: the broker lets *** in (***)"
